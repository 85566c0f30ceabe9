"""Who has to go when there is no room for one more connection."""

from __future__ import annotations

import structlog.testing

from exporter.web.client_connections import ClientConnection, ConnectionTable

HERE = "127.0.0.1"


class Door:
    """Lets connections in at a time of its own, and remembers whom it hung up on."""

    def __init__(self, most: int) -> None:
        self.clients = ConnectionTable(most)
        self.hung_up: list[str] = []
        self.now = 0.0

    def enter(
        self, name: str, address: str = HERE, *, admitted: bool = False, busy: bool = False, stalled: bool = False
    ) -> ClientConnection:
        self.now += 1
        client = self.clients.enter(address, self.now, lambda: self.hung_up.append(name))
        client.admitted, client.busy, client.stalled = admitted, busy, stalled
        return client


def test_a_new_connection_takes_the_place_of_the_one_that_has_said_nothing_for_longest() -> None:
    door = Door(3)
    for name in "abcde":
        door.enter(name)
    assert ["a", "b"] == door.hung_up
    assert 3 == len(door.clients)


def test_silent_strangers_go_first_and_then_who_waits_and_who_does_not_read_and_who_is_idle() -> None:
    door = Door(12)
    for number in range(6):
        door.enter(f"young {number}", busy=True).seen = 1000.0
    door.enter("served", admitted=True, busy=True)
    door.enter("idle", admitted=True)
    door.enter("still", admitted=True, busy=True, stalled=True)
    door.enter("waits", busy=True)
    door.enter("silent")
    door.now += 10
    door.enter("young 6").seen = 1001.0
    for number in range(3):
        door.enter(f"new {number}", busy=True).seen = 2000.0
    assert ["silent", "waits", "still"] == door.hung_up
    door = Door(6)
    door.enter("young").seen = 1000.0
    door.enter("served", admitted=True, busy=True)
    door.enter("idle", admitted=True)
    door.enter("still", admitted=True, busy=True, stalled=True)
    for number in range(5):
        door.enter(f"new {number}", admitted=True, busy=True)
    assert ["still", "idle", "served"] == door.hung_up


def test_of_the_idle_who_came_last_goes_first_though_it_was_answered_last() -> None:
    door = Door(4)
    for name in ("scraper", "flood 1", "flood 2"):
        door.enter(name, admitted=True)
    door.enter("waits", busy=True)
    door.enter("new")
    assert ["flood 2"] == door.hung_up


def test_a_thousand_silent_connections_cost_no_place_of_who_is_signed_in() -> None:
    door = Door(10)
    for number in range(5):
        door.enter(f"scraper {number}", admitted=True)
    for number in range(1000):
        door.enter(f"silent {number}")
    assert 995 == len(door.hung_up)
    assert not any("scraper" in name for name in door.hung_up)


def test_whoever_has_just_come_keeps_half_of_the_places_beside_who_is_let_in() -> None:
    door = Door(10)
    for number in range(5):
        door.enter(f"new {number}").seen = 1000.0
    for number in range(100):
        door.enter(f"let in {number}", admitted=True)
    assert not any("new" in name for name in door.hung_up[1:]), "the first came when the sixth was let in"


def test_of_equal_connections_the_address_that_has_most_loses_one() -> None:
    door = Door(4)
    door.enter("scraper", "192.0.2.1")
    for number in range(5):
        door.enter(f"other {number}", "203.0.113.9")
    assert ["other 0", "other 1"] == door.hung_up


def test_who_was_answered_lately_stays_longer_than_who_came_later_and_was_not() -> None:
    door = Door(2)
    door.enter("prober").seen = 100.0
    door.enter("later")
    door.enter("new")
    assert ["later"] == door.hung_up


def test_who_leaves_makes_room_and_is_not_hung_up_on() -> None:
    door = Door(1)
    door.enter("a").leave(first := door.enter("b"))
    first.leave(first)
    door.enter("c")
    assert ["a"] == door.hung_up


def test_that_there_is_no_room_is_told_ever_more_seldom() -> None:
    door = Door(1)
    with structlog.testing.capture_logs() as logged:
        for number in range(1001):
            door.enter(str(number))
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] == [line["hung_up"] for line in logged]
    assert {("connections_full", "warning", 1)} == {(line["event"], line["log_level"], line["most"]) for line in logged}
