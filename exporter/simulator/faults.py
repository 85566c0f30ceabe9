"""What can go wrong between a platform and its client, for any platform and operation, for ever or for the next N calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import msgspec


class FaultKind(StrEnum):
    """The ways in which an answer is spoiled.

    The first group answers instead of the platform, which never sees the call. The second lets the platform do its work,
    side effects included, and then spoils or loses the answer: so a lost answer of a token refresh has spent the token.
    """

    STATUS = "status"  # an HTML page with `status`, and `retry_after` when given; 200 is the login wall
    BODY = "body"  # `body` as it stands, with `status` and `content_type`: null, [], "text", ...
    EMPTY = "empty"  # `status` and nothing else
    REDIRECT = "redirect"  # 302 to `location`, with an HTML body
    RATE_LIMITED = "rate_limited"  # 429, with `retry_after` when given

    TRUNCATED = "truncated"  # valid HTTP, half of the JSON
    CONTENT_TYPE = "content_type"  # the right body labelled `content_type`
    BOM = "bom"  # a byte order mark before the JSON
    HALF_SURROGATE = "half_surrogate"  # in every object a member whose name and text were cut in the middle of an emoji
    BAD_UTF8 = "bad_utf8"  # ... and in the middle of a letter, by somebody who counted bytes
    HUGE = "huge"  # valid JSON, padded to `size` bytes
    BAD_GZIP = "bad_gzip"  # says gzip, is not
    BROTLI = "brotli"  # brotli although nobody asked for it
    DROP = "drop"  # the connection is reset before the status line
    DROP_BODY = "drop_body"  # ... and in the middle of the body
    SLOW_HEADERS = "slow_headers"  # nothing for `seconds`, then the answer
    SLOW_BODY = "slow_body"  # headers and half of the body at once, the rest after `seconds`
    NEVER = "never"  # nothing, until the client goes away


INSTEAD = frozenset(
    {FaultKind.STATUS, FaultKind.BODY, FaultKind.EMPTY, FaultKind.REDIRECT, FaultKind.RATE_LIMITED},
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and where it strikes.

    ``platform`` and ``operation`` of ``None`` mean any (operations compare without letter case); it skips the first
    ``after`` calls and then strikes ``times`` calls (``None`` = until cleared). ``seconds`` run on the simulator's clock, and
    so does ``delay``: it passes before any of this is to be seen.
    """

    kind: FaultKind
    platform: str | None = None
    operation: str | None = None
    times: int | None = None
    after: int = 0
    status: int = 200
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    location: str = ""
    retry_after: str | None = None
    seconds: float = 1.0
    delay: float = 0.0
    size: int = 20 * 1024 * 1024

    def matches(self, platform: str, operation: str) -> bool:
        """Tell whether a call to ``operation`` is within this fault's reach."""
        return (self.platform is None or self.platform == platform) and (
            self.operation is None or self.operation.lower() == operation.lower()
        )


def fault_from_json(value: object) -> Fault:
    """Build a fault from a JSON object whose keys are the fields of :class:`Fault`; raises :class:`ValueError`."""
    if not isinstance(value, Mapping):
        raise ValueError("a fault is a JSON object")  # noqa: TRY004  one error for every bad request
    if unknown := sorted(set(value) - {field.name for field in fields(Fault)}):
        raise ValueError(f"unknown keys: {', '.join(map(str, unknown))}")
    try:
        return msgspec.convert(value, Fault)
    except msgspec.ValidationError as error:
        wrong = _AT_KEY.search(str(error))
        if wrong is None:
            raise ValueError(f"kind is missing; one of {', '.join(FaultKind)}") from None
        if wrong["key"] == "kind" and isinstance(value["kind"], str):
            raise ValueError(f"{value['kind']!r} is no kind; one of {', '.join(FaultKind)}") from None
        raise ValueError(f"{wrong['key']} has the wrong type") from None


_AT_KEY: Final = re.compile(r"`\$\.(?P<key>\w+)`$")
"""Where a message of msgspec says which field it means."""


class FaultBoard:
    """The faults that are switched on, oldest first; a call meets the first that matches."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._seen: list[int] = []

    def add(self, fault: Fault) -> None:
        """Switch ``fault`` on."""
        self._faults.append(fault)
        self._seen.append(0)

    def remove(self, fault: Fault) -> None:
        """Switch ``fault`` off; one that is already spent is fine."""
        if fault in self._faults:
            index = self._faults.index(fault)
            del self._faults[index], self._seen[index]

    def clear(self) -> None:
        """Switch everything off."""
        self._faults.clear()
        self._seen.clear()

    def active(self) -> list[Fault]:
        """Return the faults that are on."""
        return list(self._faults)

    def take(self, platform: str, operation: str) -> Fault | None:
        """Return the fault that this call meets, and use one of its strikes."""
        for index, fault in enumerate(self._faults):
            if not fault.matches(platform, operation):
                continue
            self._seen[index] += 1
            if self._seen[index] <= fault.after:
                continue
            if fault.times is not None and self._seen[index] >= fault.after + fault.times:
                del self._faults[index], self._seen[index]
            return fault
        return None
