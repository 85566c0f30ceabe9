"""The board speaks the reader's language, all of it, and the API English."""

from __future__ import annotations

import asyncio
import gettext
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Final

import httpx
import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.connection_checks import ImportCalendars, ProbesAsked, UnprotectedReason
from exporter.errors import Reason
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Change,
    CollectorName,
    ConnectionStatus,
    GoneConnection,
    Message,
    Shard,
    WindowBookings,
)
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy, WarningKind
from exporter.private_calendar import Cause, ExternalConflict
from exporter.proof import Arrival, Learning, SilentPair, WindowProof
from exporter.state import verdict
from exporter.state.advice import UNPROTECTED
from exporter.state.config_warnings import of_observation
from exporter.state.snapshot import View
from exporter.state.verdict_row import VerdictRow
from exporter.support.local_time import ENGLISH
from exporter.texts import LANGUAGES, Texts, texts_in
from exporter.web import create_app
from exporter.web import status_page as board
from exporter.web.negotiate import choose_language
from exporter.web.wording import wording_in
from tests.harness import verdict_scenes, views, worst
from tests.harness.views import NOW
from tests.harness.web import ShownBackend, ask
from tools import texts as tool

TEXTS: Final = tuple(tool.texts())


class Bracketed(gettext.NullTranslations):
    """Puts brackets around every text that a catalogue has, and leaves what stands in it outside."""

    def __init__(self) -> None:
        super().__init__()
        self._known = {part for text, _ in TEXTS for part in ((text,) if isinstance(text, str) else text)}
        self.said: set[str] = set()

    def gettext(self, message: str) -> str:
        self.said.add(message)
        return "⟦" + re.sub(r"(%\(\w+\)s)", r"⟧\1⟦", message) + "⟧" if message in self._known else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.said.add(msgid1)
        return self.gettext(msgid1 if n == 1 else msgid2)


PSEUDO: Final = Texts("en", Bracketed())

#: Names that the views below have, and names of ours that no language changes.
_NAMES: Final = re.compile(
    "|".join(
        (
            r"salon-wix|salon-b24|salon-berlin|salon|portal|wix|bitrix24|Chair \d|Window seat|Haircut|Beard|owner=anna",
            r"anna-cal|ben-cal",
            r"\b(?:Anna|Ben|Zoe)\b",
            r"label=x|site=|new\.[\w.]+",
            r"the stylist left|cut on some days",
            r"UTC|HTTP|JSON|LIMIT|next_24h|next_7d|today|token_revoked|webhook_url",
            r"schedule_ids|aliases|targets\[0\]: no platform",
            r"booking-sync-exporter [\w.+]+|\b[0-9a-f]{12}\b|undefined-[0-9a-f]{8}|\b[ijrw]+\d*\b",
            r"\b(?:google|apple|microsoft)\b",
            r"\b(?:booking|externaldata|resource|connections|bookings)\.\w+|\bbatch\b",
            r"\b(?:crm|calendar|catalog|other) (?:deal|lead|contact|company|quote|order|(?:smart_)?invoice|other|event|sku)\b",
            "|".join((*ENGLISH.days, *ENGLISH.months)),
            r"\bcalendar\b",  # the platform; in an English sentence it is not alone
        )
    )
)


def english(html: str) -> list[str]:
    """Return the words of a page that no catalogue has: of its text, and of the attributes that are read out or shown."""
    html = re.sub(r"<(style|script|svg)\b.*?</\1>", "", html, flags=re.DOTALL)
    html = re.sub(r"<(\w+)[^>]*\slang=\"\w+\"[^>]*>.*?</\1>", "", html.partition("<head>")[2], flags=re.DOTALL)
    html = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    shown = re.findall(r'(?:aria-label|placeholder|data-label|data-short|title)="([^"]*)"', html)
    text = unescape(" ".join((re.sub(r"<[^>]*>", " ", html), *shown)))
    rest = _NAMES.sub("", re.sub(r"⟦[^⟦⟧]*⟧", " ", text))
    return re.findall(r"[^\W\d_]{2,}", rest)


