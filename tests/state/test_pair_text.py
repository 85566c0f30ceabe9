"""What the state file says of a pair."""

from __future__ import annotations

import json

import msgspec
import pytest

from exporter.limits import STATE_FILE_PAIR
from exporter.proof import ProofState
from exporter.state.pair_memory import GoneBooking, KnownBooking, NoMemories, PairMemory, UnknownTime
from exporter.state.pair_text import pair_of, pair_text
from tests.harness.pairs import HOUR, MINUTE, Kept, Scene, hours

NOW = 1_790_000_000.0
MEMORY = PairMemory(
    "0a1b2c3d4e5f",
    NOW,
    ProofState.BROKEN,
    NOW - 900,
    proved=True,
    bookings={
        "5f4e3d2c1b0a": KnownBooking(NOW + 3600, NOW + 7200, NOW - 900, NOW - 950, NOW - 600, NOW - 300, looked=True),
        "6f4e3d2c1b0a": KnownBooking(NOW + 9000, NOW + 9900, NOW - 900, missing=True),
    },
    gone=(GoneBooking(NOW + 3600, NOW + 7200, NOW - 300, left=True),),
    unknown=(UnknownTime(NOW + 3600, NOW + 7200, NOW - 300), UnknownTime(NOW + 9000, NOW + 9900, NOW - 300, missing=True)),
    whole_at=NOW,
    whole_start=NOW - 86_400,
    whole_end=NOW + 691_200,
    calendar_at=NOW - 5,
    arrived_in_all=41,
    evidence=((NOW, NOW + 60, 2),),
    lags=((NOW - 600, 180.0),),
    imports_proved=True,
    imports_evidence=((NOW, NOW + 60),),
    bookings_at=NOW - 1,
    watched_at=NOW - 2,
    compared_at=NOW - 5,
)


def test_what_is_written_is_read() -> None:
    assert MEMORY == pair_of(pair_text(MEMORY, 0.0))


def test_an_empty_memory_is_read_as_it_was() -> None:
    assert PairMemory("0a1b2c3d4e5f", NOW) == pair_of(msgspec.Raw(pair_text(PairMemory("0a1b2c3d4e5f", NOW), 0.0)))


def test_moments_are_those_of_the_wall_clock_and_times_stay() -> None:
    read = pair_of(pair_text(MEMORY, 500.0))
    assert read is not None
    booking = read.bookings["5f4e3d2c1b0a"]
    assert (NOW - 400, NOW - 450, NOW - 100, NOW + 200) == (booking.seen, booking.made, booking.arrived, booking.vanished)
    assert (NOW + 3600, NOW + 7200) == (booking.start, booking.end)
    assert (NOW + 500, NOW - 86_400, NOW + 495) == (read.whole_at, read.whole_start, read.calendar_at)
    assert (NOW + 499, NOW + 498, NOW + 495) == (read.bookings_at, read.watched_at, read.compared_at)


def test_nothing_that_tells_of_a_person_is_written() -> None:
    scene = Scene()
    scene.prove()
    text = pair_text(scene.kept["anna"], 0.0).decode()
    assert "proof-0" not in text
    assert "Chair" not in text


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"ends": "x", "at": -1}', b'{"ends": "x", "at": 1, "state": "well"}'])
def test_what_was_not_written_by_us_is_not_read(text: bytes) -> None:
    assert pair_of(text) is None


def test_a_memory_has_64_kib_and_keeps_what_comes_next() -> None:
    many = {f"{number:012x}": KnownBooking(NOW + number, NOW + number + 60, NOW, NOW, NOW) for number in range(3000)}
    text = pair_text(msgspec.structs.replace(MEMORY, bookings=many), 0.0)
    assert STATE_FILE_PAIR.number - 100 < len(text) <= STATE_FILE_PAIR.number
    kept = json.loads(text)["bookings"]
    assert list(many)[: len(kept)] == list(kept)


def test_busy_times_and_cancelled_bookings_beyond_64_kib_are_left_out_before_bookings() -> None:
    gone = tuple(GoneBooking(NOW + number, NOW + number + 60, NOW) for number in range(3000))
    unknown = tuple(UnknownTime(NOW + number, NOW + number + 60, NOW) for number in range(3000))
    read = pair_of(pair_text(msgspec.structs.replace(MEMORY, gone=gone, unknown=unknown), 0.0))
    assert read is not None
    assert (MEMORY.bookings, ()) == (read.bookings, read.unknown)
    assert gone[: len(read.gone)] == read.gone
    assert 500 < len(read.gone)


def test_what_speaks_for_a_pair_beyond_64_kib_is_left_out_too_rather_than_nothing_written() -> None:
    evidence = tuple((NOW + number, NOW + number + 60, 1) for number in range(3000))
    read = pair_of(pair_text(msgspec.structs.replace(MEMORY, evidence=evidence, bookings={}, gone=(), unknown=()), 0.0))
    assert read is not None
    assert evidence[: len(read.evidence)] == read.evidence
    assert 500 < len(read.evidence)


def test_five_hundred_bookings_fit() -> None:
    scene = Scene()
    for number in range(500):
        scene.book(f"b{number:03}", hours(number * 0.25, number * 0.25 + 0.25))
    scene.poll()
    scene.poll(5 * MINUTE)
    assert scene.kept["anna"] == pair_of(pair_text(scene.kept["anna"], 0.0))


class Written(Kept):
    """Memories that go through the state file."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, bytes] = {}

    def load(self, pair: str) -> PairMemory | None:
        return pair_of(self.texts[pair]) if pair in self.texts else None

    def keep(self, pair: str, memory: PairMemory) -> None:
        super().keep(pair, memory)
        self.texts[pair] = pair_text(memory, 0.0)


def test_a_restart_from_the_state_file_changes_no_verdict() -> None:
    scene = Scene(kept=Written())
    scene.knows = []
    scene.prove()
    scene.book("lost", hours(10, 11, day=3), arrives=False)
    scene.book("left", hours(13, 14, day=3))
    scene.private.append(hours(18, 20, day=2))
    scene.polls(5 * MINUTE)
    del scene.bookings["left"]
    scene.polls(HOUR)
    before = scene.proof()
    scene.start_again()
    scene.poll()
    after = scene.proof()
    assert ((["lost"], [hours(13, 14, day=3)])) == (scene.missing(), scene.left())
    assert (before.state, before.arrived_in_all, before.lag, before.imports) == (
        after.state,
        after.arrived_in_all,
        after.lag,
        after.imports,
    )
    assert pytest.approx(before.since, abs=1) == after.since


def test_without_a_state_file_nothing_is_remembered() -> None:
    memories = NoMemories()
    memories.keep("anna", MEMORY)
    assert memories.load("anna") is None
