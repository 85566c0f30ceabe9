from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

import exporter
from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.platforms.advice import Advice
from exporter.platforms.bitrix24 import api_errors as bitrix24_errors
from exporter.platforms.bitrix24 import authserver
from exporter.platforms.error_rules import ErrorRule
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.wix import api_errors as wix_errors
from exporter.state.advice import (
    CREDENTIAL_ENDS,
    DATA_WITHDRAWN,
    DOUBLE_BOOKING,
    WINDOW_INCOMPLETE,
    for_connection,
    for_failure,
    plain,
)


def test_the_advice_on_a_refused_credential_names_the_slip_of_the_first_day() -> None:
    for name, platform in PLATFORMS.items():
        for sign_in in platform.advice.sign_ins:
            told = for_failure(name, Reason.AUTH, sign_in)
            assert re.search(r"wrong, cut off|not copied whole|secret is wrong", told.meaning), (name, sign_in)


def test_the_advice_on_a_server_that_is_not_there_names_the_key_that_has_its_address() -> None:
    told = {sign_in: for_failure("calendar", Reason.NETWORK, sign_in).fix for sign_in in ("caldav", "feed")}
    assert [True, True] == ["`caldav.url`" in told["caldav"], "`ics_url`" in told["feed"]]


def rules_in(found: object) -> Iterator[ErrorRule]:
    """Yield every rule among the values of a module, those in its tables included."""
    if isinstance(found, ErrorRule):
        yield found
    elif isinstance(found, Mapping):
        for name, value in found.items():
            if not str(name).startswith("__"):
                yield from rules_in(value)


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of ``length`` words in ``text``."""
    words = re.findall(r"\w+", text.casefold())
    return set(zip(*(words[start:] for start in range(length)), strict=False))


_SILENT = {ConnectionStatus.SYNCED}
_ALL_CONNECTION_ADVICE = [
    for_connection("wix", status, reason) for status, reason in product(ConnectionStatus, (None, *ErrorReason))
]
_OWN_ADVICE = [DOUBLE_BOOKING, DATA_WITHDRAWN, WINDOW_INCOMPLETE, CREDENTIAL_ENDS]
_SIGN_INS = [(name, sign_in) for name, platform in PLATFORMS.items() for sign_in in ("", *platform.advice.sign_ins)]
_ALL_FAILURE_ADVICE = [for_failure(platform, reason, sign_in) for reason, (platform, sign_in) in product(Reason, _SIGN_INS)]
_RULES = [("wix", rule, sign_in) for rule in rules_in(vars(wix_errors)) for sign_in in ("", "api_key", "app")] + [
    ("bitrix24", rule, sign_in)
    for module in (bitrix24_errors, authserver)
    for rule in rules_in(vars(module))
    for sign_in in ("", "webhook", "oauth")
]


@pytest.mark.parametrize("status", list(ConnectionStatus))
def test_every_status_has_a_meaning_and_all_but_healthy_ones_a_fix(status: ConnectionStatus) -> None:
    advice = for_connection("wix", status, None)
    assert advice.meaning
    assert bool(advice.fix) is (status not in _SILENT)


@pytest.mark.parametrize("reason", list(ErrorReason))
def test_every_error_reason_has_its_own_meaning_and_a_fix(reason: ErrorReason) -> None:
    advice = for_connection("wix", ConnectionStatus.ERROR, reason)
    assert advice.fix
    others = {for_connection("wix", ConnectionStatus.ERROR, other).meaning for other in ErrorReason if other is not reason}
    assert advice.meaning not in others


def test_an_error_reason_is_ignored_while_the_status_is_not_error() -> None:
    expected = for_connection("wix", ConnectionStatus.SYNCED, None)
    assert expected == for_connection("wix", ConnectionStatus.SYNCED, ErrorReason.TOKEN_REVOKED)


@pytest.mark.parametrize("platform", list(PLATFORMS))
@pytest.mark.parametrize("reason", list(Reason))
def test_every_failure_reason_of_every_platform_has_a_meaning_and_a_fix(reason: Reason, platform: str) -> None:
    advice = for_failure(platform, reason)
    assert advice.meaning
    assert advice.fix


@pytest.mark.parametrize(
    "advice", [*_ALL_CONNECTION_ADVICE, *_ALL_FAILURE_ADVICE, *_OWN_ADVICE], ids=lambda advice: advice.meaning[:40]
)
def test_every_text_is_whole_sentences_on_one_line(advice: Advice) -> None:
    for text in filter(None, (advice.meaning, advice.fix)):
        assert text[0].isupper()
        assert text.endswith(".")
        assert "\n" not in text
        assert "  " not in text


def test_a_refused_wix_credential_names_the_three_checks_and_the_way_around_keys() -> None:
    fix = for_failure("wix", Reason.PERMISSION, "api_key").fix
    assert all(words in fix for words in ("(1) the API key is there", "(2) the site is in", "(3) the key has"))
    assert "app mode" in fix


_OTHER_WAYS = {
    ("wix", "api_key"): ("the app ", "the app:", "app's"),
    ("wix", "app"): ("API key", "site_id", "Bearer"),
    ("bitrix24", "webhook"): ("application", "client_id", "bitrix24-login", "token file"),
    ("bitrix24", "oauth"): ("webhook", "Inbound"),
}


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.PERMISSION, Reason.NOT_FOUND])
@pytest.mark.parametrize(("platform", "sign_in"), _OTHER_WAYS)
def test_the_fix_of_a_refusal_names_the_way_that_the_target_is_signed_in_to_and_no_other(
    platform: str, sign_in: str, reason: Reason
) -> None:
    advice = for_failure(platform, reason, sign_in)
    for word in _OTHER_WAYS[platform, sign_in]:
        assert word not in f"{advice.meaning} {advice.fix}"


def test_every_way_to_sign_in_has_advice_of_its_own_for_a_refusal() -> None:
    ways = [(platform, sign_in) for platform, sign_in in _SIGN_INS if sign_in]
    of_calendars = {("calendar", "feed")}
    assert {("wix", "api_key"), ("wix", "app"), ("bitrix24", "webhook"), ("bitrix24", "oauth")} | of_calendars == set(ways)
    for platform, sign_in in ways:
        for reason in (Reason.AUTH, Reason.PERMISSION):
            assert for_failure(platform, reason, sign_in) != for_failure(platform, reason)


@pytest.mark.parametrize(
    "advice", [*_ALL_CONNECTION_ADVICE, *_ALL_FAILURE_ADVICE, *_OWN_ADVICE], ids=lambda advice: advice.fix[:40]
)
def test_no_fix_repeats_its_meaning(advice: Advice) -> None:
    assert set() == runs(advice.meaning, 7) & runs(advice.fix, 7)


@pytest.mark.parametrize(("platform", "rule", "sign_in"), _RULES)
def test_no_message_of_a_failed_poll_says_what_its_fix_says(platform: str, rule: ErrorRule, sign_in: str) -> None:
    fix = for_failure(platform, rule.error.reason, sign_in).fix
    assert set() == runs(rule.text, 6) & runs(fix, 6)


def test_advice_for_a_terminal_has_no_back_quotes() -> None:
    assert "lists it in overlapping_resources." in plain(DOUBLE_BOOKING.fix)


_EXPORTER = Path(exporter.__file__).parent
# What these are given is printed on a terminal or logged as it stands; only pages know what a back quote means.
_TOLD = re.compile("(Error|Problem|ErrorRule|_rule|sentence|field_error|again|info|warning|error|debug|print|echo|Rejected)$")


def told_texts(path: Path) -> Iterator[str]:
    """Yield every text of the code in ``path`` that an error, a problem or a line of the log is made with."""
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if _TOLD.search(name):
                for inner in ast.walk(call):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                        yield inner.value


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(_EXPORTER.rglob("*.py")), ids=lambda path: str(path.relative_to(_EXPORTER)))
def test_no_error_and_no_line_of_the_log_is_written_with_back_quotes(path: Path) -> None:
    assert [] == [text for text in told_texts(path) if "`" in text]


def test_a_revoked_apple_calendar_asks_for_a_new_app_specific_password() -> None:
    assert "app-specific password" in for_connection("wix", ConnectionStatus.ERROR, ErrorReason.TOKEN_REVOKED).fix


def test_a_manual_bitrix24_block_sends_people_to_the_support() -> None:
    assert "support" in for_failure("bitrix24", Reason.OVERLOAD).fix


def test_a_portal_without_the_booking_tool_sends_an_administrator_to_the_switch_and_the_owner_to_the_plan() -> None:
    fix = for_failure("bitrix24", Reason.NOT_ENTITLED).fix
    assert "Settings -> Tools (/settings/configs/?page=tools on the portal)" in fix
    assert "plan" in fix
