"""What the texts of several alerts share, as templates of Prometheus: a number, a moment, a target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from exporter.model import Message
from exporter.monitoring.language import MOMENT
from exporter.monitoring.promql import JOB_LABELS

TARGET: Final = Message("{{ $labels.target }}{{ with $labels.site }} (site {{ . }}){{ end }}")
"""A target and the site that it serves, if one is known."""

NUMBER: Final = '{{ . | first | value | printf "%.0f" }}'
MOMENT_THEN: Final = f'{{{{ (. | first | value | toTime).Local.Format "{MOMENT}" }}}}'
"""What prints the answer of :func:`if_known`, as a number and as a moment."""

_WAIT_FIRST: Final = re.compile(r"(?:Wait: |Nothing )[^.]*\. If [^,.]*\blasts\b[^,.]*, (\w)")
_AND_LASTS: Final = re.compile(r"(\bIf [^,.]*), and it lasts\b[^,.]*,")


def once_it_lasts(fix: str) -> str:
    """Return ``fix`` without the advice to wait at first: whoever reads it in an alert has been waited for already."""
    return _AND_LASTS.sub(r"\1,", _WAIT_FIRST.sub(lambda found: found[1].upper(), fix, count=1))


def number(metric: str, labels: Sequence[str] = (), *, operator: str = "max") -> str:
    """Return a template that prints the greatest value of ``metric`` where it has the alert's ``labels``, "" where none has.

    ``operator`` makes one number of several in another way: "sum", or "count" for how many there are.
    """
    return f"{if_known(metric, labels, operator)}{NUMBER}{{{{ end }}}}"


def moment(metric: str, labels: Sequence[str] = (), *, operator: str = "max") -> str:
    """Return a template that prints a moment which ``metric`` tells in Unix seconds, "" where nobody tells one.

    ``labels`` are those of the alert that the series has, too; installation and job always agree. ``operator`` chooses among
    several: "min" for a state that one replica has seen for longer than another, "max" for a last success. 0 is no moment: it
    stands for what has never been, such as the last success of a target whose credential was changed.
    """
    return f"{if_known(metric, labels, operator, where=' > 0')}{MOMENT_THEN}{{{{ end }}}}"


def state_began(*labels: str) -> str:
    """Return a template that prints since when a connection has its status, as the replica knows it that saw it first."""
    metric = "booking_sync_connection_status_since_timestamp_seconds"
    return moment(metric, ("target", "platform", "connection", *labels), operator="min")


def last_answer(*labels: str) -> str:
    """Return a template that prints when a target, or its ``collector``, last answered well; "" where it never did."""
    return moment("booking_sync_collector_last_success_timestamp_seconds", ("target", "platform", *labels))


def if_known(metric: str, labels: Sequence[str] = (), operator: str = "max", where: str = "") -> str:
    """Return the head of a block of a template that is printed where ``metric`` has a value, and ends with ``{{ end }}``.

    ``where`` is a comparison that the value has to stand, too.
    """
    agreed = (*JOB_LABELS, *labels)
    # Both sides may lack a label: "" matches a series without it. %q quotes odd names as PromQL does.
    matchers = ",".join(f"{label}=%q" for label in agreed)
    values = " ".join(f"$labels.{label}" for label in agreed)
    return f"{{{{ with printf `{operator}(last_over_time({metric}{{{matchers}}}[5m])){where}` {values} | query }}}}"
