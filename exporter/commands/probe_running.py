"""``probe --running URL``: what a running exporter knows, without a question to any platform."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import msgspec
from msgspec.structs import replace

from exporter.commands.probe_table import print_report
from exporter.errors import BookingSyncError
from exporter.platforms.trust import host_trust
from exporter.state.verdict_row import Verdict
from exporter.support.http_client import AnswerTooLongError, ExposedPasswordError, InvalidUrlError, read_body, url_and_auth
from exporter.support.json_text import decoder
from exporter.support.net import join_address
from exporter.support.redaction import sanitized
from exporter.support.standard_streams import write_output
from exporter.web import Status

PASSWORD_VARIABLE: Final = "BOOKING_SYNC_PASSWORD"  # noqa: S105  its name
_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 5.0
_MAX_BYTES: Final = 256 * 2**20  # the metrics of thousands of targets
_MAX_TEXT: Final = 400


class NoAnswerError(BookingSyncError):
    """There is nothing to judge; the text says why."""


async def ask_running(url: str, targets: Sequence[str], output: str) -> int:
    """Ask the exporter at ``url``, print, and return the exit code of the monitoring-plugin convention.

    The user may stand in the URL, and the password, too, but other users of the machine see it there: it may as well be in
    ``BOOKING_SYNC_PASSWORD``. Raises :class:`NoAnswerError`, and :class:`~exporter.errors.ConfigError` when the host's
    certificates cannot be read.
    """
    began = time.monotonic()
    try:
        async with asyncio.timeout(_SECONDS):
            status, text = await _asked(url, targets, output)
    except NoAnswerError as error:
        raise NoAnswerError(sanitized(str(error), _MAX_TEXT)) from None
    except TimeoutError:
        raise NoAnswerError(f"no whole answer within {_SECONDS:g} s") from None
    verdict = verdict_of(status)
    if output == "table":
        print_report(status, verdict, time.monotonic() - began)
    else:
        write_output(text + b"\n" if output == "json" else text)
    return verdict


_VERDICTS: Final[Mapping[str, Verdict]] = MappingProxyType(
    {"healthy": Verdict.OK, "warning": Verdict.WARNING, "critical": Verdict.CRITICAL, "waiting": Verdict.UNKNOWN}
)


def verdict_of(status: Status) -> Verdict:
    """Return the verdict of the exporter itself, over all that it was asked for."""
    return _VERDICTS[status.verdict]


async def _asked(url: str, targets: Sequence[str], output: str) -> tuple[Status, bytes]:
    """Return the status and the text to print unless that is a table. Raises :class:`NoAnswerError`."""
    base, auth = _parsed(url)
    where = join_address(base.host, base.port)
    timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
    # A proxy of the environment is for the platforms.
    async with httpx.AsyncClient(auth=auth, timeout=timeout, verify=host_trust(), trust_env=False) as client:
        try:
            text = await _got(client, base, "api/v1/status", targets)
            status = _in_known_zones(decoder(Status).decode(text))
            if status.standby:
                raise NoAnswerError(f"{where} is standby and polls nothing: ask the exporter that is active")
            return status, await _got(client, base, "metrics", targets) if output == "metrics" else text
        except msgspec.MsgspecError:
            raise NoAnswerError(
                f"{where} answers what this version does not understand: is it an exporter, and of this version?"
            ) from None
        except httpx.ConnectTimeout:
            raise NoAnswerError(
                f"no connection to {where} within {_CONNECT_SECONDS:g} s: is the address right, does a firewall let it pass?"
            ) from None
        except httpx.HTTPError as error:
            raise NoAnswerError(f"no answer from {where} ({type(error).__name__}: {error})") from None


def _parsed(url: str) -> tuple[httpx.URL, httpx.BasicAuth | None]:
    """Return the address without, and with, what says who asks. Raises :class:`NoAnswerError`."""
    try:
        return url_and_auth(url, os.environ.get(PASSWORD_VARIABLE, ""))
    except InvalidUrlError:
        raise NoAnswerError("--running wants the address of an exporter, for example http://127.0.0.1:10888") from None
    except ExposedPasswordError:
        raise NoAnswerError("a password is sent over https:// only, or to this machine") from None


def _in_known_zones(status: Status) -> Status:
    """Return ``status`` in UTC where this machine does not know a zone that the exporter's machine does."""

    def known(zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return "UTC"

    return replace(status, problems=tuple(replace(problem, zone=known(problem.zone)) for problem in status.problems))


async def _got(client: httpx.AsyncClient, base: httpx.URL, path: str, targets: Sequence[str]) -> bytes:
    url = base.copy_with(path=f"{base.path.rstrip('/')}/{path}", params=[("target", name) for name in targets], fragment=None)
    async with client.stream("GET", url) as answer:
        try:
            body = await read_body(answer, _MAX_BYTES)
        except AnswerTooLongError:
            raise NoAnswerError(f"the answer is longer than {_MAX_BYTES // 2**20} MiB") from None
    if answer.status_code == httpx.codes.OK:
        return body
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise NoAnswerError(f"it asks for a password: write USER@ before the host, and the password in {PASSWORD_VARIABLE}")
    said = body[:_MAX_TEXT].decode(errors="replace").strip()
    raise NoAnswerError(f"it answered {answer.status_code}: {' '.join(said.split())}")
