"""What can go wrong on the way of an answer, on any platform, set by the Python side and by ``/_sim/faults``."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exporter.simulator import Fault, FaultKind, Simulator
from exporter.simulator.faults import fault_from_json
from tests.harness.bench import LIST, simulated_portal
from tests.harness.clock import ManualClock


async def until(holds: Callable[[], object]) -> None:
    """Let the server's tasks run until ``holds``."""
    while not holds():  # noqa: ASYNC110  the server has no event for "a call has arrived"
        await asyncio.sleep(0)


async def fetch(fault: Fault) -> httpx.Response:
    """Return the answer to a list of bookings that meets ``fault``."""
    async with simulated_portal() as bench:
        bench.world.fill(5, bench.clock.now)
        bench.simulator.faults.add(fault)
        return await bench.post(LIST)


@pytest.mark.parametrize("status", [200, 403, 404, 500, 502, 503, 504])
async def test_a_status_fault_is_an_html_page(status: int) -> None:
    answer = await fetch(Fault(FaultKind.STATUS, status=status))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_a_truncated_answer_is_whole_http_and_half_json() -> None:
    answer = await fetch(Fault(FaultKind.TRUNCATED))
    assert 200 == answer.status_code
    assert answer.text.startswith('{"result"')
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_an_empty_answer_has_no_body() -> None:
    assert b"" == (await fetch(Fault(FaultKind.EMPTY))).content


@pytest.mark.parametrize("body", ["null", "[]", '"a string"', "true", "{}"])
async def test_a_body_fault_is_served_as_it_stands(body: str) -> None:
    answer = await fetch(Fault(FaultKind.BODY, body=body, content_type="application/json"))
    assert answer.text == body
    assert "application/json" == answer.headers["content-type"]


async def test_a_wrong_content_type_carries_the_right_body() -> None:
    answer = await fetch(Fault(FaultKind.CONTENT_TYPE, content_type="text/html"))
    assert "text/html" == answer.headers["content-type"]
    assert 5 == len(answer.json()["result"]["booking"])


async def test_a_byte_order_mark_comes_before_the_json() -> None:
    assert (await fetch(Fault(FaultKind.BOM))).content.startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize(("kind", "cut"), [(FaultKind.HALF_SURROGATE, rb"cut \ud83d"), (FaultKind.BAD_UTF8, b"cut \xc3")])
async def test_every_object_has_a_member_whose_name_and_text_are_cut_off_and_nothing_else_changes(
    kind: FaultKind, cut: bytes
) -> None:
    spoilt = (await fetch(Fault(kind))).content
    assert spoilt.count(b'"%s"' % cut) == 2 * spoilt.count(b"{")

    def without_it(members: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in members.items() if not key.startswith("cut")}

    read = json.loads(spoilt.decode("utf-8", "replace"), object_hook=without_it)
    assert read["result"] == (await fetch(Fault(FaultKind.BOM))).json()["result"]


async def test_a_huge_body_has_twenty_megabytes_of_valid_json() -> None:
    answer = await fetch(Fault(FaultKind.HUGE))
    assert len(answer.content) == 20 * 1024 * 1024
    assert "result" in answer.json()


async def test_a_redirect_names_its_location() -> None:
    answer = await fetch(Fault(FaultKind.REDIRECT, location="https://elsewhere.example/"))
    assert 302 == answer.status_code
    assert "https://elsewhere.example/" == answer.headers["location"]


@pytest.mark.parametrize("kind", [FaultKind.STATUS, FaultKind.BODY, FaultKind.EMPTY])
@pytest.mark.parametrize("retry_after", [None, "30"])
async def test_every_status_may_tell_when_to_come_back(kind: FaultKind, retry_after: str | None) -> None:
    answer = await fetch(Fault(kind, status=503, retry_after=retry_after))
    assert (503, retry_after) == (answer.status_code, answer.headers.get("retry-after"))


@pytest.mark.parametrize("retry_after", [None, "30", "Mon, 21 Sep 2026 14:14:20 GMT"])
async def test_429_comes_with_and_without_retry_after(retry_after: str | None) -> None:
    answer = await fetch(Fault(FaultKind.RATE_LIMITED, retry_after=retry_after))
    assert 429 == answer.status_code
    assert answer.headers.get("retry-after") == retry_after


async def test_a_body_that_only_says_gzip_cannot_be_decoded() -> None:
    with pytest.raises(httpx.DecodingError):
        await fetch(Fault(FaultKind.BAD_GZIP))


async def test_brotli_is_sent_although_nobody_asked_for_it() -> None:
    async with simulated_portal() as bench:
        plain = await bench.post("scope")
        bench.simulator.faults.add(Fault(FaultKind.BROTLI))
        url = bench.webhook.url(bench.url) + "scope"
        async with bench.http.stream("POST", url, json={}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert "br" == answer.headers["content-encoding"]
    assert raw != plain.content
    assert raw[3:-1] == plain.content  # one stored block: three bytes of header, the text, one byte that ends the stream
    assert b"\x03" == raw[-1:]


async def test_a_dropped_connection_has_no_answer() -> None:
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await fetch(Fault(FaultKind.DROP))


async def test_a_connection_can_drop_in_the_middle_of_the_body() -> None:
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await fetch(Fault(FaultKind.DROP_BODY))


@pytest.mark.parametrize("kind", [FaultKind.SLOW_HEADERS, FaultKind.SLOW_BODY])
async def test_a_slow_answer_waits_on_the_simulators_clock_and_then_comes(kind: FaultKind) -> None:
    began = time.monotonic()
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(kind, seconds=15.0))
        asking = asyncio.ensure_future(bench.post("scope"))
        await until(lambda: bench.clock.slept)
        assert not asking.done()
        await bench.clock.advance(15)
        assert (15.0, 200) == (bench.clock.slept[0], (await asking).status_code)
    assert time.monotonic() - began < 10


