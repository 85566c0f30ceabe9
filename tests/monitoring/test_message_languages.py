"""The words of the messages themselves in each language, as amtool renders them, and how long they get."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.monitoring.alertmanager import message_source
from exporter.monitoring.alerts import AlertSeverity, FixedBy, alert_groups
from exporter.monitoring.language import marked
from exporter.monitoring.options import Options
from exporter.texts import LANGUAGES
from tests.monitoring.rendered_messages import alert_of, rendered

OTHERS = ["de", "ru"]
ON_A_LOCKED_PHONE = 100
"""Letters of a title that phones show of a page; PagerDuty itself takes 1,024."""

WHO = {
    "de": {
        FixedBy.OPERATOR: "Betreiber des Exporters",
        FixedBy.ADMINISTRATOR: "Administrator des Kontos",
        FixedBy.CALENDAR_OWNER: "Inhaber des Kalenders",
        FixedBy.FRONT_DESK: "Rezeption",
        FixedBy.PLATFORM: "Plattform",
    },
    "ru": {
        FixedBy.OPERATOR: "администратор экспортёра",
        FixedBy.ADMINISTRATOR: "администратор аккаунта",
        FixedBy.CALENDAR_OWNER: "владелец календаря",
        FixedBy.FRONT_DESK: "ресепшен",
        FixedBy.PLATFORM: "платформа",
    },
}
MAIL = {
    "de": """\
ALARM: 12, vorbei: 1

* X of t0.
  Alarm seit 20.11. 23:00 UTC.
{}* und 2 weitere
  Wer es behebt: Betreiber des Exporters
  Was zu tun ist: Mend it.
  Erste Schritte: 1. Look.
  Wenn es bis morgen wartet: It rains.
  Anleitung (englisch): https://r.example
* Vorbei um 01:30 UTC. Gemeldet war: X of over.""",
    "ru": """\
ТРЕВОГА: 12, закончилось: 1

* X of t0.
  Тревога с 20.11 23:00 UTC.
{}* и ещё 2
  Кто исправляет: администратор экспортёра
  Что делать: Mend it.
  Первые шаги: 1. Look.
  Если ждать до утра: It rains.
  Инструкция (на английском): https://r.example
* Закончилось в 01:30 UTC. Сообщалось: X of over.""",  # noqa: RUF001  # a word of one letter
}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.servers
def test_a_mail_has_no_word_of_ours_in_english(language: str, tmp_path: Path) -> None:
    alerts = [alert_of("X", target=f"t{at}") for at in range(12)] + [alert_of("X", "resolved", target="over")]
    for alert in alerts:
        alert["annotations"] |= {
            "first_steps": "1. Look.",
            "until_morning": "It rains.",
            "runbook_url": "https://r.example",
        }
    text = rendered("email.text", tmp_path, *alerts, language=language)
    head, rest = MAIL[language].split("{}")
    assert text.startswith(head)
    assert text.strip().endswith(rest)


@pytest.mark.parametrize("kind", ["chat", "pager", "email.html"])
@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.servers
def test_every_kind_of_message_speaks_the_language(kind: str, language: str, tmp_path: Path) -> None:
    english, other = (rendered(kind, tmp_path, *_group(), language=one) for one in ("en", language))
    ours = {_plain(words) for words in marked(message_source())} - {"Dashboard", "Runbook", ""}
    there = {words for words in ours if re.search(rf"\b{re.escape(words)}\b", english)}
    assert len(there) > 5
    assert not {words for words in there if re.search(rf"\b{re.escape(words)}\b", other)}


def _plain(words: str) -> str:
    """Return the longest part of marked words that has no action."""
    return max((part.strip(" .:") for part in re.split(r"{{.*?}}", words)), key=len)


def _group() -> list[dict[str, object]]:
    alerts = [alert_of("X", status, target=f"t{at}") for status in ("firing", "resolved") for at in range(11)]
    for alert in alerts:
        alert["annotations"] |= {
            name: f"https://{name.replace('_', '')}.example" for name in ("board", "dashboard_url", "runbook_url")
        } | {"first_steps": "1. 2. 3.", "until_morning": "!"}
    return alerts


@pytest.mark.parametrize("who", FixedBy)
@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.servers
def test_a_message_names_who_acts_in_its_language(language: str, who: FixedBy, tmp_path: Path) -> None:
    for kind in ("pager", "chat", "email.html"):
        assert WHO[language][who] in rendered(kind, tmp_path, alert_of(fixed_by=who), language=language)


def test_everybody_who_acts_and_every_severity_that_is_sent_has_a_word_in_the_messages() -> None:
    assert {*map(str, FixedBy), AlertSeverity.CRITICAL, AlertSeverity.WARNING} <= set(marked(message_source()))


@pytest.mark.parametrize(
    ("language", "severity", "title"),
    [
        ("de", "critical", "[kritisch] salon: A is the matter"),
        ("de", "warning", "[Warnung] salon: A is the matter"),
        ("ru", "critical", "[критично] salon: A is the matter"),
        ("ru", "warning", "[предупреждение] salon: A is the matter"),
    ],
)
@pytest.mark.servers
def test_a_title_says_how_bad_it_is_in_its_language(language: str, severity: str, title: str, tmp_path: Path) -> None:
    for kind in ("title", "chat.title"):
        assert title == rendered(kind, tmp_path, alert_of("A", target="salon", severity=severity), language=language)


@pytest.mark.parametrize(("language", "words"), [("de", "mehrere Konten"), ("ru", "несколько аккаунтов")])
@pytest.mark.servers
def test_a_title_of_many_targets_says_so_in_its_language(language: str, words: str, tmp_path: Path) -> None:
    for kind in ("title", "chat.title"):
        assert f"] {words}: " in rendered(kind, tmp_path, alert_of(target="a"), alert_of(target="b"), language=language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.servers
def test_a_mail_tells_screen_readers_its_language(language: str, tmp_path: Path) -> None:
    assert f'<html lang="{language}">' in rendered("email.html", tmp_path, alert_of(), language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_title_fits_a_phone_in_every_language(language: str) -> None:
    longest = {"en": "critical", "de": "kritisch", "ru": "предупреждение"}[language]
    for group in alert_groups(Options(language=language)):
        for alert in group.alerts:
            summary = alert.annotations(Options(language=language))["summary"]
            assert len(f"[{longest}] salon-berlin: {summary}") <= ON_A_LOCKED_PHONE, summary
