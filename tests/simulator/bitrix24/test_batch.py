"""Fact sheet bitrix24.md section 15, "Batch"."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.harness.bench import LINKS, LIST, Bench, on_bench

SECTIONS = ["result", "result_error", "result_total", "result_next", "result_time"]


def test_the_sections_of_a_mixed_batch_are_as_documented() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        bench.world.add_booking(1000, 1100, id=7)
        return await bench.batch(
            {
                "p0": f"{LIST}?filter[within][dateFrom]=1000&filter[within][dateTo]=2000&order[id]=ASC&start=0",
                "e15": f"{LINKS}?bookingId=15",
            }
        )

    sections = on_bench(script)
    assert list(sections) == SECTIONS
    assert [row["id"] for row in sections["result"]["p0"]["booking"]] == [7]
    assert sections["result_error"] == {"e15": {"error": "1021", "error_description": "Booking not found"}}
    assert sections["result_total"] == {"p0": 0}
    assert sections["result_next"] == []
    assert list(sections["result_time"]) == ["p0"]


def test_the_answer_is_200_even_when_every_command_failed() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        return await bench.batch({"a": f"{LINKS}?bookingId=1", "b": "no.such.method", "c": LINKS})

    sections = on_bench(script)
    assert sections["result"] == []
    assert {key: error["error"] for key, error in sections["result_error"].items()} == {
        "a": "1021",
        "b": "ERROR_METHOD_NOT_FOUND",
        "c": "100",
    }


def test_every_empty_section_is_an_array() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        return await bench.batch({})

    assert on_bench(script) == {name: [] for name in SECTIONS}


@pytest.mark.parametrize("cmd", [["scope", "scope"], {"0": "scope", "1": "scope"}])
def test_keys_0_to_n_make_lists(cmd: object) -> None:
    async def script(bench: Bench) -> tuple[object, type]:
        sections = await bench.batch(cmd)
        return sections["result"], type(sections["result_time"])

    assert on_bench(script) == ([["booking", "crm"], ["booking", "crm"]], list)


def test_a_failed_first_command_turns_the_list_into_an_object() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        return await bench.batch([f"{LINKS}?bookingId=9", "scope"])

    sections = on_bench(script)
    assert list(sections["result"]) == ["1"]
    assert isinstance(sections["result_error"], list)


def test_brackets_are_read_as_php_reads_them() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        bench.world.add_booking(1, 2, resource_ids=(5,))
        bench.world.add_booking(1, 2, resource_ids=(6,))
        return await bench.batch(
            {
                "indexed": f"{LIST}?filter[resourceId][0]=5&filter[resourceId][1]=6&order[id]=asc",
                "appended": f"{LIST}?filter[resourceId][]=6",
                "encoded": f"{LIST}?filter%5BresourceId%5D%5B%5D=5",
                "upper": f"{LIST}?FILTER[resourceId][]=5&order[id]=asc",
            }
        )

    result = on_bench(script)["result"]
    assert {key: [row["id"] for row in value["booking"]] for key, value in result.items()} == {
        "indexed": [1, 2],
        "appended": [2],
        "encoded": [1],
        "upper": [1, 2],
    }


def test_a_form_body_is_encoded_twice() -> None:
    async def script(bench: Bench) -> list[object]:
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
        return seen

    assert on_bench(script) == [[2], [1, 2]]


def test_a_batch_in_the_query_of_a_get_works() -> None:
    async def script(bench: Bench) -> object:
        url = bench.webhook.url(bench.url) + "batch"
        return (await bench.http.get(url, params={"cmd[a]": "scope", "halt": "0"})).json()["result"]["result"]

    assert on_bench(script) == {"a": ["booking", "crm"]}


def test_items_that_are_no_text_are_skipped_silently() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        return await bench.batch({"sugar": {"method": "scope", "params": {}}, "number": 5, "plain": "scope"})

    sections = on_bench(script)
    assert sections["result"] == {"plain": ["booking", "crm"]}
    assert sections["result_error"] == []


def test_halt_and_cmd_are_read_without_letter_case() -> None:
    async def script(bench: Bench) -> object:
        answer = await bench.post("batch", {"HALT": 1, "Cmd": {"a": "no.such", "b": "scope"}})
        return {name: answer.json()["result"][name] for name in ("result", "result_error")}

    assert on_bench(script) == {
        "result": [],
        "result_error": {"a": {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}},
    }


def test_the_first_fifty_commands_run_and_the_others_fail_one_by_one() -> None:
    async def script(bench: Bench) -> tuple[dict[str, Any], int]:
        sections = await bench.batch({f"k{number}": "scope" for number in range(53)})
        return sections, bench.simulator.log.commands("scope")

    sections, ran = on_bench(script)
    assert list(sections["result"]) == [f"k{number}" for number in range(50)]
    assert {key: error["error"] for key, error in sections["result_error"].items()} == {
        f"k{number}": "ERROR_BATCH_LENGTH_EXCEEDED" for number in (50, 51, 52)
    }
    assert ran == 50


def test_a_batch_inside_a_batch_is_not_allowed() -> None:
    async def script(bench: Bench) -> object:
        return (await bench.batch({"a": "batch?cmd[x]=scope", "b": "scope"}))["result_error"]["a"]["error"]

    assert on_bench(script) == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_methods_can_be_barred_from_batches_and_still_work_alone() -> None:
    async def script(bench: Bench) -> tuple[object, int]:
        bench.simulator.bitrix24.switches.batch_blocked = frozenset({LIST})
        inside = (await bench.batch({"a": f"{LIST}?start=0"}))["result_error"]["a"]["error"]
        return inside, (await bench.post(LIST)).status_code

    assert on_bench(script) == ("ERROR_BATCH_METHOD_NOT_ALLOWED", 200)


def test_the_json_suffix_does_not_work_inside_a_command() -> None:
    async def script(bench: Bench) -> object:
        return (await bench.batch({"a": f"{LIST}.json?start=0"}))["result_error"]["a"]["error"]

    assert on_bench(script) == "ERROR_METHOD_NOT_FOUND"


def test_later_commands_use_results_of_earlier_ones() -> None:
    async def script(bench: Bench) -> dict[str, Any]:
        bench.world.add_booking(1, 2, id=15)
        bench.world.link(15, 1)
        return await bench.batch({"list": f"{LIST}?order[id]=ASC", "links": f"{LINKS}?bookingId=$result[list][booking][0][id]"})

    assert on_bench(script)["result"]["links"]["externalData"][0]["value"] == "1"


def test_commands_run_in_the_order_in_which_they_were_sent() -> None:
    async def script(bench: Bench) -> list[str]:
        body = '{"cmd":{"z":"scope","a":"scope","m":"scope"}}'
        url = bench.webhook.url(bench.url) + "batch"
        answer = await bench.http.post(url, content=body, headers={"Content-Type": "application/json"})
        return list(json.loads(answer.text)["result"]["result"])

    assert on_bench(script) == ["z", "a", "m"]


@pytest.mark.parametrize("halt", [1, "1", True])
def test_halt_leaves_later_keys_out_of_every_section(halt: object) -> None:
    async def script(bench: Bench) -> set[str]:
        sections = await bench.batch({"a": "scope", "b": "no.such", "c": "scope"}, halt=halt)
        return {key for section in sections.values() for key in section}

    assert on_bench(script) == {"a", "b"}


@pytest.mark.parametrize("halt", [0, "0", False, ""])
def test_without_halt_everything_runs(halt: object) -> None:
    async def script(bench: Bench) -> list[str]:
        return list((await bench.batch({"a": "no.such", "b": "scope"}, halt=halt))["result"])

    assert on_bench(script) == ["b"]


def test_a_missing_scope_fails_each_command_and_not_the_batch() -> None:
    async def script(bench: Bench) -> tuple[int, object]:
        webhook = bench.simulator.bitrix24.add_webhook(bench.portal, scopes=frozenset())
        answer = await bench.http.post(webhook.url(bench.url) + "batch", json={"cmd": {"a": LIST}})
        return answer.status_code, answer.json()["result"]["result_error"]["a"]["error"]

    assert on_bench(script) == (200, "insufficient_scope")


def test_an_outer_failure_is_an_ordinary_error_without_sections() -> None:
    async def script(bench: Bench) -> tuple[int, list[str]]:
        bench.portal.overloaded = True
        answer = await bench.post("batch", {"cmd": {"a": "scope"}})
        return answer.status_code, list(answer.json())

    assert on_bench(script) == (503, ["error", "error_description"])


def test_one_batch_is_one_request_in_the_bucket() -> None:
    async def script(bench: Bench) -> float:
        await bench.batch({f"k{number}": "scope" for number in range(50)})
        return bench.portal.bucket_level(bench.clock.now)

    assert on_bench(script) == 1.0


def test_more_than_sixty_seconds_in_one_batch_is_a_504_html_page() -> None:
    async def script(bench: Bench) -> list[tuple[int, str]]:
        bench.world.fill(50, bench.clock.now)
        bench.portal.costs[LINKS.lower()] = 1.5
        seen = []
        for number in (40, 41):
            cmd = {f"e{key}": f"{LINKS}?bookingId={key}" for key in range(1, number + 1)}
            answer = await bench.post("batch", {"cmd": cmd})
            seen.append((answer.status_code, answer.headers["content-type"]))
        return seen

    assert on_bench(script) == [(200, "application/json; charset=utf-8"), (504, "text/html; charset=utf-8")]


def test_commands_are_counted_apart_from_requests() -> None:
    async def script(bench: Bench) -> tuple[int, int, int]:
        await bench.batch({f"p{number}": f"{LIST}?start={number * 50}" for number in range(3)})
        log = bench.simulator.log
        return log.count("batch"), log.count(LIST), log.commands(LIST)

    assert on_bench(script) == (1, 0, 3)


def test_a_write_inside_a_batch_is_logged_as_a_write() -> None:
    async def script(bench: Bench) -> dict[str, int]:
        await bench.batch({"a": "booking.v1.booking.externalData.unset?bookingId=1"})
        return bench.simulator.log.writes()

    assert on_bench(script) == {"bitrix24 booking.v1.booking.externalData.unset": 1}