def _warned() -> View:
    """Return a view with every warning that polls can show."""
    seen = replace(views.connections(), unknown_schedules=("a", "b"), unknown_aliases=("c",))
    policy = TargetPolicy(connections={"x": AcceptedReason()})
    rows = tuple(of_observation(verdict_scenes.SITE, seen, policy))
    assert {WarningKind.UNKNOWN_SCHEDULE, WarningKind.UNKNOWN_ALIAS, WarningKind.NO_CONNECTIONS} <= {row.kind for row in rows}
    whole = next(view for row, view in verdict_scenes.SCENES.items() if row.kind == "config_warning")
    fix = "name the users who may see every site under `operators`: then a user who is not named sees nothing"
    fence = ConfigWarning(WarningKind.OPERATORS_BY_DEFAULT, None, Message("%(n)s", n=1), Message(fix))
    return replace(whole, config_warnings=(*rows, fence))


def _broken() -> View:
    """Return a fleet in which causes, places and connections go beyond what is shown, and a shared credential is refused."""
    sites = []
    for number in range(60):
        entry, states = views.target_of(
            "salon", "wix", [views.failed(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "x")]
        )
        sites.append((replace(entry, name=f"salon{number}", policy=TargetPolicy(credential=f"{number // 2}")), states))
    return views.view_of(*sites)


def _flapping() -> View:
    """Return a site whose connections and polls changed often, and that is refused with all that an answer tells."""
    changes = tuple(
        Change(NOW - 3_600 * (60 - hour), ("synced", "error token_revoked")[hour % 2], known=hour > 0) for hour in range(60)
    )
    rows = [
        replace(views.connection(key), changes=changes[:length]) for key, length in (("a", 60), ("b", 3), ("c", 2), ("d", 1))
    ]
    before = views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), views.connections(*rows))
    refused = views.failed(before, Reason.RATE_LIMITED, "wait", count=7, status=429)
    assert refused.failure is not None
    state = replace(
        refused, changes=changes, failure=replace(refused.failure, code="LIMIT", request_id="7"), next_poll=NOW - 10
    )
    late = replace(views.unpolled("salon", "wix", CollectorName.BOOKINGS), next_poll=None)
    shown = views.view_of(views.target_of("salon", "wix", [state, late], policy=TargetPolicy(zone="Europe/Berlin")))
    [target] = shown.targets
    return replace(shown, targets=(replace(target, polling={CollectorName.BOOKINGS: NOW - 3}),))


def _accepted() -> View:
    """Return two salons on a closed day, in which more is accepted than is listed, and some overlaps are left to be judged."""
    known = AcceptedReason("the stylist left", NOW + 86_400)
    policy = TargetPolicy(connections={f"r{number}": known for number in range(120)})
    rows = [views.connection(f"r{number}", ConnectionStatus.DISCONNECTED, export_enabled=number > 0) for number in range(120)]
    rows[1] = replace(rows[1], import_enabled=False)
    rows[2] = replace(rows[2], import_enabled=False, export_enabled=False)
    windows = (
        WindowBookings(views.TODAY, 9, conflicting=3, accepted=2),
        WindowBookings(views.NEXT_24H, 9, conflicting=2, accepted=2),
    )
    states = [
        views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), views.connections(*rows)),
        views.succeeded(
            views.unpolled("salon", "wix", CollectorName.BOOKINGS), BookingsObservation(NOW - 30, windows, measures_next=True)
        ),
    ]
    shown = views.view_of(
        views.target_of("salon", "wix", states, policy=policy), views.target_of("salon2", "wix", states[1:], policy=policy)
    )
    return replace(shown, targets=tuple(replace(target, closed=True) for target in shown.targets))


def _odd() -> View:
    """Return targets of which little is known: no connection, no link, no poll planned, no beginning of a failure."""
    unpolled = views.unpolled("salon", "wix", CollectorName.CONNECTIONS)
    failed = views.failed(unpolled, Reason.NETWORK, "lost")
    assert failed.failure is not None
    began_before = replace(failed, failure=replace(failed.failure, since=None), next_poll=None)
    partly = views.failed(
        unpolled, Reason.SERVER_ERROR, "1 of 2", at=NOW - 30, observation=views.connections(views.connection("a"))
    )
    coverage = WindowLinks(views.NEXT_24H, (LinkAnswers(0, 0, 10, 0, {("crm", "deal"): 0}),))
    answers = LinksObservation(NOW - 30, (coverage,), (UnlinkedBooking("812", NOW + 3_600),))
    linked = views.succeeded(views.unpolled("salon", "bitrix24", CollectorName.LINKS), answers)
    ended = ApiUsage(credential_expiry=NOW - 60)
    old = views.succeeded(unpolled, views.connections(at=NOW - 3_600))
    return views.view_of(
        views.target_of("salon", "wix", [began_before]),
        views.target_of("salon1", "wix", [partly]),
        views.target_of("salon2", "bitrix24", [linked], usage=ended),
        views.target_of("salon3", "wix", [views.succeeded(unpolled, views.connections())]),
        views.target_of("salon4", "wix", [old]),
    )


