"""Fact sheet bitrix24.md section 15, "Limits and faults": leaky bucket, operating time, overload, error bodies."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from exporter.simulator.bitrix24.errors import ApiError
from tests.harness.bench import LINKS, LIST, Bench


async def statuses(bench: Bench, number: int) -> list[int]:
    return [(await bench.post("scope")).status_code for _ in range(number)]


@pytest.mark.parametrize(("plan", "threshold"), [("standard", 50), ("enterprise", 250)])
async def test_the_call_over_the_threshold_is_503_without_retry_after(bench: Bench, plan: str, threshold: int) -> None:
    bench.portal.set_plan(plan)
    allowed, refused = (await statuses(bench, threshold), await bench.post("scope"))
    assert {200} == set(allowed)
    assert 503 == refused.status_code
    assert {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"} == refused.json()
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize("leak", [2.0, 5.0])
async def test_a_steady_rate_up_to_the_leak_is_never_refused(bench: Bench, leak: float) -> None:
    bench.portal.set_bucket(leak, 10.0)
    seen = set()
    for _ in range(60):
        bench.clock.now += 1 / leak
        seen.add((await bench.post("scope")).status_code)
    assert {200} == seen


async def test_the_bucket_leaks_on_the_clock(bench: Bench) -> None:
    await statuses(bench, 51)
    bench.clock.now += 2
    assert [200, 200, 200, 503] == (await statuses(bench, 4))


async def test_calls_at_once_are_counted_as_calls_one_after_the_other_are(bench: Bench) -> None:
    """Nothing documents a limit of calls at once; twenty were seen to be taken (bitrix24.md 6.1)."""

    assert sorted([answer.status_code for answer in await asyncio.gather(*(bench.post("scope") for _ in range(52)))]) == [
        *[200] * 50,
        503,
        503,
    ]


async def test_hammering_prolongs_the_wait_but_not_without_end(bench: Bench) -> None:
    await statuses(bench, 80)
    level = bench.portal.bucket_level(bench.clock.now)
    bench.clock.now += 1
    assert (51.0, [200]) == (level, await statuses(bench, 1))


async def test_all_credentials_of_one_portal_share_the_bucket(bench: Bench) -> None:
    second = bench.simulator.bitrix24.add_webhook(bench.portal)
    pair = bench.simulator.bitrix24.issue(bench.simulator.bitrix24.add_app(bench.portal))
    await statuses(bench, 50)
    by_webhook = await bench.http.post(second.url(bench.url) + "scope")
    by_token = await bench.http.post(f"{bench.url}/rest/scope", json={"auth": pair.access_token})
    assert (503, 503) == (by_webhook.status_code, by_token.status_code)


async def test_another_portal_has_a_bucket_of_its_own(bench: Bench) -> None:
    other = bench.simulator.bitrix24.add_webhook(bench.simulator.bitrix24.add_portal("other"))
    await statuses(bench, 50)
    assert 200 == (await bench.http.post(other.url(bench.url) + "scope")).status_code


async def test_another_address_has_a_bucket_of_its_own(bench: Bench) -> None:
    await statuses(bench, 50)
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(transport=transport) as elsewhere:
        assert 200 == (await elsewhere.post(bench.webhook.url(bench.url) + "scope")).status_code


async def test_another_application_can_use_up_the_allowance_at_once(bench: Bench) -> None:
    bench.portal.fill_bucket(bench.clock.now)
    assert [503] == (await statuses(bench, 1))


async def test_another_application_can_keep_the_bucket_full_until_it_stops(bench: Bench) -> None:
    bench.portal.press(20.0, bench.clock.now, until=bench.clock.now + 600)
    bench.portal.fill_bucket(bench.clock.now)
    seen = []
    for seconds in (30, 300, 269, 3):
        bench.clock.now += seconds
        seen.append(await statuses(bench, 1))
    assert [[503], [503], [503], [200]] == seen


async def test_a_modest_neighbour_leaves_us_the_rest_of_the_leak(bench: Bench) -> None:
    bench.portal.press(1.5, bench.clock.now)
    bench.portal.fill_bucket(bench.clock.now)
    seen = []
    for seconds in (1, 4, 2, 2, 1, 1):  # half a call a second is left for us; a refused call counts as well
        bench.clock.now += seconds
        seen += await statuses(bench, 1)
    assert [503, 200, 200, 200, 200, 503] == seen


async def test_a_portal_may_enforce_no_limit_at_all(bench: Bench) -> None:
    bench.portal.set_plan(None)
    assert {200} == set(await statuses(bench, 150))


async def spend(bench: Bench, seconds: float) -> httpx.Response:
    """Call externalData.list once at a cost of ``seconds``."""
    bench.portal.costs[LINKS.lower()] = seconds
    return await bench.post(LINKS, {"bookingId": 1})


async def test_the_call_that_crosses_the_operating_limit_succeeds_and_the_next_is_429(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    bench.portal.operating.limit = 100.0
    answers = [await spend(bench, 40.0) for _ in range(4)]
    seen, refused = ([answer.status_code for answer in answers], answers[-1].json())
    assert [200, 200, 200, 429] == seen
    assert {
        "error": "OPERATION_TIME_LIMIT",
        "error_description": "Method is blocked due to operation time limit.",
    } == refused


async def test_only_that_method_of_that_credential_is_blocked(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    bench.portal.operating.limit = 30.0
    await spend(bench, 30.0)
    second = bench.simulator.bitrix24.add_webhook(bench.portal)
    other = await bench.http.post(second.url(bench.url) + LINKS, json={"bookingId": 1})
    assert [429, 200, 200] == [(await spend(bench, 1.0)).status_code, (await bench.post(LIST)).status_code, other.status_code]


async def test_operating_falls_by_one_bucket_ten_minutes_after_its_first_call(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    begin = bench.clock.now
    seen = []
    for moment, seconds in ((0, 10.0), (59, 5.0), (60, 20.0), (599, 1.0), (600, 2.0)):
        bench.clock.now = begin + moment
        time = (await spend(bench, seconds)).json()["time"]
        seen.append((time["operating"], time["operating_reset_at"] - begin))
    assert [(10, 600), (15, 600), (35, 600), (36, 600), (23, 660)] == seen


async def test_a_call_under_a_tenth_of_a_second_is_not_added(bench: Bench) -> None:
    bench.world.add_booking(1, 2)
    assert [0, 0.1, 0.1] == [(await spend(bench, seconds)).json()["time"]["operating"] for seconds in (0.09, 0.1, 0.09)]


async def test_inside_a_batch_the_limit_fails_single_commands_under_200(bench: Bench) -> None:
    bench.world.fill(4, bench.clock.now)
    bench.portal.operating.limit = 10.0
    bench.portal.costs[LINKS.lower()] = 5.0
    cmd = {f"e{key}": f"{LINKS}?bookingId={key}" for key in range(1, 5)}
    sections = await bench.batch({**cmd, "p0": LIST})
    assert ["e1", "e2", "p0"] == list(sections["result"])
    assert {
        "e3": "OPERATION_TIME_LIMIT",
        "e4": "OPERATION_TIME_LIMIT",
    } == {key: error["error"] for key, error in sections["result_error"].items()}


async def test_by_the_documentation_nested_calls_count_under_their_own_method_and_the_batch_does_not(bench: Bench) -> None:
    bench.world.fill(2, bench.clock.now)
    bench.portal.costs[LINKS.lower()] = 5.0
    answer = (await bench.post("batch", {"cmd": {f"e{key}": f"{LINKS}?bookingId={key}" for key in (1, 2)}})).json()
    nested = answer["result"]["result_time"]
    direct = (await bench.post(LINKS, {"bookingId": 1})).json()["time"]["operating"]
    assert [0, 5, 10, 15] == [answer["time"]["operating"], nested["e1"]["operating"], nested["e2"]["operating"], direct]


async def test_by_the_newest_source_a_batch_counts_half_and_nested_calls_count_nothing(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.accounting = "batch_half"
    bench.world.fill(2, bench.clock.now)
    bench.portal.costs[LINKS.lower()] = 5.0
    answer = (await bench.post("batch", {"cmd": {f"e{key}": f"{LINKS}?bookingId={key}" for key in (1, 2)}})).json()
    assert [5, 0] == [answer["time"]["operating"], answer["result"]["result_time"]["e2"]["operating"]]


async def test_by_the_newest_source_crossing_the_limit_bans_for_five_minutes_and_clears_the_buckets(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.accounting = "batch_half"
    bench.portal.operating.limit = 20.0
    bench.world.fill(1, bench.clock.now)
    bench.portal.costs[LINKS.lower()] = 40.0
    cmd = {"cmd": {"e1": f"{LINKS}?bookingId=1"}}
    begin = bench.clock.now
    crossing = await bench.post("batch", cmd)
    seen = [crossing.status_code]
    for moment in (1, 299, 300):
        bench.clock.now = begin + moment
        last = await bench.post("batch", cmd)
        seen.append(last.status_code)
    time, after = crossing.json()["time"], last.json()["time"]["operating"]
    assert [200, 429, 429, 200] == seen
    assert [0, 300] == [time["operating"], time["operating_reset_at"] - int(time["start"])]
    assert 0 == after  # crossed again: banned again, buckets cleared again


@pytest.mark.parametrize("variant", ["counting", "zero", "absent"])
async def test_the_time_object_has_three_states_of_operating(bench: Bench, variant: Any) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.operating_in_time = variant
    time: dict[str, Any] = (await bench.post(LIST)).json()["time"]
    expected = {"counting": 0.12, "zero": 0, "absent": None}[variant]
    assert time.get("operating") == expected
    assert ("operating_reset_at" in time) == (variant == "counting")


async def test_the_time_object_carries_the_servers_offset_and_may_hold_integers(bench: Bench) -> None:
    seen = []
    for whole in (False, True):
        bench.simulator.bitrix24.switches.whole_numbers_in_time = whole
        seen.append((await bench.post("scope")).json()["time"])
    floats, integers = seen
    assert {"start", "finish", "duration", "processing", "date_start", "date_finish", "operating"} == set(floats)
    assert floats["date_start"].endswith("+03:00")
    assert isinstance(floats["start"], float)
    assert [type(integers[key]) for key in ("start", "processing", "operating")] == [int, int, int]


async def test_the_live_headers_are_there_and_none_tells_a_limit(bench: Bench) -> None:
    names = list((await bench.post(LIST)).headers)
    assert "x-bitrix-rest-time" in names
    assert [] == [name for name in names if "limit" in name or name == "retry-after"]


async def test_overload_limit_stays_until_it_is_switched_off(bench: Bench) -> None:
    bench.portal.overloaded = True
    seen = [(await bench.error(LIST))[:2]]
    bench.clock.now += 86_400
    seen.append((await bench.error(LIST))[:2])
    bench.portal.overloaded = False
    assert [(503, "OVERLOAD_LIMIT"), (503, "OVERLOAD_LIMIT"), 200] == [*seen, (await bench.post(LIST)).status_code]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INTERNAL_SERVER_ERROR", 500),
        ("ERROR_UNEXPECTED_ANSWER", 500),
        ("user_access_error", 403),
        ("authorization_error", 401),
        ("PORTAL_DELETED", 410),
        (403, 400),
    ],
)
async def test_a_portal_can_refuse_with_every_code_of_the_table(bench: Bench, code: str | int, status: int) -> None:
    bench.portal.refusal = ApiError(code, "for the test", status)
    assert (await bench.error(LIST))[:2] == (status, code)


@pytest.mark.parametrize(("style", "code"), [("number", 0), ("string", "0")])
@pytest.mark.parametrize(
    ("switch", "text"),
    [
        ("booking_tool_disabled", "Booking tool is disabled. Please contact your administrator."),
        ("booking_not_in_plan", "Feature is not available"),
    ],
)
async def test_a_portal_without_the_tool_refuses_every_booking_method_with_code_zero_and_its_sentence(
    bench: Bench,
    switch: str,
    text: str,
    style: Any,  # noqa: ANN401  a literal of Switches
    code: object,
) -> None:
    bench.simulator.bitrix24.switches.numeric_codes = style
    bench.simulator.bitrix24.switches.numeric_codes_in_batch = style
    setattr(bench.portal, switch, True)
    for method in (LIST, LINKS, "booking.v1.resource.list", "booking.v1.booking.add"):
        assert await bench.error(method) == (400, code, text)
    sections = await bench.batch({"p0": LIST, "p1": "scope"})
    assert sections["result_error"] == {"p0": {"error": code, "error_description": text}}
    assert ["p1"] == list(sections["result"])
    assert 200 == (await bench.post("scope")).status_code


@pytest.mark.parametrize(
    ("case", "code"), [("upper", "EXPIRED_TOKEN"), ("lower", "expired_token"), ("documented", "expired_token")]
)
async def test_words_come_in_any_letter_case(bench: Bench, case: Any, code: str) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.word_case = case
    bench.portal.refusal = ApiError("expired_token", "The access token provided has expired.", 401)
    assert (await bench.error(LIST))[1] == code


@pytest.mark.parametrize(("style", "code"), [("number", 0), ("string", "0")])
async def test_code_zero_comes_as_number_or_string(bench: Bench, style: Any, code: object) -> None:  # noqa: ANN401  a literal of Switches
    bench.simulator.bitrix24.switches.numeric_codes = style
    assert (await bench.error(LIST, {"filter": {"within": {"dateFrom": 1}}}))[1] == code


async def test_error_bodies_have_no_time_and_may_have_extra_keys(bench: Bench) -> None:
    plain = await bench.post(LINKS, {"bookingId": 1})
    bench.simulator.bitrix24.switches.extra_error_keys = True
    extended = await bench.post(LINKS, {"bookingId": 1})
    assert ["error", "error_description"] == list(plain.json())
    assert ["error", "error_description", "error_information", "validation"] == list(extended.json())


async def test_descriptions_may_be_russian_in_utf_8(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.russian_descriptions = True
    assert "Бронирование не найдено" == (await bench.error(LINKS, {"bookingId": 1}))[2]
