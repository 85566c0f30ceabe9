from __future__ import annotations

from itertools import product

import pytest

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.platforms.advice import Advice
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.wix.advice import THREE_CHECKS
from exporter.state.advice import (
    CREDENTIAL_ENDS,
    DATA_WITHDRAWN,
    DOUBLE_BOOKING,
    WINDOW_INCOMPLETE,
    for_connection,
    for_failure,
)

_SILENT = {ConnectionStatus.SYNCED}
_ALL_CONNECTION_ADVICE = [
    for_connection("wix", status, reason) for status, reason in product(ConnectionStatus, (None, *ErrorReason))
]
_OWN_ADVICE = [DOUBLE_BOOKING, DATA_WITHDRAWN, WINDOW_INCOMPLETE, CREDENTIAL_ENDS]
_ALL_FAILURE_ADVICE = [for_failure(platform, reason) for reason, platform in product(Reason, PLATFORMS)]


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
    fix = for_failure("wix", Reason.PERMISSION).fix
    assert THREE_CHECKS in fix
    assert "app mode" in fix


def test_a_revoked_apple_calendar_asks_for_a_new_app_specific_password() -> None:
    assert "app-specific password" in for_connection("wix", ConnectionStatus.ERROR, ErrorReason.TOKEN_REVOKED).fix


def test_a_manual_bitrix24_block_sends_people_to_the_support() -> None:
    assert "support" in for_failure("bitrix24", Reason.OVERLOAD).fix


def test_a_portal_without_the_booking_tool_sends_an_administrator_to_the_switch_and_the_owner_to_the_plan() -> None:
    fix = for_failure("bitrix24", Reason.NOT_ENTITLED).fix
    assert "Settings -> Tools (/settings/configs/?page=tools on the portal)" in fix
    assert "plan" in fix
