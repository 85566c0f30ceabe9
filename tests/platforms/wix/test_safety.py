"""What must never happen: a write, a secret or a person's name in anything we say (docs/platforms/wix.md 2.5, 11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from exporter.errors import PollError
from exporter.model import CollectorName
from exporter.simulator import canary
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.bookings import BookingKind
from exporter.simulator.wix.faults import system_error
from exporter.simulator.wix.providers import GOOGLE, PROVIDERS
from exporter.support.secret import Secret
from tests.harness.wix_site import WixBench

KEY = "IST.canary-key-0123456789"
APP_SECRET = "canary-app-secret-0123456789"
LIST, PROVIDER_LIST = "ListConnections", "ListProviders"
COUNT, QUERY = "CountExtendedBookings", "QueryExtendedBookings"

OPERATIONS = (LIST, PROVIDER_LIST, COUNT, QUERY, "ListCalendars", "QueryStaffMembers")

ECHO = json.dumps(
    {
        "message": f"{canary.EMAIL} {KEY}",
        "details": {
            "applicationError": {"code": canary.EMAIL, "description": canary.PHONE},
            "validationError": {"fieldViolations": [{"field": canary.FIRST_NAME, "description": canary.LAST_NAME}]},
        },
    }
)
BROKEN = json.dumps(
    {"connections": canary.EMAIL, "extendedBookings": canary.PHONE, "count": canary.FIRST_NAME, "providers": KEY}
)


def echo(bench: WixBench) -> None:
    for operation in OPERATIONS:
        bench.answer_with(operation, ECHO, status=400)


def broken(bench: WixBench) -> None:
    for operation in OPERATIONS:
        bench.answer_with(operation, BROKEN)


def all_down(bench: WixBench) -> None:
    bench.switches.all_down = "empty"
    bench.site.provider_down()


TROUBLES: dict[str, Callable[[WixBench], None]] = {
    "none": lambda _: None,
    "echo": echo,
    "broken": broken,
    "truncated": lambda bench: bench.spoil(FaultKind.TRUNCATED),
    "refused": lambda bench: bench.simulator.wix.credentials.revoke_key(KEY),
    "throttled": lambda bench: bench.spoil(FaultKind.RATE_LIMITED),
    "server": lambda bench: bench.simulator.faults.add(system_error()),
    "drop": lambda bench: bench.spoil(FaultKind.DROP),
    "all down": all_down,
}


def fill(bench: WixBench) -> None:
    """Fill the site; the names of a provider and every row carry invented people."""
    bench.site.providers[GOOGLE.id] = replace(GOOGLE, name=f"{canary.FIRST_NAME}'s calendar")
    bench.site.connect_many(20, PROVIDERS)
    bench.connect(status=canary.EMAIL, calendarType=canary.LAST_NAME, errorReason=canary.PHONE, providerId=canary.EMAIL)
    bench.connect(status="ERROR", errorReason=canary.TITLE, scheduleId=canary.EMAIL)
    bench.site.connections.amend(bench.connect(), id=canary.EMAIL)
    bench.switches.extra_failed_ids = (canary.EMAIL,)
    bench.site.add_staff()
    bench.site.bookings.seed(days_back=2, days_ahead=8)
    bench.site.bookings.double_book()
    now = bench.clock.now
    bench.site.bookings.add(now + 60, now + 120, status=canary.FIRST_NAME)
    bench.site.bookings.add(now + 60, now + 120, kind=BookingKind.COURSE, patch={"endDate": canary.EMAIL})


async def say_everything(bench: WixBench) -> str:
    """Poll every collector and return everything that came out of it."""
    said: list[object] = []
    with capture_logs() as logs:
        for collector in bench.session.collectors:
            try:
                result = await bench.poll(collector)
            except PollError as error:
                said += [error, repr(error), vars(error), error.__cause__]
            else:
                said += [result, repr(result), result.failure and vars(result.failure)]
    return repr([said, logs, bench.events, bench.session.usage()])


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("conflicts", [False, True])
async def test_nothing_that_we_say_names_a_person_or_a_secret(bench: WixBench, trouble: str, conflicts: bool) -> None:
    bench.simulator.wix.add_key(bench.site, KEY)
    fill(bench)
    bench.open(bench.target(api_key=Secret(KEY), bookings={"conflicts": conflicts}))
    TROUBLES[trouble](bench)
    said = await say_everything(bench)
    assert ("BookingsObservation" if trouble == "none" else "Error") in said
    for secret in (*canary.CANARIES, KEY, bench.site.id):
        assert secret not in said


async def test_app_secrets_and_tokens_stay_out_of_everything_that_we_say(bench: WixBench) -> None:
    app = bench.simulator.wix.credentials.install(bench.site.id, app_secret=APP_SECRET)
    fill(bench)
    bench.open(bench.target(app=app, bookings={}))
    said = await say_everything(bench)
    bench.simulator.wix.credentials.uninstall(app.instance_id)
    said += await say_everything(bench)
    assert "AuthError" in said
    for secret in (APP_SECRET, "OAUTH2.", *canary.CANARIES):
        assert secret not in said


@pytest.mark.slow
async def test_only_reads_reach_wix_whatever_happens(bench: WixBench) -> None:
    fill(bench)
    app = bench.simulator.wix.credentials.install(bench.site.id)
    for target in (
        bench.target(bookings={}),
        bench.target(bookings={"conflicts": True}),
        bench.target(app=app, bookings={"conflicts": True}),
    ):
        bench.open(target, asks_once=True)
        for fault in (None, system_error(times=1), system_error(status=403, times=1), system_error(status=404, times=2)):
            if fault:
                bench.simulator.faults.add(fault)
            await say_everything(bench)
            await bench.session.check()
    assert {} == bench.simulator.log.writes()
    calendars = [call for call in bench.simulator.log if "external-calendars" in call.path]
    assert {"GET"} == {call.method for call in calendars}
    asked = {call.operation for call in bench.simulator.log}
    assert asked == {*OPERATIONS, "CreateAccessToken"}


async def test_two_sites_at_once_do_not_touch_each_other(bench: WixBench) -> None:
    other = bench.simulator.wix.add_site()
    other.connect_many(3)
    bench.connect()
    here = bench.open()
    there = bench.open(bench.target(name="spa", site_id=other.id, api_key=Secret(bench.simulator.wix.add_key(other).value)))
    bench.site.premium = False
    results = await asyncio.gather(
        here.collectors[CollectorName.CONNECTIONS].poll(),
        there.collectors[CollectorName.CONNECTIONS].poll(),
        return_exceptions=True,
    )
    assert isinstance(results[0], PollError)
    assert not isinstance(results[1], BaseException)
