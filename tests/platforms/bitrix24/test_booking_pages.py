"""Pages of bookings: the quick way against the row by row one, over everything that a portal may write."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from exporter.counting.bookings import Booking
from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.answers import Reply, RowPage

Json = object
MAX_ID = 10**18
MAX_MOMENT = 10**11

# What a number may be, and what it may not.
NUMBERS: Sequence[Json] = (
    *(-1, 0, 1, 2, MAX_MOMENT - 1, MAX_MOMENT, MAX_ID - 1, MAX_ID, 2**63, 2**64, 1.0, 2.5, True, None, [], {}),
    *("1", "2", "3.0", "1e1", "x", "", str(MAX_ID)),
)


def row(key: Json = 7, start: Json = 1, end: Json = 4, resources: Json = (1,), **more: Json) -> dict[str, Json]:
    """A booking; its note ends with a mark where a test may cut something off."""
    period = {"from": {"timestamp": start, "timezone": "Europe/Berlin"}, "to": {"timestamp": end}}
    return {"id": key, "name": "note#", "resourceIds": resources, "datePeriod": period, **more}


PLAIN = [row(key, key, key + key % 3, resources) for key in range(1, 7) for resources in (None, [], [1], [2, 1], [1, 2, 3, 4])]
PERIODS: Sequence[Json] = (None, {}, [], {"from": {"timestamp": 1}}, {"from": {}, "to": {"timestamp": 1}})
ODD: list[Json] = [
    *(row(key=value) for value in NUMBERS),
    *(row(start=value) for value in NUMBERS),
    *(row(end=value) for value in NUMBERS),
    *(row(resources=value) for value in NUMBERS),
    *(row(resources=[value, 3]) for value in NUMBERS),
    *(row(resources=list(range(1, 1 + number))) for number in (99, 100, 101)),
    *(row(datePeriod=value) for value in PERIODS),
    *({name: value for name, value in row().items() if name != left_out} for left_out in row()),
    *(None, 5, "text", [], {}, [row()]),
]
pages = st.lists(st.sampled_from(PLAIN), max_size=5) | st.lists(st.sampled_from([*PLAIN, *ODD]), min_size=1, max_size=3)
# Halves of surrogate pairs and bytes that are no UTF-8, at the end of a note that nobody reads.
cuts = st.sampled_from([b"", rb"\ud83d", b"\xff", b"\xe2\x82"])


def as_slowly(result: bytes) -> RowPage[Booking]:
    """Read the page as if the quick way did not exist."""
    return booking_pages._row_by_row(Reply(Raw(result)))


def in_one_page(rows: Sequence[Json]) -> Sequence[Booking]:
    return booking_pages.bookings(Reply(Raw(msgspec.json.encode({"booking": rows})))).rows


def told(page: RowPage[Booking]) -> object:
    return list(page.rows), list(page.ids), page.size, page.malformed


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_row_is_what_it_is_row_by_row(odd: Json) -> None:
    content = json.dumps({"booking": [PLAIN[0], odd]}).encode()
    assert told(booking_pages.bookings(Reply(Raw(content)))) == told(as_slowly(content))


@pytest.mark.slow
@given(pages, cuts, st.booleans())
def test_a_page_that_is_read_in_one_go_is_what_it_is_row_by_row(rows: list[Json], cut: bytes, keyed: bool) -> None:
    listed: Json = {str(at): row for at, row in enumerate(rows)} if keyed else rows
    content = json.dumps({"booking": listed, "note": "#"}).encode().replace(b"#", cut)
    assert told(booking_pages.bookings(Reply(Raw(content)))) == told(as_slowly(content))


@pytest.mark.parametrize(
    "result", [*NUMBERS, [1], {"booking": None}, {"booking": []}, {"booking": {}}, {"booking": 5}, {"x": 1}]
)
def test_any_other_result_is_the_same_error_or_the_same_empty_page_by_both_ways(result: Json) -> None:
    content = json.dumps(result).encode()
    try:
        expected = told(as_slowly(content))
    except InvalidResponseError as error:
        with pytest.raises(InvalidResponseError, match=str(error)):
            booking_pages.bookings(Reply(Raw(content)))
    else:
        assert told(booking_pages.bookings(Reply(Raw(content)))) == expected


def test_what_portals_write_is_read_in_one_go_and_an_odd_row_costs_only_its_own_page() -> None:
    """Only who reads in one go gives bookings of the same resources the same object."""
    rows = [[row(3)], [row("51"), row(52)], [row(6)]]
    first, odd, last = map(in_one_page, rows)
    assert first[0].resources is last[0].resources
    assert first[0].resources == odd[0].resources
    assert first[0].resources is not odd[0].resources


@pytest.mark.parametrize(("resources", "is_shared"), [((911, 912, 913), True), ((911, 912, 913, 914), False)])
def test_bookings_of_the_same_three_resources_share_their_text_and_those_of_four_do_not(
    resources: Sequence[int], is_shared: bool
) -> None:
    first, _, last = in_one_page([row(1, resources=resources), row(2, resources=[921]), row(3, resources=resources)])
    assert first.resources == last.resources
    assert is_shared is (first.resources is last.resources)


def test_texts_of_no_more_than_some_thousand_sets_of_resources_are_kept() -> None:
    [first] = in_one_page([row(resources=[931])])
    for start in range(1000, 6000, 500):
        in_one_page([row(resources=[one]) for one in range(start, start + 500)])
    [last] = in_one_page([row(resources=[931])])
    assert first.resources == last.resources
    assert first.resources is not last.resources


@pytest.mark.parametrize(
    ("odd", "malformed"),
    [
        (row("1"), 0),
        (row("1", resources=[*range(1, 101)]), 0),
        (row("1", resources=[*range(1, 102)]), 1),
        (row("1", start=-0.5), 1),
        (row("1", end=99_999_999_999.5), 0),
        (row("1", end=100_000_000_000.0), 1),
        (row("1", start=100_000_000_000.0, end=100_000_000_001.0), 1),
    ],
    ids=str,
)
def test_a_row_of_more_resources_or_of_a_time_than_anybody_books_is_malformed(odd: Json, malformed: int) -> None:
    page = booking_pages.bookings(Reply(Raw(msgspec.json.encode({"booking": [row(2), odd]}))))
    assert (2 - malformed, malformed) == (len(page.rows), page.malformed)
