"""Families of the traffic with the platforms' APIs: requests, retries, waiting, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.metrics.families.family import (
    Family,
    Gauge,
    Row,
    counter,
    counter_of_platform,
    gauge,
    histogram_of_platform,
)
from exporter.model import ApiUsage


def _limit(usage: ApiUsage) -> Iterator[Row]:
    for budget in usage.budgets:
        yield (budget.name,), budget.limit


def _remaining(usage: ApiUsage) -> Iterator[Row]:
    for budget in usage.budgets:
        yield (budget.name,), budget.remaining


def _operating(usage: ApiUsage) -> Iterator[Row]:
    for operating in usage.operating:
        yield (operating.operation,), operating.seconds


def _operating_reset(usage: ApiUsage) -> Iterator[Row]:
    for operating in usage.operating:
        if operating.reset_at is not None:
            yield (operating.operation,), operating.reset_at


def _credential_expiry(usage: ApiUsage) -> Iterator[Row]:
    if usage.credential_expiry is not None:
        yield (), usage.credential_expiry


def _credential(source: str) -> Iterator[Row]:
    yield (source,), 1


CREDENTIAL: Final[tuple[Gauge[str], ...]] = (
    gauge(
        "credential_info",
        "Always 1. The label credential says where the target's credential comes from, never its value: a file's path, "
        "a variable's name, or inline:TARGET. Targets that share it have the same label. Absent while the target is paused.",
        "credential",
        read=_credential,
    ),
)

GAUGES: Final[tuple[Gauge[ApiUsage], ...]] = (
    gauge(
        "api_budget_limit",
        "Size of the API's budget: calls that fit into the bucket (requests), seconds of server time (operating).",
        "budget",
        read=_limit,
    ),
    gauge(
        "api_budget_remaining",
        "What is left of the budget now, in the unit of api_budget_limit.",
        "budget",
        read=_remaining,
    ),
    gauge(
        "api_operating_seconds",
        "Server time in seconds that Bitrix24 has summed for the operation, from its last answer. Absent before the first "
        "answer.",
        "operation",
        read=_operating,
    ),
    gauge(
        "api_operating_reset_timestamp_seconds",
        "Unix time in seconds at which part of the operating time becomes available again. Absent until Bitrix24 reports it.",
        "operation",
        read=_operating_reset,
    ),
    gauge(
        "credential_expiry_timestamp_seconds",
        "Unix time in seconds until which a person must renew the credential. Absent for credentials that renew themselves "
        "or never expire.",
        read=_credential_expiry,
    ),
)

REQUESTS: Final = counter(
    "api_requests_total",
    "HTTP requests by operation and status code; code none means that no answer came, other a code that HTTP does not define.",
    "operation",
    "code",
)
REQUEST_DURATION: Final = histogram_of_platform(
    "api_request_duration_seconds",
    "Duration of HTTP requests in seconds, from connecting to the end of the body; failed ones included. All targets of the "
    "platform together.",
    "operation",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 70.0),
)
RETRIES: Final = counter_of_platform(
    "api_retries_total",
    "Requests that were repeated, by the reason why the one before failed. All targets of the platform together.",
    "operation",
    "reason",
)
THROTTLE_WAIT: Final = counter(
    "api_throttle_wait_seconds_total", "Seconds that requests waited for a rate limit, the exporter's own or the platform's."
)

COUNTERS: Final[tuple[Family, ...]] = (REQUESTS, THROTTLE_WAIT)
OF_PLATFORM: Final[tuple[Family, ...]] = (REQUEST_DURATION, RETRIES)
