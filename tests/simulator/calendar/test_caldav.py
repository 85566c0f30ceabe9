"""The simulated CalDAV server: logins, busy times in every form, expanded entries, tags (calendar.md 2 and 5)."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from exporter.simulator import Fault, FaultKind, canary
from exporter.simulator.calendar import RADICALE, XANDIKOS, Rule, Switches
from tests.simulator.calendar.conftest import CHANGED, EXPANDED, Desk, hours

NINE = "20261201T090000Z/20261201T100000Z"


async def test_radicales_busy_times_have_one_period_a_line_with_its_type_and_touching_ones_are_joined(desk: Desk) -> None:
    desk.calendar.put(hours(11), hours(9), hours(10), hours(20, status="CANCELLED"), hours(22, status="TENTATIVE"))
    assert [
        "FREEBUSY;FBTYPE=BUSY:20261201T090000Z/20261201T120000Z",
        "FREEBUSY;FBTYPE=FREE:20261201T200000Z/20261201T210000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261201T220000Z/20261201T230000Z",
    ] == await desk.busy()


async def test_xandikos_names_no_type_joins_nothing_sorts_nothing_and_leaves_cancelled_entries_out(desk: Desk) -> None:
    desk.simulator.calendar.switches = XANDIKOS
    desk.calendar.put(hours(10), hours(9), hours(20, status="CANCELLED"))
    assert [f"FREEBUSY;VALUE=PERIOD:{period}" for period in ("20261201T100000Z/20261201T110000Z", NINE)] == await desk.busy()


@pytest.mark.parametrize(
    ("switches", "kind"),
    [(RADICALE, "text/calendar; charset=utf-8; charset=utf-8"), (XANDIKOS, "application/octet-stream")],
    ids=["radicale", "xandikos"],
)
async def test_busy_times_have_the_content_type_of_the_server(desk: Desk, switches: Switches, kind: str) -> None:
    desk.simulator.calendar.switches = switches
    assert kind == (await desk.ask()).headers["content-type"]


async def test_busy_times_may_be_several_in_a_line(desk: Desk) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, periods_in_line=2)
    desk.calendar.put(hours(9), hours(12), hours(15))
    assert [2, 1] == [line.count("/") for line in await desk.busy()]


async def test_busy_times_may_be_told_by_their_length(desk: Desk) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, length="duration")
    desk.calendar.put(hours(9, 1.5), hours(24, 49))
    assert [
        "FREEBUSY;FBTYPE=BUSY:20261201T090000Z/PT1H30M",
        "FREEBUSY;FBTYPE=BUSY:20261202T000000Z/P2DT1H",
    ] == await desk.busy()


async def test_long_lines_may_be_folded(desk: Desk) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, folded=True, periods_in_line=10)
    desk.calendar.put(hours(9), hours(12), hours(15))
    text = (await desk.ask()).text
    assert max(len(line) for line in text.split("\r\n")) <= 75
    unfolded = text.replace("\r\n ", "")
    assert [3] == [line.count("/") for line in unfolded.splitlines() if line.startswith("FREEBUSY")]


async def test_lines_may_end_without_a_carriage_return(desk: Desk) -> None:
    desk.calendar.put(hours(9))
    assert b"\r\n" in (await desk.ask()).content
    desk.simulator.calendar.switches = replace(RADICALE, newline="\n")
    assert b"\r" not in (await desk.ask()).content


async def test_a_type_may_never_be_named(desk: Desk) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, fbtype="never")
    desk.calendar.put(hours(9))
    assert [f"FREEBUSY:{NINE}"] == await desk.busy()


async def test_names_may_be_in_lower_case_and_moments_are_not(desk: Desk) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, lower_case=True)
    desk.calendar.put(hours(9))
    assert [f"freebusy;fbtype=busy:{NINE}"] == await desk.busy()
    assert "begin:vcalendar" == (await desk.ask()).text.splitlines()[0]


async def test_an_entry_that_is_marked_as_free_is_not_busy(desk: Desk) -> None:
    desk.calendar.put(hours(9), hours(12, transparent=True))
    assert [NINE] == [line.partition(":")[2] for line in await desk.busy()]


async def test_a_whole_day_is_busy_from_midnight_to_midnight_utc(desk: Desk) -> None:
    desk.calendar.put(hours(24, 24, whole_days=True))
    assert ["20261202T000000Z/20261203T000000Z"] == [line.partition(":")[2] for line in await desk.busy()]


async def test_busy_times_are_cut_at_the_borders_of_the_range(desk: Desk) -> None:
    desk.calendar.put(hours(-1, 2), hours(7 * 24 - 1, 2), hours(7 * 24), hours(-1, 1, "before"))
    periods = ["20261201T000000Z/20261201T010000Z", "20261207T230000Z/20261208T000000Z"]
    assert periods == [line.partition(":")[2] for line in await desk.busy()]


async def test_what_recurs_keeps_its_time_of_day_when_the_clock_is_changed(desk: Desk) -> None:
    desk.calendar.put(hours(-24 * 40 + 8, rule=Rule(days=7, count=10), zone="Europe/Berlin"))
    assert ["20261203T090000Z"] == [line.partition(":")[2].partition("/")[0] for line in await desk.busy()]


async def test_no_busy_times_are_a_good_answer(desk: Desk) -> None:
    answer = await desk.ask()
    assert (200, 1, []) == (answer.status_code, answer.text.count("BEGIN:VFREEBUSY"), await desk.busy())


async def test_busy_times_have_no_title_and_expanded_entries_have(desk: Desk) -> None:
    desk.calendar.put(hours(9))
    seen = [[word for word in canary.CANARIES if word in await unfolded(desk, body)] for body in (None, EXPANDED)]
    assert [[], [canary.EMAIL, canary.FIRST_NAME, canary.LAST_NAME, canary.PHONE, canary.TITLE]] == seen


async def unfolded(desk: Desk, body: str | None) -> str:
    answer = await (desk.ask() if body is None else desk.ask(body=body))
    return answer.text.replace("\r\n ", "").replace("\n ", "").replace("\\,", ",")


async def test_expanded_entries_have_one_uid_and_each_the_moment_that_it_stands_for(desk: Desk) -> None:
    desk.calendar.put(hours(9, uid="series", rule=Rule(count=3)), hours(15, uid="single", transparent=True))
    text = (await desk.ask(body=EXPANDED)).text
    assert (3, 1, 1) == tuple(text.count(word) for word in ("UID:series", "UID:single", "TRANSP:TRANSPARENT"))
    assert [f"2026120{day}T090000Z" for day in (1, 2, 3)] == re.findall(r"RECURRENCE-ID:(\S+)", text)


@pytest.mark.parametrize(("prefixed", "begins"), [(False, "<multistatus"), (True, "<ns0:multistatus")])
async def test_the_namespace_of_dav_has_a_prefix_or_none(desk: Desk, prefixed: bool, begins: str) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, prefixed=prefixed)
    desk.calendar.put(hours(9))
    answer = await desk.ask(body=EXPANDED)
    assert (207, True) == (answer.status_code, begins in answer.text)


async def test_a_change_changes_the_sync_token_and_both_tags(desk: Desk) -> None:
    async def tags() -> list[str]:
        return re.findall(r"<[\w:]*(?:sync-token|getctag|getetag)>([^<]+)<", (await desk.ask("PROPFIND", CHANGED)).text)

    before = await tags()
    assert before == await tags()
    desk.calendar.put(hours(9))
    assert [3, set()] == [len(before), set(before) & set(await tags())]


@pytest.mark.parametrize("auth", [None, ("anna", "wrong"), ("nobody", "x")])
async def test_without_the_right_password_the_answer_is_401(desk: Desk, auth: tuple[str, str] | None) -> None:
    async with httpx.AsyncClient(auth=auth, trust_env=False) as http:
        answer = await http.request("REPORT", desk.url + desk.calendar.path)
    assert (401, "Basic") == (answer.status_code, answer.headers["www-authenticate"].partition(" ")[0])


async def test_after_a_change_of_the_password_the_old_one_is_refused(desk: Desk) -> None:
    old, path = (desk.owner.name, desk.owner.password), desk.url + desk.calendar.path
    desk.owner.password = "another"
    async with httpx.AsyncClient(auth=old, trust_env=False) as http:
        assert [401, 200] == [(await http.request("REPORT", path)).status_code, (await desk.ask()).status_code]


async def test_the_calendar_of_somebody_else_is_forbidden_and_one_that_is_not_there_is_not_found(desk: Desk) -> None:
    other = desk.simulator.calendar.add_owner("ben").add_calendar()
    assert [403, 404] == [(await desk.ask(path=path)).status_code for path in (other.path, "/dav/anna/nothing/")]


async def test_a_calendar_may_be_refused_moved_to_another_host_or_deleted(desk: Desk) -> None:
    desk.calendar.refused = True
    refused = await desk.ask()
    desk.calendar.refused, desk.calendar.moved_to = False, "https://elsewhere.example/dav/"
    moved = await desk.ask()
    desk.calendar.deleted = True
    assert [403, 302, 404] == [answer.status_code for answer in (refused, moved, await desk.ask())]
    assert "https://elsewhere.example/dav/" == moved.headers["location"]


@pytest.mark.parametrize(
    ("word", "status"), [("forbidden", 403), ("not_allowed", 405), ("not_implemented", 501), ("empty_multistatus", 207)]
)
async def test_a_server_may_not_know_the_report_of_busy_times(desk: Desk, word: str, status: int) -> None:
    desk.simulator.calendar.switches = replace(RADICALE, free_busy=word)  # type: ignore[arg-type]  # one of them
    desk.calendar.put(hours(9))
    answer = await desk.ask()
    assert (status, False) == (answer.status_code, "response>" in answer.text)
    assert 207 == (await desk.ask(body=EXPANDED)).status_code


async def test_a_request_that_does_not_say_that_it_is_xml_may_be_refused(desk: Desk) -> None:
    desk.simulator.calendar.switches = XANDIKOS
    assert 415 == (await desk.ask(**{"content-type": "text/plain"})).status_code


@pytest.mark.parametrize("body", ["", "no xml", '<!DOCTYPE a [<!ENTITY b "c">]><a/>', "<other/>", "<a>"])
async def test_a_request_that_cannot_be_read_is_refused(desk: Desk, body: str) -> None:
    assert 400 == (await desk.ask(body=body)).status_code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPPATCH", "MKCALENDAR"])
async def test_a_request_that_would_write_is_refused_and_logged_as_a_write(desk: Desk, method: str) -> None:
    assert 405 == (await desk.ask(method)).status_code
    assert {f"calendar {method}": 1} == desk.simulator.log.writes()


async def test_the_log_has_neither_the_password_nor_the_name_of_the_owner(desk: Desk) -> None:
    desk.simulator.calendar.add_owner("vogelsang", "plain-word").add_calendar()
    async with httpx.AsyncClient(auth=("vogelsang", "plain-word"), trust_env=False) as http:
        await http.request("REPORT", f"{desk.url}/dav/vogelsang/main/")
    told = str(desk.simulator.log.last.to_json())
    assert [] == [word for word in ("plain-word", "vogelsang", "Basic dm9") if word in told]


@pytest.mark.parametrize(
    ("fault", "status", "size"),
    [
        (Fault(FaultKind.STATUS), 200, None),
        (Fault(FaultKind.EMPTY), 200, 0),
        (Fault(FaultKind.REDIRECT, location="https://elsewhere.example/"), 302, None),
        (Fault(FaultKind.HUGE), 200, 20 * 1024 * 1024),
    ],
    ids=["html", "empty", "redirect", "20 MB"],
)
async def test_the_common_faults_strike_here_as_well(desk: Desk, fault: Fault, status: int, size: int | None) -> None:
    desk.simulator.faults.add(replace(fault, platform="calendar", operation="free-busy-query"))
    answer = await desk.ask()
    assert status == answer.status_code
    assert size in {None, len(answer.content)}


async def test_a_truncated_answer_has_no_end(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(FaultKind.TRUNCATED, platform="calendar"))
    assert "END:VCALENDAR" not in (await desk.ask()).text


async def test_the_same_seed_gives_the_same_passwords_and_addresses(desk: Desk) -> None:
    first = desk.owner.password, desk.calendar.feed_path
    desk.simulator.reset()
    assert 0 == len(desk.simulator.calendar.owners)
    again = desk.simulator.calendar.add_owner("anna")
    assert first == (again.password, again.add_calendar().feed_path)
