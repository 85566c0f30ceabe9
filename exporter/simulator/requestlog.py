"""What the simulator was asked, without the secrets: tests and rehearsals count calls here.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import parse_qsl

from exporter.simulator.platform import Call, Description

MASK: Final = "***"
CAPACITY: Final = 5_000
"""Calls kept in full; the counters go on for ever."""

_MAX_BODY: Final = 64 * 1024
_SECRET_KEYS: Final = frozenset(
    [
        "access_token",
        "accesstoken",
        "api_key",
        "apikey",
        "app_secret",
        "appsecret",
        "application_token",
        "auth",
        "authorization",
        "client_secret",
        "clientsecret",
        "cookie",
        "instance",
        "password",
        "proxy-authorization",
        "refresh_token",
        "refreshtoken",
        "secret",
        "set-cookie",
        "token",
    ]
)
_SECRET_PAIR: Final = re.compile(rf"(?i)\b({'|'.join(sorted(_SECRET_KEYS))})(=|%3D)[^&]+")
# A webhook's user id and code at a place where none belongs, such as the paths of REST 3.
_USER_AND_CODE: Final = re.compile(r"(/)(?:\d+|\*\*\*)/[A-Za-z0-9_-]{8,}(?=/|$)")
_TOP_LEVEL_SECRETS: Final = frozenset({"code"})  # the OAuth code; deeper down it is an ordinary word (filter.client.entities)


def fingerprint(secret: str) -> str:
    """Return a short name for a credential that cannot be turned back into it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12] if secret else ""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call as the log keeps it. ``at`` is Unix seconds; ``status`` is ``None`` when no answer left the simulator."""

    at: float
    platform: str
    operation: str
    credential: str
    method: str
    path: str
    params: Mapping[str, object]
    headers: Mapping[str, str]
    write: bool
    status: int | None
    fault: str | None

    def to_json(self) -> dict[str, object]:
        """Return the call as a JSON value."""
        return asdict(self)


class RequestLog:
    """Every HTTP call in order, and counters of calls and of commands inside batches."""

    def __init__(self) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=CAPACITY)
        self._counts: Counter[tuple[str, str, str, int | None]] = Counter()
        self._commands: Counter[tuple[str, str]] = Counter()
        self._writes: Counter[tuple[str, str]] = Counter()

    def __iter__(self) -> Iterator[LoggedCall]:
        return iter(self._calls)

    def __len__(self) -> int:
        return sum(self._counts.values())

    @property
    def last(self) -> LoggedCall:
        """Return the newest call; raises :class:`IndexError` without one."""
        return self._calls[-1]

    def add(self, call: Call, what: Description, *, at: float, platform: str, status: int | None, fault: str | None) -> None:
        """Record one finished call, redacted."""
        self._counts[platform, what.operation, what.credential, status] += 1
        if what.write:
            self._writes[platform, what.operation] += 1
        self._calls.append(
            LoggedCall(
                at=at,
                platform=platform,
                operation=what.operation,
                credential=what.credential,
                method=call.method,
                path=_USER_AND_CODE.sub(rf"\1{MASK}", what.path),
                params=_params(call, what.secrets),
                headers={
                    name: MASK if name in _SECRET_KEYS else _hide(value, what.secrets) for name, value in call.headers.items()
                },
                write=what.write,
                status=status,
                fault=fault,
            )
        )

    def add_command(self, platform: str, operation: str, *, write: bool) -> None:
        """Record one command that ran inside a batch."""
        self._commands[platform, operation] += 1
        if write:
            self._writes[platform, operation] += 1

    def count(
        self,
        operation: str | None = None,
        *,
        platform: str | None = None,
        credential: str | None = None,
        status: int | None = None,
    ) -> int:
        """Return the number of HTTP calls that match everything given."""
        return sum(
            number
            for (of_platform, of_operation, of_credential, of_status), number in self._counts.items()
            if (operation is None or of_operation == operation)
            and (platform is None or of_platform == platform)
            and (credential is None or of_credential == credential)
            and (status is None or of_status == status)
        )

    def commands(self, operation: str | None = None, *, platform: str | None = None) -> int:
        """Return the number of commands that ran inside batches."""
        return sum(
            number
            for (of_platform, of_operation), number in self._commands.items()
            if (operation is None or of_operation == operation) and (platform is None or of_platform == platform)
        )

    def counts(self) -> dict[str, int]:
        """Return HTTP calls by ``platform operation``."""
        return _sum((f"{key[0]} {key[1]}", number) for key, number in self._counts.items())

    def writes(self) -> dict[str, int]:
        """Return calls and commands that would have changed something, by ``platform operation``; empty is what we want."""
        return _sum((f"{key[0]} {key[1]}", number) for key, number in self._writes.items())

    def clear(self) -> None:
        """Forget everything."""
        self._calls.clear()
        self._counts.clear()
        self._commands.clear()
        self._writes.clear()


def _sum(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for key, number in pairs:
        total[key] += number
    return dict(sorted(total.items()))


def _params(call: Call, secrets: tuple[str, ...]) -> Mapping[str, object]:
    """Return query and body parameters, a repeated key as a list, secrets masked."""
    params: dict[str, object] = {}
    pairs = call.query_pairs()
    if call.content_type == "application/x-www-form-urlencoded":
        pairs += parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True)
    for key, value in pairs:
        earlier = params.get(key)
        if earlier is None:
            params[key] = value
        else:
            params[key] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    if call.content_type == "application/json" and 0 < len(call.body) <= _MAX_BODY:
        try:
            body = json.loads(call.body)
        except (ValueError, RecursionError):
            body = {"(body)": "not JSON"}
        params |= body if isinstance(body, dict) else {"(body)": body}
    elif len(call.body) > _MAX_BODY:
        params["(body)"] = f"{len(call.body)} bytes"
    try:
        return {key: MASK if key.lower() in _TOP_LEVEL_SECRETS else _redact(key, item, secrets) for key, item in params.items()}
    except RecursionError:
        return {"(body)": "nested too deep"}


def _redact(key: str, value: object, secrets: tuple[str, ...]) -> object:
    if key.lower() in _SECRET_KEYS:
        return MASK
    if isinstance(value, dict):
        return {str(name): _redact(str(name), item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_redact("", item, secrets) for item in value]
    return _hide(value, secrets) if isinstance(value, str) else value


def _hide(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    return _SECRET_PAIR.sub(rf"\1\2{MASK}", text)
