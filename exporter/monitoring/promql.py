"""The few words of PromQL that rules and panels share."""

from __future__ import annotations

REPLICA_LABELS = ("instance", "pod", "container", "endpoint")
"""Labels that tell replicas apart. They go first, always with ``without``, so that a user's own labels survive."""

TENANT_LABELS = ("cluster", "namespace")
"""Labels that tell installations apart, for the two places where PromQL or Alertmanager wants labels named."""


def newest(expression: str, operator: str = "max") -> str:
    """Return ``expression`` with replicas folded into one; for gauges that all replicas see alike."""
    return f"{operator} without ({', '.join(REPLICA_LABELS)}) ({expression})"


def total(expression: str, *also_without: str) -> str:
    """Return the sum over replicas (and over ``also_without``); for rates and increases of counters."""
    return f"sum without ({', '.join((*REPLICA_LABELS, *also_without))}) ({expression})"
