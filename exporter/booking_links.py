"""The frozen values about what bookings are tied to: entities of a CRM, events of the staff's calendar.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporter.calendar_copies import CalendarCopies
from exporter.value import Value, Window


class LinkAnswers(Value, frozen=True, gc=False):
    """What the portal answered in one poll about bookings of a window: with a CRM entity, without one, in a staff's calendar.

    ``age`` is by how many seconds that poll began before the one of the observation; 0 for its own answers. ``by_entity``
    maps (module, entity_type) in lower case to a number of links.
    """

    age: float
    linked: int
    unlinked: int
    calendar_linked: int
    by_entity: Mapping[tuple[str, str], int]


class WindowLinks(Value, frozen=True, gc=False):
    """Link coverage of one window: the sum of what ``answers`` say, each at its own age.

    ``unverified`` counts the bookings whose answer is too old to be among them.
    """

    window: Window
    answers: tuple[LinkAnswers, ...]
    unverified: int = 0
    complete: bool = True

    @property
    def linked(self) -> int:
        """The number of bookings that are tied to a CRM entity."""
        return sum(row.linked for row in self.answers)

    @property
    def unlinked(self) -> int:
        """The number of bookings that are tied to no CRM entity."""
        return sum(row.unlinked for row in self.answers)

    @property
    def calendar_linked(self) -> int:
        """The number of bookings that are tied to a calendar event."""
        return sum(row.calendar_linked for row in self.answers)

    @property
    def by_entity(self) -> Mapping[tuple[str, str], int]:
        """The number of links by module and entity type."""
        total: dict[tuple[str, str], int] = {}
        for row in self.answers:
            for entity, number in row.by_entity.items():
                total[entity] = total.get(entity, 0) + number
        return total

    def is_unverified(self, share: float) -> bool:
        """Return whether a greater ``share`` of the window's bookings is unverified: then its numbers say little."""
        return self.unverified > share * (self.unverified + self.linked + self.unlinked)

    def verified_within(self, seconds: float) -> WindowLinks:
        """Return this coverage without the answers of a greater ``age``; their bookings are unverified."""
        fresh = tuple(row for row in self.answers if row.age <= seconds)
        withdrawn = sum(row.linked + row.unlinked for row in self.answers if row.age > seconds)
        return WindowLinks(self.window, fresh, self.unverified + withdrawn, self.complete)


class UnlinkedBooking(Value, frozen=True, gc=False):
    """A booking that is tied to no CRM entity: its id on the platform as text, and when it begins (Unix seconds)."""

    booking: str
    start: float


class LinksObservation(Value, frozen=True, gc=False):
    """Link coverage at ``at``, when the poll began. ``unlinked`` are the next bookings without a link, soonest first.

    ``copies`` is ``None`` where no booking was ever seen to have one, and where they are not compared.
    """

    at: float
    windows: tuple[WindowLinks, ...]
    unlinked: tuple[UnlinkedBooking, ...] = ()
    copies: CalendarCopies | None = None

    def verified_within(self, seconds: float) -> LinksObservation:
        """Return the same without the answers of a greater age."""
        windows = tuple(row.verified_within(seconds) for row in self.windows)
        return msgspec.structs.replace(self, windows=windows, copies=self.copies and self.copies.verified_within(seconds))
