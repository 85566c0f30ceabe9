"""Alerts about private events: bookings that they overlap, and imports that no longer bring anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.fields.durations import format_duration
from exporter.model import Message
from exporter.monitoring.alerts.alert import FORGETS, Alert, AlertSeverity, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.wording import MOMENT_THEN, TARGET, if_known, moment
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import in_promql, newest, with_site
from exporter.monitoring.rules.events import BOOKED_OVER, NOT_BLOCKED, SUSPECT
from exporter.private_calendar import ImportFault
from exporter.state import bounds
from exporter.state.thresholds import DEFAULTS
from exporter.state.verdict_row import Kind

_DAY: Final = 86_400.0
_NEXT: Final = "booking_sync_next_external_conflict_timestamp_seconds"
_IF_KNOWN: Final = if_known(_NEXT, ("target", "platform"))
_WHICH: Final = Message(
    "Connection {{ $labels.connection }} of %(target)s",
    target=TARGET,
)
_CONNECTION: Final = Message(
    "connection {{ $labels.connection }} of %(target)s",
    target=TARGET,
)
_SINCE: Final = moment(
    "booking_sync_external_events_last_change_timestamp_seconds", ("target", "platform", "connection"), operator="min"
)
_LINK: Final = ("job", "target", "connection")


def event_alerts(options: Options) -> Iterator[Alert]:
    """Yield the alerts about private events."""
    yield from _not_blocked(options)
    yield from with_chosen_severity(options, Kind.BOOKED_OVER, _booked_over())
    yield from with_chosen_severity(options, Kind.IMPORT_SILENT, _silent())
    yield from with_chosen_severity(options, Kind.IMPORT_FROZEN, _frozen())
    yield from with_chosen_severity(options, Kind.IMPORT_SHORTENED, _shortened())
    yield from with_chosen_severity(options, Kind.HEARTBEAT_MISSING, _heartbeat())


def _not_blocked(options: Options) -> Iterator[Alert]:
    soon = options.thresholds.external_conflict_soon
    summary = "A private event does not block a booking."
    within_a_day = counted(
        "%(count)s booking of %(target)s within the next 24 hours lies over a private event%(if_known)s, first on "
        "%(moment)s{{ end }}.",
        "%(count)s bookings of %(target)s within the next 24 hours lie over private events%(if_known)s, first on "
        "%(moment)s{{ end }}.",
        target=TARGET,
        if_known=_IF_KNOWN,
        moment=MOMENT_THEN,
    )
    within_a_week = counted(
        "%(count)s booking of %(target)s within the next 7 days lies over a private event%(if_known)s, first on "
        "%(moment)s{{ end }}.",
        "%(count)s bookings of %(target)s within the next 7 days lie over private events%(if_known)s, first on "
        "%(moment)s{{ end }}.",
        target=TARGET,
        if_known=_IF_KNOWN,
        moment=MOMENT_THEN,
    )
    fix = (
        "The status board names the booking, the schedule and the time. The front desk asks the person who is to serve it "
        "which of the two stands, then moves the booking or has the private event moved. The calendar's owner reconnects the "
        "calendar."
    )
    expr, description = (
        (_over("next_24h"), within_a_day)
        if soon == DEFAULTS.external_conflict_soon
        else (
            f"{_over('next_7d')}\nand ignoring (window) ({_begins()} < {in_promql(soon)})",
            within_a_week,
        )
    )
    yield Alert(
        name="BookingSyncExternalConflict",
        expr=with_site(expr),
        hold=format_duration(bounds.EXTERNAL_CONFLICT_SOON.hold),
        keep="5m",
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.FRONT_DESK,
        summary=summary,
        until_morning="A customer comes at the named time and nobody is there; ask whoever is to serve them before that.",
        description=description,
        fix=fix,
    )
    yield from with_chosen_severity(
        options,
        Kind.EXTERNAL_CONFLICT,
        Alert(
            name="BookingSyncExternalConflict",
            expr=with_site(_over("next_7d")),
            hold="1h",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.FRONT_DESK,
            summary=summary,
            until_morning=(
                "No customer is affected before tomorrow; the booking or the private event has to be moved."
                if soon >= _DAY
                else "If the booking begins before the morning, a customer comes and nobody is there."
            ),
            description=within_a_week,
            fix=fix,
            comment="It continues when the page begins, which inhibits it: a ticket that ends would look like an all-clear.",
        ),
    )


def _booked_over() -> Alert:
    return Alert(
        name="BookingSyncBookedOver",
        expr=with_site(f'last_over_time({BOOKED_OVER}{{window="next_7d"}}[5m]) > 0'),
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.FRONT_DESK,
        summary="A private event was put over a booking.",
        until_morning="If the booking begins before the morning, a customer may come and nobody is there.",
        description=counted(
            "The staff of %(target)s put a private event over %(count)s booking of the next 7 days.",
            "The staff of %(target)s put private events over %(count)s bookings of the next 7 days.",
            target=TARGET,
        ),
        fix=(
            "The status board names the bookings and the schedule. The front desk tells the person who is to serve them; this "
            "person moves the private event, or the front desk moves the booking and informs its customer."
        ),
        comment="The calendar connection works: the booking was there first, so no page.",
    )


def _silent() -> Alert:
    return Alert(
        name="BookingSyncImportSilent",
        expr=_suspect(ImportFault.SILENT),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="No private events come through any more.",
        since=_SINCE,
        until_morning="If the calendar is not empty, slots that are taken in it can be booked a second time.",
        description=Message("%(which)s had private events for a week and now has none for the next 7 days.", which=_WHICH),
        fix=(
            "The calendar's owner looks whether the calendar has events in the next days. If it has, they reconnect it. If it "
            "stays empty, the exporter's operator lists the connection under `accepted`."
        ),
        link=_LINK,
    )


def _frozen() -> Alert:
    return Alert(
        name="BookingSyncImportFrozen",
        expr=_suspect(ImportFault.FROZEN),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="Private events no longer change.",
        since=_SINCE,
        until_morning="New events of this calendar may not reach the site, so that their time can be booked.",
        description=Message(
            "The private events of %(which)s have not changed for much longer than ever before.", which=_CONNECTION
        ),
        fix=(
            "The calendar's owner adds an event, looks some time later whether the site keeps this time free, and reconnects "
            "the calendar if it does not. If nothing in this calendar changes for weeks, the exporter's operator lists the "
            "connection under `accepted`."
        ),
        link=_LINK,
    )


def _shortened() -> Alert:
    return Alert(
        name="BookingSyncImportShortened",
        expr=_suspect(ImportFault.SHORTENED),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        labels=FORGETS,
        summary="Private events end sooner than before.",
        since=_SINCE,
        until_morning="Later events of this calendar may not reach the site, so that their time can be booked.",
        description=Message("The private events of %(which)s end much sooner than the day before.", which=_CONNECTION),
        fix=(
            "The calendar's owner looks whether the calendar has later events. If it has and the site does not keep their time "
            "free, they reconnect the calendar."
        ),
        link=_LINK,
        comment="It is compared with the day before, so it ends after two days, whatever was done.",
    )


def _heartbeat() -> Alert:
    return Alert(
        name="BookingSyncHeartbeatMissing",
        expr=_suspect(ImportFault.HEARTBEAT),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="The heartbeat of a calendar does not arrive.",
        until_morning="New events of this calendar may not reach the site, so that their time can be booked.",
        description=Message("The heartbeat of %(which)s does not arrive, or only an old one does.", which=_CONNECTION),
        fix=(
            "The calendar's owner looks whether the event is in the calendar at the time that the exporter's configuration "
            "names. If it is, they reconnect the calendar. If it is not, they enter it again, or whoever runs the script that "
            "writes it starts the script again. If it is no longer wanted, the exporter's operator removes it under "
            "`heartbeats`."
        ),
        link=_LINK,
        comment="An owner who moves it by hand has the hour that this waits.",
    )


def _over(window: str) -> str:
    return f'last_over_time({NOT_BLOCKED}{{window="{window}"}}[5m]) > 0'


def _begins() -> str:
    return newest(
        f"\n  last_over_time({_NEXT}[5m])\n"
        "  - ignoring (target, platform) group_left () last_over_time(booking_sync_time_seconds[5m])\n"
    )


def _suspect(fault: ImportFault) -> str:
    return with_site(f'last_over_time({SUSPECT}{{reason="{fault}"}}[5m])')
