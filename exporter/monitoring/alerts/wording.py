"""The words that the texts of several alerts share, as templates of Prometheus: a count, a number, a moment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from exporter.monitoring.promql import TENANT_LABELS

MOMENT = "Mon 2 Jan 15:04 MST"
"""How a moment is written, in Go's words. Its zone is that of the server which writes it (`TZ`), and is named."""

_WAIT_FIRST: Final = re.compile(r"Nothing [^.]*\. If [^,.]*\blasts\b[^,.]*, (\w)")


def once_it_lasts(fix: str) -> str:
    """Return ``fix`` without the advice to wait at first: whoever reads it in an alert has been waited for already."""
    return _WAIT_FIRST.sub(lambda found: found[1].upper(), fix, count=1)


def counted(one: str, many: str, value: str = "$value") -> str:
    """Return a template that prints "1 poll" or "2 polls".

    ``value`` is rounded to what is shown: `increase()` extrapolates, and 1.03 polls are one.
    """
    shown = f'printf "%.0f" {value}'
    return f'{{{{ {shown} }}}} {{{{ if eq ({shown}) "1" }}}}{one}{{{{ else }}}}{many}{{{{ end }}}}'


def number(metric: str, labels: Sequence[str] = (), *, operator: str = "max", before: str = "") -> str:
    """Return a template that prints the greatest value of ``metric`` where it has the alert's ``labels``, "" where none has.

    ``operator`` makes one number of several in another way: "sum", or "count" for how many there are. ``before`` is printed
    in front of a number.
    """
    return _asked(operator, metric, labels, f'{before}{{{{ . | first | value | printf "%.0f" }}}}')


def moment(metric: str, labels: Sequence[str] = (), *, operator: str = "max", before: str = "") -> str:
    """Return a template that prints a moment which ``metric`` tells in Unix seconds, "" where nobody tells one.

    ``labels`` are those of the alert that the series has, too; installation and job always agree. ``operator`` chooses among
    several: "min" for a state that one replica has seen for longer than another, "max" for a last success. ``before`` is
    printed in front of a moment.
    """
    return _asked(operator, metric, labels, f'{before}{{{{ (. | first | value | toTime).Local.Format "{MOMENT}" }}}}')


def state_began(*labels: str) -> str:
    """Return a template that prints since when a connection has its status, as the replica knows it that saw it first."""
    metric = "booking_sync_connection_status_since_timestamp_seconds"
    return moment(metric, ("target", "platform", "connection", *labels), operator="min")


def last_answer(*labels: str) -> str:
    """Return a template that prints when a target, or its ``collector``, last answered well; "" where it never did."""
    return moment("booking_sync_collector_last_success_timestamp_seconds", ("target", "platform", *labels))


def _asked(operator: str, metric: str, labels: Sequence[str], show: str) -> str:
    agreed = ("job", *TENANT_LABELS, *labels)
    # Both sides may lack a label: "" matches a series without it. %q quotes odd names as PromQL does.
    matchers = ",".join(f"{label}=%q" for label in agreed)
    values = " ".join(f"$labels.{label}" for label in agreed)
    return f"{{{{ with printf `{operator}(last_over_time({metric}{{{matchers}}}[5m]))` {values} | query }}}}{show}{{{{ end }}}}"
