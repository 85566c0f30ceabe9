"""Alerts about the connections and bookings of many targets at once: one message for one cause."""

from __future__ import annotations

from exporter.model import ConnectionStatus, Message
from exporter.monitoring.alerts.alert import FORGETS, Alert, AlertGroup, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.alerts.chosen import severity_of
from exporter.monitoring.alerts.connections import connection_fix
from exporter.monitoring.alerts.wording import NUMBER, if_known
from exporter.monitoring.options import Options
from exporter.monitoring.rules.extent import FEW, MANY
from exporter.monitoring.rules.many import (
    BROKE_BESIDES_TARGETS,
    DOWN_AT_ONCE,
    DOWN_TARGETS,
    EMPTY_TARGETS,
    NEW_ERRORS,
    WITH_BOOKINGS,
    WITH_CONNECTIONS,
    many_down,
    part,
)
from exporter.state.verdict_row import Kind

_KEEP = "20m"
"""Longer than the last of the single alerts that it keeps back."""


def many_alerts(options: Options) -> AlertGroup:
    """Return the alerts about what befalls the connections and bookings of many targets."""
    return AlertGroup("booking-sync-many-alerts", (*_connections(options), _calendars(options)))


def _lately(affected: str, many: str, minutes: int = 0) -> str:
    """Return ``affected`` (a recorded number per platform) while it is of many targets, or was within the last hour.

    It is of many when ``many`` holds for more than so many ``minutes``. The hour is for the recovery: of forty that were down
    the last four are no new incident.
    """
    return f"last_over_time({affected}[5m])\nand count_over_time((\n  {many}\n)[1h:1m]) > {minutes}"


def _connections(options: Options) -> tuple[Alert, ...]:
    summary = "Many calendars need their owners."
    first = (
        "The exporter's operator looks at the status page of the platform and of the calendar provider and asks who changed "
        "the account: a fault of many calendars has one cause. The calendars' owners fix the rest. "
    )
    owners = connection_fix(ConnectionStatus.ERROR, None)
    fix = f"{first}{owners}" if isinstance(owners, str) else first.strip()
    return (
        Alert(
            name="BookingSyncManyConnectionsNeedOwner",
            expr=(
                f"last_over_time({BROKE_BESIDES_TARGETS}[5m]) >= {FEW}\nor\n"
                f"last_over_time({DOWN_TARGETS}[5m])\nand max_over_time({DOWN_AT_ONCE}[1h])\nor\n"
                + _lately(DOWN_TARGETS, many_down(), minutes=4)
            ),
            hold="",
            keep=_KEEP,
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.CALENDAR_OWNER,
            summary=summary,
            until_morning="Few or no calendars of these targets block slots: slots that are taken can be booked a second time.",
            description=Message(
                "{{ if $labels.besides }}Calendars broke in {{ $value }} more {{ $labels.platform }} targets, over an hour "
                "after those of other targets.{{ else }}In {{ $value }}%(if_known)s of %(all)s{{ end }} {{ $labels.platform "
                "}} targets no calendar works any more, or few do.{{ end }}",
                if_known=if_known(WITH_CONNECTIONS, ("platform",)),
                all=NUMBER,
            ),
            fix=fix,
            board=Dashboard.FLEET,
            link=("job",),
            comment="One page instead of one for each of a thousand targets. A hold would begin anew with Prometheus; those\n"
            "of the pages that it keeps back go on. With `besides`: what nobody fixes hides no other incident.",
        ),
        Alert(
            name="BookingSyncManyConnectionsNeedOwner",
            expr=_lately(NEW_ERRORS, f"{part(NEW_ERRORS, FEW, WITH_CONNECTIONS, 0.1, 'reason')}\n  or {NEW_ERRORS} >= {MANY}"),
            hold="5m",
            keep=_KEEP,
            severity=severity_of(options, Kind.CONNECTION_ERROR),
            fixed_by=FixedBy.CALENDAR_OWNER,
            labels={"reason": "{{ $labels.reason }}"},
            summary=summary,
            until_morning="These calendars block no slots: slots that are taken there can be booked a second time.",
            description=Message(
                "In {{ $value }}%(if_known)s of %(all)s{{ end }} {{ $labels.platform }} targets a connection that worked "
                "within a day stopped: {{ $labels.reason }}.",
                if_known=if_known(WITH_CONNECTIONS, ("platform",)),
                all=NUMBER,
            ),
            fix=fix,
            board=Dashboard.FLEET,
            link=("job",),
            comment="The reason is written out, so that it is no duplicate of the rule above where both are pages.",
        ),
    )


def _calendars(options: Options) -> Alert:
    return Alert(
        name="BookingSyncManyCalendarsEmpty",
        expr=_lately(EMPTY_TARGETS, f"{part(EMPTY_TARGETS, FEW, WITH_BOOKINGS, 0.2)}\n  or {EMPTY_TARGETS} >= {MANY}"),
        hold="10m",
        keep=_KEEP,
        severity=severity_of(options, Kind.INTAKE_SILENT),
        fixed_by=FixedBy.ADMINISTRATOR,
        labels=FORGETS,
        summary="Many calendars are empty.",
        until_morning="Nothing if it is a holiday; otherwise customers may not be able to book anywhere.",
        description=Message(
            "{{ $value }}%(if_known)s of %(all)s{{ end }} {{ $labels.platform }} targets have no bookings ahead or get no "
            "new ones, unlike in the weeks before.",
            if_known=if_known(WITH_BOOKINGS, ("platform",)),
            all=NUMBER,
        ),
        fix=(
            "An administrator of the accounts checks whether it is a holiday; if it is, the exporter's operator adds the day "
            "to `closed` of the targets. If it is not, the administrator makes a test booking as a customer would."
        ),
        board=Dashboard.FLEET,
        link=("job",),
        comment="A public holiday, or a fault of the platform: one ticket instead of one for each target.",
    )
