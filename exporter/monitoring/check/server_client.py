"""Asks a server over HTTP: bounded in time and size, follows no redirect, and says in words what is no answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx

from exporter.monitoring.check.outcome import Check, CheckResult, missing, unknown
from exporter.support.http_client import AnswerTooLongError, read_body
from exporter.support.json_text import decoded
from exporter.support.redaction import sanitized

T = TypeVar("T")

MAX_BYTES: Final = 64 * 2**20
"""The rules of a Prometheus in which thousands of alerts fire."""
_MAX_SAID: Final = 160
_NOT_SERVED: Final = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How many seconds one answer may take, and all answers of one server."""

    request: float = 10.0
    server: float = 60.0


class NoAnswerError(Exception):
    """There is no answer to judge. The texts say why and how to mend it, and hold no credential."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class NotServedError(NoAnswerError):
    """The server does not know the question: another kind or version answers all others."""


class ServerClient:
    """One server. What was asked once is not asked again, an error included."""

    def __init__(self, kind: str, http: httpx.AsyncClient, base: httpx.URL, timeouts: Timeouts) -> None:
        self.kind = kind
        self._http = http
        self._base = base
        self._timeouts = timeouts
        self._ends: float | None = None
        self._asked: dict[tuple[str, tuple[tuple[str, str], ...]], bytes | NoAnswerError] = {}

    async def read(self, kind: type[T], path: str, *params: tuple[str, str]) -> T:
        """Return the JSON at ``path`` as a ``kind``. Raises :class:`NoAnswerError`."""
        found = decoded(await self.content(path, *params), kind)
        if found is None:
            raise NoAnswerError(f"answers what {self.kind} does not at {path}", f"give the address of {self.kind}")
        return found

    async def content(self, path: str, *params: tuple[str, str]) -> bytes:
        """Return the body at ``path``. Raises :class:`NoAnswerError`."""
        if (path, params) not in self._asked:
            try:
                self._asked[path, params] = await self._content(path, params)
            except NoAnswerError as error:
                self._asked[path, params] = error
        found = self._asked[path, params]
        if isinstance(found, NoAnswerError):
            raise found
        return found

    async def _content(self, path: str, params: tuple[tuple[str, str], ...]) -> bytes:
        now = time.monotonic()
        self._ends = self._ends or now + self._timeouts.server
        seconds = min(self._timeouts.request, self._ends - now)
        slow = f"look why {self.kind} is slow, or what lies between it and here"
        if seconds <= 0:
            raise NoAnswerError(f"was not asked: all other answers took {self._timeouts.server:g} s", slow)
        url = self._base.copy_with(path=f"{self._base.path.rstrip('/')}{path}", params=params)
        try:
            async with asyncio.timeout(seconds), self._http.stream("GET", url) as answer:
                body = await read_body(answer, MAX_BYTES)
        except AnswerTooLongError:
            raise NoAnswerError(f"answers more than {MAX_BYTES // 2**20} MiB", f"give the address of {self.kind}") from None
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswerError(f"gives no whole answer within {seconds:.3g} s", slow) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            said = sanitized(str(error) or type(error).__name__, _MAX_SAID)
            raise NoAnswerError(
                f"cannot be reached ({said})", "correct the address, start the server, or open the firewall"
            ) from None
        self._refuse_all_but_ok(answer, body[: 4 * _MAX_SAID])
        return body

    def _refuse_all_but_ok(self, answer: httpx.Response, begin: bytes) -> None:
        code = answer.status_code
        if code == httpx.codes.OK:
            return
        if code == httpx.codes.UNAUTHORIZED:
            raise NoAnswerError("requires a login (401)", "give a password or a token that it takes, as a file")
        if code == httpx.codes.FORBIDDEN:
            raise NoAnswerError("refuses access (403)", "give this user the right to read it")
        if answer.is_redirect:
            raise NoAnswerError(
                f"redirects to another address ({code}), as a login page in front of it does",
                f"give the address of {self.kind} itself",
            )
        if code in _NOT_SERVED:
            raise NotServedError(f"does not know the request ({code})", f"ask {self.kind} itself, of a current version")
        text = " ".join(begin.decode(errors="replace").split())
        said = "" if text.startswith("<") else sanitized(text, _MAX_SAID)
        raise NoAnswerError(f"answers {code}" + (f": {said}" if said else ""), f"look into the log of {self.kind}")


@dataclass(frozen=True, slots=True)
class Question:
    """A check by name; it may raise :class:`NoAnswerError`."""

    name: str
    ask: Callable[[], Awaitable[CheckResult]]


async def ask(server: ServerClient, first: Question, others: Sequence[Question]) -> list[Check]:
    """Ask all that there is to know of a server; of one that does not answer the first question nothing else."""
    found = [await _check(server, first, absent=missing)]
    if found[0].state == "ok":
        found += [await _check(server, question, absent=unknown) for question in others]
    return found


async def _check(server: ServerClient, question: Question, *, absent: Callable[[str, str], CheckResult]) -> Check:
    try:
        seen = await question.ask()
    except NotServedError as error:
        seen = absent(error.text, error.fix)
    except NoAnswerError as error:
        seen = missing(error.text, error.fix)
    return Check(server.kind, question.name, seen.state, seen.text, seen.fix)
