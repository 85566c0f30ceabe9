"""Targets that fill every cap: the most that a platform can make of a page."""

from __future__ import annotations

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.errors import Reason
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Budget,
    CalendarType,
    CollectorName,
    Conflict,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    OperatingTime,
    Provider,
    Window,
    WindowBookings,
)
from tests.harness.views import NOW, Target, connection, failed, succeeded, target_of, unpolled

CONNECTIONS, RESOURCES, PROVIDERS, RESOURCE_SERIES = 500, 500, 50, 5000
A_LONG_TEXT = "\U0001f600" * 100
STATUSES = ("created", "pending", "confirmed", "canceled", "declined", "waiting_list", "pending_ecom_checkout")
ENTITIES = {
    "crm": ("deal", "lead", "contact", "company", "quote", "order", "invoice", "smart_invoice", "other"),
    "calendar": ("event", "other"),
    "catalog": ("sku", "other"),
    "other": ("other",),
}


def connections(number: int = CONNECTIONS) -> ConnectionsObservation:
    """Return as many broken connections, each of a provider of its own, and as many more as an answer holds."""
    rows = tuple(
        connection(
            f"{key:012x}",
            ConnectionStatus.ERROR,
            error_reason=ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED,
            calendar_type=CalendarType.UNDEFINED,
            provider=f"undefined-{key:08x}",
            schedule=f"{key:012x}",
            since=NOW - 0.1234567,
        )
        for key in range(number)
    )
    providers = tuple(Provider(f"undefined-{key:08x}", up=False) for key in range(PROVIDERS))
    return ConnectionsObservation(NOW - 30, rows, providers, rows[:1] * (10_000 - number), 200)


def windows(number: int, letters: int) -> tuple[Window, ...]:
    return tuple(Window(f"{key:02}".rjust(letters, "w"), NOW + key, NOW + key + 86_400) for key in range(number))


def site(name: str, seen: ConnectionsObservation, *, window_letters: int = 12) -> Target:
    """Return a Wix site of which everything is broken, and its bookings in fifty windows."""
    counts = tuple(
        WindowBookings(window, 200_000, conflicting=200_000, by_status=dict.fromkeys(STATUSES, 200_000))
        for window in windows(50, window_letters)
    )
    conflicts = tuple(Conflict("r" * 100, "i" * 100, "j" * 100, NOW + 60, NOW + 3_600 + key) for key in range(10))
    bookings = BookingsObservation(NOW - 30, counts, NOW + 60, measures_next=True, conflicts=conflicts)
    states = [
        failed(unpolled(name, "wix", collector), Reason.SERVER_ERROR, A_LONG_TEXT[:80], observation=observation)
        for collector, observation in ((CollectorName.CONNECTIONS, seen), (CollectorName.BOOKINGS, bookings))
    ]
    return target_of(name, "wix", states, usage=ApiUsage(budgets=(Budget("requests", 10.0, 9.5),)))


def portal(name: str, *, number: int, letters: int) -> Target:
    """Return a Bitrix24 portal with ``number`` windows and as many resources in them as are shown."""
    resources = [str(10**17 + key) for key in range(min(RESOURCES, RESOURCE_SERIES // number))]
    counts = tuple(
        WindowBookings(window, 200_000, conflicting=200_000, by_resource=dict.fromkeys(resources, 200_000))
        for window in windows(number, letters)
    )
    names = dict.fromkeys(resources, A_LONG_TEXT)
    bookings = BookingsObservation(
        NOW - 30, counts, NOW + 60, measures_next=True, resource_names=names, dropped_resources=9_000
    )
    entities = {(module, entity): 200_000_000 for module, found in ENTITIES.items() for entity in found}
    coverage = tuple(
        WindowLinks(window, (LinkAnswers(0, 200_000, 200_000, 200_000, entities),), unverified=200_000)
        for window in windows(number, letters)
    )
    answers = (CopyAnswers(0, 200_000, dict.fromkeys(MismatchKind, 200_000)),)
    mismatched = (MismatchedBooking(A_LONG_TEXT, MismatchKind.MISSING, NOW + 60),) * 10
    copies = CalendarCopies(tuple(WindowCopies(each.name, answers, 200_000) for each in windows(number, letters)), mismatched)
    states = [
        succeeded(unpolled(name, "bitrix24", CollectorName.BOOKINGS), bookings),
        succeeded(unpolled(name, "bitrix24", CollectorName.LINKS), LinksObservation(NOW - 30, coverage, copies=copies)),
    ]
    operations = ("booking.list", "booking.get", "resource.list", "externaldata.list", "batch")
    usage = ApiUsage(
        budgets=(Budget("requests", 250.0, 249.123), Budget("operating", 240.0, 239.123)),
        operating=tuple(OperatingTime(operation, 123.456, NOW + 600.123) for operation in operations),
    )
    return target_of(name, "bitrix24", states, usage=usage)
