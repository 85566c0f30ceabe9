"""What a platform wrote is shown as it may be: its ids, too."""

from __future__ import annotations

from exporter.model import LinksObservation, UnlinkedBooking
from exporter.polling.sanitizing import sanitized_observation
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
