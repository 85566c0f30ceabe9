"""Alerts about pairs: bookings that are not in their owner's calendar, and what the platform does not know of it."""

from __future__ import annotations

from dataclasses import replace

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Dashboard, FixedBy
from exporter.monitoring.alerts.chosen import severity_of, with_chosen_severity
from exporter.monitoring.alerts.wording import NUMBER, TARGET, if_known
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.rules.extent import FEW, MANY
from exporter.monitoring.rules.many import part
from exporter.monitoring.rules.proof import (
    LEFT,
    NOT_THERE,
    NOT_THERE_TARGETS,
    PAIRED_TARGETS,
    SHIFTED,
    UNKNOWN,
    UNLEARNT,
    with_paired_site,
)
from exporter.state import pair_advice as advice
from exporter.state.verdict_row import Kind

_MISSING = "Bookings are not in their calendar."
_BOARD = "The status board names the pair, the booking and the time."


def proof_alerts(options: Options) -> AlertGroup:
    """Return the alerts about what pairs show."""
    return AlertGroup(
        "booking-sync-proof-alerts",
        (
            _many(),
            *_not_there(options),
            *with_chosen_severity(options, Kind.CALENDAR_SHIFTED, _shifted()),
            *with_chosen_severity(options, Kind.CALENDAR_NOT_BLOCKING, _not_blocking()),
            *with_chosen_severity(options, Kind.CANCELLED_IN_CALENDAR, _left_behind()),
            _never_learnt(),
        ),
    )


def _many() -> Alert:
    many = f"{part(NOT_THERE_TARGETS, FEW, PAIRED_TARGETS, 0.1)}\n  or {NOT_THERE_TARGETS} >= {MANY}"
    return Alert(
        name="BookingSyncManyBookingsNotInCalendar",
        expr=f"last_over_time({NOT_THERE_TARGETS}[5m])\nand count_over_time((\n  {many}\n)[1h:1m]) > 4",
        hold="",
        keep="30m",
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="Bookings are missing in the calendars of many owners.",
        until_morning=(
            "Customers of many businesses come at times of which the people do not know who look into their calendars."
        ),
        description=Message(
            "In {{ $value }}%(if_known)s of %(all)s{{ end }} {{ $labels.platform }} targets with pairs, bookings of the next "
            "24 hours are not in their owners' calendars.",
            if_known=if_known(PAIRED_TARGETS, ("platform",)),
            all=NUMBER,
        ),
        fix=(
            "An administrator of the accounts looks at the status pages of the booking platform and of the calendar server: a "
            "fault of many calendars has one cause. The front desks tell the people who are to serve these bookings."
        ),
        board=Dashboard.FLEET,
        link=("job",),
        comment="One page for a sync that stopped instead of one for each target. A hold would begin anew with Prometheus.",
    )


def _not_there(options: Options) -> tuple[Alert, ...]:
    later = Alert(
        name="BookingSyncBookingNotInCalendar",
        expr=with_paired_site(f'last_over_time({NOT_THERE}{{window="next_7d"}}[5m])'),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary=_MISSING,
        until_morning="No customer is affected before tomorrow; the bookings have to arrive in the calendar by then.",
        description=counted(
            "%(count)s booking of %(target)s within the next 7 days is not in its owner's calendar.",
            "%(count)s bookings of %(target)s within the next 7 days are not in their owners' calendars.",
            target=TARGET,
        ),
        fix=f"{_BOARD} {advice.NOT_IN_CALENDAR.fix}",
        comment="It continues when the page begins, which inhibits it: a ticket that ends would look like an all-clear.",
    )
    soon = replace(
        later,
        expr=with_paired_site(f'last_over_time({NOT_THERE}{{window="next_24h"}}[5m])'),
        hold="15m",
        keep="5m",
        severity=AlertSeverity.CRITICAL,
        until_morning="A customer comes, and who looks into this calendar does not know it; tell that person before.",
        description=counted(
            "%(count)s booking of %(target)s within the next 24 hours is not in its owner's calendar.",
            "%(count)s bookings of %(target)s within the next 24 hours are not in their owners' calendars.",
            target=TARGET,
        ),
        comment="Only of pairs whose bookings were seen to arrive, and past `grace`. One page for all pairs of a target.",
    )
    if severity_of(options, Kind.BOOKING_NOT_IN_CALENDAR) is AlertSeverity.CRITICAL:
        # One page for all of them, or the two would be the same alert.
        return (replace(soon, expr=later.expr, description=later.description),)
    return (soon, *with_chosen_severity(options, Kind.BOOKING_NOT_IN_CALENDAR, later))


def _shifted() -> Alert:
    return Alert(
        name="BookingSyncCalendarShifted",
        expr=with_paired_site(f"last_over_time({SHIFTED}[5m])"),
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="Bookings are at another time in calendars.",
        until_morning="Whoever looks into this calendar comes too early or too late for the bookings of the next morning.",
        description=counted(
            "All missing bookings of %(count)s pair of %(target)s are in the calendar by the same time too early or too late.",
            "All missing bookings of %(count)s pairs of %(target)s are in the calendar by the same time too early or too late.",
            target=TARGET,
        ),
        fix=f"The status board says by how many minutes. {advice.SHIFTED.fix}",
        comment="The classic of a wrong time zone. Bookings of the next 24 hours page by themselves.",
    )


def _not_blocking() -> Alert:
    return Alert(
        name="BookingSyncCalendarNotBlocking",
        expr=with_paired_site(f"last_over_time({UNKNOWN}[5m])"),
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="A calendar does not block bookings.",
        until_morning="Customers can book times at which the owner of the calendar is busy.",
        description=counted(
            "%(target)s does not know of %(count)s time at which the calendar of its staff says busy.",
            "%(target)s does not know of %(count)s times at which the calendars of its staff say busy.",
            target=TARGET,
        ),
        fix=advice.NOT_BLOCKING.fix,
        comment="The exporter reads the calendar itself, and what the platform has imported of it: two readers of one truth.",
    )


def _left_behind() -> Alert:
    return Alert(
        name="BookingSyncCancelledBookingStillInCalendar",
        expr=with_paired_site(f"last_over_time({LEFT}[5m])"),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="Cancelled bookings are still in calendars.",
        until_morning="Nobody comes at these times, and nobody can book them where the calendar blocks bookings.",
        description=counted(
            "%(count)s time of a cancelled booking of %(target)s is still busy in its owner's calendar.",
            "%(count)s times of cancelled bookings of %(target)s are still busy in their owners' calendars.",
            target=TARGET,
        ),
        fix=advice.LEFT_BEHIND.fix,
    )


def _never_learnt() -> Alert:
    return Alert(
        name="BookingSyncProofNeverLearnt",
        expr=with_paired_site(f"last_over_time({UNLEARNT}[5m])"),
        hold="1h",
        severity=AlertSeverity.INFO,
        fixed_by=FixedBy.OPERATOR,
        summary="A pair proves nothing.",
        until_morning="Nothing: the pair tells of nothing missing, neither rightly nor wrongly.",
        description=counted(
            "%(count)s pair of %(target)s has seen no booking arrive for a week, although bookings were due.",
            "%(count)s pairs of %(target)s have seen no booking arrive for a week, although bookings were due.",
            target=TARGET,
        ),
        fix=advice.NONE_ARRIVES.fix,
        comment="Only displayed. Where copies are marked as free it stays so, and the status board says that.",
    )