async def test_a_slow_answer_does_not_keep_a_client_that_left() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.SLOW_HEADERS, seconds=1e6, times=1))
        with pytest.raises(httpx.ReadTimeout):
            await bench.http.post(bench.webhook.url(bench.url) + "scope", timeout=0.05)
        await until(lambda: len(bench.simulator.log))
        assert bench.simulator.log.last.status is None


async def test_an_answer_that_never_comes_ends_when_the_client_leaves() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
        with pytest.raises(httpx.ReadTimeout):
            await bench.http.post(bench.webhook.url(bench.url) + "scope", timeout=0.05)
        assert [200] == [(await bench.post("scope")).status_code]


async def test_a_server_stops_although_a_client_still_waits() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
        waiting = asyncio.ensure_future(bench.post("scope"))
        await until(lambda: not bench.simulator.faults.active())
    [outcome] = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcome, httpx.TransportError | RuntimeError)


async def test_a_lost_answer_was_worked_on_and_a_replaced_one_was_not() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502, times=1))
        await bench.post("scope")
        replaced = bench.portal.bucket_level(bench.clock.now)
        bench.simulator.faults.add(Fault(FaultKind.DROP, times=1))
        with pytest.raises(httpx.TransportError):
            await bench.post("scope")
        assert [0.0, 1.0] == [replaced, bench.portal.bucket_level(bench.clock.now)]


async def test_a_fault_strikes_the_next_n_calls_after_the_first_m() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502, after=1, times=2))
        assert [200, 502, 502, 200, 200] == [(await bench.post("scope")).status_code for _ in range(5)]


async def test_a_fault_strikes_its_operation_only_and_reads_its_name_without_letter_case() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502, operation=LIST.upper()))
        assert [200, 502] == [(await bench.post("scope")).status_code, (await bench.post(LIST)).status_code]


async def test_a_fault_strikes_its_platform_only() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502, platform="wix"))
        assert 200 == (await bench.post("scope")).status_code


async def test_the_control_endpoint_sets_lists_and_clears_faults() -> None:
    async with simulated_portal() as bench:
        url = f"{bench.url}/_sim/faults"
        added = await bench.http.post(url, json={"kind": "status", "status": 504, "platform": "bitrix24", "times": 9})
        struck = await bench.post("scope")
        listed = (await bench.http.get(url)).json()
        await bench.http.delete(url)
        assert [
            200,
            504,
            "status",
            200,
        ] == [added.status_code, struck.status_code, listed[0]["kind"], (await bench.post("scope")).status_code]


@pytest.mark.parametrize(
    "body", ["nonsense", "[]", "{}", '{"kind": "typo"}', '{"kind": "drop", "colour": 1}', '{"kind": "drop", "times": "x"}']
)
async def test_the_control_endpoint_refuses_a_bad_fault_and_says_why(body: str) -> None:
    async with simulated_portal() as bench:
        answer = await bench.http.post(f"{bench.url}/_sim/faults", content=body)
        assert (400, ["error"], 0) == (answer.status_code, list(answer.json()), len(bench.simulator.faults.active()))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ([], "a fault is a JSON object"),
        ({"kind": "drop", "size": 1, "shape": 2, "colour": 3}, "unknown keys: colour, shape"),
        ({"times": 3}, f"kind is missing; one of {', '.join(FaultKind)}"),
        ({"times": "x"}, "times has the wrong type"),
        ({"kind": "typo"}, f"'typo' is no kind; one of {', '.join(FaultKind)}"),
        ({"kind": 3}, "kind has the wrong type"),
        ({"kind": "drop", "after": True}, "after has the wrong type"),
        ({"kind": "drop", "after": 1.0}, "after has the wrong type"),
        ({"kind": "drop", "status": None}, "status has the wrong type"),
        ({"kind": "drop", "seconds": "1"}, "seconds has the wrong type"),
        ({"kind": "drop", "platform": 1}, "platform has the wrong type"),
    ],
)
def test_a_fault_that_is_refused_names_its_mistake(fault: object, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        fault_from_json(fault)


async def test_control_calls_meet_no_fault() -> None:
    async with simulated_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502))
        assert 200 == (await bench.http.get(f"{bench.url}/_sim/")).status_code


async def test_without_our_server_a_drop_is_an_exception() -> None:
    simulator = Simulator(ManualClock())
    webhook = simulator.bitrix24.add_webhook(simulator.bitrix24.add_portal("salon"))
    simulator.faults.add(Fault(FaultKind.DROP))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator.app)) as http:
        with pytest.raises(ConnectionResetError):
            await http.post(webhook.url("http://simulator") + "scope")