def _unwatched() -> View:
    """Return a salon with a warning of each kind, as a platform would word it."""
    shown = verdict_scenes.connected(views.connection("a"))
    return replace(shown, config_warnings=tuple(ConfigWarning(kind, verdict_scenes.SITE, "x", "") for kind in WarningKind))


def _left_out() -> View:
    """Return a site with more overlapped bookings than are listed, and a connection that cannot be probed."""
    seen = replace(views.connections(views.connection("Chair 1")), probes=ProbesAsked(1, 1, 1))
    events = views.wix_events()
    windows = tuple(replace(row, conflicts={Cause.NOT_BLOCKED: 70}) for row in events.windows)
    events = replace(
        events, windows=windows, conflicts=(ExternalConflict("1", "Chair 1", NOW + 60, NOW + 90, Cause.NOT_BLOCKED),)
    )
    rows = ((CollectorName.CONNECTIONS, seen), (CollectorName.EVENTS, events))
    states = [views.succeeded(views.unpolled("salon", "wix", name), found) for name, found in rows]
    return views.view_of(views.target_of("salon", "wix", states))


def _gone() -> View:
    """Return a salon whose only connection went."""
    return verdict_scenes.connected(gone=[GoneConnection("a", "", (Change(NOW - 90, "synced"), Change(NOW - 60, "gone")))])


def _many() -> View:
    """Return more targets with one cause than a card lists."""
    failed = views.failed(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), Reason.NETWORK, "lost")
    return views.view_of(*(views.target_of(f"salon{number}", "wix", [failed]) for number in range(120)))


