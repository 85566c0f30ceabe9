"""One cause is one card, whatever it did to the data of each target, and no list ends without a way to the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.calendar_copies import MismatchKind
from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName, Conflict, ConnectionStatus, ErrorReason, Provider
from exporter.policy import ConfigWarning, TargetPolicy, WarningKind
from exporter.state.config_warnings import with_warnings
from exporter.state.snapshot import CollectorState, View
from exporter.texts import texts_in
from exporter.web import status_page as board
from exporter.web.cards import Card
from tests.harness import views
from tests.harness.views import NOW, Target

KEY = "/run/secrets/wix_key"


def target(name: str, *states: CollectorState, credential: str = "", platform: str = "wix") -> Target:
    entry, found = views.target_of(name, platform, states)
    return replace(entry, policy=TargetPolicy(credential=credential)), found


def unpolled(name: str, collector: CollectorName = CollectorName.CONNECTIONS) -> CollectorState:
    return views.unpolled(name, "wix", collector)


def unlinked(name: str, bookings: int) -> Target:
    state = views.unpolled(name, "bitrix24", CollectorName.LINKS)
    seen = LinksObservation(NOW - 30, (WindowLinks(views.NEXT_24H, (LinkAnswers(0, 10, bookings, 0, {}),)),))
    return target(name, views.succeeded(state, seen), platform="bitrix24")


def test_portals_with_unlinked_bookings_share_a_card_that_says_how_many_each_has() -> None:
    shown = board.board_of(views.view_of(*(unlinked(f"portal-{number}", 5 + number) for number in range(4))))
    (card,) = shown.cards
    assert ("many bookings have no CRM link", "", 4) == (card.cause.title, card.effect, card.targets)
    assert [f"next_24h ({5 + number} of {15 + number})" for number in range(4)] == [place.effect for place in card.first]


def test_of_one_portal_the_card_itself_says_how_many_bookings_are_unlinked() -> None:
    (card,) = board.board_of(views.view_of(unlinked("portal", 5))).cards
    assert ("next_24h (5 of 15)", "") == (card.effect, card.first[0].effect)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "told", "day", "booking"),
    [
        ("en", "The next ones:", "today", "booking"),
        ("de", "Die nächsten:", "heute", "Termin"),
        ("ru", "Ближайшие:", "сегодня", "запись"),
    ],
)
def test_a_card_names_the_next_bookings_that_somebody_has_to_link(language: str, told: str, day: str, booking: str) -> None:
    coverage = (WindowLinks(views.NEXT_24H, (LinkAnswers(0, 10, 15, 0, {}),)),)
    ahead = (UnlinkedBooking("812", NOW + 3_600), UnlinkedBooking("815", NOW + 7_200))
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), LinksObservation(NOW - 30, coverage, ahead))
    page = board.render(views.view_of(target("b24", state, platform="bitrix24")), texts=texts_in(language)).decode()
    first, second = (
        f"<strong>{day} {at} UTC</strong> {booking} <code>{number}</code>" for at, number in (("15:13", 812), ("16:13", 815))
    )
    assert f"{told} {first}, {second}" in " ".join(page.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "told", "day", "booking", "words"),
    [
        ("en", "The next ones:", "today", "booking", ("moved", "missing")),
        ("de", "Die nächsten:", "heute", "Termin", ("verschoben", "fehlt")),
        ("ru", "Ближайшие:", "сегодня", "запись", ("перенесено", "отсутствует")),
    ],
)
def test_a_card_names_the_next_bookings_that_the_staffs_calendar_shows_differently_and_how(
    language: str, told: str, day: str, booking: str, words: tuple[str, str]
) -> None:
    seen = views.mismatched((3_600, MismatchKind.MOVED), (7_200, MismatchKind.MISSING))
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), seen)
    page = board.render(views.view_of(target("b24", state, platform="bitrix24")), texts=texts_in(language)).decode()
    first, second = (
        f'<strong>{day} {at} UTC</strong> {booking} <code>{number}</code> <span class="soft">({word})</span>'
        for at, number, word in zip(("15:13", "16:13"), (812, 813), words, strict=True)
    )
    assert f"{told} {first}, {second}" in " ".join(page.split())


def refused(name: str, age: float | None, reason: Reason = Reason.AUTH, credential: str = KEY) -> Target:
    """Return a site that is refused; its last data are of ``age`` seconds ago, withdrawn when that is too old."""
    before = unpolled(name)
    if age is not None:
        before = views.succeeded(before, views.connections(views.connection("Chair 1"), at=NOW - age))
    return target(name, views.failed(before, reason, "refused"), credential=credential)


def cards(*targets: Target, query: str = "") -> Sequence[Card]:
    return board.board_of(views.view_of(*targets), query=query).cards


def test_a_key_that_many_sites_share_is_one_card_whatever_became_of_their_data() -> None:
    ages = (60.0, 3_600.0, None)
    sites = [refused(f"salon {number}", ages[number % 3]) for number in range(18)]
    [card] = cards(*sites)
    assert ("polls fail", "", 18, 18, KEY) == (card.cause.title, card.effect, card.size, card.targets, card.cause.credential)
    effects = {place.effect for place in (*card.first, *card.folded)}
    assert {"older data shown", "data withdrawn", "no data"} == effects


def test_what_is_the_same_at_all_places_is_said_once() -> None:
    [card] = cards(refused("a", 60.0), refused("b", 60.0))
    assert ("polls fail", "older data shown", "refused") == (card.cause.title, card.effect, card.detail)
    assert "" == card.first[0].effect


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (refused("a", None, credential="key 1"), refused("b", None, Reason.TIMEOUT)),
        (refused("a", None, credential="x"), refused("b", None, Reason.PERMISSION, credential="x")),
    ],
)
def test_two_reasons_are_two_cards(first: Target, second: Target) -> None:
    assert 2 == len(cards(first, second))


def test_two_platforms_are_two_cards() -> None:
    portal = views.failed(views.unpolled("b", "bitrix24", CollectorName.BOOKINGS), Reason.TIMEOUT, "slow")
    assert 2 == len(cards(refused("a", None, Reason.TIMEOUT), target("b", portal, platform="bitrix24")))


def test_two_shared_keys_are_two_cards_and_keys_of_one_site_each_are_none_apart() -> None:
    shared = [refused(name, None, credential=f"key {name[0]}") for name in ("a1", "a2", "b1", "b2")]
    alone = [refused(name, None, credential=f"inline:{name}") for name in ("c", "d", "e")]
    assert {("key a", 2), ("key b", 2), ("", 3)} == {(card.cause.credential, card.size) for card in cards(*shared, *alone)}


def test_what_is_no_fault_of_a_key_does_not_ask_who_shares_it() -> None:
    found = [refused(name, None, Reason.NETWORK, credential=f"key {name[0]}") for name in ("a1", "a2", "b1", "b2")]
    [card] = cards(*found)
    assert "" == card.cause.credential


def test_providers_that_fail_at_different_companies_are_different_causes() -> None:
    sites = []
    for name, down in (("a", "google"), ("b", "apple"), ("c", "google")):
        seen = views.connections(
            views.connection("x", provider="google"),
            providers=[Provider("google", up=down != "google"), Provider("apple", up=down != "apple")],
        )
        state = views.failed(unpolled(name), Reason.SERVER_ERROR, "a provider failed", observation=seen)
        sites.append(target(name, state))
    assert sorted([("a", "c"), ("b",)]) == sorted(tuple(place.target for place in card.first) for card in cards(*sites))


def test_places_stand_in_the_order_of_their_names_as_people_count() -> None:
    [card] = cards(*(refused(f"Salon {number}", None) for number in (10, 2, 1, 33)))
    assert ["Salon 1", "Salon 2", "Salon 10", "Salon 33"] == [place.target for place in card.first]


def test_double_bookings_stand_in_the_order_of_their_time_the_urgent_ones_first() -> None:
    state = views.unpolled("portal", "bitrix24", CollectorName.BOOKINGS)
    starts = (NOW + 3 * 86_400, NOW + 60, NOW + 7_200)
    conflicts = tuple(Conflict("7", str(number), "9", start, start + 60) for number, start in enumerate(starts))
    [card] = cards(
        target("portal", views.succeeded(state, BookingsObservation(NOW - 30, (), conflicts=conflicts)), platform="bitrix24")
    )
    found = [place.problem.conflict.first for place in card.first if place.problem.conflict]
    assert ["1", "2", "0"] == found
    assert card.mixed
    assert "critical" == card.severity


def folded(html: str) -> int:
    """Return how many places a page lists below "more"."""
    return sum(part.split("</details>")[0].count('class="where"') for part in html.split('<details class="rest"')[1:])


def test_a_long_list_is_folded_and_whole() -> None:
    html = board.render(views.view_of(*(refused(f"salon {number}", None) for number in range(26)))).decode()
    assert 18 == folded(html)
    assert "18 more</summary>" in html
    assert 26 == html.count('class="where"')


def test_what_is_cut_from_a_card_is_behind_its_link() -> None:
    others = [refused(f"other {number}", None, Reason.TIMEOUT) for number in range(5)]
    view = views.view_of(*(refused(f"salon {number}", None) for number in range(300)), *others)
    html = board.render(view).decode()
    [link] = re.findall(r'and 200 more: <a href="([^"]+)"', html)
    query = parse_qs(urlsplit(link).query)["q"][0]
    found = board.board_of(view, query=query)
    assert (300, 300, 1) == (found.matching, found.cards[0].size, len(found.cards))


def causes(number: int) -> View:
    """Return a view with ``number`` causes."""
    sites = []
    for one in range(number):
        sites += [refused(f"site {one} {half}", None, credential=f"key {one}") for half in "ab"]
    return views.view_of(*sites)


def test_causes_beyond_the_cards_are_lines_with_a_link_to_exactly_theirs() -> None:
    view = causes(25)
    found = board.board_of(view)
    assert (20, 5) == (len(found.cards), len(found.lines))
    for line in found.lines:
        query = parse_qs(urlsplit(found.to_cause(line.cause)).query)["q"][0]
        narrowed = board.board_of(view, query=query)
        assert [(line.cause, line.size)] == [(card.cause, card.size) for card in narrowed.cards]
    assert "5 more causes</summary>" in board.render(view).decode()


@pytest.mark.parametrize(
    "credential", ["k" * 5_000, "/run/secrets/" + "a/b " * 100, 'with "quotes" and \\', "каб инет", "%%!!"]
)
def test_the_link_to_a_cause_finds_it_whatever_it_is_called_and_however_long_that_is(credential: str) -> None:
    sites = [refused(f"site {half} {key}", None, credential=key) for key in (credential, f"{credential}!") for half in "ab"]
    view = views.view_of(*sites)
    found = board.board_of(view)
    assert 2 == len(found.cards)
    for card in found.cards:
        query = parse_qs(urlsplit(found.to_cause(card.cause)).query)["q"][0]
        narrowed = board.board_of(view, query=query)
        assert [(card.cause, 2)] == [(one.cause, one.size) for one in narrowed.cards]


def warned(*warnings: ConfigWarning) -> View:
    good = views.succeeded(unpolled("salon"), views.connections(views.connection("Chair 1")))
    return replace(views.view_of(target("salon", good)), config_warnings=warnings)


TOLD = [kind for kind in WarningKind if kind not in {WarningKind.MISSING_RIGHT, WarningKind.CHECK_REFUSED}]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "ru"])
def test_each_kind_of_configuration_warning_is_a_card_whose_title_says_what_is_wrong(language: str) -> None:
    warnings = [ConfigWarning(kind, "salon", f"about {kind}", "mend it") for kind in TOLD]
    page = board.render(warned(*warnings), texts=texts_in(language)).decode()
    titles = re.findall(r"<h3>(.*?)</h3>", page.partition('id="targets"')[0])
    assert 12 == len(TOLD) == len(set(titles))
    english = {str(card.cause.title) for card in board.board_of(warned(*warnings)).cards}
    assert (language == "en") == bool(english & {title[:1].lower() + title[1:] for title in titles})
    meanings = re.findall(r'<div class="advice">\s*<p>(.*?)</p>', page)
    assert 12 == len(set(meanings))


def test_an_acceptance_that_is_over_does_not_say_that_something_is_watched_less() -> None:
    [card] = board.board_of(warned(ConfigWarning("expired", "salon", "over: connection a", "remove it"))).cards
    assert "an entry of `accepted` has ended" == card.cause.title
    assert "it is judged again" in card.cause.meaning


def test_a_right_that_is_missing_is_one_card_at_the_collectors_that_were_refused() -> None:
    states = [views.failed(unpolled("salon", name), Reason.PERMISSION, "no right") for name in list(CollectorName)[:2]]
    view = views.view_of(target("salon", *states))
    view = with_warnings(view)
    assert ["missing_right", "missing_right"] == [warning.kind for warning in view.config_warnings]
    [card] = board.board_of(view).cards
    assert ("polls fail", "permission", 2) == (card.cause.title, card.cause.reason, card.size)


def test_connections_of_one_reason_are_one_card() -> None:
    sites = []
    for name in ("a", "b"):
        rows = views.connections(
            views.connection("Chair 1", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED),
            views.connection("Chair 2", ConnectionStatus.ERROR, error_reason=ErrorReason.EXTERNAL_CALENDAR_DELETED),
        )
        sites.append(target(name, views.succeeded(unpolled(name), rows)))
    assert [("token_revoked", 2), ("external_calendar_deleted", 2)] == [
        (card.cause.reason, card.size) for card in cards(*sites)
    ]


def dead(name: str, number: int = 3) -> Target:
    """Return a site all of whose calendars have been in error since before the exporter first looked."""
    rows = [replace(views.connection(f"Chair {each}", ConnectionStatus.ERROR), since_known=False) for each in range(number)]
    return target(name, views.succeeded(unpolled(name), views.connections(*rows)))


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Calendar sync is broken, none of the calendars of salon works"),
        ("de", "kein Kalender von salon funktioniert"),
        ("ru", "ни один из календарей salon не работает"),
    ],
)
def test_the_card_of_a_site_none_of_whose_calendars_works_says_so(language: str, told: str) -> None:
    assert told in re.sub(r"\s+", " ", board.render(views.view_of(dead("salon")), texts=texts_in(language)).decode())


def test_sites_none_of_whose_calendars_works_are_the_first_places_of_the_first_card_of_warnings() -> None:
    half = [
        target(
            f"a{number}",
            views.succeeded(
                unpolled(f"a{number}"),
                views.connections(views.connection("Chair 1", ConnectionStatus.ERROR), views.connection("Chair 2")),
            ),
        )
        for number in range(9)
    ]
    provider = views.connections(views.connection("Chair 1"), providers=[Provider("google", up=False)])
    partly = target("b", views.failed(unpolled("b"), Reason.SERVER_ERROR, "1 of 1", at=NOW - 30, observation=provider))
    first, second = cards(*half, partly, dead("y"), dead("z", 1))
    assert ("calendar provider failed: google", "calendar sync is broken") == (second.cause.title, first.cause.title)
    assert ["y", "z", "a0"] == [place.target for place in first.first[:3]]
    told = [f"none of the calendars of {name} works" for name in ("y", "z")]
    assert [*told, ""] == [place.effect for place in first.first[:3]]
