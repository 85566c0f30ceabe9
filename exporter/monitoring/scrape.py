"""How the exporter is scraped: how often, and what Prometheus takes of it.

There is no ``sample_limit``: beyond it Prometheus drops the whole page, so that one target with many series would make all
others dark. What is limited stands above all that the exporter can send, so that it only ever stops what is no page of ours.
"""

from __future__ import annotations

from typing import Final

from exporter.limits import TARGET_PAGE

TIMEOUT: Final = "10s"

LABEL_VALUE_BYTES: Final = 512
"""More than the longest value has: 100 letters, each up to four bytes of UTF-8."""

_MIB: Final = 1024 * 1024
_PROCESS_MIB: Final = 1  # what is told of the process and of no target


def body_limit(targets: int) -> str | None:
    """Return the most bytes of a page with so many targets, as Prometheus writes it, or None for no limit when there are 0."""
    return f"{targets * TARGET_PAGE.number // _MIB + _PROCESS_MIB}MB" if targets else None
