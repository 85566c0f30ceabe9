"""What people read under a user's ``verdicts:``: the numbers in the words of each language, and no default that was left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pytest

from exporter.monitoring.alerts import Alert, alert_groups
from exporter.monitoring.alerts.chosen import for_over, within_last
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.options import Options
from exporter.monitoring.runbooks import runbook_texts
from exporter.state.findings import findings
from exporter.state.thresholds import DEFAULTS, Thresholds
from exporter.state.verdict import TABLE
from exporter.state.verdict_row import Kind
from exporter.texts import LANGUAGES, texts_in
from tests.harness.verdict_scenes import SCENES

HOUR, DAY = 3_600, 86_400
OTHER: Final = Thresholds(
    conflict_soon=2 * HOUR,
    connections_down_least=5,
    connections_down_within=3 * HOUR,
    connection_disconnected_within=2 * DAY,
    connection_stuck_after=90 * 60,
    connection_unclear_after=2 * HOUR,
    credential_expiry_within=36 * HOUR,
    unlinked_bookings_share=0.35,
    unlinked_bookings_least=25,
    links_unverified_share=0.7,
    intake_silent_least=37,
    poll_overdue_intervals=2.5,
)
Words = Mapping[str, Sequence[str]]
_LAST_DAY: Final[Words] = {"en": ["last day", "24 h"], "de": ["24 Stunden"], "ru": ["последние сутки", "24 часа"]}
_OVER_AN_HOUR: Final[Words] = {"en": ["over an hour"], "de": ["über einer Stunde"], "ru": ["больше часа"]}
SAYS_DEFAULT: Final[Mapping[Kind, Words]] = {
    Kind.CONFLICT: {"en": ["24 h", "tomorrow"], "de": ["24 Stunden", "Vor morgen"], "ru": ["24 часа", "завтра"]},
    Kind.CONNECTIONS_DOWN: _LAST_DAY,
    Kind.CONNECTION_DISCONNECTED: _LAST_DAY,
    Kind.CONNECTION_STUCK: _OVER_AN_HOUR,
    Kind.CONNECTION_UNCLEAR: _OVER_AN_HOUR,
    Kind.INTAKE_SILENT: {"en": ["at least 10"], "de": ["mindestens 10"], "ru": ["не меньше 10"]},
    Kind.POLL_OVERDUE: {"en": ["an interval ago"], "de": ["einem Abstand"], "ru": ["больше интервала"]},
}
"""How the alerts of a kind say its defaults."""

PATIENCE: Final = {"en": "lasts longer than an hour", "de": "länger als eine Stunde", "ru": "больше часа"}
"""For how long somebody waits before asking the platform: no threshold of ours."""

NOWHERE: Final[Words] = {
    "en": [
        "last day",
        "24 h",
        "over an hour",
        "than an hour",
        "14 days",
        "than half of these",
        "a fifth",
        "ten verified",
        "Two or more",
    ],
    "de": ["24 Stunden", "letzten Tag", "einer Stunde", "eine Stunde", "14 Tage", "der Hälfte dieser", "Zwei oder mehr"],
    "ru": ["последние сутки", "24 часа", "больше часа", "14 дней", "больше половины этих", "Два или больше"],
}
"""How sentences that are written once and for all would say a default."""


def _alerts(thresholds: Thresholds, kind: Kind) -> Iterator[Alert]:
    names = {name for row in TABLE if row.kind is kind for name in row.alerts}
    for group in alert_groups(Options(thresholds=thresholds)):
        yield from (alert for alert in group.alerts if alert.name in names)


def _read(thresholds: Thresholds, kind: Kind, language: str) -> str:
    """Return all that is said of a kind, without what templates print by themselves."""
    said = (alert.annotations(Options(language=language)) for alert in _alerts(thresholds, kind))
    return re.sub(r"{{.*?}}", "…", " ".join(" ".join(texts.values()) for texts in said))


@pytest.mark.parametrize("language", [*LANGUAGES])
@pytest.mark.parametrize("kind", SAYS_DEFAULT)
def test_no_alert_says_a_default_that_a_user_left(kind: Kind, language: str) -> None:
    default, other = _read(DEFAULTS, kind, language), _read(OTHER, kind, language)
    for words in SAYS_DEFAULT[kind][language]:
        assert words not in other
    assert any(words in default for words in SAYS_DEFAULT[kind][language])


@pytest.mark.parametrize("language", [*LANGUAGES])
def test_no_advice_says_a_threshold(language: str) -> None:
    texts = texts_in(language)
    advice = [found.advice for row, view in SCENES.items() for found in findings(view) if found.row is row]
    assert len(advice) >= 25
    said = [texts.of(text).replace(PATIENCE[language], "") for one in advice for text in (one.meaning, one.fix)]
    assert [] == [(words, text) for words in NOWHERE[language] for text in said if words in text]


def test_no_runbook_says_a_default_that_a_user_left() -> None:
    pages = runbook_texts(Options(thresholds=OTHER))
    told_by = {name for row in TABLE if row.kind in _CHOSEN for name in row.alerts}
    said = {name: pages[f"{name.lower()}.md"].split("\n## The rule\n")[0] for name in told_by}
    assert len(said) >= 10
    assert [] == [(name, words) for name, text in said.items() for words in NOWHERE["en"] if words in text]


_TIME: Final = re.compile(
    r"(?:[\w-]+ )?(?:\d+|an?|one|two|three|four|six|several|few|some|for|within|most|each|last|next|next \d+)"
    r" (?:minute|hour|day|week)s?\b"
)
NO_THRESHOLD: Final = {
    *("next 7 days", "within 7 days"),  # windows
    *("a whole day", "day last week", "and last week"),  # what the intake is: a day against the same day of the week before
    *("at most a day", "a week", "repair, a week", "looks at it, a week"),  # for how long a silence lasts
    *("within minutes", "each hour"),  # how it is on the platform
    "follow within hours",  # how soon customers notice
}
"""Times in runbooks of kinds with a threshold that are none."""


def test_a_runbook_of_a_kind_with_a_threshold_names_no_time_but_these() -> None:
    pages = runbook_texts(Options(thresholds=OTHER))
    names = {name for row in TABLE if row.kind in _CHOSEN for name in row.alerts}
    said = {
        (name, found)
        for name in names
        for found in _TIME.findall(pages[f"{name.lower()}.md"].split("\n## Where the panel is\n")[0])
        if not any(allowed.endswith(found) or found.endswith(allowed) for allowed in NO_THRESHOLD)
    }
    assert set() == said


def test_no_board_says_a_default_that_a_user_left() -> None:
    words = ("last day", "over an hour", "than an hour", "14 days", "tomorrow", "at least 10", "an interval ago")
    for board in (fleet, target, internals):
        text = board(Options(thresholds=OTHER))
        assert [] == [word for word in words if word in text]


_CHOSEN: Final = {
    *SAYS_DEFAULT,
    Kind.CREDENTIAL_EXPIRY,
    Kind.UNLINKED_BOOKINGS,
    Kind.LINKS_UNVERIFIED,
}


@pytest.mark.parametrize(
    ("language", "seconds", "lasting", "last"),
    [
        ("en", HOUR, "for over an hour", "within the last hour"),
        ("en", DAY, "for over a day", "within the last day"),
        ("en", 90 * 60, "for over 90 minutes", "within the last 90 minutes"),
        ("en", 2 * DAY, "for over 2 days", "within the last 2 days"),
        ("en", 90_061, "for over 25 hours", "within the last 25 hours"),
        ("en", 90_061 * 7, "for over 175 hours", "within the last 175 hours"),
        ("en", 601, "for over 601 seconds", "within the last 601 seconds"),
        ("de", HOUR, "seit über einer Stunde", "in der letzten Stunde"),
        ("de", DAY, "seit über einem Tag", "in den letzten 24 Stunden"),
        ("de", 3 * HOUR, "seit über 3 Stunden", "in den letzten 3 Stunden"),
        ("de", 90 * 60, "seit über 90 Minuten", "in den letzten 90 Minuten"),
        ("ru", HOUR, "больше часа", "в последний час"),
        ("ru", DAY, "больше суток", "в последние сутки"),
        ("ru", 2 * HOUR, "больше 2 часов", "в последние 2 часа"),
        ("ru", 5 * HOUR, "больше 5 часов", "в последние 5 часов"),
        ("ru", 21 * HOUR, "больше 21 часа", "в последний 21 час"),
        ("ru", 3 * DAY, "больше 3 дней", "в последние 3 дня"),
        ("ru", 61 * 60, "больше 61 минуты", "в последнюю 61 минуту"),
        ("ru", 90 * 60, "больше 90 минут", "в последние 90 минут"),
    ],
)
def test_a_time_is_said_as_the_language_says_it(language: str, seconds: int, lasting: str, last: str) -> None:
    texts = texts_in(language)
    assert (lasting, last) == (texts.of(for_over(seconds)), texts.of(within_last(seconds)))
