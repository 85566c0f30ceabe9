"""What the status board says of every state that a target can be in, in words and on the clock of the target."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CalendarCopies, MismatchKind, WindowCopies
from exporter.connection_checks import (
    ImportCalendars,
    ProbesAsked,
    StaffProtection,
    UnprotectedReason,
    UnprotectedStaff,
)
from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName, Conflict, ConnectionStatus, Shard, WindowBookings
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.state import verdict
from exporter.state.advice import for_failure
from exporter.state.findings import findings
from exporter.state.verdict_row import VerdictRow
from exporter.texts import texts_in
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.board import failed_site, page, site, words
from tests.harness.verdict_scenes import SCENES, connected
from tests.harness.views import NOW, WIX
from tests.harness.web import ShownBackend, ask


def test_all_is_well_is_said_in_a_word() -> None:
    text = words(page(views.view_of(site("a", views.connection("Chair 1")))))
    assert "Everything is in order 1 target" in text
    assert "Broken now" not in text


def test_the_start_is_neither_good_nor_bad() -> None:
    text = words(page(views.before_first_poll()))
    assert "Starting 2 targets; 4 collectors not polled yet" in text
    assert "not polled yet" in text
    assert "Everything is in order" not in text


def test_a_standby_is_neither_good_nor_bad_and_says_who_shows_the_targets() -> None:
    text = page(views.standby())
    assert 'class="verdict waiting"' in text
    assert "Standby" in text
    assert "Another exporter is active and shows the targets." in text
    assert "No targets" not in text
    assert "Add a target" not in text


def test_a_shard_says_next_to_the_verdict_that_there_are_others() -> None:
    whole = views.view_of(site("a", views.connection("Chair 1")))
    told = "Shard 1/3: the other targets are on the boards of the other shards."
    assert f"Everything is in order 1 target {told}" in words(page(replace(whole, shard=Shard(1, 3))))
    assert "other shards" not in words(page(whole))


def test_a_shard_says_so_while_it_stands_by() -> None:
    assert "Shard 0/2: the other targets" in words(page(replace(views.standby(), shard=Shard(0, 2))))


def test_a_shard_to_which_no_target_falls_says_so_and_the_whole_speaks_of_no_shard() -> None:
    assert "No targets The configuration names no target of this shard. Shard 1/3: the other targets" in words(
        page(replace(views.view_of(), shard=Shard(1, 3)))
    )
    assert "No targets The configuration names no target. " in words(page(views.view_of()))


def test_no_targets_is_said() -> None:
    text = words(page(views.view_of()))
    assert "No targets" in text
    assert "Add a target to the configuration and reload." in text


def test_a_broken_collector_is_told_with_place_moment_message_and_fix() -> None:
    text = words(page(views.failing()))
    assert "warning Polls fail, no data timeout salon-b24 site: salon-berlin / links since today 14:11 UTC (2 min ago)" in text
    assert "portal.example did not answer within 30 s" in text
    assert for_failure("bitrix24", Reason.OPERATING_LIMIT).fix.split("`")[0] in text


def test_broken_things_come_before_everything_else() -> None:
    text = words(page(views.failing()))
    assert text.index("3 critical, 3 warnings") < text.index("Broken now") < text.index("Targets 2") < text.index("Collectors")


def test_a_double_booking_shows_both_ids() -> None:
    text = words(page(views.healthy()))
    assert (
        "salon-b24 site: salon-berlin / Chair 1 today 15:13 to 15:43 UTC (in 1 h) bookings 341 and 352 overlap for 30 min"
        in text
    )
    assert "moves or cancels one of the two bookings" in text


def test_the_first_card_tells_a_receptionist_when_where_and_which_bookings_on_the_clock_of_the_salon() -> None:
    text = words(page(views.in_berlin()))
    expected = (
        "critical Double booking salon-b24 site: salon-berlin / Window seat today 17:13 to 17:43 (15:13 UTC, in 1 h) bookings "
        "341 and 352 overlap for 30 min Two bookings overlap on a resource that can serve one at a time. Fix: The front desk "
        "opens the calendar at this time, moves or cancels one of the two bookings and informs its customer."
    )
    assert expected in text
    assert text.index("Broken now") < text.index(expected) < text.index("Calendar sync is broken")


def test_a_broken_connection_is_told_with_its_calendar_and_its_site() -> None:
    text = words(page(views.in_berlin()))
    assert "salon-wix site: salon-berlin / 60303ae22b99 (microsoft) since today 16:03 (14:03 UTC, 10 min ago)" in text


@pytest.mark.parametrize(
    ("language", "row", "staff", "probes"),
    [
        (
            "en",
            "live probe: not asked yet",
            "Staff who take bookings: not asked yet",
            "Live probes: 1 of 2 connections asked",
        ),
        (
            "de",
            "Live-Prüfung: noch nicht gefragt",
            "Personen, die Buchungen annehmen: noch nicht gefragt",
            "Live-Prüfungen: 1 von 2 Verbindungen gefragt",
        ),
        (
            "ru",
            "живая проверка: ещё не запрошена",
            "Сотрудники, принимающие записи: ещё не запрошено",
            "Живые проверки: запрошено 1 из 2 подключений",
        ),
    ],
)
def test_what_was_not_asked_yet_is_said_for_a_connection_and_for_the_staff(
    language: str, row: str, staff: str, probes: str
) -> None:
    text = words(board.render(views.awaiting(), texts=texts_in(language)).decode())
    assert [1, 1, 1] == [text.count(row), text.count(staff), text.count(probes)]


def test_once_all_were_asked_nothing_is_awaited() -> None:
    state = views.succeeded(
        views.unpolled("salon", "wix", CollectorName.CONNECTIONS),
        replace(views.connections(views.connection("a")), probes=ProbesAsked(1, 1)),
    )
    text = words(page(views.view_of(views.target_of("salon", "wix", [state]))))
    assert "not asked yet" not in text
    assert "Live probes: 1 of 1 connection asked" in text


@pytest.mark.parametrize("probes", [None, ProbesAsked(0, 0)])
def test_without_probes_none_is_counted(probes: ProbesAsked | None) -> None:
    state = views.succeeded(
        views.unpolled("salon", "wix", CollectorName.CONNECTIONS),
        replace(views.connections(views.connection("a")), probes=probes),
    )
    assert "Live probes" not in words(page(views.view_of(views.target_of("salon", "wix", [state]))))


@pytest.mark.parametrize(("missing", "told"), [(1, "1 calendar is gone"), (0, "no calendar chosen")])
def test_a_connection_that_imports_no_calendar_stands_out_in_the_table(missing: int, told: str) -> None:
    row = replace(views.connection("a"), import_calendars=ImportCalendars(0, missing))
    assert f'<span class="chip s-error">{told}</span>' in page(connected(row, views.connection("b")))


def test_a_target_is_told_with_its_site() -> None:
    assert "warning salon-wix wix · site: salon-berlin" in words(page(views.in_berlin()))


def test_every_moment_of_a_target_is_on_its_clock() -> None:
    text = re.sub(r"\d\d:\d\d UTC", "", words(page(views.in_berlin())))
    in_utc = "14:03|14:12|14:13:20|14:43|15:13|15:43"  # of the connection, the polls, the page, the next booking, the overlap
    assert [] == re.findall(in_utc, text)
    assert "next_24h today 16:12 () tomorrow 16:12 ()" in re.sub(r" +", " ", text)


def test_a_table_of_double_bookings_has_the_alias_the_id_and_the_minutes() -> None:
    assert "Window seat 7 341 352 today 17:13 to 17:43 (15:13 UTC, in 1 h) 30 min" in words(page(views.in_berlin()))


def test_the_page_is_in_the_zone_of_its_targets_where_they_share_one_and_else_in_utc() -> None:
    assert "State of Mon 21 Sep 16:13:20 (14:13 UTC)" in words(page(views.in_berlin()))
    elsewhere = views.target_of("x", "wix", [], policy=TargetPolicy(zone="America/New_York"))
    both = views.view_of(views.target_of("y", "wix", [], policy=TargetPolicy(zone="Europe/Berlin")), elsewhere)
    assert "State of Mon 21 Sep 14:13:20 UTC" in words(page(both))


def test_links_are_told_by_entity_and_calendar_copies_are_counted_apart() -> None:
    text = words(page(views.healthy()))
    assert "Links by entity next_24h : calendar event 3, crm contact 1, crm deal 4 (3 bookings in the staff's calendar)" in text


def test_copies_in_the_staffs_calendar_are_told_by_how_they_differ() -> None:
    assert "Copies in the staff's calendar next_24h : all say the same (1 not verified)" in words(page(views.healthy()))
    seen = views.mismatched((3_600, MismatchKind.MOVED), (7_200, MismatchKind.MISSING), unverified=2)
    state = views.succeeded(views.unpolled("a", "bitrix24", CollectorName.LINKS), seen)
    text = words(page(views.view_of(views.target_of("a", "bitrix24", [state]))))
    assert "next_7d : missing 1, moved 1 (2 not verified) The next ones: today 15:13 UTC booking 812 (moved)" in text


def test_copies_of_which_nothing_is_known_are_never_a_zero() -> None:
    copies = CalendarCopies((WindowCopies("next_7d", (), unverified=2),))
    state = views.succeeded(views.unpolled("a", "bitrix24", CollectorName.LINKS), LinksObservation(NOW - 30, (), copies=copies))
    text = words(page(views.view_of(views.target_of("a", "bitrix24", [state]))))
    assert "Copies in the staff's calendar next_7d : (2 not verified)" in text


def test_bookings_whose_links_were_read_too_long_ago_stand_beside_the_others_and_are_a_problem_when_they_are_most() -> None:
    assert "13 9 3 (1 not verified)" in words(page(views.with_old_link_answers()))
    text = words(page(views.with_old_link_answers(NOW + 1)))
    assert "13 4 1 (8 not verified)" in text
    assert "Links not verified: next_24h salon-b24 site: salon-berlin / links" in text
    assert "raises verify_calls or max_age of the collector links" in text


def test_not_measured_is_never_a_zero() -> None:
    text = words(page(views.healthy()))
    assert "next_24h today 14:12 UTC tomorrow 14:12 UTC 0 (0 confirmed, 0 pending) Marked as" in text
    assert "Marked as double-booked by Wix: next_24h 0 Overlapping bookings" in text
    assert "Overlapping bookings are not measured; conflicts: true of the collector bookings measures them." in text


def test_a_window_that_a_collector_does_not_count_has_a_dash_with_words_for_who_hears_it() -> None:
    rows = re.findall(r"<tr role=\"row\">.*?</tr>", page(views.healthy()), flags=re.DOTALL)
    [today] = [row for row in rows if "today</span>" in row and 'data-label="Linked"' in row]
    cells = re.findall(r'data-label="(?:Linked|Unlinked)".*?<span>(.*?)</span></td>', today)
    assert 2 * ['<span class="soft"><span aria-hidden="true">–</span><span class="hidden">not measured</span></span>'] == cells  # noqa: RUF001  the dash


def test_no_column_is_left_that_has_nothing_in_any_row() -> None:
    state = views.unpolled("a", "bitrix24", CollectorName.BOOKINGS)
    seen = BookingsObservation(views.NOW - 30, (WindowBookings(views.TODAY, 12), WindowBookings(views.NEXT_24H, 5)))
    html = page(views.view_of(views.target_of("a", "bitrix24", [views.succeeded(state, seen)])))
    assert ["Window", "From", "To", "Bookings"] == re.findall(r"<th [^>]*>(\w+)</th>", html)[-4:]
    assert "not measured" not in html.replace("are not measured", "")


def test_a_card_with_an_id_says_which_command_prints_its_name() -> None:
    conflict = Conflict("7", "341", "352", NOW + 3_600, NOW + 5_400)
    state = views.unpolled("salon b24", "bitrix24", CollectorName.BOOKINGS)
    unnamed = views.succeeded(state, BookingsObservation(NOW - 30, (), conflicts=(conflict,)))
    text = words(page(views.view_of(views.target_of("salon b24", "bitrix24", [unnamed]))))
    assert "operator runs booking-sync-exporter list 'salon b24' and pastes" in text
    rows = [views.connection(key, ConnectionStatus.ERROR) for key in ("60d873224551", "844008562280")]
    assert "operator runs booking-sync-exporter list a and pastes the names that it prints" in words(
        page(views.view_of(site("a", *rows)))
    )


def test_a_card_with_the_id_of_a_staff_member_says_which_command_prints_the_name() -> None:
    staff = StaffProtection(1, 0, (UnprotectedStaff("3008d84fb597", UnprotectedReason.INVITE_EXPIRED),))
    seen = replace(views.connections(views.connection("Chair 1", ConnectionStatus.SYNCED)), staff=staff)
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), seen)
    text = words(page(views.view_of(views.target_of("salon", "wix", [state]))))
    assert "operator runs booking-sync-exporter list salon and pastes" in text.partition("invitation has expired")[2]


def test_a_card_with_names_asks_for_none() -> None:
    assert "booking-sync-exporter list" not in page(
        views.view_of(site("a", views.connection("Chair 1", ConnectionStatus.ERROR)))
    )
    conflict = Conflict("7", "341", "352", NOW + 3_600, NOW + 5_400)
    state = views.unpolled("b", "bitrix24", CollectorName.BOOKINGS)
    seen = views.succeeded(state, BookingsObservation(NOW - 30, (), conflicts=(conflict,)))
    policy = TargetPolicy(resource_aliases={"7": "Window seat"})
    assert "booking-sync-exporter list" not in page(views.view_of(views.target_of("b", "bitrix24", [seen], policy=policy)))


def test_a_target_has_no_columns_for_what_it_has_no_collector_for() -> None:
    state = views.succeeded(views.unpolled("a", "wix", CollectorName.BOOKINGS), views.wix_bookings())
    html = page(views.view_of(views.target_of("a", "wix", [state])))
    assert ["Data", "Window", "From", "To", "Bookings"] == re.findall(r"<th [^>]*>(\w+)</th>", html)[-5:]
    assert "connection" not in words(html).split("Targets 1")[1].split("Collectors")[0]


def test_of_what_is_listed_and_not_judged_eight_stand_unfolded() -> None:
    known = {f"Chair {number}": AcceptedReason("cut on some days") for number in range(12)}
    entry, states = site("a", *(views.connection(key, ConnectionStatus.ERROR) for key in known))
    html = page(views.view_of((replace(entry, policy=TargetPolicy(connections=known)), states)))
    listed = html[html.index('id="listed"') : html.index('id="targets"')]
    before, _, folded = listed.partition('<details class="rest" data-key="listed">')
    assert (8, 4) == (before.count("<li>"), folded.count("<li>"))
    assert "<summary>4 more</summary>" in folded


def test_the_site_of_a_target_is_said_once() -> None:
    text = words(page(views.healthy()))
    assert "salon-wix wix · site: salon-berlin" in text
    assert ("owner=anna", False) == (text[text.index("owner=") :].split()[0], "site=salon-berlin" in text)


def test_withdrawn_data_is_said_to_be_withdrawn() -> None:
    html = page(views.expired())
    assert "withdrawn, too old" in html
    assert "Polls fail, data withdrawn" in html
    assert "Chair 1" not in html


def test_an_empty_site_is_told_from_one_without_data() -> None:
    assert "The site has no calendar connection." in page(views.view_of(site("a")))
    assert "The site has no calendar connection." not in page(views.view_of(failed_site("a")))


def test_a_status_is_always_a_word() -> None:
    rows = [views.connection(status.value, status) for status in ConnectionStatus]
    html = page(views.view_of(site("a", *rows)))
    for status in ConnectionStatus:
        assert f'<span class="chip s-{status}">{status.replace("_", " ")}</span>' in html


def test_budgets_are_bars_with_their_numbers() -> None:
    html = page(views.healthy())
    assert re.search(r'<meter min="0" max="240\.0" [^>]*value="228\.25" aria-labelledby="[^"]+">228\.2</meter>', html)
    assert "228.2 of 240 s left" in words(html)


def test_problems_with_one_cause_are_one_card() -> None:
    found = board.board_of(views.view_of(*(failed_site(f"site-{number}") for number in range(300))))
    [card] = found.cards
    assert (300, 300, 8, 92, 200) == (card.size, card.targets, len(card.first), len(card.folded), card.more)


def test_collectors_that_broke_together_are_one_place() -> None:
    found = board.board_of(views.failing())
    [place] = found.cards[0].first
    assert (WIX, ["connections", "bookings"]) == (place.target, [found.subject for found in place.subjects])


def test_each_double_booking_is_a_place_of_its_own() -> None:
    state = views.unpolled("portal", "bitrix24", CollectorName.BOOKINGS)
    conflicts = tuple(Conflict("7", str(number), str(number + 1), NOW + 60, NOW + 120) for number in range(3))
    seen = BookingsObservation(NOW - 30, (), conflicts=conflicts)
    view = views.view_of(views.target_of("portal", "bitrix24", [views.succeeded(state, seen)]))
    [card] = board.board_of(view).cards
    assert 3 == len(card.first)


def test_the_number_of_problems_stands_in_the_title() -> None:
    assert "<title>(6) Booking sync</title>" in page(views.failing())
    assert "<title>Booking sync</title>" in page(views.view_of())


def test_rows_of_a_failed_provider_are_grey_and_say_of_when_they_are() -> None:
    html = page(views.partial_failure())
    fresh, stale = (html[html.index(f'id="salon-wix/{row}"') :].split("</tr>")[0] for row in ("Chair+1", "60303ae22b99"))
    assert '<span class="chip s-synced">synced</span>' in fresh
    assert "as of" not in fresh
    assert '<span class="chip stale">error</span>' in stale
    assert "as of today 14:11 UTC" in words(stale)
    assert "chip s-" not in stale


def test_rows_that_are_older_than_a_failed_poll_are_grey_too() -> None:
    html = page(views.failing())
    assert "chip s-" not in html
    assert 3 == words(html).count("as of today 14:12 UTC")


def test_a_poll_that_is_due_is_not_in_the_past() -> None:
    state = replace(
        views.succeeded(views.unpolled("a", "wix", CollectorName.CONNECTIONS), views.connections()), next_poll=NOW - 3
    )
    assert "due now every 1 min" in words(page(views.view_of(views.target_of("a", "wix", [state]))))


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in verdict.TABLE if row.alerts and row.kind != "not_polled"])
@pytest.mark.parametrize(("site", "folder"), [(None, "runbooks/"), ("a", "../runbooks/")])
def test_what_alerts_tell_too_has_a_runbook_on_its_card(row: VerdictRow, site: str | None, folder: str) -> None:
    html = board.render(SCENES[row], site=site).decode()
    linked = re.findall(rf'<a href="{folder}(\w+)" hreflang="en">Runbook<', html)
    assert linked
    assert [] == [name for name in linked if 200 != ask(ShownBackend(SCENES[row]), f"/runbooks/{name}").status_code]


def test_a_card_leads_to_the_runbook_of_its_reason() -> None:
    html = page(views.view_of(failed_site("a", Reason.RATE_LIMITED), failed_site("b", Reason.AUTH)))
    assert {"BookingSyncApiLimited", "BookingSyncAccessDenied"} == set(re.findall(r'"runbooks/(\w+)"', html))


@pytest.mark.parametrize("row", [verdict.API_LIMITED, verdict.BUDGET_SPENT, verdict.PORTAL_MOVED, verdict.CONFIG_WARNING])
def test_what_never_had_a_beginning_is_not_said_to_have_begun_before_the_exporter_looked(row: VerdictRow) -> None:
    assert "before the exporter started to watch" not in page(SCENES[row])


def test_a_refused_configuration_is_told_under_the_verdict_whatever_else_is_broken() -> None:
    text = words(page(SCENES[verdict.RELOAD_REFUSED], query="nothing that matches"))
    assert "The configuration was changed and refused at today 14:12 UTC (1 min ago); the previous one is in force." in text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (verdict.TARGET_PAUSED, "paused"),
        (verdict.TARGET_CLOSED, "closed"),
        (verdict.CONNECTION_ACCEPTED, "Calendar is disconnected"),
        (verdict.CONFLICT_ACCEPTED, "bookings 341 and 352 overlap"),
        (verdict.WARNING_ACCEPTED, "double bookings are not checked"),
        (verdict.CONNECTION_CUT_BEFORE, "Calendar is disconnected"),
    ],
)
def test_what_is_listed_and_not_judged_stands_on_the_board_with_its_reason(row: VerdictRow, said: str) -> None:
    view = SCENES[row]
    text = words(page(view))
    assert ("Nothing is watched" if row is verdict.TARGET_PAUSED else "Everything is in order") in text
    listed = text.partition("Listed, not judged")[2].partition(" Targets ")[0]
    assert said.casefold() in listed.casefold()
    known = [finding.known for finding in findings(view) if finding.known is not None]
    assert all(found.why in listed for found in known)
    assert "Listed, not judged" not in words(page(view, query="nothing that matches"))


@pytest.mark.parametrize(
    ("row", "closed", "said"), [(verdict.TARGET_PAUSED, False, "paused"), (verdict.TARGET_CLOSED, True, "closed today")]
)
def test_the_folded_line_of_a_target_says_that_it_is_paused_or_closed(row: VerdictRow, closed: bool, said: str) -> None:
    [target] = SCENES[row].targets
    html = page(replace(SCENES[row], targets=(replace(target, closed=closed),)))
    summary = re.search(r"<summary>(.*?)</summary>", html, re.DOTALL)
    assert summary is not None
    assert said in words(summary[1])


def test_the_foot_of_the_board_leads_to_the_runbooks() -> None:
    assert '<a href="runbooks/" hreflang="en">Runbooks</a>' in page(views.healthy())
