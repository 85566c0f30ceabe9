"""Errors that share a code are told apart by their sentence, and by nothing else (bitrix24.md 8.2)."""

from __future__ import annotations

import pytest

from exporter.errors import Reason
from exporter.platforms.bitrix24.api_errors import Action, refusal


@pytest.mark.parametrize("status", [None, 200, 400, 403, 429, 500, 503])
@pytest.mark.parametrize("code", [0, "0", "", 422, "422", "TOOL_DISABLED"])
@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Booking tool is disabled. Please contact your administrator.", "Settings -> Tools"),
        ("BOOKING TOOL IS DISABLED.", "Settings -> Tools"),
        (" booking tool is disabled", "Settings -> Tools"),
        ("Feature is not available", "plan"),
        ("feature is NOT available.", "plan"),
    ],
)
def test_a_known_sentence_is_judged_before_a_shared_code_and_any_status(
    sentence: str, told: str, code: str | int, status: int | None
) -> None:
    refused = refusal("salon.example", "booking.v1.booking.list", code, sentence, status=status)
    assert (Reason.NOT_ENTITLED, Action.GIVE_UP) == (refused.error.reason, refused.action)
    assert told in refused.error.message


@pytest.mark.parametrize(
    ("reason", "code", "sentence"),
    [
        (Reason.CLIENT_ERROR, 0, "Required fields: dateTo"),
        (Reason.CLIENT_ERROR, 422, "Invalid date period"),
        (Reason.CLIENT_ERROR, "", "Access denied"),
        (Reason.CLIENT_ERROR, 0, ["Booking tool is disabled"]),
        (Reason.CLIENT_ERROR, 0, "Invalid value {feature is not available} to match with parameter {order}"),
        (Reason.CLIENT_ERROR, 1021, "Booking tool is disabled"),
        (Reason.AUTH, "INVALID_CREDENTIALS", "Feature is not available"),
        (Reason.RATE_LIMITED, "QUERY_LIMIT_EXCEEDED", "Booking tool is disabled"),
    ],
)
def test_anything_else_is_what_its_code_says(reason: Reason, code: str | int, sentence: object) -> None:
    assert reason is refusal("salon.example", "booking.v1.booking.list", code, sentence, status=400).error.reason
