"""Alerts about the bookings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.fields.durations import format_duration
from exporter.model import Message
from exporter.monitoring.alerts.alert import FORGETS, Alert, AlertGroup, AlertSeverity, Choice, Dashboard, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.copies import copy_alerts
from exporter.monitoring.alerts.events import event_alerts
from exporter.monitoring.alerts.slots import slot_alerts
from exporter.monitoring.alerts.wording import MOMENT_THEN, TARGET, if_known
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import in_promql, newest, recent, with_site
from exporter.monitoring.rules.bookings import BOOKINGS, CONFLICTS, MARKED, OF_SITE, VANISHED_5M
from exporter.monitoring.rules.many import EMPTY, Symptom
from exporter.state import bounds
from exporter.state.thresholds import DEFAULTS
from exporter.state.verdict_row import Kind

_DAY: Final = 86_400.0
# In the zone of Prometheus (`TZ`), which is named; the board that the alert links has the time on the salon's clock.
_IF_KNOWN = if_known("booking_sync_next_conflict_timestamp_seconds", ("target", "platform"))


def booking_alerts(options: Options) -> AlertGroup:
    """Return the alerts about what the booking data say."""
    return AlertGroup(
        "booking-sync-booking-alerts",
        (
            *_conflicts(options),
            *_marks(options),
            *event_alerts(options),
            *slot_alerts(options),
            *copy_alerts(options),
            *_volume(options),
            *_consistency(options),
        ),
    )


def _conflicts(options: Options) -> tuple[Alert, ...]:
    soon, later = options.thresholds.conflict_soon, _overlap("next_7d")
    within_a_week = Message(
        "{{ $value }} bookings of %(target)s within the next 7 days overlap%(if_known)s, first on %(moment)s{{ end }}.",
        target=TARGET,
        if_known=_IF_KNOWN,
        moment=MOMENT_THEN,
    )
    within_a_day = Message(
        "{{ $value }} bookings of %(target)s within the next 24 hours overlap%(if_known)s, first on %(moment)s{{ end }}.",
        target=TARGET,
        if_known=_IF_KNOWN,
        moment=MOMENT_THEN,
    )
    # A window of its own counts no others; of another time the number is that of the week.
    expr, description = (_overlap("next_24h"), within_a_day) if soon == DEFAULTS.conflict_soon else (_soon(soon), within_a_week)
    until_morning = (
        "No customer is affected before tomorrow; one of them has to be offered another time."
        if soon >= _DAY
        else Message("If the overlap begins before the morning, two customers come for one appointment.")
    )
    fix = (
        "The status board names the bookings, the resource and the time. The front desk moves or cancels one of them and "
        "informs its customer; then the exporter's operator looks for the calendar connection that failed. If the resource may "
        "serve several at a time, the exporter's operator lists it in `overlapping_resources`."
    )
    summary = "Bookings overlap on one resource."
    return (
        Alert(
            name="BookingSyncDoubleBooking",
            expr=with_site(expr),
            hold=format_duration(bounds.CONFLICT_SOON.hold),
            keep="5m",
            severity=AlertSeverity.CRITICAL,
            fixed_by=FixedBy.FRONT_DESK,
            summary=summary,
            until_morning="Two customers come for one appointment at the named time; inform one of them before that.",
            description=description,
            fix=fix,
        ),
        *with_chosen_severity(
            options,
            Kind.CONFLICT,
            Alert(
                name="BookingSyncDoubleBooking",
                expr=with_site(later),
                hold="1h",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.FRONT_DESK,
                summary=summary,
                until_morning=until_morning,
                description=within_a_week,
                fix=fix,
                comment="It continues when the page begins, which inhibits it: a ticket that ends would look like an "
                "all-clear.",
            ),
        ),
    )


def _marks(options: Options) -> Iterator[Alert]:
    return with_chosen_severity(
        options,
        Kind.CONFLICT_MARKED,
        Alert(
            name="BookingSyncDoubleBookingMarked",
            expr=with_site(f'last_over_time({MARKED}{{window="next_7d"}}[5m]) > 0'),
            hold="15m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.FRONT_DESK,
            summary="Wix marks bookings as double-booked.",
            until_morning="The marks do not say which bookings overlap or when; it may be before the morning.",
            description=counted(
                "Wix marks %(count)s booking of %(target)s within the next 7 days as double-booked. The exporter does not "
                "read the bookings, so it does not know which.",
                "Wix marks %(count)s bookings of %(target)s within the next 7 days as double-booked. The exporter does not "
                "read the bookings, so it does not know which.",
                target=TARGET,
            ),
            fix=(
                "The front desk looks for overlapping bookings in the Wix calendar and moves or cancels one of each two; then "
                "the exporter's operator looks for the calendar connection that failed. With `conflicts: true` the exporter "
                "names the bookings. Where such overlaps are intended, the operator writes `platform_conflicts: false`."
            ),
            comment="Only where the exporter does not compare the bookings itself. How soon Wix renews its marks is not known.",
        ),
    )


def _overlap(window: str) -> str:
    return f'last_over_time({CONFLICTS}{{window="{window}"}}[5m]) > 0'


def _soon(seconds: float) -> str:
    """Return a condition on the bookings that overlap so soon."""
    begins = newest(
        "\n  last_over_time(booking_sync_next_conflict_timestamp_seconds[5m])\n"
        "  - ignoring (target, platform) group_left () last_over_time(booking_sync_time_seconds[5m])\n"
    )
    return f"{_overlap('next_7d')}\nand ignoring (window) ({begins} < {in_promql(seconds)})"


def _volume(options: Options) -> tuple[Alert, ...]:
    gone = f"sum_over_time({VANISHED_5M}[1h:5m])"
    return (
        Alert(
            name="BookingSyncNoBookingsAhead",
            expr=recent(f'{EMPTY}{{symptom="{Symptom.NOTHING_AHEAD}"}}'),
            hold="30m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            labels=FORGETS,
            summary="A calendar that was busy is empty.",
            until_morning="If the calendar is broken, customers cannot book, and existing bookings may be lost.",
            description="{{ $labels.target }} has no booking in the next 7 days; a week ago it had at least 10.",
            fix=(
                "An administrator of the account checks whether the bookings, services, staff and opening hours are still "
                "there; the exporter's operator adds days of a planned closure to `closed` of the target."
            ),
        ),
        *with_chosen_severity(
            options,
            Kind.INTAKE_SILENT,
            Alert(
                name="BookingSyncIntakeSilent",
                expr=recent(f'{EMPTY}{{symptom=~"{Symptom.NOTHING_NEW_FOR_A_DAY}|{Symptom.NOTHING_NEW_FOR_HOURS}"}}'),
                hold="1h",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.ADMINISTRATOR,
                labels=FORGETS,
                summary="No new bookings arrive.",
                until_morning="If the form is broken, customers who want to book cannot.",
                description=Choice(
                    "symptom",
                    {
                        Symptom.NOTHING_NEW_FOR_HOURS: (
                            "{{ $labels.target }} got no new booking for four hours; in the same hours of each of the last "
                            "three weeks it got at least 8."
                        ),
                        Symptom.NOTHING_NEW_FOR_A_DAY: Message(
                            "{{ $labels.target }} got no new booking for a day; on the same day last week it got at least "
                            "%(least)s.",
                            least=options.thresholds.intake_silent_least,
                        ),
                    },
                ),
                fix=(
                    "An administrator of the account makes a test booking as a customer would, then repairs the form, the "
                    "payment or the opening hours; the exporter's operator adds days of a planned closure to `closed` of the "
                    "target."
                ),
                comment="Only where the exporter could have seen them.",
            ),
        ),
        Alert(
            name="BookingSyncBookingsVanished",
            expr=(f"{gone} >= 10\nand {gone} > 0.5 * max without (window) (last_over_time({BOOKINGS}[5m] offset 1h))"),
            hold="5m",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            labels=FORGETS,
            summary="Many bookings vanished.",
            until_morning="Customers whose bookings were lost come without being expected.",
            description=(
                "{{ $value }} bookings of {{ $labels.target }} were cancelled, deleted or moved out of the windows within an "
                "hour, more than half of its bookings."
            ),
            fix=(
                "An administrator of the account finds out who removed the bookings, stops the integration if it was one, and "
                "enters the bookings again before customers come."
            ),
        ),
    )


def _consistency(options: Options) -> tuple[Alert, ...]:
    links = options.thresholds
    ahead = f'last_over_time({OF_SITE}{{window="next_7d"}}[5m])'
    most, least = f"max without (platform) ({ahead})", f"min without (platform) ({ahead})"
    return (
        *with_chosen_severity(
            options,
            Kind.UNLINKED_BOOKINGS,
            Alert(
                name="BookingSyncUnlinkedBookings",
                expr=(
                    'min_over_time(target_window:booking_sync_unlinked_bookings:ratio{window="next_7d"}[5m])'
                    f" > {links.unlinked_bookings_share:.15g}\n"
                    'and last_over_time(target_window:booking_sync_links_verified_bookings:sum{window="next_7d"}[5m])'
                    f" >= {links.unlinked_bookings_least}"
                ),
                hold="2h",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.ADMINISTRATOR,
                summary="Many bookings have no CRM link.",
                until_morning="The sales team does not see these customers; the bookings themselves are correct.",
                description=(
                    "{{ $value | humanizePercentage }} of the bookings of {{ $labels.target }} in the next 7 days have no link "
                    "to a CRM entity."
                ),
                fix=(
                    "A portal administrator repairs the automation that creates the links, then the sales team links the "
                    "bookings by hand."
                ),
                comment="Unverified bookings are in neither number; the others must be a large enough sample.",
            ),
        ),
        *with_chosen_severity(
            options,
            Kind.LINKS_UNVERIFIED,
            Alert(
                name="BookingSyncLinksUnverified",
                expr=(
                    "min_over_time(target_window:booking_sync_links_unverified_bookings:ratio[5m])"
                    f" > {links.links_unverified_share:.15g}"
                ),
                hold="1h",
                severity=AlertSeverity.WARNING,
                fixed_by=FixedBy.OPERATOR,
                summary="Links to the CRM are checked too seldom.",
                until_morning="Bookings without a link to the CRM are found late; the bookings themselves are correct.",
                description=(
                    "For {{ $value | humanizePercentage }} of the bookings of {{ $labels.target }} in {{ $labels.window }} it "
                    "is not known whether they are linked to the CRM: their links were last read longer ago than `max_age`."
                ),
                fix=(
                    "The exporter's operator raises `verify_calls` or `max_age` of the collector `links`, or narrows its "
                    "window; where more than half of the operating time is used, raises its interval or "
                    "`budget.operating_seconds`."
                ),
            ),
        ),
        Alert(
            name="BookingSyncPlatformDrift",
            expr=(
                f"({most} - {least}) / ({most} > 0) > 0.2\n"
                f"and {most} - {least} >= 5\n"
                f"and count without (platform) ({ahead}) >= 2"
            ),
            hold="1h",
            severity=AlertSeverity.WARNING,
            fixed_by=FixedBy.ADMINISTRATOR,
            summary="Two platforms of one business disagree.",
            until_morning="Slots that are taken on one platform can be booked a second time on the other.",
            description=(
                "The numbers of bookings in the next 7 days differ by {{ $value | humanizePercentage }} between the platforms "
                "of {{ $labels.site }}."
            ),
            fix=(
                "An administrator of both accounts compares the days on the two platforms, repairs the integration that copies "
                "bookings, and enters the missing ones by hand."
            ),
            board=Dashboard.FLEET,
            link=("job",),
        ),
    )
