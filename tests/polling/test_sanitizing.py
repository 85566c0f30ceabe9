"""What a platform wrote is shown as it may be: its ids, too."""

from __future__ import annotations

import msgspec

from exporter.booking_links import LinksObservation, UnlinkedBooking
from exporter.calendar_copies import CalendarCopies, MismatchedBooking, MismatchKind
from exporter.limits import MESSAGE
from exporter.model import BookingsObservation, ConnectionsObservation
from exporter.open_slots import SlotsObservation, SlotsPart
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.polling.sanitizing import sanitized_observation
from exporter.private_calendar import Cause, EventsObservation, ExternalConflict
from exporter.support.known_secrets import KnownSecrets


def test_the_id_of_a_booking_without_a_link_shows_no_secret_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    rows = (UnlinkedBooking("planted-secret-77", 1.0), UnlinkedBooking("7" * 4_000, 2.0))
    seen = sanitized_observation(LinksObservation(0.0, (), rows), known)
    assert isinstance(seen, LinksObservation)
    masked, cut = (row.booking for row in seen.unlinked)
    assert "planted" not in masked
    assert len(cut) <= 101
    assert [1.0, 2.0] == [row.start for row in seen.unlinked]


def test_why_a_check_was_refused_shows_no_secret_and_no_control_character_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    said = f"planted-secret-77 \x1b[31m {'L' * 4_000}"
    seen = sanitized_observation(BookingsObservation(0.0, (), marks_refused=said), known)
    assert isinstance(seen, BookingsObservation)
    assert "planted" not in seen.marks_refused
    assert "\x1b" not in seen.marks_refused
    assert len(seen.marks_refused) <= MESSAGE.number + 1


def test_why_probes_were_refused_shows_no_secret_and_no_control_character_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    said = f"planted-secret-77 \x1b[31m {'L' * 4_000}"
    seen = sanitized_observation(ConnectionsObservation(0.0, (), (), probe_refused=said), known)
    assert isinstance(seen, ConnectionsObservation)
    assert "planted" not in seen.probe_refused
    assert "\x1b" not in seen.probe_refused
    assert len(seen.probe_refused) <= MESSAGE.number + 1


def test_the_id_of_a_booking_that_a_private_event_overlaps_shows_no_secret_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    rows = [ExternalConflict(booking, "anna", 1.0, 2.0, Cause.UNKNOWN) for booking in ("planted-secret-77", "7" * 4_000)]
    seen = sanitized_observation(EventsObservation(0.0, (), conflicts=tuple(rows)), known)
    assert isinstance(seen, EventsObservation)
    masked, cut = (row.booking for row in seen.conflicts)
    assert "planted" not in masked
    assert len(cut) <= 101
    assert ["anna", "anna"] == [row.schedule for row in seen.conflicts]


def test_the_id_of_a_booking_that_is_compared_with_a_calendar_shows_no_secret_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    rows = tuple(PairedBooking(booking, 1.0, 2.0) for booking in ("planted-secret-77", "7" * 4_000))
    seen = sanitized_observation(BookingsObservation(0.0, (), paired=(PairedBookings("Anna", 0.0, 9.0, rows),)), known)
    assert isinstance(seen, BookingsObservation)
    masked, cut = (row.id for row in seen.paired[0].bookings)
    assert "planted" not in masked
    assert len(cut) <= 101
    assert [(1.0, 2.0)] * 2 == [(row.start, row.end) for row in seen.paired[0].bookings]


def test_of_each_field_of_the_private_events_it_is_known_whose_text_it_is() -> None:
    fields = {field.name for field in msgspec.structs.fields(EventsObservation)}
    assert {"conflicts", "unheard"} | {"at", "windows", "imports", "providers", "next_conflict", "paired"} == fields
    of_conflict = {field.name for field in msgspec.structs.fields(ExternalConflict)}
    assert {"booking"} | {"schedule", "start", "end", "cause"} == of_conflict


def test_why_slots_were_refused_shows_no_secret_and_no_control_character_and_is_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    said = f"planted-secret-77 \x1b[31m {'L' * 4_000}"
    seen = sanitized_observation(SlotsObservation(0.0, (), refused=dict.fromkeys(SlotsPart, said)), known)
    assert isinstance(seen, SlotsObservation)
    for text in seen.refused.values():
        assert "planted" not in text
        assert "\x1b" not in text
        assert len(text) <= MESSAGE.number + 1


def test_of_each_field_of_the_slots_it_is_known_whose_text_it_is() -> None:
    fields = {field.name for field in msgspec.structs.fields(SlotsObservation)}
    assert {"refused"} | {"at", "services", "schedules", "unknown_services", "dropped_schedules"} == fields


def test_copies_show_no_secret_and_no_control_character_and_are_cut() -> None:
    known = KnownSecrets()
    known.hold("key", ["planted-secret-77"])
    said = f"planted-secret-77 \x1b[31m {'L' * 4_000}"
    rows = tuple(MismatchedBooking(booking, MismatchKind.MOVED, 1.0) for booking in ("planted-secret-77", "7" * 4_000))
    copies = CalendarCopies(mismatched=rows, refused=said)
    seen = sanitized_observation(LinksObservation(0.0, (), copies=copies), known)
    assert isinstance(seen, LinksObservation)
    assert seen.copies is not None
    masked, cut = (row.booking for row in seen.copies.mismatched)
    assert [] == [text for text in (masked, seen.copies.refused) if "planted" in text or "\x1b" in text]
    assert (True, True) == (len(cut) <= 101, len(seen.copies.refused) <= MESSAGE.number + 1)


OF_THE_PLATFORM = {"conflicts", "resource_names", "marks_refused", "paired"}
OURS = {"at", "windows", "next_booking", "measures_next", "dropped_resources", "next_conflict", "platform_conflicts"}
OF_THE_CONFIGURATION = {"unknown_resources", "unknown_accepted"}


def test_of_each_field_of_the_bookings_it_is_known_whose_text_it_is() -> None:
    fields = {field.name for field in msgspec.structs.fields(BookingsObservation)}
    assert fields == OF_THE_PLATFORM | OURS | OF_THE_CONFIGURATION


OF_LINKS = {"at", "windows"}
SANITIZED_OF_LINKS = {"unlinked", "copies"}


def test_of_each_field_of_the_links_it_is_known_whose_text_it_is() -> None:
    assert {field.name for field in msgspec.structs.fields(LinksObservation)} == OF_LINKS | SANITIZED_OF_LINKS
