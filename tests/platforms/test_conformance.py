"""The statements of the fact sheets, held against both simulated platforms: all true, then each made false in turn."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import exporter
from exporter.commands.conformance import Result, exit_code, report
from exporter.platforms.conformance import UNKNOWN, Exchange, Holds, Transcript, UnseenError, Word, judged, kind, known
from exporter.platforms.recording import Record
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import Target
from exporter.simulator import Simulator
from exporter.simulator.canary import CANARIES
from exporter.simulator.wix.operations import (
    ALL_PERMISSIONS,
    COUNT_BOOKINGS,
    MANAGE_EXTERNAL_CALENDARS,
    READ_BOOKINGS,
    READ_CALENDAR,
    READ_SERVICES,
    READ_STAFF,
)
from exporter.support.secret import Secret
from tests.harness.business import API_KEY, APP_SECRET, SITE_ID, WEBHOOK_CODE
from tests.harness.conformance import NOW, Account, Spoil
from tests.platforms.conformance_spoils import BITRIX24, WIX

ROOT: Final = Path(exporter.__file__).parent
STATEMENTS: Final = {one.id: one for platform in PLATFORMS.values() for one in platform.conformance.statements}
FALSE: Final = {**WIX, **BITRIX24}
PLATFORM_OF: Final = {"api_key": "wix", "app": "wix", "webhook": "bitrix24", "oauth": "bitrix24"}

# What the filled simulator has nothing to show of, by who asks.
UNSEEN: Final[Mapping[str, frozenset[str]]] = {
    "api_key": frozenset({"W-CONN-08", "W-CONN-13", "W-CONN-14", "W-CAL-04", "W-TOKEN-01", "W-TOKEN-02"}),
    "app": frozenset({"W-CONN-08", "W-CONN-13", "W-CONN-14", "W-CAL-04"}),
    "webhook": frozenset({"B-AUTH-02", "B-PAGE-05"}),
    "oauth": frozenset({"B-AUTH-01", "B-PAGE-05"}),
}


@pytest.fixture(scope="module")
def account() -> Account:
    return Account()


@pytest.fixture(scope="module")
def targets(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Target]:
    return {sign_in: account.target(sign_in, tmp_path_factory.mktemp("tokens")) for sign_in in PLATFORM_OF}


def found(results: Sequence[Result], holds: Holds) -> set[str]:
    return {statement.id for statement, one in results if one.holds is holds}


def text(results: Sequence[Result], sign_in: str) -> str:
    return "\n".join(report(PLATFORM_OF[sign_in], sign_in, results, 15, NOW))


@pytest.mark.parametrize("sign_in", PLATFORM_OF)
async def test_all_statements_hold_on_the_simulator_for_each_kind_of_credential(
    account: Account, targets: Mapping[str, Target], sign_in: str
) -> None:
    record, results = await account.conform(targets[sign_in])
    other = "K" if sign_in == "app" else "A"
    unseen = UNSEEN[sign_in] | {
        id_ for id_ in STATEMENTS if PLATFORM_OF[sign_in] == "wix" and id_.startswith(f"W-AUTH-{other}")
    }
    assert found(results, Holds.NO) == set()
    assert found(results, Holds.UNSEEN) == unseen
    assert 0 == exit_code(results, answered=record.answered)
    assert record.requests <= PLATFORMS[PLATFORM_OF[sign_in]].conformance.questions + (sign_in == "app")
    assert {} == account.simulator.log.writes()


async def test_on_a_site_of_many_bookings_counts_are_compared_up_to_the_end_of_the_first_page(tmp_path: Path) -> None:
    account = Account()
    account.simulator.wix.sites[SITE_ID].bookings.seed(days_back=20, days_ahead=50)
    record, results = await account.conform(account.target("api_key", tmp_path))
    assert found(results, Holds.NO) == set()
    assert "count_part" in record.exchanges
    assert {"W-COUNT-02", "W-FILTER-01", "W-FILTER-02"} <= found(results, Holds.YES)


def empty(simulator: Simulator) -> None:
    """Make accounts that somebody opened a minute ago."""
    simulator.wix.add_key(simulator.wix.add_site(SITE_ID), API_KEY)
    simulator.bitrix24.add_webhook(simulator.bitrix24.add_portal("salon"), code=WEBHOOK_CODE)


def one_of_each(simulator: Simulator) -> None:
    """Make accounts with one booking; that of Wix has no resource, as a course has none."""
    empty(simulator)
    simulator.wix.sites[SITE_ID].bookings.add(NOW, NOW + 3600)
    simulator.bitrix24.portals["salon"].world.add_booking(NOW, NOW + 3600)


@pytest.mark.parametrize("sign_in", ["api_key", "webhook"])
@pytest.mark.parametrize("build", [empty, one_of_each])
async def test_an_account_with_hardly_anything_in_it_makes_no_statement_false(
    tmp_path: Path, sign_in: str, build: Callable[[Simulator], None]
) -> None:
    account = Account(build=build)
    record, results = await account.conform(account.target(sign_in, tmp_path))
    assert found(results, Holds.NO) == set()
    assert 0 == exit_code(results, answered=record.answered)


def test_there_is_a_way_to_make_each_statement_false() -> None:
    assert FALSE.keys() == STATEMENTS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("statement", FALSE)
async def test_a_statement_that_is_false_does_not_hold_and_no_other_fails_with_it(
    account: Account, targets: Mapping[str, Target], statement: str
) -> None:
    false = FALSE[statement]
    record, results = await account.conform(targets[false.sign_in], false.spoils)
    assert found(results, Holds.NO) == {statement, *false.follows}
    assert 1 == exit_code(results, answered=record.answered)


PLANTED: Final = (
    *(
        "Anna Kowalski",
        "ANNA_KOWALSKI",
        "anna.kowalski@mail.example",
        "+49 30 5550 198765",
        "IST.planted-token",
        "eyJhbGciOi.planted",
    ),
    *("{0}", "{}", "%s", "\x1b[31mred", "https://kowalski.example/rest/1/planted/", "918273645918"),
)
NUMBER: Final = 918_273_645
_COUNTS: Final = ("count",)  # of bookings, which the report compares


def planted(body: Any, choose: Any) -> Any:  # noqa: ANN401  JSON; a way to choose
    """Return ``body`` with texts of others in places of it, as values and as names, and numbers in place of numbers."""
    if isinstance(body, dict):
        more = {choose(PLANTED): choose(PLANTED)} if choose((False, True)) else {}
        return {**{name: value if name in _COUNTS else planted(value, choose) for name, value in body.items()}, **more}
    if isinstance(body, list):
        return [planted(value, choose) for value in body]
    if isinstance(body, str):
        return choose((body, choose(PLANTED)))
    if isinstance(body, int) and not isinstance(body, bool):
        return choose((body, NUMBER))
    return body


def ids_of(account: Account) -> set[str]:
    site, portal = account.simulator.wix.sites[SITE_ID], account.simulator.bitrix24.portals["salon"]
    wix = {booking.id for booking in site.bookings} | {connection.id for connection in site.connections} | set(site.schedules)
    return wix | {resource.name for resource in portal.world.resources.values()}


@pytest.mark.slow
@pytest.mark.parametrize("sign_in", PLATFORM_OF)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000), everywhere=st.booleans())
async def test_nothing_that_an_account_sends_gets_into_the_report(
    account: Account,
    targets: Mapping[str, Target],
    sign_in: str,
    seed: int,
    everywhere: bool,
) -> None:
    chance = Random(seed)  # Hypothesis would shrink a million choices

    def choose(among: Sequence[Any]) -> Any:  # noqa: ANN401  JSON
        return among[-1] if everywhere and among[0] not in PLANTED else chance.choice(among)

    _, results = await account.conform(targets[sign_in], around=lambda body: planted(body, choose))
    shown = text(results, sign_in)
    secrets = (
        *PLANTED[:6],
        *PLANTED[9:],
        *CANARIES,
        API_KEY,
        APP_SECRET,
        WEBHOOK_CODE,
        SITE_ID,
        str(NUMBER),
        "salon",
        "127.0.0.1",
    )
    assert [] == [secret for secret in {*secrets, *ids_of(account)} if secret in shown]
    assert "\x1b" not in shown


NUMBERS: Final = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from([10**400, 1e308])
JSONS: Final = st.recursive(
    st.none() | NUMBERS | st.text(max_size=4) | st.sampled_from(PLANTED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_NAMES: Final = (
    *(
        "connections",
        "providers",
        "failedProviderIds",
        "extendedBookings",
        "booking",
        "pagingMetadata",
        "cursors",
        "next",
        "count",
    ),
    *(
        "result",
        "externalData",
        "resource",
        "resourceType",
        "error",
        "details",
        "applicationError",
        "code",
        "time",
        "operating",
    ),
    *(
        "operating_reset_at",
        "finish",
        "id",
        "datePeriod",
        "from",
        "to",
        "timestamp",
        "result_error",
        "missed",
        "startDate",
        "status",
    ),
)
BODIES: Final = st.recursive(
    JSONS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)
QUESTIONS: Final = (
    *("connections", "token", "providers", "count", "rows", "page_1", "page_2", "count_part", "at_bound", "before_bound"),
    *(
        "odd_filter",
        "schedules",
        "staff",
        "services",
        "marks",
        "calendars",
        "list",
        "list_next",
        "at_start",
        "before_start",
        "get",
    ),
    *("get_none", "list_none", "links", "event", "event_none", "links_none", "batch", "resources", "types", "no_method"),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    bodies=st.lists(BODIES, min_size=3, max_size=3),
    status=st.sampled_from([None, 200, 400, 403, 500]),
    sign_in=st.sampled_from(sorted(PLATFORM_OF)),
)
def test_whatever_json_comes_each_statement_is_judged_and_the_same_each_time(
    bodies: list[Any], status: int | None, sign_in: str
) -> None:
    exchanges = {name: Exchange(status, body=bodies[number % 3]) for number, name in enumerate(QUESTIONS)}
    facts = {"period": (0.0, NOW), "part": ("count", 1), "at_bound": 1, "before_bound": 0, "cursor": True, "booking": 7}
    heard = Transcript(exchanges, sign_in, facts)
    for statement in STATEMENTS.values():
        assert statement.judged(heard) == statement.judged(heard)
        assert isinstance(statement.judged(heard).seen, str)


def test_what_was_seen_is_a_literal_of_ours_into_which_only_numbers_and_our_words_fit() -> None:
    with pytest.raises(TypeError):
        judged(True, "{}", "Anna")  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError):
        UnseenError("{}", "Anna")  # type: ignore[arg-type]  # ditto
    makers = {"judged": 1, "UnseenError": 0}
    calls = [
        (path.name, node.func.id, node.args[makers[node.func.id]])
        for path in ROOT.rglob("*.py")
        if path.name in {"statements.py", "check_statements.py", "judging.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers
    ]
    assert len(calls) > 40
    # A constant of ours, and `tallied`, which joins templates of ours: see `told`.
    assert {
        "ANOTHER_CREDENTIAL",
        "template",
    } == {ast.unparse(call[2]) for call in calls if not isinstance(call[2], ast.Constant)}


@pytest.mark.parametrize(
    ("value", "word"),
    [("Anna", UNKNOWN), ("google", Word("GOOGLE")), (None, UNKNOWN), (5, UNKNOWN), (1021, UNKNOWN), ([], UNKNOWN)],
)
def test_a_word_is_printed_as_we_spell_it_or_not_at_all(value: object, word: Word) -> None:
    assert known(value, ("GOOGLE",)) == word


@pytest.mark.parametrize("value", [*PLANTED, NUMBER, 0.5, None, True, [], ["Anna"], {}, {"Anna": 1}])
def test_of_a_value_only_its_kind_is_told(value: object) -> None:
    words = "null|true or false|whole number|number|list|empty list|object|empty object|text|digits in text|empty text|GUID"
    assert kind(value) in words.split("|")


@pytest.mark.parametrize("sign_in", PLATFORM_OF)
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_account_that_is_down_gets_forty_requests_at_most(
    account: Account, targets: Mapping[str, Target], sign_in: str, status: int
) -> None:
    asked = [Spoil("", status=status, content=b"<html></html>", headers={"content-type": "text/html"})]
    record, results = await account.conform(targets[sign_in], asked)
    assert record.requests <= 40
    assert 2 == exit_code(results, answered=record.answered)


@pytest.mark.parametrize("sign_in", PLATFORM_OF)
async def test_no_question_begins_after_five_minutes_with_an_account_that_is_slow(
    account: Account, targets: Mapping[str, Target], sign_in: str
) -> None:
    began = account.clock.now
    record, results = await account.conform(targets[sign_in], [Spoil("", seconds=45)])
    assert 300 < account.clock.now - began < 400
    assert 7 == record.requests
    assert [exchange.asked for exchange in record.exchanges.values()].count(False) >= 5
    assert found(results, Holds.NO) == set()


@pytest.mark.parametrize(
    ("missing", "statements"),
    [
        (MANAGE_EXTERNAL_CALENDARS, {"W-AUTH-K1", "W-AUTH-K2"}),
        (READ_BOOKINGS, {"W-AUTH-K3", "W-AUTH-K4"}),
        ({COUNT_BOOKINGS, "BOOKINGS.BOOKING_READ_ANY"}, {"W-AUTH-K3"}),
        (READ_CALENDAR, {"W-AUTH-K5"}),
        (READ_STAFF, {"W-AUTH-K6"}),
        (READ_SERVICES, {"W-AUTH-K7"}),
    ],
)
async def test_a_right_that_a_key_lacks_is_told_of_the_calls_that_need_it_and_of_nothing_else(
    account: Account, targets: Mapping[str, Target], missing: AbstractSet[str], statements: AbstractSet[str]
) -> None:
    key = account.simulator.wix.add_key(account.simulator.wix.sites[SITE_ID], permissions=ALL_PERMISSIONS - missing)
    target = targets["api_key"].model_copy(update={"api_key": Secret(key.value)})
    _, results = await account.conform(target)
    assert found(results, Holds.NO) == statements


async def test_a_webhook_without_the_scope_shows_nothing_although_it_is_refused_as_it_should_be(
    account: Account, targets: Mapping[str, Target]
) -> None:
    body = b'{"error":"insufficient_scope","error_description":"higher privileges"}'
    refusing = [
        Spoil(question, status=403, content=body, headers={"content-type": "application/json"})
        for question in ("list", "list_next", "list_none", "get_none", "links_none", "batch", "resources", "types")
    ]
    record, results = await account.conform(targets["webhook"], refusing)
    assert found(results, Holds.NO) == set()
    assert 2 == exit_code(results, answered=record.answered)


@pytest.mark.parametrize(
    ("platform", "switches", "false"),
    [
        ("wix", {"failed_ids": "absent"}, set()),
        ("wix", {"default_sort": "createdDate"}, set()),
        ("wix", {"omit_has_next": True}, set()),
        ("wix", {"trailing_empty_page": True}, set()),
        ("wix", {"count_as": "text"}, {"W-COUNT-01"}),
        ("wix", {"count_as": "missing"}, {"W-COUNT-01"}),
        ("wix", {"extra_failed_ids": ("00000000-0000-4000-8000-000000000000",)}, {"W-CONN-13"}),
        ("bitrix24", {"real_totals": True}, {"B-PAGE-02", "B-PAGE-03"}),
        ("bitrix24", {"ignores_start": True}, {"B-PAGE-04"}),
        ("bitrix24", {"page_size": 100}, {"B-PAGE-01", "B-PAGE-04"}),
        ("bitrix24", {"list_shape": "object"}, {"B-LIST-01", "B-LIST-08", "B-BATCH-02"}),
        ("bitrix24", {"list_shape": "null"}, {"B-LIST-01", "B-LIST-08", "B-BATCH-02"}),
        ("bitrix24", {"numeric_codes": "string", "numeric_codes_in_batch": "number"}, set()),
        ("bitrix24", {"word_case": "lower"}, set()),
        ("bitrix24", {"resource_types_key": "resource"}, set()),
        ("bitrix24", {"operating_in_time": "absent"}, set()),
        ("bitrix24", {"whole_numbers_in_time": True}, set()),
        ("bitrix24", {"russian_descriptions": True, "extra_error_keys": True}, set()),
        ("bitrix24", {"batch_blocked": frozenset({"booking.v1.booking.list"})}, {"B-BATCH-02", "B-BATCH-04", "B-BATCH-05"}),
    ],
)
async def test_where_sources_differ_the_other_behaviour_is_told_or_is_as_good(
    tmp_path: Path, platform: str, switches: Mapping[str, object], false: AbstractSet[str]
) -> None:
    account = Account()
    simulated = account.simulator.wix.switches if platform == "wix" else account.simulator.bitrix24.switches
    for name, value in switches.items():
        assert hasattr(simulated, name)
        setattr(simulated, name, value)
    _, results = await account.conform(account.target("api_key" if platform == "wix" else "webhook", tmp_path))
    assert found(results, Holds.NO) == false


HTML: Final = b"<html>Sign in, Anna Kowalski</html>"


@pytest.mark.parametrize("sign_in", PLATFORM_OF)
async def test_an_account_that_answers_html_is_told_as_such(
    account: Account, targets: Mapping[str, Target], sign_in: str
) -> None:
    record, results = await account.conform(targets[sign_in], [Spoil("", content=HTML, headers={"content-type": "text/html"})])
    assert record.requests <= 40
    assert 1 == exit_code(results, answered=record.answered)
    assert {"W-HTTP-01", "B-HTTP-01"} & found(results, Holds.NO)
    assert "Kowalski" not in text(results, sign_in)


@pytest.mark.parametrize(
    ("sign_in", "body"), [("api_key", b'{"message":"","details":{}}'), ("webhook", b'{"error":"NO_AUTH_FOUND"}')]
)
async def test_a_dead_credential_is_asked_twice_and_shows_nothing(
    account: Account, targets: Mapping[str, Target], sign_in: str, body: bytes
) -> None:
    refusing = [Spoil("", status=401, content=body, headers={"content-type": "application/json"})]
    record, results = await account.conform(targets[sign_in], refusing)
    assert 2 == record.requests
    assert not {one for one in found(results, Holds.NO) if "AUTH" in one}


async def test_the_forty_first_request_does_not_leave(account: Account) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    record = Record()
    http = record.services(account.services(httpx.MockTransport(answer), "wix")).http

    for _ in range(40):
        await http.handle_async_request(httpx.Request("GET", "https://wix.example/"))
    with pytest.raises(httpx.ConnectError):
        await http.handle_async_request(httpx.Request("GET", "https://wix.example/"))
    assert (40, 40) == (len(seen), record.requests)
