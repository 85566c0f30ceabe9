"""How moments, spans and numbers are worded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exporter.model import ConnectionStatus
from exporter.texts import LANGUAGES, texts_in
from exporter.web import wording

WORDING = wording.wording_in(texts_in("en"))
NOW = datetime(2026, 11, 20, 23, 59, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (0.9, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (299, "4 min 59 s"),
        (330, "5 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (4_800, "1 h 20 min"),
        (86_400, "1 d"),
        (90_000 + 59, "1 d 1 h"),
        (10 * 86_400, "10 d"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, expected: str) -> None:
    assert expected == WORDING.span(seconds).replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_ends_within_a_span(language: str) -> None:
    words = wording.wording_in(texts_in(language))
    assert [] == [seconds for seconds in (0, 45, 90, 4_800, 90_000) if " " in words.span(seconds)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("341", (True, False)),
        ("60d873224551", (True, False)),
        ("5d75b929-585e-4dad-9aec-f0d6a96c4872", (True, False)),
        ("Chair 1", (False, False)),
        ("Hochsteckfrisurenstudio", (False, False)),
        ("x" * 37, (False, True)),
        ("a" * 37, (False, True)),
        ("", (False, False)),
    ],
)
def test_what_is_read_in_one_go_is_told_from_what_no_phone_has_room_for(text: str, expected: tuple[bool, bool]) -> None:
    assert expected == (wording.is_id(text), wording.is_long(text))


@pytest.mark.parametrize(
    ("ahead", "expected"), [(timedelta(0), "now"), (timedelta(minutes=-3), "3 min ago"), (timedelta(hours=2), "in 2 h")]
)
def test_a_moment_is_worded_from_now(ahead: timedelta, expected: str) -> None:
    assert expected == WORDING.relative(NOW + ahead, NOW).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", ("today 23:29 UTC", "")),
        ("Europe/Berlin", ("today 00:29", "Fri 20 Nov 23:29 UTC")),
        ("America/New_York", ("today 18:29", "23:29 UTC")),
        ("Asia/Kathmandu", ("today 05:14", "Fri 20 Nov 23:29 UTC")),
    ],
)
def test_a_moment_is_worded_on_the_clock_of_the_zone_with_utc_beside_it(zone: str, expected: tuple[str, str]) -> None:
    moment = NOW - timedelta(minutes=30)
    assert expected == (WORDING.local(moment, zone, NOW), WORDING.beside(moment, zone))


def test_an_interval_in_utc_says_so() -> None:
    assert "today 23:00 to 23:59 UTC" == WORDING.interval(NOW - timedelta(minutes=59), NOW, "UTC", NOW)
    assert "tomorrow 00:00 to 00:59" == WORDING.interval(
        NOW - timedelta(minutes=59), NOW, "Europe/Berlin", NOW - timedelta(hours=1)
    )


def test_the_moment_of_the_page_has_its_seconds_and_its_date() -> None:
    assert ("Fri 20 Nov", "23:59:00 UTC") == (WORDING.date(NOW, "UTC"), WORDING.seconds(NOW, "UTC"))
    assert ("Sat 21 Nov", "00:59:00 (Fri 20 Nov 23:59 UTC)") == (
        WORDING.date(NOW, "Europe/Berlin"),
        WORDING.seconds(NOW, "Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0"), (7.0, "7"), (7.5, "7.5"), (1_234_567, "1\u202f234\u202f567"), (1_000.25, "1\u202f000.2")]
)
def test_a_number_has_no_needless_decimals(value: float, expected: str) -> None:
    assert expected == WORDING.number(value)


def test_every_status_has_its_place() -> None:
    assert set(ConnectionStatus) == set(wording.STATUS_ORDER)


def test_advice_becomes_html_and_nothing_else_in_it_does() -> None:
    assert "set <code>base_url</code> \u2192 &lt;b&gt;" == str(wording.prose("set `base_url` -> <b>"))
    assert "<code>&lt;script&gt;</code>" == str(wording.prose("`<script>`"))
