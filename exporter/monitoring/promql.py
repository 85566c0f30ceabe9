"""The few words of PromQL that rules and panels share."""

from __future__ import annotations

REPLICA_LABELS = ("instance", "pod", "container", "endpoint")
"""Labels that tell replicas apart. They go first, always with ``without``, so that a user's own labels survive."""

TENANT_LABELS = ("cluster", "namespace")
"""Labels that tell installations apart, for the two places where PromQL or Alertmanager wants labels named."""


RECENT = "3m"
"""How old a sample may be that a board shows: three scrapes at 60 s, so that one failed scrape changes nothing, also while the
next one is under way."""


def recent(selector: str, window: str = RECENT, *, offset: str = "") -> str:
    """Return the newest sample of the last three minutes (or of ``window``), for boards.

    A failed scrape ends every series of the exporter at once, and those recorded from them; Prometheus' own look-back of five
    minutes does not help there.
    """
    return f"last_over_time({selector}[{window}]{f' offset {offset}' if offset else ''})"


def one_per(expression: str, *labels: str) -> str:
    """Return one series where several differ only in ``labels``, so that a join on the others cannot fail."""
    return f"topk without ({', '.join(labels)}) (1, {expression})"


def newest(expression: str, operator: str = "max") -> str:
    """Return ``expression`` with replicas folded into one; for gauges that all replicas see alike."""
    return f"{operator} without ({', '.join(REPLICA_LABELS)}) ({expression})"


def total(expression: str) -> str:
    """Return the sum over replicas; for rates and increases of counters."""
    return f"sum without ({', '.join(REPLICA_LABELS)}) ({expression})"
