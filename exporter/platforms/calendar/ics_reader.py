"""Reading a calendar that is published as a feed: one GET for the whole of it, and its times from the process that reads feeds.

A publisher that names its versions (``ETag``, ``Last-Modified``) is asked whether there is a new one. Then what was read of the
last one still holds, and for two days more than it was asked for, since the range moves on with the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import httpx
import msgspec

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    ServerError,
)
from exporter.ics.values import FeedJob, FeedTimes
from exporter.model import ApiUsage
from exporter.platforms import answer_kinds
from exporter.platforms.base import Services
from exporter.platforms.calendar.guest import Guest
from exporter.platforms.calendar.ics_worker import FeedProcess
from exporter.platforms.calendar.reading import CalendarRead, busy_periods
from exporter.platforms.exchange import Answer, new_request, retry_after_seconds
from exporter.support.secret import Secret

FEED: Final = "feed"
"""The operation, as metrics name it."""

AHEAD_SECONDS: Final = 2 * 86_400.0
"""So much more than it is asked for is read of a feed, for the answers that say that nothing changed."""

MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_HEADERS: Final = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """What was read of the last version, with the headers that ask for a newer one."""

    times: FeedTimes
    start: float
    end: float
    zone: str
    headers: tuple[tuple[str, str], ...]


class IcsReader:
    """Implements :class:`~exporter.platforms.calendar.reading.Reader` for a feed. ``name`` is that of the target."""

    operations: tuple[str, ...] = (FEED,)
    fields: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        address: Secret,
        services: Services,
        process: FeedProcess,
        *,
        base_url: str | None = None,
        timeout: float,
    ) -> None:
        """``base_url`` stands for the origin of the address; each request may take ``timeout`` seconds."""
        feed = httpx.URL(address.reveal())
        self._url = feed if base_url is None else httpx.URL(base_url).copy_with(raw_path=feed.raw_path)
        self._services = services
        self._process = process
        self._guest = Guest(name, services, timeout=timeout)
        self._kept: _Kept | None = None
        process.join()

    def usage(self) -> ApiUsage:
        return self._guest.usage()

    async def aclose(self) -> None:
        """Let go of the process."""
        await self._process.leave()

    async def read(self, start: float, end: float, zone: ZoneInfo) -> CalendarRead:
        """Read when the calendar is busy in ``[start, end)``. Raises :class:`~exporter.errors.PollError`."""
        kept = self._kept
        if kept is not None and not (kept.start <= start and end <= kept.end and kept.zone == zone.key):
            kept = self._kept = None
        url = self._url
        answer = await self._get(url, dict(kept.headers) if kept else {})
        if answer.status == httpx.codes.NOT_MODIFIED and kept is not None:
            return read_of(kept.times, start, end)
        self._kept = None
        until = end + AHEAD_SECONDS
        headers = _versions(answer)
        reading = self._process.read(self._services, url.host, FeedJob(answer.body, start, until, zone.key))
        del answer  # it may be megabytes, and others have their turn first
        times = await reading
        if headers:
            self._kept = _Kept(times, start, until, zone.key, headers)
        return read_of(times, start, end)

    async def _get(self, first: httpx.URL, versions: dict[str, str]) -> Answer:
        """Return the feed, or that there is no newer version than those of ``versions``."""
        url, good = first, {httpx.codes.OK, *_REDIRECTS, *([httpx.codes.NOT_MODIFIED] if versions else [])}
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._guest.ask(
                FEED,
                partial(new_request, "GET", url, headers={**_HEADERS, **versions}),
                kind=answer_kinds.FEED,
                refused=lambda answer: None if answer.status in good else _refused(answer, first.host, self._services),
            )
            if answer.status not in _REDIRECTS:
                return answer
            url = _elsewhere(url, first, answer)
        raise InvalidResponseError(f"{first.host} sends from one address of the feed to the next")


def read_of(times: FeedTimes, start: float, end: float) -> CalendarRead:
    """Return what ``times`` say of ``[start, end)``."""
    entries, free, whole_days = (
        tuple(period for period in periods if period[0] < end and period[1] > start)
        for periods in (times.entries, times.free, times.whole_days)
    )
    return CalendarRead(
        periods=busy_periods(entries, start, end),
        whole_days=len(whole_days),
        entries=entries,
        free=free,
        malformed=times.malformed,
    )


def _versions(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Return the headers that ask for a newer version than this answer's; what is not ASCII cannot be said back."""
    asked = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    named = ((header, answer.headers.get(name, "").strip()) for header, name in asked)
    return tuple((header, version) for header, version in named if version and version.isascii())


def _elsewhere(url: httpx.URL, first: httpx.URL, answer: Answer) -> httpx.URL:
    """Return where ``answer`` sends us, which is no other host and no other scheme. Raises :class:`InvalidResponseError`."""
    try:
        there = url.join(answer.headers.get("location", ""))
    except httpx.InvalidURL:
        raise InvalidResponseError(f"{first.host} sends to an address that is none", status=answer.status) from None
    # As they are sent: the name that a host has in letters may be one that there cannot be.
    if (there.scheme, there.raw_host, there.port) != (first.scheme, first.raw_host, first.port) or there.userinfo:
        what = "redirects to another host or without encryption, where the address of the feed is not sent"
        fix = "`curl --head` shows the other address behind Location; if that is right, write it into ics_url"
        raise InvalidResponseError(f"{first.host} {what}: {fix}", status=answer.status)
    return there.copy_with(fragment=None)


_REFUSALS: Final[Mapping[int, tuple[type[PollError], str]]] = {
    401: (AuthError, "{host} wants somebody to sign in for the feed"),
    403: (PermissionDeniedError, "{host} does not publish the feed"),
    404: (NotFoundError, "{host} knows no feed at the address: it was renewed, or the calendar is no longer shared"),
    410: (NotFoundError, "{host} no longer has the feed: it was renewed, or the calendar is no longer shared"),
    429: (RateLimitedError, "{host} is asked for the feed too often"),
}


def _refused(answer: Answer, host: str, services: Services) -> PollError:
    kind, text = _REFUSALS.get(answer.status, (InvalidResponseError, "{host} sent no feed"))
    if answer.status not in _REFUSALS and answer.status >= httpx.codes.BAD_REQUEST:
        is_theirs = answer.status >= httpx.codes.INTERNAL_SERVER_ERROR
        kind, text = (ServerError, "{host} has a fault") if is_theirs else (ClientError, "{host} refuses to send the feed")
    return kind(text.format(host=host), status=answer.status, retry_after=retry_after_seconds(answer, services.clock))
