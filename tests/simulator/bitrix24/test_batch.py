"""Fact sheet bitrix24.md section 15, "Batch"."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.harness.bench import LINKS, LIST, Bench

SECTIONS = ["result", "result_error", "result_total", "result_next", "result_time"]


async def test_the_sections_of_a_mixed_batch_are_as_documented(bench: Bench) -> None:
    bench.world.add_booking(1000, 1100, id=7)
    sections = await bench.batch(
        {
            "p0": f"{LIST}?filter[within][dateFrom]=1000&filter[within][dateTo]=2000&order[id]=ASC&start=0",
            "e15": f"{LINKS}?bookingId=15",
        }
    )
    assert list(sections) == SECTIONS
    assert [7] == [row["id"] for row in sections["result"]["p0"]["booking"]]
    assert {"e15": {"error": "1021", "error_description": "Booking not found"}} == sections["result_error"]
    assert {"p0": 0} == sections["result_total"]
    assert [] == sections["result_next"]
    assert ["p0"] == list(sections["result_time"])


async def test_the_answer_is_200_even_when_every_command_failed(bench: Bench) -> None:
    sections = await bench.batch({"a": f"{LINKS}?bookingId=1", "b": "no.such.method", "c": LINKS})
    assert [] == sections["result"]
    assert {
        "a": "1021",
        "b": "ERROR_METHOD_NOT_FOUND",
        "c": "100",
    } == {key: error["error"] for key, error in sections["result_error"].items()}


async def test_every_empty_section_is_an_array(bench: Bench) -> None:
    assert (await bench.batch({})) == {name: [] for name in SECTIONS}


@pytest.mark.parametrize("cmd", [["scope", "scope"], {"0": "scope", "1": "scope"}])
async def test_keys_0_to_n_make_lists(bench: Bench, cmd: object) -> None:
    sections = await bench.batch(cmd)
    assert (sections["result"], type(sections["result_time"])) == ([["booking", "crm"], ["booking", "crm"]], list)


async def test_a_failed_first_command_turns_the_list_into_an_object(bench: Bench) -> None:
    sections = await bench.batch([f"{LINKS}?bookingId=9", "scope"])
    assert ["1"] == list(sections["result"])
    assert isinstance(sections["result_error"], list)


async def test_brackets_are_read_as_php_reads_them(bench: Bench) -> None:
    bench.world.add_booking(1, 2, resource_ids=(5,))
    bench.world.add_booking(1, 2, resource_ids=(6,))
    result = (
        await bench.batch(
            {
                "indexed": f"{LIST}?filter[resourceId][0]=5&filter[resourceId][1]=6&order[id]=asc",
                "appended": f"{LIST}?filter[resourceId][]=6",
                "encoded": f"{LIST}?filter%5BresourceId%5D%5B%5D=5",
                "upper": f"{LIST}?FILTER[resourceId][]=5&order[id]=asc",
            }
        )
    )["result"]
    assert {
        "indexed": [1, 2],
        "appended": [2],
        "encoded": [1],
        "upper": [1, 2],
    } == {key: [row["id"] for row in value["booking"]] for key, value in result.items()}


async def test_a_form_body_is_encoded_twice(bench: Bench) -> None:
    bench.world.add_booking(1, 2, resource_ids=(5,))
    bench.world.add_booking(1, 2, resource_ids=(6,))
    command = f"{LIST}?start=0&filter[resourceId][]=6"
    right = f"halt=0&cmd[p0]={quote(command, safe='')}"
    wrong = f"halt=0&cmd[p0]={command}"  # the inner & ends the command, and the filter is lost in silence
    seen: list[object] = []
    for body in (right, wrong):
        answer = await bench.http.post(
            bench.webhook.url(bench.url) + "batch",
            content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        seen.append(sorted(row["id"] for row in answer.json()["result"]["result"]["p0"]["booking"]))
    assert [[2], [1, 2]] == seen


async def test_a_batch_in_the_query_of_a_get_works(bench: Bench) -> None:
    url = bench.webhook.url(bench.url) + "batch"
    assert {"a": ["booking", "crm"]} == (await bench.http.get(url, params={"cmd[a]": "scope", "halt": "0"})).json()["result"][
        "result"
    ]


async def test_items_that_are_no_text_are_skipped_silently(bench: Bench) -> None:
    sections = await bench.batch({"sugar": {"method": "scope", "params": {}}, "number": 5, "plain": "scope"})
    assert {"plain": ["booking", "crm"]} == sections["result"]
    assert [] == sections["result_error"]


async def test_halt_and_cmd_are_read_without_letter_case(bench: Bench) -> None:
    answer = await bench.post("batch", {"HALT": 1, "Cmd": {"a": "no.such", "b": "scope"}})
    assert {
        "result": [],
        "result_error": {"a": {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}},
    } == {name: answer.json()["result"][name] for name in ("result", "result_error")}


async def test_the_first_fifty_commands_run_and_the_others_fail_one_by_one(bench: Bench) -> None:
    sections = await bench.batch({f"k{number}": "scope" for number in range(53)})
    ran = bench.simulator.log.commands("scope")
    assert list(sections["result"]) == [f"k{number}" for number in range(50)]
    assert {key: error["error"] for key, error in sections["result_error"].items()} == {
        f"k{number}": "ERROR_BATCH_LENGTH_EXCEEDED" for number in (50, 51, 52)
    }
    assert 50 == ran


async def test_a_batch_inside_a_batch_is_not_allowed(bench: Bench) -> None:
    assert (
        "ERROR_BATCH_METHOD_NOT_ALLOWED"
        == (await bench.batch({"a": "batch?cmd[x]=scope", "b": "scope"}))["result_error"]["a"]["error"]
    )


async def test_methods_can_be_barred_from_batches_and_still_work_alone(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.batch_blocked = frozenset({LIST})
    inside = (await bench.batch({"a": f"{LIST}?start=0"}))["result_error"]["a"]["error"]
    assert ("ERROR_BATCH_METHOD_NOT_ALLOWED", 200) == (inside, (await bench.post(LIST)).status_code)


async def test_the_json_suffix_does_not_work_inside_a_command(bench: Bench) -> None:
    assert "ERROR_METHOD_NOT_FOUND" == (await bench.batch({"a": f"{LIST}.json?start=0"}))["result_error"]["a"]["error"]


async def test_later_commands_use_results_of_earlier_ones(bench: Bench) -> None:
    bench.world.add_booking(1, 2, id=15)
    bench.world.link(15, 1)
    assert (
        "1"
        == (await bench.batch({"list": f"{LIST}?order[id]=ASC", "links": f"{LINKS}?bookingId=$result[list][booking][0][id]"}))[
            "result"
        ]["links"]["externalData"][0]["value"]
    )


async def test_commands_run_in_the_order_in_which_they_were_sent(bench: Bench) -> None:
    body = '{"cmd":{"z":"scope","a":"scope","m":"scope"}}'
    url = bench.webhook.url(bench.url) + "batch"
    answer = await bench.http.post(url, content=body, headers={"Content-Type": "application/json"})
    assert ["z", "a", "m"] == list(json.loads(answer.text)["result"]["result"])


@pytest.mark.parametrize("halt", [1, "1", True])
async def test_halt_leaves_later_keys_out_of_every_section(bench: Bench, halt: object) -> None:
    sections = await bench.batch({"a": "scope", "b": "no.such", "c": "scope"}, halt=halt)
    assert {"a", "b"} == {key for section in sections.values() for key in section}


@pytest.mark.parametrize("halt", [0, "0", False, ""])
async def test_without_halt_everything_runs(bench: Bench, halt: object) -> None:
    assert ["b"] == list((await bench.batch({"a": "no.such", "b": "scope"}, halt=halt))["result"])


async def test_a_missing_scope_fails_each_command_and_not_the_batch(bench: Bench) -> None:
    webhook = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset())
    answer = await bench.http.post(webhook.url(bench.url) + "batch", json={"cmd": {"a": LIST}})
    assert (200, "insufficient_scope") == (answer.status_code, answer.json()["result"]["result_error"]["a"]["error"])


async def test_an_outer_failure_is_an_ordinary_error_without_sections(bench: Bench) -> None:
    bench.portal.overloaded = True
    answer = await bench.post("batch", {"cmd": {"a": "scope"}})
    assert (503, ["error", "error_description"]) == (answer.status_code, list(answer.json()))


async def test_one_batch_is_one_request_in_the_bucket(bench: Bench) -> None:
    await bench.batch({f"k{number}": "scope" for number in range(50)})
    assert 1.0 == bench.portal.bucket_level(bench.clock.now)


async def test_more_than_sixty_seconds_in_one_batch_is_a_504_html_page(bench: Bench) -> None:
    bench.world.fill(50, bench.clock.now)
    bench.portal.costs[LINKS.lower()] = 1.5
    seen = []
    for number in (40, 41):
        cmd = {f"e{key}": f"{LINKS}?bookingId={key}" for key in range(1, number + 1)}
        answer = await bench.post("batch", {"cmd": cmd})
        seen.append((answer.status_code, answer.headers["content-type"]))
    assert [(200, "application/json; charset=utf-8"), (504, "text/html; charset=utf-8")] == seen


async def test_commands_are_counted_apart_from_requests(bench: Bench) -> None:
    await bench.batch({f"p{number}": f"{LIST}?start={number * 50}" for number in range(3)})
    log = bench.simulator.log
    assert (1, 0, 3) == (log.count("batch"), log.count(LIST), log.commands(LIST))


async def test_a_write_inside_a_batch_is_logged_as_a_write(bench: Bench) -> None:
    await bench.batch({"a": "booking.v1.booking.externalData.unset?bookingId=1"})
    assert {"bitrix24 booking.v1.booking.externalData.unset": 1} == bench.simulator.log.writes()
