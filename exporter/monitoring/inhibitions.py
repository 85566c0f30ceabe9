"""Which alert keeps which other one back: one message for one cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.monitoring.promql import TENANT_LABELS


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that matches ``source`` fires, those that match ``target`` and agree on ``equal`` are not notified."""

    source: Sequence[str]
    target: Sequence[str]
    equal: Sequence[str]
    comment: str


def _names(*names: str) -> str:
    return f'alertname =~ "{"|".join(names)}"'


_OF_CONNECTIONS = ("BookingSyncConnection.+", "BookingSyncAllConnectionsFailing", "BookingSyncErrorBudgetBurn")
_OF_BOOKINGS = (
    "BookingSyncDoubleBooking",
    "BookingSyncNoBookingsAhead",
    "BookingSyncIntakeSilent",
    "BookingSyncUnlinkedBookings",
)
_BLIND = _names("BookingSyncDataExpired", "BookingSyncAccessDenied")
# A label that neither side has counts as equal; so an installation without clusters or namespaces loses nothing.
_SAME_TARGET = (*TENANT_LABELS, "job", "target")

INHIBITIONS = (
    Inhibition(
        ['alertname = "BookingSyncExporterDown"'],
        ['alertname =~ "BookingSync.+"', 'alertname != "BookingSyncExporterDown"'],
        ["job"],
        "The exporter is down: whatever else is known of its job is old. absent() gives the alert no other label than job.",
    ),
    Inhibition(
        ['alertname = "BookingSyncPlatformDown"'],
        [_names("BookingSyncDataExpired", "BookingSyncDataStale", "BookingSyncAccessDenied", "BookingSyncApiLimited")],
        [*TENANT_LABELS, "job", "platform"],
        "One page for the platform instead of one for each of its targets.",
    ),
    Inhibition(
        ['alertname = "BookingSyncAccessDenied"'],
        ['alertname = "BookingSyncDataExpired"'],
        [*_SAME_TARGET, "collector"],
        "Refused access says why the data is missing.",
    ),
    Inhibition(
        [_names("BookingSyncAccessDenied", "BookingSyncApiLimited")],
        ['alertname = "BookingSyncDataStale"'],
        [*_SAME_TARGET, "collector"],
        "The refusal or the limit says why the data is old. Missing data still pages: a limit is a ticket.",
    ),
    Inhibition(
        ['alertname = "BookingSyncApiLimited"'],
        ['alertname = "BookingSyncApiBudgetLow"'],
        _SAME_TARGET,
        "Whoever is refused has nothing left.",
    ),
    Inhibition(
        [_BLIND, 'collector = "connections"'],
        [_names(*_OF_CONNECTIONS, "BookingSyncProviderDown")],
        _SAME_TARGET,
        "Nothing is known about the connections of this target.",
    ),
    Inhibition(
        [_BLIND, 'collector = "bookings"'],
        [_names(*_OF_BOOKINGS)],
        _SAME_TARGET,
        "Nothing is known about the bookings of this target.",
    ),
    Inhibition(
        [_BLIND, 'collector = "links"'],
        [_names("BookingSyncUnlinkedBookings", "BookingSyncLinksUnverified")],
        _SAME_TARGET,
        "Nothing is known about the links; what the bookings themselves show stands.",
    ),
    Inhibition(
        ['alertname = "BookingSyncProviderDown"'],
        ['alertname = "BookingSyncConnectionsVanished"'],
        _SAME_TARGET,
        "The connections of a provider that fails leave the page when they are too old. Single connections, errors and double\n"
        "bookings are not silenced: the other providers' data is fresh.",
    ),
    Inhibition(
        ['alertname = "BookingSyncAllConnectionsFailing"'],
        [_names("BookingSyncConnection.+", "BookingSyncErrorBudgetBurn")],
        _SAME_TARGET,
        "One incident for the target instead of a ticket for each connection.",
    ),
    Inhibition(
        ['alertname = "BookingSyncErrorBudgetBurn"', 'severity = "critical"'],
        ['alertname = "BookingSyncErrorBudgetBurn"', 'severity = "warning"'],
        [*_SAME_TARGET, "slo"],
        "The page makes the ticket about the same budget superfluous.",
    ),
)
