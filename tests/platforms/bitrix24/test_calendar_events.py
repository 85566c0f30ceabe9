"""What is read of an event of the staff's calendar, and what is not (bitrix24.md 17.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24.answers import Reply
from exporter.platforms.bitrix24.calendar_events import EventCopy, event_copy

COPY: dict[str, Any] = {
    "ID": "5001",
    "NAME": "Kanarina",
    "DATE_FROM_TS_UTC": "1723446900",
    "DATE_TO_TS_UTC": "1723450500",
    "DT_SKIP_TIME": "N",
    "DELETED": "N",
    "MEETING_STATUS": "H",
    "EVENT_TYPE": "booking",
    "RRULE": "",
    "ATTENDEE_LIST": [{"id": 12, "entryId": "5001", "status": "Y"}],
}


def read(**changes: Any) -> EventCopy | None:  # noqa: ANN401  JSON
    return event_copy(Reply(Raw(json.dumps({**COPY, **changes}).encode())))


def test_a_copy_is_two_times_and_three_answers() -> None:
    assert EventCopy(1723446900.0, 1723450500.0, is_deleted=False, is_declined=False, is_comparable=True) == read()


@pytest.mark.parametrize("text", ["null", "false", "[]", " null "])
def test_nothing_is_no_event(text: str) -> None:
    assert event_copy(Reply(Raw(text.encode()))) is None


@pytest.mark.parametrize(
    ("changes", "deleted", "declined", "comparable"),
    [
        ({"DELETED": "Y"}, True, False, True),
        ({"DELETED": None}, False, False, True),
        ({"MEETING_STATUS": "N"}, False, True, True),
        ({"MEETING_STATUS": "Q"}, False, False, True),
        ({"MEETING_STATUS": None}, False, False, True),
        ({"EVENT_TYPE": "#shared#"}, False, False, False),
        ({"EVENT_TYPE": None}, False, False, False),
        ({"EVENT_TYPE": 5}, False, False, False),
        ({"DT_SKIP_TIME": "Y"}, False, False, False),
        ({"RRULE": {"FREQ": "WEEKLY"}}, False, False, False),
        ({"RRULE": "FREQ=WEEKLY"}, False, False, False),
        ({"RRULE": None}, False, False, True),
        ({"RRULE": []}, False, False, True),
        ({"RRULE": False}, False, False, True),
    ],
)
def test_words_say_what_became_of_the_copy(changes: dict[str, Any], deleted: bool, declined: bool, comparable: bool) -> None:
    found = read(**changes)
    assert found is not None
    assert (deleted, declined, comparable) == (found.is_deleted, found.is_declined, found.is_comparable)


@pytest.mark.parametrize("moment", [1723446900, 1723446900.0, "1723446900", "1723446900.0"])
def test_moments_are_numbers_also_in_text(moment: object) -> None:
    found = read(DATE_FROM_TS_UTC=moment)
    assert found is not None
    assert 1723446900.0 == found.start


@pytest.mark.parametrize("moment", [None, "", "soon", "1_000", -1, 1e18, [], {}, True])
@pytest.mark.parametrize("field", ["DATE_FROM_TS_UTC", "DATE_TO_TS_UTC"])
def test_an_event_without_readable_times_is_an_error(field: str, moment: object) -> None:
    with pytest.raises(InvalidResponseError):
        read(**{field: moment})


@pytest.mark.parametrize("text", ["5", '"text"', "true", "[1]", "{}"])
def test_any_other_shape_is_an_error_and_not_a_missing_copy(text: str) -> None:
    with pytest.raises(InvalidResponseError):
        event_copy(Reply(Raw(text.encode())))
