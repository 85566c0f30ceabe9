"""The `conformance` command as a user types it, against both simulated platforms."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from exporter import __version__
from exporter.commands.conformance import conformance
from exporter.config import load_config
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_STAFF
from tests.harness.business import API_KEY, SITE_ID, WEBHOOK_CODE, Business
from tests.harness.process import command

Scenario = Callable[[Business], Coroutine[Any, Any, None]]


Run = Callable[..., Coroutine[Any, Any, tuple[int, str, str]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; returns its exit code and what it wrote to both streams."""

    async def run(business: Business, target: str, **wix: Any) -> tuple[int, str, str]:  # noqa: ANN401  changes of the Wix target
        config = business.config(business.wix_target(**wix), business.bitrix24_target())
        capsys.readouterr()
        code = await conformance(load_config(config), target)
        out, err = capsys.readouterr()
        return code, out[out.find("Conformance report") :], err  # behind the log, which the command line switches off

    return run


async def test_the_report_names_version_day_platform_and_credential_and_nothing_of_the_account(
    business: Business, run: Run
) -> None:
    for target, credential in (
        ("salon-wix", "wix, credential: API key"),
        ("salon-b24", "bitrix24, credential: incoming webhook"),
    ):
        code, out, err = await run(business, target)
        first, second = out.splitlines()[:2]
        assert (0, f"Conformance report of booking-sync-exporter {__version__}, ") == (code, first[:-10])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", first[-10:])
        assert f"platform: {credential}, requests made: 1" in second
        assert "asks 15 questions, which only read, with 40 requests at most" in err
        assert "does not hold: 0 of " in out
        assert f"left out: statements about another kind of credential, {10 if target == 'salon-wix' else 1}\n" in out
        assert "another kind" not in out.partition("could not be seen")[2]
        secrets = (*business.secrets, API_KEY, WEBHOOK_CODE, SITE_ID, "salon", "127.0.0.1", "Chair 1", "Specialists")
        assert [] == [secret for secret in secrets if secret in out]
    assert {} == business.simulator.log.writes()


async def test_a_right_that_is_missing_is_told_in_the_report_and_its_fix_to_the_operator_alone(
    business: Business, run: Run
) -> None:
    key = business.simulator.wix.add_key(business.site, permissions=ALL_PERMISSIONS - READ_STAFF).value
    code, out, err = await run(business, "salon-wix", api_key=key)
    assert 1 == code
    assert "W-AUTH-K6     An API key may query staff members. [HTTP 403, " in out
    assert "W-LIST-03     Each staff member has resourceId, a GUID. [refused with HTTP 403]" in out
    assert "staff: permission: " in err
    assert "(fix: " in err


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (FaultKind.NEVER, {}, "did not answer within 1 s"),
        (FaultKind.DROP, {}, "connection to 127.0.0.1 was lost"),
        (FaultKind.RATE_LIMITED, {"retry_after": "120"}, "throttles this site"),
    ],
)
async def test_an_account_that_hangs_or_throttles_is_asked_no_further_question(
    business: Business, run: Run, kind: FaultKind, options: dict[str, str], said: str
) -> None:
    business.simulator.faults.add(Fault(kind, platform="wix", **options))  # type: ignore[arg-type]  # texts only
    code, out, err = await run(business, "salon-wix", timeout="1s")
    assert 2 == code
    assert said in err
    assert said not in out
    assert "holds: 0 of " in out
    assert set(business.simulator.log.counts()) <= {"wix ListConnections"}


@pytest.mark.parametrize("target", ["salon-wicks", "paused"])
async def test_a_target_that_cannot_be_asked_is_exit_code_2_with_what_to_do(business: Business, run: Run, target: str) -> None:
    code, out, err = await run(business, target, name="paused", paused=True)
    assert (2, "") == (code, out)
    assert ("there are paused, salon-b24" if target == "salon-wicks" else "remove paused") in err


async def test_a_bad_configuration_is_exit_code_2(business: Business) -> None:
    path = business.config(business.wix_target(api_key=None))
    code, out, err = await command("conformance", "salon-wix", f"--config.file={path}")
    assert (2, "") == (code, out)
    assert "api_key" in err