PAGES: Final[Mapping[str, View]] = {
    "accepted": _accepted(),
    "odd": _odd(),
    "unwatched": _unwatched(),
    "gone": _gone(),
    "unlisted": verdict_scenes.connected(others=[views.connection("a", ConnectionStatus.ERROR)]),
    "many": _many(),
    **{name: make() for name, make in views.SCENES.items()},
    "in_berlin": views.in_berlin(),
    "awaiting": views.awaiting(),
    "left_out": _left_out(),
    "none": views.view_of(),
    "shard": replace(views.view_of(), shard=Shard(1, 3)),
    "warned": _warned(),
    "broken": _broken(),
    "flapping": _flapping(),
    "staff": verdict_scenes.staffed(*UNPROTECTED, accepted=UnprotectedReason.NO_CONNECTION),
    "nothing_chosen": verdict_scenes.connected(replace(views.connection("a"), import_calendars=ImportCalendars(0, 0))),
    "weekend": views.view_of(
        views.target_of(
            "salon", "wix", [views.succeeded(views.unpolled("salon", "wix", CollectorName.SLOTS), views.weekend_slots())]
        )
    ),
    "pairs": verdict_scenes.paired(
        views.proof(missing=(30 * 3600.0,) * 3, shift=-1800.0, left=(3600.0,), unknown=(3600.0,)),
        views.unlearnt(Learning.MARKED_FREE),
        views.unlearnt(Learning.FEW_BOOKINGS, pair="Zoe"),
        silent=[SilentPair("Anna", "Chair 1", "anna-cal", ("anna-cal",)), SilentPair("Zoe", "Chair 2", "ben-cal")],
    ),
    "one_pair": verdict_scenes.paired(views.proof(missing=(3600.0,), arrived=41)),
    "many_missing": verdict_scenes.paired(
        replace(
            views.proof(missing=(3600.0,), left=(3600.0,)),
            windows=tuple(WindowProof(name, {Arrival.MISSING: 14}) for name in ("next_24h", "next_7d")),
            left_behind=12,
        )
    ),
    "worst_site": views.view_of(worst.site("salon", worst.connections())),
    "worst_portal": views.view_of(worst.portal("salon", number=10, letters=12)),
    **{
        f"{row.kind}_{row.verdict.name}_{number}": view
        for number, (row, view) in enumerate(verdict_scenes.SCENES.items())
        if row.kind != "config_warning"
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("query", ["", "salon", "nothing"])
def test_whatever_the_board_says_can_be_said_in_another_language(name: str, query: str) -> None:
    html = board.render(PAGES[name], query=query, texts=PSEUDO, lifecycle=True).decode()
    assert [] == english(html.replace("<q>nothing</q>", "").replace('value="nothing"', ""))


@pytest.mark.slow
def test_the_pages_above_say_every_text_of_the_templates_and_of_what_is_found() -> None:
    catalog = Bracketed()
    texts = Texts("en", catalog)
    for view in PAGES.values():
        board.render(view, texts=texts, lifecycle=True)
    board.render(PAGES["healthy"], query="nothing", texts=texts)
    board.render(PAGES["healthy"], query=" ".join(f"word{number}" for number in range(21)), texts=texts)
    board.render(PAGES["worst_site"], query="salon", texts=texts)
    board.render(PAGES["many"], page=2, texts=texts)
    ours = [text for text, file in TEXTS if file.startswith(("exporter/web/", "exporter/state/findings/"))]
    assert [] == [text for text in ours if (text if isinstance(text, str) else text[0]) not in catalog.said]


@pytest.mark.slow
def test_a_sentence_that_no_catalogue_has_is_seen() -> None:
    html = board.render(PAGES["healthy"], texts=PSEUDO).decode()
    assert ["Everything", "is", "well"] == english(html.replace("</main>", "<p>Everything is well</p></main>"))


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_rendered_in_every_language(language: str, name: str) -> None:
    html = board.render(PAGES[name], texts=texts_in(language), lang=language).decode()
    assert f'<html lang="{language}">' in html
    assert "%(" not in html


def words(language: str, view: View | None = None) -> str:
    html = board.render(view or views.in_berlin(), texts=texts_in(language)).decode()
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", html.partition("<body>")[2])).split())
    return re.sub(r" ([.,:;])", r"\1", text)


@pytest.mark.slow
def test_the_first_card_tells_a_receptionist_in_german_when_where_and_which_bookings() -> None:
    text = words("de")
    assert (
        "kritisch Doppelbuchung salon-b24 Standort: salon-berlin / Window seat heute 17:13 bis 17:43 (15:13 UTC, in 1 Std.) "
        "Termine 341 und 352 überschneiden sich um 30 Min. "
    ) in text
    assert (
        "Behebung: Der Empfang öffnet den Kalender zu dieser Zeit, verschiebt oder storniert einen der beiden Termine" in text
    )


@pytest.mark.slow
def test_the_first_card_tells_a_receptionist_in_russian_when_where_and_which_bookings() -> None:
    text = words("ru")
    assert (
        "критично Двойная запись salon-b24 филиал: salon-berlin / Window seat сегодня 17:13 \u2013 17:43 "
        "(15:13 UTC, через 1 ч) "
        "записи 341 и 352 пересекаются на 30 мин "
    ) in text
    assert "Как исправить: Администратор на ресепшене открывает календарь на это время" in text


@pytest.mark.parametrize(
    ("language", "row", "said"),
    [
        (
            "de",
            verdict.CONFLICT_ACCEPTED,
            "Zur Kenntnis, ohne Bewertung salon / Chair 1: Doppelbuchung heute 15:13 bis 15:43 UTC",
        ),
        ("de", verdict.CONFLICT_ACCEPTED, "um 30 Min. the stylist left, bis morgen 14:13 UTC (in 1 T.)"),
        ("ru", verdict.CONNECTION_ACCEPTED, "сведению, без оценки salon / a (Google): календарь отключён началось: сегодня"),
        ("ru", verdict.CONNECTION_ACCEPTED, "the stylist left, до: завтра 14:13 UTC (через 1 дн.)"),
        ("de", verdict.TARGET_PAUSED, "salon wix angehalten"),
        ("ru", verdict.TARGET_PAUSED, "salon wix приостановлено"),
        (
            "de",
            verdict.RELOAD_REFUSED,
            "Die Konfiguration wurde geändert und abgelehnt: heute 14:12 UTC (vor 1 Min.). Die vorige",
        ),
        ("ru", verdict.RELOAD_REFUSED, "Настройки изменены, но отклонены: сегодня 14:12 UTC (1 мин назад). Действуют прежние."),
        ("de", verdict.UNLINKED_BOOKINGS, "Viele Termine ohne CRM-Verknüpfung, next_7d (3 von 10)"),
        ("ru", verdict.UNLINKED_BOOKINGS, "CRM, next_7d (3 из 10) salon / связи"),
    ],
)
def test_what_is_listed_paused_refused_or_unlinked_is_said_in_german_and_russian(
    language: str, row: VerdictRow, said: str
) -> None:
    assert said in words(language, verdict_scenes.SCENES[row])


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Teil (Shard) 1/3: Die übrigen Konten stehen auf den Seiten der anderen Teile."),
        ("ru", "Часть (shard) 1/3: остальные аккаунты показаны на страницах других частей."),
    ],
)
def test_that_targets_are_divided_is_said_in_german_and_russian(language: str, said: str) -> None:
    assert said in words(language, replace(views.healthy(), shard=Shard(1, 3)))


