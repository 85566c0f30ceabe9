"""Sanitizing of all that platforms wrote, in one place: log, board, API, labels and terminal show the same texts.

Whatever a reader raised or read passes here, so no reader has to think of terminals, and nothing that the other side wrote
shows a credential that we hold.
"""

from __future__ import annotations

from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.errors import PollError
from exporter.limits import MESSAGE, NAME, TEXT
from exporter.model import BookingsObservation, Conflict, ConnectionsObservation, Observation
from exporter.open_slots import SlotsObservation
from exporter.paired_bookings import PairedBookings
from exporter.platforms.inventory import Inventory
from exporter.private_calendar import EventsObservation
from exporter.support.known_secrets import KnownSecrets


def sanitized_error(error: PollError, known: KnownSecrets) -> PollError:
    """Return ``error`` with its texts sanitized: credentials masked, control characters escaped, lengths capped."""
    return error.map_texts(known.sanitized, max_letters=MESSAGE.number, max_word_letters=TEXT.number)


def sanitized_observation(observation: Observation, known: KnownSecrets) -> Observation:
    """Return ``observation`` with the platform's names, booking ids and refusals sanitized.

    Its other texts are ours, or hashes.
    """
    if isinstance(observation, LinksObservation):
        return _links(observation, known) if observation.unlinked or observation.copies else observation
    if isinstance(observation, ConnectionsObservation) and (observation.probe_refused or observation.staff_refused):
        probe, staff = (
            known.sanitized(text, MESSAGE.number) for text in (observation.probe_refused, observation.staff_refused)
        )
        return replace(observation, probe_refused=probe, staff_refused=staff)
    if isinstance(observation, SlotsObservation):
        parts = {part: known.sanitized(text, MESSAGE.number) for part, text in observation.refused.items()}
        return replace(observation, refused=parts)
    if isinstance(observation, EventsObservation):
        conflicts = (replace(row, booking=known.sanitized(row.booking, NAME.number)) for row in observation.conflicts)
        return replace(observation, conflicts=tuple(conflicts))
    return _bookings(observation, known) if isinstance(observation, BookingsObservation) else observation


def _bookings(observation: BookingsObservation, known: KnownSecrets) -> BookingsObservation:
    if not (observation.resource_names or observation.conflicts or observation.marks_refused or observation.paired):
        return observation

    def name(text: str) -> str:
        return known.sanitized(text, NAME.number)

    def conflict(found: Conflict) -> Conflict:
        return replace(found, resource=name(found.resource), first=name(found.first), second=name(found.second))

    def paired(found: PairedBookings) -> PairedBookings:
        return replace(found, bookings=tuple(replace(row, id=name(row.id)) for row in found.bookings))

    names = {resource: name(text) for resource, text in observation.resource_names.items()}
    refused = known.sanitized(observation.marks_refused, MESSAGE.number)
    return replace(
        observation,
        resource_names=names,
        conflicts=tuple(map(conflict, observation.conflicts)),
        marks_refused=refused,
        paired=tuple(map(paired, observation.paired)),
    )


def _links(observation: LinksObservation, known: KnownSecrets) -> LinksObservation:
    unlinked = tuple(replace(row, booking=known.sanitized(row.booking, NAME.number)) for row in observation.unlinked)
    copies = observation.copies
    if copies is not None:
        rows = tuple(replace(row, booking=known.sanitized(row.booking, NAME.number)) for row in copies.mismatched)
        copies = replace(copies, mismatched=rows, refused=known.sanitized(copies.refused, MESSAGE.number))
    return replace(observation, unlinked=unlinked, copies=copies)


def sanitized_inventory(inventory: Inventory, known: KnownSecrets) -> Inventory:
    """Return ``inventory`` with all of its texts sanitized, as :func:`sanitized_error` does."""
    return inventory.map_texts(known.sanitized)
