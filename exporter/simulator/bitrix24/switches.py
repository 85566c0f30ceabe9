"""How this build of Bitrix24 behaves where documentation, sources and measurements differ (bitrix24.md sections 2-9, 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Refusal = tuple[str, int]
"""An error word and its HTTP status."""


@dataclass(slots=True)
class Switches:
    """One set for all portals; change the fields at any time.

    The defaults are what the sources and the live measurements agree on most.
    """

    # Credentials
    unknown_webhook: Refusal = ("INVALID_CREDENTIALS", 401)
    unknown_token: Refusal = ("invalid_token", 401)
    missing_scope_status: int = 403
    https_only: bool = False  # refuses webhooks over plain http, also ours

    # Error bodies
    numeric_codes: Literal["number", "string"] = "number"
    numeric_codes_in_batch: Literal["number", "string"] = "string"
    binder_code: Literal["number", "empty"] = "number"  # 100, or "" as in the documentation's sample
    word_case: Literal["documented", "upper", "lower"] = "documented"
    extra_error_keys: bool = False
    russian_descriptions: bool = False

    # booking.v1.booking.list
    within: Literal["overlap", "start"] = "overlap"  # "start" proves that the client filters again
    zero_length_at_start: bool = True  # newer builds return a zero-length booking exactly at dateFrom
    period_checked: bool = False  # 422 "Invalid date period" for a reversed period, as documented; the sources never do
    page_size: int = 50
    real_totals: bool = False  # `total` and `next` as the general rule promises
    ignores_start: bool = False
    endless_list: bool = False  # every page is full of ids that no page before it had
    list_shape: Literal["list", "object", "null"] = "list"

    # booking.v1.resourceType.list
    resource_types_key: Literal["resourceType", "resource"] = "resourceType"  # the module's source, or the reference

    # calendar.event.getbyid
    deleted_event: Literal["null", "marked"] = "null"  # what the source does, or DELETED "Y"
    unseen_event: Literal["denied", "null"] = (
        "denied"  # documentation, or the source for a calendar that the caller may not see
    )

    # Limits
    accounting: Literal["per_method", "batch_half"] = "per_method"  # documentation, or source of rest 26.500
    operating_in_time: Literal["counting", "zero", "absent"] = "counting"
    whole_numbers_in_time: bool = False
    batch_blocked: frozenset[str] = frozenset()  # methods that a batch may not run, in lower case
    get_fails_at_new_address: bool = True  # so that a redirect that was followed automatically is caught
