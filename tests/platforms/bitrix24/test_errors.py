"""What goes wrong ends as one reason, never as a count, and is repeated only where that can help (bitrix24.md section 8)."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from exporter.errors import (
    AuthError,
    NetworkError,
    NotEntitledError,
    OverloadError,
    PollError,
    Reason,
    ServerError,
)
from exporter.platforms.bitrix24.settings import BitrixCollectors
from exporter.platforms.retry import wait_allowance
from exporter.simulator import Fault, FaultKind
from exporter.simulator.bitrix24.errors import ApiError
from exporter.simulator.canary import CANARIES
from tests.harness.bitrix24_target import CODE, GET, LINKS, LIST, Bench, counts, poll_bookings, poll_links
from tests.harness.faults import met

# code, HTTP status, reason, calls that one poll makes of it
CODES: list[tuple[str | int, int, Reason, int]] = [
    ("OPERATION_TIME_LIMIT", 429, Reason.OPERATING_LIMIT, 1),
    ("OVERLOAD_LIMIT", 503, Reason.OVERLOAD, 1),
    ("INTERNAL_SERVER_ERROR", 500, Reason.SERVER_ERROR, 4),
    ("ERROR_UNEXPECTED_ANSWER", 500, Reason.SERVER_ERROR, 4),
    ("ERROR_CORE", 400, Reason.SERVER_ERROR, 2),
    ("ERROR_CORE", 500, Reason.SERVER_ERROR, 2),
    ("expired_token", 401, Reason.AUTH, 1),
    ("invalid_token", 401, Reason.AUTH, 1),
    ("NO_AUTH_FOUND", 401, Reason.AUTH, 1),
    ("INVALID_CREDENTIALS", 403, Reason.AUTH, 1),
    ("INVALID_CREDENTIALS", 401, Reason.AUTH, 1),
    ("insufficient_scope", 403, Reason.PERMISSION, 1),
    ("insufficient_scope", 401, Reason.PERMISSION, 1),
    ("ACCESS_DENIED", 403, Reason.NOT_ENTITLED, 1),
    ("user_access_error", 403, Reason.PERMISSION, 1),
    ("allowed_only_intranet_user", 403, Reason.PERMISSION, 1),
    ("WRONG_AUTH_TYPE", 403, Reason.PERMISSION, 1),
    ("METHOD_CONFIRM_DENIED", 403, Reason.PERMISSION, 1),
    ("METHOD_CONFIRM_WAITING", 401, Reason.PERMISSION, 1),
    ("authorization_error", 401, Reason.AUTH, 1),
    ("ERROR_OAUTH", 401, Reason.AUTH, 1),
    ("APPLICATION_NOT_FOUND", 401, Reason.NOT_ENTITLED, 1),
    ("NOT_INSTALLED", 401, Reason.NOT_ENTITLED, 1),
    ("PAYMENT_REQUIRED", 401, Reason.NOT_ENTITLED, 1),
    ("PORTAL_DELETED", 500, Reason.NOT_FOUND, 1),
    ("PORTAL_DELETED", 403, Reason.NOT_FOUND, 1),
    ("PORTAL_DELETED", 410, Reason.NOT_FOUND, 1),
    ("ERROR_METHOD_NOT_FOUND", 404, Reason.NOT_FOUND, 1),
    ("ERROR_MANIFEST_IS_NOT_AVAILABLE", 404, Reason.NOT_FOUND, 1),
    ("ERROR_BATCH_LENGTH_EXCEEDED", 400, Reason.CLIENT_ERROR, 1),
    ("INVALID_REQUEST", 400, Reason.CONFIG, 1),
    ("ERROR_ARGUMENT", 400, Reason.CLIENT_ERROR, 1),
    ("WRONG_ENCODING", 400, Reason.CLIENT_ERROR, 1),
    (100, 400, Reason.CLIENT_ERROR, 1),
    (0, 400, Reason.CLIENT_ERROR, 1),
    ("", 400, Reason.CLIENT_ERROR, 1),
    (422, 400, Reason.CLIENT_ERROR, 1),
    (1018, 400, Reason.CLIENT_ERROR, 1),
    (403, 400, Reason.PERMISSION, 1),
    (0, 200, Reason.CLIENT_ERROR, 1),
    ("", 200, Reason.CLIENT_ERROR, 1),
    ("SOMETHING_NEW", 400, Reason.CLIENT_ERROR, 1),
    ("SOMETHING_NEW", 401, Reason.AUTH, 1),
    ("SOMETHING_NEW", 500, Reason.SERVER_ERROR, 4),
]


@pytest.mark.parametrize("style", ["number", "string"])
@pytest.mark.parametrize(("code", "status", "reason", "calls"), CODES)
async def test_each_code_is_one_reason_and_only_faults_are_repeated(
    bench: Bench, code: str | int, status: int, reason: Reason, calls: int, style: str
) -> None:
    bench.simulator.bitrix24.switches.numeric_codes = "number" if style == "number" else "string"
    bench.portal.refusal = ApiError(code, "because", status)
    with pytest.raises(PollError) as caught:
        await poll_bookings(bench.open())
    assert (caught.value.reason, bench.calls()) == (reason, calls)
    assert caught.value.code in (None, str(code))
    assert len(bench.events.retries) == calls - 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"error": 1021, "error_description": "x"}', Reason.CLIENT_ERROR),
        ('{"error": "0", "error_description": "Required fields: dateTo"}', Reason.CLIENT_ERROR),
        ('{"error": 0}', Reason.CLIENT_ERROR),
        ('{"error": ""}', Reason.CLIENT_ERROR),
        ('{"error": "INVALID_CREDENTIALS"}', Reason.AUTH),
        ('{"error": "insufficient_scope"}', Reason.PERMISSION),
        ('{"error": "OVERLOAD_LIMIT"}', Reason.OVERLOAD),
        ('{"error": "OPERATION_TIME_LIMIT"}', Reason.OPERATING_LIMIT),
    ],
)
async def test_an_error_is_judged_by_its_code_whatever_its_type_and_status(bench: Bench, body: str, reason: Reason) -> None:
    bench.simulator.faults.add(Fault(FaultKind.BODY, status=400, body=body, content_type="application/json"))
    with pytest.raises(PollError) as caught:
        await poll_bookings(bench.open())
    assert (reason, 1) == (caught.value.reason, bench.calls())


@pytest.mark.parametrize("style", ["number", "string"])
@pytest.mark.parametrize(
    ("switch", "told"),
    [("booking_tool_disabled", "Settings -> Tools"), ("booking_not_in_plan", "plan does not contain Booking")],
)
async def test_a_portal_without_the_booking_tool_is_not_entitled_although_its_code_is_that_of_a_bad_request(
    bench: Bench, switch: str, told: str, style: str
) -> None:
    bench.simulator.bitrix24.switches.numeric_codes = "number" if style == "number" else "string"
    setattr(bench.portal, switch, True)
    for poll in (poll_bookings, poll_links):
        before = bench.calls()
        with pytest.raises(NotEntitledError, match=told):
            await poll(bench.open())
        assert 1 == bench.calls() - before


@pytest.mark.parametrize("case", ["upper", "lower"])
async def test_codes_count_in_any_letter_case_and_with_texts_in_any_language(bench: Bench, case: str) -> None:
    switches = bench.simulator.bitrix24.switches
    switches.word_case = "upper" if case == "upper" else "lower"
    switches.russian_descriptions = switches.extra_error_keys = True
    bench.portal.overloaded = True
    with pytest.raises(OverloadError):
        await poll_bookings(bench.open())


FAULTS: list[tuple[Fault, Reason, int]] = [
    (Fault(FaultKind.STATUS, status=200), Reason.INVALID_RESPONSE, 2),
    (Fault(FaultKind.STATUS, status=403), Reason.PERMISSION, 1),
    (Fault(FaultKind.STATUS, status=404), Reason.NOT_FOUND, 1),
    (Fault(FaultKind.STATUS, status=401), Reason.AUTH, 1),
    (Fault(FaultKind.STATUS, status=408), Reason.TIMEOUT, 1),
    (Fault(FaultKind.STATUS, status=500), Reason.SERVER_ERROR, 4),
    (Fault(FaultKind.STATUS, status=502), Reason.SERVER_ERROR, 4),
    (Fault(FaultKind.STATUS, status=503), Reason.SERVER_ERROR, 4),
    (Fault(FaultKind.STATUS, status=504), Reason.SERVER_ERROR, 4),
    (Fault(FaultKind.EMPTY), Reason.INVALID_RESPONSE, 2),
    (Fault(FaultKind.TRUNCATED), Reason.INVALID_RESPONSE, 2),
    (Fault(FaultKind.HUGE), Reason.INVALID_RESPONSE, 2),
    (Fault(FaultKind.BAD_GZIP), Reason.INVALID_RESPONSE, 2),
    (Fault(FaultKind.DROP), Reason.NETWORK, 4),
    (Fault(FaultKind.DROP_BODY), Reason.NETWORK, 4),
    *(
        (Fault(FaultKind.BODY, body=body, content_type="application/json"), Reason.INVALID_RESPONSE, calls)
        for body, calls in [
            ("null", 2),
            ("[]", 2),
            ('"text"', 2),
            ("17", 2),
            ("{}", 2),
            ('{"result":null}', 1),
            ('{"result":true}', 1),
            ('{"result":"text"}', 1),
            ('{"result":{"booking":"text"}}', 1),
            ('{"result":{"booking":17}}', 1),
        ]
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "reason", "calls"), FAULTS, ids=lambda value: getattr(value, "kind", None))
async def test_what_is_not_an_answer_of_the_api_is_an_error_and_never_a_zero(
    bench: Bench, fault: Fault, reason: Reason, calls: int
) -> None:
    bench.world.fill(30, bench.now)
    bench.simulator.faults.add(fault)
    with pytest.raises(PollError) as caught:
        await poll_bookings(bench.open())
    assert (caught.value.reason, bench.calls()) == (reason, calls)


@pytest.mark.parametrize("body", ['{"result":[]}', '{"result":{}}', '{"result":{"booking":null}}', '{"result":{"booking":[]}}'])
async def test_the_ways_in_which_php_writes_nothing_are_an_empty_list(bench: Bench, body: str) -> None:
    bench.simulator.faults.add(Fault(FaultKind.BODY, body=body, content_type="application/json"))
    assert {0} == set(counts(await poll_bookings(bench.open())).values())


async def test_a_fault_that_passes_is_repeated_and_nobody_notices(bench: Bench) -> None:
    bench.world.fill(30, bench.now, days=(0.1, 6.9))
    bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502, times=2))
    assert 30 == counts(await poll_bookings(bench.open()))["next_7d"]
    assert bench.events.retries == [(LIST, "server_error")] * 2
    assert ["502", "502", "200"] == bench.events.codes()


async def test_retry_after_is_honoured_when_it_appears(bench: Bench) -> None:
    bench.simulator.faults.add(Fault(FaultKind.RATE_LIMITED, retry_after="27", times=1))
    began = bench.now
    await poll_bookings(bench.open())
    assert bench.now - began >= 27


async def test_a_dead_portal_is_a_network_error_whose_text_names_the_host_only(bench: Bench) -> None:
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1") as caught:
        await poll_bookings(bench.open(base_url="http://127.0.0.1:1"))
    assert CODE not in repr(caught.value) + str(caught.value)


async def test_a_failure_in_the_middle_of_the_pages_is_an_error_and_not_a_part(bench: Bench) -> None:
    bench.world.fill(400, bench.now, days=(0.1, 6.9))
    bench.simulator.faults.add(Fault(FaultKind.STATUS, status=403, operation="batch", after=1))
    with pytest.raises(PollError):
        await poll_bookings(bench.open())


async def test_a_credential_is_never_sent_over_plain_http_to_another_machine(bench: Bench) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        bench.open(base_url="http://portal.example")


# Inside a batch


@pytest.mark.parametrize("switch", ["booking_tool_disabled", "booking_not_in_plan"])
async def test_a_tool_that_is_taken_away_between_two_pages_is_told_from_inside_the_batch(bench: Bench, switch: str) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    bench.portal.after_page.append(lambda _: setattr(bench.portal, switch, True))
    with pytest.raises(NotEntitledError, match=r"Booking .*\(0\)"):
        await poll_bookings(bench.open())
    assert bench.commands(LIST) > 0


async def test_links_are_told_from_inside_the_batch_that_the_tool_is_switched_off(bench: Bench) -> None:
    bench.world.fill(3, bench.now, days=(0.1, 6.9))
    bench.portal.after_page.append(lambda _: setattr(bench.portal, "booking_tool_disabled", True))
    with pytest.raises(NotEntitledError, match="Settings -> Tools"):
        await poll_links(bench.open())
    assert 3 == bench.commands(LINKS)


async def test_each_command_of_a_batch_is_tied_to_its_own_booking(bench: Bench) -> None:
    bench.world.fill(30, bench.now, days=(0.1, 6.9))
    await poll_links(bench.open())
    batch = next(call for call in bench.simulator.log if call.operation == "batch")
    commands = batch.params["cmd"]
    assert isinstance(commands, dict)
    assert all(command == f"{LINKS}?bookingId={key.removeprefix('e')}" for key, command in commands.items())
    assert 0 == batch.params["halt"]


# Secrets and people


async def test_no_secret_and_no_person_reaches_an_error_a_log_or_an_observation(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(bookings={"per_resource": True})
    shown = repr(await poll_bookings(session)) + repr(await poll_links(session)) + repr(session.usage())
    for description in (f"call {CODE}", "No access for Kanarina Vogel", "IST.planted", *CANARIES):
        for refusal in (ApiError("NEW_CODE", description, 400), ApiError(description, "", 400)):
            bench.portal.refusal = refusal
            with pytest.raises(PollError) as caught:
                await poll_bookings(session)
            shown += repr(caught.value) + f"{caught.value.message} {caught.value.code} {caught.value.__cause__!r}"
    output = capsys.readouterr()
    planted = [CODE, "canary.person@mail.example", "+49 30 5550 198765", "Kanarina", "IST.planted"]
    assert [] == [secret for secret in planted if secret in shown + output.out + output.err]


async def test_checking_a_credential_costs_two_small_calls_with_links_and_one_without_and_tells_the_truth(bench: Bench) -> None:
    bench.world.fill(200, bench.now)
    session = bench.open()
    await session.check()
    assert (2, 1, 1) == (bench.calls(), bench.calls(LIST), bench.calls("batch"))
    await session.aclose()
    session = bench.open(collectors=BitrixCollectors(bookings=bench.target().collectors.bookings))
    await session.check()
    assert (3, 2) == (bench.calls(), bench.calls(LIST))
    bench.simulator.bitrix24.revoke_webhook(bench.webhook)
    with pytest.raises(AuthError):
        await session.check()
    await session.aclose()


async def test_a_cancelled_poll_lets_the_next_one_pass(bench: Bench) -> None:
    session = bench.open()
    bench.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
    poll = asyncio.create_task(poll_bookings(session))
    await met(bench.simulator)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    assert 0 == counts(await poll_bookings(session))["today"]


async def test_operations_name_everything_that_is_ever_counted(bench: Bench) -> None:
    bench.world.add_resource("Chair")
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    session = bench.open(bookings={"per_resource": True})
    await poll_bookings(session)
    bench.world.delete_booking(40)
    await poll_bookings(session)
    await poll_links(session)
    assert 1 == bench.commands(GET)
    counted = {operation for operation, _, _ in bench.events.requests}
    assert counted <= set(session.expected.operations)
    assert {usage.operation for usage in session.usage().operating} <= set(session.expected.operations)


async def test_a_wait_that_outlasts_the_patience_of_a_poll_ends_it_at_once(bench: Bench) -> None:
    api, began = bench.open()._api, bench.now
    with wait_allowance(300):
        with pytest.raises(ServerError):
            await api.back_off(0, ServerError("busy", retry_after=31.0))
        assert bench.now == began
        await api.back_off(0, ServerError("busy", retry_after=20.0))
        assert bench.now == began + 20
        with pytest.raises(ServerError):
            await api.back_off(0, ServerError("busy", retry_after=11.0))
        assert bench.now == began + 20
