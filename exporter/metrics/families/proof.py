"""Families of pairs: whether the bookings of a resource are in its owner's own calendar, and the way back (calendar.md).

A pair is no target's alone, so its series carry ``pair`` and neither target nor platform; ``booking_sync_pair_info`` ties them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.metrics.families.family import (
    Family,
    Gauge,
    Histogram,
    Row,
    alike,
    all_but,
    gauge,
    gauge_of_pair,
    histogram_of_pair,
)
from exporter.proof import Arrival, Import, Proof, ProofState

Proofs = tuple[Proof, ...]


def _info(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        yield (proof.pair, proof.calendar, proof.resource), 1


def _states(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        for state in ProofState:
            yield (proof.pair, state), proof.state is state


def _since(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        yield (proof.pair,), proof.since


def _learning(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        if proof.learning is not None:
            yield (proof.pair, proof.learning), 1


def _bookings(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        for row in proof.windows:
            for arrival in Arrival:
                yield (proof.pair, row.window, arrival), row.bookings.get(arrival, 0)


def _left_behind(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        if proof.windows:
            yield (proof.pair,), proof.left_behind


def _shift(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        if proof.shift is not None:
            yield (proof.pair,), proof.shift


def _imports(proofs: Proofs) -> Iterator[Row]:
    for proof in proofs:
        if proof.imports is not None:
            for state in Import:
                yield (proof.pair, state), proof.imports.get(state, 0)


GAUGES: Final[tuple[Gauge[Proofs], ...]] = (
    gauge(
        "pair_info",
        "Always 1. Names the calendar (a target) and the resource that a pair ties together; target and platform are those of "
        "its bookings. Join with: * on (job, instance, pair) group_left (target, platform) booking_sync_pair_info.",
        "pair",
        "calendar",
        "resource",
        read=_info,
    ),
    gauge_of_pair(
        "proof_state",
        "1 for the state that a pair is in, else 0: learning (too little was seen to judge), proved (bookings arrive) or "
        "broken (they did, and one is missing). All of a pair is absent while one of its ends has no fresh data.",
        "state",
        read=_states,
    ),
    gauge_of_pair(
        "proof_state_since_timestamp_seconds",
        "Unix time in seconds since which a pair is in its state, at the latest.",
        read=_since,
    ),
    gauge_of_pair(
        "proof_learning",
        "Always 1. Why a pair is still learning: few_bookings (too few were due), none_arrives (bookings are due and none of "
        "them is busy in the calendar) or marked_free (they are there, marked as free). Absent once it has learned.",
        "reason",
        read=_learning,
    ),
    gauge_of_pair(
        "proof_bookings",
        "Bookings of a pair that begin within the window, by whether they are in the owner's calendar: pending ones are too "
        "new to be missing. While the pair is learning a missing one proves nothing. Absent where only imports are checked.",
        "window",
        "state",
        read=_bookings,
    ),
    gauge_of_pair(
        "proof_left_behind",
        "Times that are still busy in the owner's calendar although the booking that had arrived there was cancelled, and no "
        "other one explains it. Absent where the pair looks only for what is imported.",
        read=_left_behind,
    ),
    gauge_of_pair(
        "proof_shift_seconds",
        "By how many seconds all missing bookings are in the owner's calendar later than they should be, or earlier "
        "(negative), as by a wrong time zone. Absent where they are not.",
        read=_shift,
    ),
    gauge_of_pair(
        "proof_imports",
        "Busy times of the owner's calendar that no booking explains: known to the platform, missing there, or pending, which "
        "is too new to be missing. Absent where the platform has no import, and where it is not checked or not known.",
        "state",
        read=_imports,
    ),
)

LAG: Final[Histogram] = histogram_of_pair(
    "proof_lag_seconds",
    "How long after a booking was first seen on the platform it was first seen in the owner's calendar, in seconds: an upper "
    "bound, as fine as the polls of both ends. Only bookings that were seen before they had arrived.",
    buckets=(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 86_400.0),
)

COUNTERS: Final[tuple[Family, ...]] = (LAG,)


def is_same(left: Proofs, right: Proofs) -> bool:
    """Return whether :data:`GAUGES` show the same of both."""
    return alike(left, right, _shown)


_shown: Final = all_but(Proof, "at", "missing", "left", "lag", "unknown_to_platform", "arrived_in_all")
