"""What ``/api/v1/status`` says of pairs, made of values of the state."""

from __future__ import annotations

from collections.abc import Iterable

from exporter import proof
from exporter.support.local_time import local
from exporter.web.moments import moment_of
from exporter.web.proof_types import BusyTime, NotInCalendar, Pair, PairWindow, SilentPair


def pair_documents(pairs: Iterable[proof.Proof], zone: str) -> tuple[Pair, ...]:
    """Return ``pairs`` as they are shown to people in ``zone``."""
    return tuple(
        Pair(
            pair=row.pair,
            resource=row.resource,
            calendar=row.calendar,
            at=moment_of(row.at),
            state=row.state,
            since=moment_of(row.since),
            learning=row.learning,
            windows=tuple(PairWindow(window=one.window, bookings=dict(one.bookings)) for one in row.windows),
            missing=missing_documents(row.missing, zone),
            left_behind=row.left_behind,
            left=busy_documents(row.left, zone),
            shift_seconds=row.shift,
            lag_seconds=row.lag,
            imports=None if row.imports is None else dict(row.imports),
            unknown_to_platform=busy_documents(row.unknown_to_platform, zone),
            arrived_in_all=row.arrived_in_all,
        )
        for row in pairs
    )


def silent_documents(pairs: Iterable[proof.SilentPair]) -> tuple[SilentPair, ...]:
    """Return the ``pairs`` that say nothing as they are shown to people."""
    return tuple(SilentPair(pair=row.pair, resource=row.resource, calendar=row.calendar, lacking=row.lacking) for row in pairs)


def missing_documents(rows: Iterable[proof.MissingBooking], zone: str) -> tuple[NotInCalendar, ...]:
    """Return bookings that are not in their owner's calendar as they are shown to people in ``zone``."""
    return tuple(
        NotInCalendar(
            booking=row.booking,
            start=moment_of(row.start),
            end=moment_of(row.end),
            local_start=local(row.start, zone),
            since=moment_of(row.since),
        )
        for row in rows
    )


def busy_documents(rows: Iterable[proof.BusyTime], zone: str) -> tuple[BusyTime, ...]:
    """Return busy times of a calendar as they are shown to people in ``zone``."""
    return tuple(
        BusyTime(
            start=moment_of(row.start), end=moment_of(row.end), local_start=local(row.start, zone), since=moment_of(row.since)
        )
        for row in rows
    )
