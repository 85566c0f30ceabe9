"""The few words of PromQL that rules and panels share."""

from __future__ import annotations

from collections.abc import Sequence

REPLICA_LABELS = ("instance", "pod", "container", "endpoint")
"""Labels that tell replicas apart. They go first, always with ``without``, so that a user's own labels survive."""

TYPE_LABELS = ("__type__", "__unit__")
"""What Prometheus 3 may add to each sample (`type-and-unit-labels`): a gauge and a counter agree on nothing that has them.

Arithmetic and most functions take them away again, so that a series does not even meet what was made of it.
"""

OF_ANY_TYPE = f"ignoring ({', '.join(TYPE_LABELS)})"
"""How two series meet that agree on all other labels."""

FOLDED_LABELS = (*REPLICA_LABELS, *TYPE_LABELS)
"""What no recorded series carries: folded before anything is joined."""

TENANT_LABELS = ("cluster", "namespace")
"""Labels that tell installations apart, for the two places where PromQL or Alertmanager wants labels named."""

JOB_LABELS = ("job", *TENANT_LABELS)
TARGET_LABELS = (*JOB_LABELS, "target", "platform")
OF_TARGET = f"on ({', '.join(TARGET_LABELS)})"
"""How series meet that are about the same target."""


def of_jobs(jobs: Sequence[str]) -> str:
    """Return the matcher that selects what these jobs brought."""
    if len(jobs) == 1:
        return f'job="{jobs[0]}"'
    # A backslash stands twice in a string of PromQL. Names hold no other sign that a regular expression would take.
    names = "|".join(job.replace(".", r"\\.") for job in jobs)
    return f'job=~"{names}"'


RECENT = "3m"
"""How old a sample may be that a board shows: three scrapes at 60 s, so that one failed scrape changes nothing, also while the
next one is under way."""


def recent(selector: str, window: str = RECENT, *, offset: str = "") -> str:
    """Return the newest sample of the last three minutes (or of ``window``), for boards.

    A failed scrape ends every series of the exporter at once, and those recorded from them; Prometheus' own look-back of five
    minutes does not help there.
    """
    return f"last_over_time({selector}[{window}]{f' offset {offset}' if offset else ''})"


def in_promql(seconds: float) -> str:
    """Return a number of seconds as people count them, ``14 * 24 * 60 * 60`` or ``90 * 60``: rules hold no other."""
    for size, unit in ((86_400, " * 24 * 60 * 60"), (60, " * 60")):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.15g}"


def one_per(expression: str, *labels: str) -> str:
    """Return one series where several differ only in ``labels``, so that a join on the others cannot fail."""
    return f"topk without ({', '.join(labels)}) (1, {expression})"


def newest(expression: str, operator: str = "max") -> str:
    """Return ``expression`` with replicas folded into one; for gauges that all replicas see alike."""
    return f"{operator} without ({', '.join(FOLDED_LABELS)}) ({expression})"


def total(expression: str) -> str:
    """Return the sum over replicas; for rates and increases of counters."""
    return f"sum without ({', '.join(FOLDED_LABELS)}) ({expression})"


def with_label(label: str, info: str, expression: str, *, tied: str = OF_TARGET) -> str:
    """Return ``expression`` with the label that the recorded series ``info`` has, where it is known."""
    one = one_per(f"last_over_time({info}[5m])", label)
    return f"({expression})\n* {tied} group_left ({label}) {one}\nor ignoring ({label})\n({expression})"


SITE = "target:booking_sync_target_site:info"
CONNECTION = "connection:booking_sync_connection:info"
"""Recorded series whose labels say what people know a target and a connection by: its site, its type of calendar."""


def with_site(expression: str) -> str:
    """Return ``expression`` (one series per target, or several) with the label ``site`` where the target has one."""
    return with_label("site", SITE, expression)


def with_connection(expression: str, *labels: str) -> str:
    """Return ``expression`` (series of connections, with ``labels`` of their own) with ``calendar_type`` and ``site``.

    What is not known adds nothing and takes nothing away: an alert does not depend on what only names its subject.
    """
    named = one_per(f"last_over_time({CONNECTION}[5m])", "calendar_type", "site")
    tied = f"ignoring ({', '.join((*labels, 'calendar_type', 'site'))}) group_left (calendar_type, site)"
    return f"({expression})\n* {tied} {named}\nor ignoring (calendar_type, site)\n({expression})"
