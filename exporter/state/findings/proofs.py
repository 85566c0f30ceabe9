"""What is found in pairs: bookings that are not in their owner's calendar, and what the platform does not know of it.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from exporter.model import Message
from exporter.proof import Arrival, BusyTime, Import, Learning, MissingBooking, Proof
from exporter.state import pair_advice as advice
from exporter.state.findings.finding import Finding
from exporter.state.snapshot import TargetView
from exporter.state.verdict_proof import (
    CALENDAR_NOT_BLOCKING,
    CALENDAR_SHIFTED,
    CANCELLED_IN_CALENDAR,
    NEVER_LEARNT_SECONDS,
    NOT_IN_CALENDAR_LATER,
    NOT_IN_CALENDAR_SOON,
    PROOF_NEVER_LEARNT,
    SOON_SECONDS,
)
from exporter.state.verdict_row import VerdictRow

_NOT_THERE: Final = Message("bookings are missing in the owner's calendar")


def of_pairs(target: TargetView, now: float) -> Iterator[Finding]:
    """Yield what is found at ``now`` in the pairs whose bookings are those of ``target``."""
    for proof in target.pairs:
        if proof.judges:
            yield from _of_exports(target.name, proof, now)
        elif proof.learning is not Learning.FEW_BOOKINGS and now - proof.since >= NEVER_LEARNT_SECONDS:
            if proof.learning is Learning.MARKED_FREE:
                title, fix = Message("a pair proves nothing: bookings arrive marked as free"), advice.MARKED_FREE
            else:
                title, fix = Message("a pair proves nothing: no booking arrives as a busy time"), advice.NONE_ARRIVES
            yield Finding(PROOF_NEVER_LEARNT, target.name, proof.pair, title, fix, since=proof.since, since_known=False)
        if proof.imports is not None and (number := proof.imports.get(Import.MISSING, 0)):
            yield _of_busy(
                Finding(
                    CALENDAR_NOT_BLOCKING,
                    target.name,
                    proof.pair,
                    Message("the platform does not know when the owner is busy"),
                    advice.NOT_BLOCKING,
                    effect=Message("%(number)s busy time", "%(number)s busy times", number=number),
                ),
                proof.unknown_to_platform,
                number,
            )


def _of_exports(target: str, proof: Proof, now: float) -> Iterator[Finding]:
    soon = proof.number("next_24h", Arrival.MISSING)
    later = proof.number("next_7d", Arrival.MISSING) - soon
    next_ones = tuple(row for row in proof.missing if row.start - now < SOON_SECONDS)
    if soon:
        effect = Message("%(number)s booking of the next 24 hours", "%(number)s bookings of the next 24 hours", number=soon)
        yield _of_missing(NOT_IN_CALENDAR_SOON, target, proof, next_ones, effect)
    if proof.shift is not None:
        yield _shifted(target, proof)
    elif later > 0:
        effect = Message("%(number)s booking of the next 7 days", "%(number)s bookings of the next 7 days", number=later)
        rest = tuple(row for row in proof.missing if row not in next_ones)
        yield _of_missing(NOT_IN_CALENDAR_LATER, target, proof, rest, effect)
    if proof.left_behind:
        title = Message("cancelled bookings are still in the owner's calendar")
        effect = Message("%(number)s busy time", "%(number)s busy times", number=proof.left_behind)
        finding = Finding(CANCELLED_IN_CALENDAR, target, proof.pair, title, advice.LEFT_BEHIND, effect=effect)
        yield _of_busy(finding, proof.left, proof.left_behind)


def _of_missing(row: VerdictRow, target: str, proof: Proof, missing: tuple[MissingBooking, ...], effect: Message) -> Finding:
    return Finding(
        row,
        target,
        proof.pair,
        _NOT_THERE,
        advice.NOT_IN_CALENDAR if proof.shift is None else advice.SHIFTED,
        since=min((one.since for one in missing), default=None),
        effect=effect,
        missing=missing,
        more=max(0, int(effect.arguments["number"]) - len(missing)),
    )


def _shifted(target: str, proof: Proof) -> Finding:
    shift = proof.shift or 0.0
    minutes = round(abs(shift) / 60)
    late = Message("%(number)s minute too late", "%(number)s minutes too late", number=minutes)
    early = Message("%(number)s minute too early", "%(number)s minutes too early", number=minutes)
    return Finding(
        CALENDAR_SHIFTED,
        target,
        proof.pair,
        Message("bookings are in the owner's calendar at another time"),
        advice.SHIFTED,
        since=min((one.since for one in proof.missing), default=None),
        effect=late if shift > 0 else early,
        missing=proof.missing,
        more=max(0, proof.number("next_7d", Arrival.MISSING) - len(proof.missing)),
    )


def _of_busy(finding: Finding, times: tuple[BusyTime, ...], number: int) -> Finding:
    since = min((one.since for one in times), default=None)
    return replace(finding, since=since, busy=times, more=max(0, number - len(times)))
