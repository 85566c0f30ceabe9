"""Alerts about bookable slots: those that are offered over private events, and services without any."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.monitoring.alerts.alert import Alert, AlertSeverity, FixedBy
from exporter.monitoring.alerts.chosen import with_chosen_severity
from exporter.monitoring.alerts.wording import TARGET
from exporter.monitoring.language import counted
from exporter.monitoring.options import Options
from exporter.monitoring.promql import with_site
from exporter.monitoring.rules.slots import NONE_OPEN, OVER_BUSY
from exporter.state import advice
from exporter.state.verdict_row import Kind


def slot_alerts(options: Options) -> Iterator[Alert]:
    """Yield the alerts about bookable slots."""
    yield _over_busy()
    yield from with_chosen_severity(options, Kind.NO_OPEN_SLOTS, _none_open())


def _over_busy() -> Alert:
    return Alert(
        name="BookingSyncSlotsOverBusy",
        expr=with_site(f"last_over_time({OVER_BUSY}[5m])"),
        hold="10m",
        keep="5m",
        severity=AlertSeverity.CRITICAL,
        fixed_by=FixedBy.CALENDAR_OWNER,
        summary="Customers are offered times at which the staff is busy.",
        until_morning="Each of these slots can become a double booking before the morning; block their times by hand.",
        description=counted(
            "%(count)s bookable slot of %(target)s within the next 48 hours lies over a private event.",
            "%(count)s bookable slots of %(target)s within the next 48 hours lie over private events, counted once for "
            "each person whom a slot names.",
            target=TARGET,
        ),
        fix=advice.SLOTS_OVER_BUSY.fix,
        comment="Nobody has booked them yet. Slots are read twice an hour; an event counts 15 minutes after it was first seen.",
    )


def _none_open() -> Alert:
    return Alert(
        name="BookingSyncNoOpenSlots",
        expr=with_site(f"last_over_time({NONE_OPEN}[5m])"),
        hold="1h",
        severity=AlertSeverity.WARNING,
        fixed_by=FixedBy.ADMINISTRATOR,
        summary="A service has no time that customers can book.",
        until_morning="Customers who look for a time in the next seven days find none and go elsewhere.",
        description=counted(
            "%(count)s service of %(target)s has no slot within the next 7 days that a customer can book.",
            "%(count)s services of %(target)s have no slot within the next 7 days that a customer can book.",
            target=TARGET,
        ),
        fix=advice.NO_OPEN_SLOTS.fix,
        comment="A service that is fully booked has none either; where that is usual, its severity can be chosen.",
    )
