"""Runs methods for one request: scope, operating time, the 60-second cap and the ``time`` object (bitrix24.md 6.2, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from exporter.simulator.bitrix24.batch import Ran, run_batch
from exporter.simulator.bitrix24.errors import ApiError, error_body
from exporter.simulator.bitrix24.methods import METHODS, CallContext, Result, is_write
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.switches import Switches
from exporter.simulator.requestlog import RequestLog

REQUEST_CAP_SECONDS: Final = 60.0
"""The cloud kills one REST request after this time."""

_BATCH_WEIGHT: Final = 0.5


class CallTooLongError(Exception):
    """The request took longer than the cloud allows; the proxy answers with an HTML page."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: ``credential`` is a safe text that is the same for all calls with one webhook or application."""

    portal: Portal
    credential: str
    scopes: frozenset[str]


class Execution:
    """One request at work. Simulated seconds add up in ``elapsed``; nobody sleeps for them."""

    def __init__(self, caller: Caller, switches: Switches, log: RequestLog, now: float) -> None:
        self._caller = caller
        self._switches = switches
        self._log = log
        self._now = now
        self._elapsed = 0.0

    def direct(self, name: str, params: Mapping[str, object]) -> dict[str, object]:
        """Run one method and return the answer's body; raises :class:`ApiError`."""
        result = self._run(name, params)
        body: dict[str, object] = {"result": result.value}
        if result.next is not None:
            body["next"] = result.next
        if result.total is not None:
            body["total"] = result.total
        return body | {"time": self._time(self._elapsed, name)}

    def batch(self, params: Mapping[str, object]) -> dict[str, object]:
        """Run a batch and return the answer's body; raises :class:`ApiError` when the batch itself is refused."""
        portal, credential, half = self._caller.portal, self._caller.credential, self._switches.accounting == "batch_half"
        if half and portal.operating.blocked(credential, "batch", self._now):
            raise _operation_time_limit()
        sections = run_batch(params, self._command, lambda error: error_body(error, self._switches, in_batch=True))
        if half:
            portal.operating.spend(credential, "batch", self._elapsed * _BATCH_WEIGHT, self._now, "batch_half")
        return {"result": sections, "time": self._time(self._elapsed, "batch")}

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that a live portal sends: no rate limit, no ``Retry-After``."""
        return (
            ("x-bitrix-rest-time", f"{self._elapsed:.10f}"),
            ("x-bitrix-rest-user-time", "0.0"),
            ("x-bitrix-rest-system-time", "0.0"),
        )

    def _command(self, name: str, params: Mapping[str, object]) -> Ran:
        lower = name.lower()
        if lower == "batch" or lower in self._switches.batch_blocked:
            raise ApiError("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", 405)
        method = METHODS.get(lower)
        self._log.add_command("bitrix24", method.name if method else "unknown", write=is_write(lower))
        before = self._elapsed
        result = self._run(lower, params, in_batch=True)
        return Ran(result, self._time(self._elapsed - before, lower))

    def _run(self, name: str, params: Mapping[str, object], *, in_batch: bool = False) -> Result:
        portal, credential = self._caller.portal, self._caller.credential
        method = METHODS.get(name)
        if method is None:
            raise ApiError("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
        if method.scope and method.scope not in self._caller.scopes:
            raise ApiError(
                "insufficient_scope",
                "The request requires higher privileges than provided by the access token",
                self._switches.missing_scope_status,
            )
        counted = not (in_batch and self._switches.accounting == "batch_half")
        if counted and portal.operating.blocked(credential, name, self._now):
            raise _operation_time_limit()
        if method.scope == "booking" and (refusal := portal.booking_refusal()):
            raise refusal
        cost = portal.cost(name)
        self._elapsed += cost
        if counted:
            portal.operating.spend(credential, name, cost, self._now, self._switches.accounting)
        if self._elapsed > REQUEST_CAP_SECONDS:
            raise CallTooLongError
        return method.run(params, CallContext(portal, self._switches, self._caller.scopes, self._now))

    def _time(self, seconds: float, method: str) -> dict[str, object]:
        finish = self._now + seconds
        zone = timezone(timedelta(seconds=self._caller.portal.server_offset_seconds))
        whole = self._switches.whole_numbers_in_time
        time: dict[str, object] = {
            "start": int(self._now) if whole else self._now,
            "finish": finish,
            "duration": seconds,
            "processing": int(seconds) if whole else seconds,
            "date_start": datetime.fromtimestamp(int(self._now), UTC).astimezone(zone).isoformat(),
            "date_finish": datetime.fromtimestamp(int(finish), UTC).astimezone(zone).isoformat(),
        }
        if self._switches.operating_in_time == "zero":
            time["operating"] = 0
        elif self._switches.operating_in_time == "counting":
            spent, reset_at = self._caller.portal.operating.spent(self._caller.credential, method, self._now)
            time["operating"] = int(spent) if whole else spent
            if reset_at is not None:
                time["operating_reset_at"] = reset_at
        return time


def _operation_time_limit() -> ApiError:
    return ApiError("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", 429)
