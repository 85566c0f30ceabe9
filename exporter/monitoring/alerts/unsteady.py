"""Alerts about what comes and goes: no outage of it lasts until a page is due, so that nothing else tells of it."""

from __future__ import annotations

from typing import Final

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.alerts.targets import with_credential
from exporter.monitoring.alerts.wording import NUMBER, if_known
from exporter.monitoring.language import counted
from exporter.monitoring.rules.extent import a_part_or_most
from exporter.monitoring.rules.shared import PLATFORM_TARGETS
from exporter.monitoring.rules.unsteady import UNSTEADY, UNSTEADY_TARGETS

_LOOK: Final = (
    "The exporter's operator looks in its log for the reason: timeouts mixed with errors point to a proxy or a load balancer "
    "with a dead backend, refusals to a session that expires, timeouts alone to a `timeout` that is too short"
)
_UNTIL_MORNING: Final = (
    "The data that is shown is late by minutes again and again; if these targets stop answering, an alert pages."
)


def unsteady_alerts() -> AlertGroup:
    """Return the alerts about targets and platforms that come and go."""
    return AlertGroup("booking-sync-unsteady-alerts", (_platform(), _target()))


def _platform() -> Alert:
    many = a_part_or_most(UNSTEADY_TARGETS, PLATFORM_TARGETS)
    return Alert(
        name="BookingSyncPlatformUnsteady",
        expr=f"last_over_time({UNSTEADY_TARGETS}[5m])\nand count_over_time((\n  {many}\n)[1h:1m]) > 9",
        hold="",
        keep="5m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="Many targets of a platform fail and recover again and again.",
        until_morning=_UNTIL_MORNING,
        description=Message(
            "{{ $value }}%(if_known)s of %(all)s{{ end }} {{ $labels.platform }} targets fail for minutes and recover, three "
            "times within two hours or more.",
            if_known=if_known(PLATFORM_TARGETS, ("platform",)),
            all=NUMBER,
        ),
        fix=(
            f"{_LOOK}. What these targets have in common comes first: the proxy, the host's network, the platform's status "
            "page."
        ),
        board=Dashboard.FLEET,
        link=("job",),
        comment="One ticket instead of one for each target, ten minutes after they are many and before theirs; it lasts until\n"
        "the last of them is steady, for an hour at most after they were many.",
    )


def _target() -> Alert:
    return Alert(
        name="BookingSyncTargetUnsteady",
        expr=with_credential(f"last_over_time({UNSTEADY}[5m])"),
        hold="30m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.OPERATOR,
        summary="A target fails and recovers again and again.",
        until_morning=_UNTIL_MORNING,
        description=counted(
            "{{ $labels.target }} began to fail %(count)s time within two hours and recovered, each time before it would have "
            "paged.",
            "{{ $labels.target }} began to fail %(count)s times within two hours and recovered, each time before it would "
            "have paged.",
        ),
        fix=f"{_LOOK}.",
    )