def test_days_and_months_are_english_where_nothing_else_is_asked_for() -> None:
    assert ENGLISH == wording_in(texts_in("en")).words


@pytest.mark.parametrize(
    ("language", "expected"), [("de", ("Fr. 20. Nov.", "7,5")), ("ru", ("пт 20 нояб.", "7,5")), ("en", ("Fri 20 Nov", "7.5"))]
)
def test_dates_and_numbers_are_written_as_the_language_does(language: str, expected: tuple[str, str]) -> None:
    words = wording_in(texts_in(language))
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    assert expected == (words.date(moment, "UTC"), words.number(7.5))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, ru;q=0.8, de;q=0.5", "ru"),
        ("en;q=0.3, RU;q=0.4", "ru"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0, ru;q=0", "en"),
        ("de;q=x", "en"),
        ("xx" * 5_000 + ", de", "en"),
    ],
)
def test_the_language_with_the_greatest_weight_is_taken_and_english_where_there_is_none(header: str, expected: str) -> None:
    assert expected == choose_language([header] if header else [], LANGUAGES, "en")


def get(path: str, wish: str = "") -> httpx.Response:
    return ask(ShownBackend(views.in_berlin()), path, headers={"Accept-Language": wish} if wish else {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "wish", "language"),
    [
        ("/", "", "en"),
        ("/", "ru", "ru"),
        ("/?lang=de", "ru", "de"),
        ("/?lang=en", "ru", "en"),
        ("/?lang=xx", "ru", "ru"),
        ("/site/salon-berlin", "de", "de"),
        ("/site/salon-berlin?lang=ru", "de", "ru"),
    ],
)
def test_a_language_that_is_asked_for_goes_before_the_browsers_wish(path: str, wish: str, language: str) -> None:
    answer = get(path, wish)
    assert (language, "Accept-Encoding, Accept-Language") == (answer.headers["content-language"], answer.headers["vary"])
    assert f'<html lang="{language}">' in answer.text


async def test_who_asks_in_two_languages_at_the_same_moment_gets_each() -> None:
    transport = httpx.ASGITransport(create_app(ShownBackend(views.in_berlin())))
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
        answers = await asyncio.gather(*(client.get("/", headers={"Accept-Language": wish}) for wish in LANGUAGES))
    assert ["en", "de", "ru"] == [re.findall(r'<html lang="(\w+)"', answer.text)[0] for answer in answers]


@pytest.mark.slow
def test_the_links_of_a_page_keep_the_language_that_was_asked_for_and_only_that() -> None:
    view = PAGES["broken"]
    html = board.render(view, query="salon", page=2, texts=texts_in("de"), lang="de", lifecycle=True).decode()
    links = re.findall(r'(?:href|action)="((?:-/poll)?\?[^"#]*)', html)
    assert any("target%3A" in link for link in links)
    others = [link for link in links if "lang=de" not in link]
    assert {"?q=salon&amp;page=2&amp;lang=en", "?q=salon&amp;page=2&amp;lang=ru"} == set(others)
    assert 2 == html.count('<input type="hidden" name="lang" value="de">')
    assert 'hreflang="ru" lang="ru">Русский</a>' in html
    plain = board.render(view, texts=texts_in("de")).decode()
    assert {"?lang=en", "?lang=ru"} == {link for link in re.findall(r'href="(\?[^"#]*)', plain) if "lang" in link}


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/status?page=1", "/-/ready", "/config"])
def test_what_programs_read_is_english_whatever_the_reader_wishes(path: str) -> None:
    assert get(path).content == get(path, "de").content == get(path + ("&" if "?" in path else "?") + "lang=ru", "ru").content
