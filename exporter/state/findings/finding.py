"""One thing that was found, and what all who look for some share.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeGuard

import msgspec
from msgspec.structs import replace

from exporter.booking_links import UnlinkedBooking
from exporter.calendar_copies import MismatchedBooking
from exporter.model import CollectorName, Conflict, Connection, GoneConnection
from exporter.platforms.advice import Advice
from exporter.policy import AcceptedReason
from exporter.private_calendar import ExternalConflict
from exporter.proof import BusyTime, MissingBooking
from exporter.state.snapshot import TargetView
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import verdict_by
from exporter.state.verdict_row import Kind, Verdict, VerdictRow


class Severity(StrEnum):
    """``critical`` wakes somebody, ``warning`` can wait for the morning; the words of the alert rules."""

    CRITICAL = "critical"
    WARNING = "warning"


class Finding(msgspec.Struct, frozen=True):
    """A row of the table of verdicts that holds, and where. Moments are Unix seconds.

    ``title`` is what is wrong, ``effect`` what became of the data for it, or how far it went there.
    ``target`` is empty for what concerns the exporter as a whole. ``subject`` is the collector, connection, resource or window.
    ``since`` is ``None`` for what lies ahead, and when we cannot know; without ``since_known`` it is that long at least.
    ``until`` is the day that a credential ends. ``detail`` quotes the failed poll. ``collector`` is whose data says so, if
    one collector's does. ``unlinked`` are the first bookings that somebody has to link, ``external`` those that private
    events overlap, ``mismatched`` those that differ from their copies; ``more`` counts those of the target that are not listed.
    ``missing`` are the first bookings that are not in their owner's calendar, ``busy`` the first times that are busy there.
    ``first`` is when the first slot begins that should not be offered. ``known`` is why it is listed and not
    judged, if the configuration says so. ``none_works`` says that no calendar of the target works: such a warning comes first.
    ``moved`` is the verdict that the configuration has instead of the row's.
    """

    row: VerdictRow
    target: str
    subject: str
    title: str
    advice: Advice
    since: float | None = None
    detail: str = ""
    reason: str = ""
    collector: CollectorName | None = None
    connection: Connection | None = None
    conflict: Conflict | None = None
    until: float | None = None
    known: AcceptedReason | None = None
    since_known: bool = True
    effect: str = ""
    unlinked: tuple[UnlinkedBooking, ...] = ()
    external: tuple[ExternalConflict, ...] = ()
    mismatched: tuple[MismatchedBooking, ...] = ()
    first: float | None = None
    missing: tuple[MissingBooking, ...] = ()
    busy: tuple[BusyTime, ...] = ()
    more: int = 0
    none_works: bool = False
    moved: Verdict | None = None

    @property
    def kind(self) -> Kind:
        """The kind of its row in the table of verdicts."""
        return self.row.kind

    @property
    def begins(self) -> float | None:
        """When the first overlap, booking or busy time begins that it names, Unix seconds; ``None`` when it names none."""
        if self.conflict is not None:
            return self.conflict.start
        ahead = self.external or self.missing or self.busy
        return ahead[0].start if ahead else None

    @property
    def headline(self) -> str:
        """The title and the effect in one English line: ``polls fail, older data shown``."""
        return f"{self.title}, {self.effect}" if self.effect else str(self.title)

    @property
    def verdict(self) -> Verdict:
        """The verdict that a user chose for its row, by default that of the table."""
        return self.row.verdict if self.moved is None else self.moved

    def judged_by(self, thresholds: Thresholds) -> Finding:
        """Return the same with the verdict that a user chose for its row."""
        verdict = verdict_by(self.row, thresholds)
        return self if verdict is self.row.verdict else replace(self, moved=verdict)

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to act: a warning, or critical."""
        return self.verdict in (Verdict.WARNING, Verdict.CRITICAL)

    @property
    def severity(self) -> Severity:
        """The verdict in the words of the alert rules. Raises :class:`KeyError` for what is no problem."""
        return Severity[self.verdict.name]


def accepted_connection(target: TargetView, connection: Connection | GoneConnection, now: float) -> AcceptedReason | None:
    """Return why the configuration accepts at ``now`` that ``connection`` of ``target`` does not work, if it does."""
    known = target.policy.accepted_connection(connection)
    return known if is_in_force(known, now) else None


def is_in_force(known: AcceptedReason | None, now: float) -> TypeGuard[AcceptedReason]:
    """Return whether ``known`` says at ``now`` that something is meant to be as it is."""
    return known is not None and known.holds(now)
