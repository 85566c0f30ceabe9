"""Alerts about connections that no status tells of: their access, the calendars that they import, accounts that they share."""

from __future__ import annotations

from exporter.model import Message
from exporter.monitoring.alerts.alert import Alert, AlertGroup, AlertSeverity, Choice, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.connections import CONNECTION_LINK, WHICH
from exporter.monitoring.alerts.wording import TARGET
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import with_connection, with_site
from exporter.monitoring.rules.calendar_checks import SHARING, UNPROTECTED, where_the_site_has_connections
from exporter.monitoring.rules.connections import CALENDAR_MISSING, PROBE_FAILED
from exporter.state import advice
from exporter.state.verdict_row import Kind

_AFTER_A_START = "15m"
"""In ten minutes after its start an exporter has probed every connection: until then its last answer counts."""


def calendar_check_alerts(options: Options) -> AlertGroup:
    """Return the alerts about what the checks of the calendar connections find."""
    return AlertGroup(
        "booking-sync-calendar-check-alerts",
        (
            *with_chosen_severity(options, Kind.CONNECTION_PROBE_FAILED, _probe_failed()),
            *with_chosen_severity(options, Kind.IMPORT_CALENDAR_MISSING, _calendar_missing()),
            *with_chosen_severity(options, Kind.ACCOUNT_SHARED, _shared()),
            *with_chosen_severity(options, Kind.STAFF_UNPROTECTED, _staff()),
        ),
    )


def _probe_failed() -> Alert:
    return Alert(
        name="BookingSyncConnectionProbeFailed",
        expr=with_connection(f"max_over_time({PROBE_FAILED}[{_AFTER_A_START}])"),
        hold="5m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="A synced calendar cannot be read.",
        until_morning="Slots that are taken in this calendar can be booked a second time.",
        description=Message("%(which)s is said to work, but Wix can no longer read its calendars.", which=WHICH),
        fix=advice.PROBE_FAILED.fix,
        link=CONNECTION_LINK,
        comment="Each connection is probed about once an hour, so that one failed probe is enough.",
    )


def _calendar_missing() -> Alert:
    return Alert(
        name="BookingSyncConnectionCalendarMissing",
        expr=with_connection(f"max_over_time({CALENDAR_MISSING}[{_AFTER_A_START}])"),
        hold="15m",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="A connection does not import its calendars.",
        until_morning="Slots that are taken in the calendar that is not imported can be booked a second time.",
        description=Message(
            "%(which)s imports from no calendar, or from one that no longer exists in the external account.", which=WHICH
        ),
        fix=advice.CHOSEN_CALENDAR_GONE.fix,
        link=CONNECTION_LINK,
    )


def _shared() -> Alert:
    return Alert(
        name="BookingSyncConnectionsShareAccount",
        expr=with_site(f"max_over_time({SHARING}[5m])"),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="One calendar account is connected to several schedules.",
        until_morning="Free slots may be blocked, and bookings may appear as appointments of somebody else.",
        description=counted(
            "%(count)s connection of %(target)s shares its external account with another schedule.",
            "%(count)s connections of %(target)s share their external account with another schedule.",
            target=TARGET,
        ),
        fix=advice.ACCOUNT_SHARED.fix,
        comment="A state of the configuration at Wix, and no incident: it may have been so for years.",
    )


def _staff() -> Alert:
    told = {reason.value: found.fix for reason, found in advice.UNPROTECTED.items()}
    return Alert(
        name="BookingSyncStaffUnprotected",
        expr=with_site(where_the_site_has_connections(f"max_over_time({UNPROTECTED}[{_AFTER_A_START}])")),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="Staff take bookings without an import.",
        until_morning="Customers can book times at which these staff members have a personal appointment.",
        description=counted(
            "%(count)s staff member of %(target)s takes bookings without a working import: {{ $labels.reason }}.",
            "%(count)s staff members of %(target)s take bookings without a working import: {{ $labels.reason }}.",
            target=TARGET,
        ),
        fix=Choice("reason", told),
        comment="One ticket for each reason: it may have been so for years. What a connection's own alert tells is left out.",
    )
