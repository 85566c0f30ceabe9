"""Reading a published calendar over real sockets: refusals, redirects, versions, and what is told of the address."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator, Callable
from zoneinfo import ZoneInfo

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

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
from exporter.ics.values import FeedTimes
from exporter.limits import FEED_BODY
from exporter.platforms.base import Services
from exporter.platforms.calendar.ics_reader import AHEAD_SECONDS, FEED, IcsReader, read_of
from exporter.platforms.calendar.ics_worker import FeedProcess
from exporter.platforms.calendar.reading import CalendarRead
from exporter.simulator import running
from exporter.support.secret import Secret
from tests.harness.events import RecordedEvents
from tests.harness.exchange import app_with
from tests.harness.feeds import DAY, HOUR, MONDAY, WEEK, event, feed
from tests.harness.process import until

SECRET_PATH = "/calendar/ical/anna/private-0123456789abcdef/basic.ics"
UTC_ZONE = ZoneInfo("UTC")
BODY = feed(
    event("UID:1", "DTSTART:20261201T100000Z", "DURATION:PT1H"),
    event("UID:2", "DTSTART:20261201T110000Z", "DURATION:PT1H"),
    event("UID:3", "DTSTART:20261202T110000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"),
    event("UID:4", "DTSTART;VALUE=DATE:20261203"),
    event("UID:5", "DTSTART:never", "DURATION:PT1H"),
    event("UID:6", "DTSTART:20261208T100000Z", "DURATION:PT1H"),
)
TEN = MONDAY + 34 * HOUR
READ = CalendarRead(
    periods=((TEN, TEN + 2 * HOUR),),
    whole_days=1,
    entries=((TEN, TEN + HOUR), (TEN + HOUR, TEN + 2 * HOUR)),
    free=((TEN + 25 * HOUR, TEN + 26 * HOUR),),
    malformed=1,
)


class Publisher:
    """A server that answers with ``answers``, one after the other, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Callable[[Request], Response]) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return (self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])(request)


def sends(body: bytes = BODY, status: int = 200, /, **headers: str) -> Callable[[Request], Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Response(body, status, {"content-type": "text/calendar", **named})


@contextlib.asynccontextmanager
async def reader_of(services: Services, publisher: Publisher) -> AsyncIterator[IcsReader]:
    async with running(app_with(publisher.answer)) as url:
        reader = IcsReader("anna-cal", Secret(url + SECRET_PATH), services, FeedProcess(), timeout=10.0)
        try:
            yield reader
        finally:
            await reader.aclose()


async def read(reader: IcsReader, start: float = MONDAY, end: float = MONDAY + WEEK) -> CalendarRead:
    return await reader.read(start, end, UTC_ZONE)


@pytest.mark.slow
async def test_feeds_that_wait_for_their_turn_take_little_memory_however_many_they_are(
    services: Services, events: RecordedEvents
) -> None:
    readers, body = 40, feed(*[event(f"UID:{number}", "DTSTART:20261201T100000Z") for number in range(10_000)])
    publisher, process = Publisher(sends(body)), FeedProcess(("sleep", "60"))
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(app_with(publisher.answer)))
        each = [IcsReader(f"cal-{n}", Secret(url + SECRET_PATH), services, process, timeout=60.0) for n in range(readers)]
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        before = tracemalloc.get_traced_memory()[0]
        reading = [asyncio.create_task(read(reader)) for reader in each]

        async def is_small() -> bool:
            taken = tracemalloc.get_traced_memory()[0] - before
            return len(events.codes(FEED)) == readers and taken < readers * len(body) / 4

        await until(is_small, "what waits to take a quarter of what was sent")
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for reader in each:
            await reader.aclose()


@pytest.mark.slow
async def test_feeds_that_waited_for_their_turn_are_read_as_they_were_sent(services: Services) -> None:
    publisher, process = Publisher(sends()), FeedProcess()
    async with running(app_with(publisher.answer)) as url:
        each = [IcsReader(f"cal-{n}", Secret(url + SECRET_PATH), services, process, timeout=10.0) for n in range(5)]
        assert [READ] * 5 == await asyncio.gather(*map(read, each))
        for reader in each:
            await reader.aclose()


@pytest.mark.slow
async def test_a_feed_becomes_busy_times(services: Services, events: RecordedEvents) -> None:
    publisher = Publisher(sends())
    async with reader_of(services, publisher) as reader:
        assert READ == await read(reader)
    assert [(SECRET_PATH, "text/calendar, text/plain;q=0.5, */*;q=0.1")] == [
        (request.url.path, request.headers["accept"]) for request in publisher.asked
    ]
    assert ["200"] == events.codes(FEED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "asked"), [("etag", "if-none-match"), ("last_modified", "if-modified-since")], ids=["ETag", "Last-Modified"]
)
async def test_a_version_that_is_known_is_not_read_again(services: Services, named: str, asked: str) -> None:
    publisher = Publisher(sends(BODY, 200, **{named: "this"}), sends(b"", 304))
    async with reader_of(services, publisher) as reader:
        assert READ == await read(reader)
        assert READ == await read(reader)
        later = await read(reader, MONDAY + 2 * DAY, MONDAY + 2 * DAY + WEEK)
    assert [None, "this", "this"] == [request.headers.get(asked) for request in publisher.asked]
    assert ((TEN + WEEK, TEN + WEEK + HOUR),) == later.periods


@pytest.mark.slow
async def test_a_version_with_letters_that_no_header_has_is_passed_over(services: Services) -> None:
    publisher = Publisher(sends(BODY, 200, etag='"\xfc"'))
    async with reader_of(services, publisher) as reader:
        assert [READ, READ] == [await read(reader), await read(reader)]
    assert [None, None] == [request.headers.get("if-none-match") for request in publisher.asked]


@pytest.mark.slow
async def test_what_was_read_is_read_anew_before_the_range_leaves_it(services: Services) -> None:
    publisher = Publisher(sends(etag="this"))
    async with reader_of(services, publisher) as reader:
        await read(reader)
        await read(reader, MONDAY + AHEAD_SECONDS + 1, MONDAY + AHEAD_SECONDS + 1 + WEEK)
        await reader.read(MONDAY, MONDAY + WEEK, UTC_ZONE)
        await reader.read(MONDAY, MONDAY + WEEK, ZoneInfo("Asia/Tokyo"))
    assert [None, None, None, None] == [request.headers.get("if-none-match") for request in publisher.asked]


@pytest.mark.slow
async def test_a_feed_without_versions_is_read_each_time(services: Services) -> None:
    publisher = Publisher(sends(), sends(feed()))
    async with reader_of(services, publisher) as reader:
        assert READ == await read(reader)
        assert () == (await read(reader)).periods


async def test_nothing_new_is_no_answer_to_who_knows_nothing(services: Services) -> None:
    async with reader_of(services, Publisher(sends(b"", 304))) as reader:
        with pytest.raises(InvalidResponseError, match=r"^127\.0\.0\.1 sent no feed$"):
            await read(reader)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, AuthError, "wants somebody to sign in for the feed"),
        (403, PermissionDeniedError, "does not publish the feed"),
        (404, NotFoundError, "knows no feed at the address: it was renewed, or the calendar is no longer shared"),
        (410, NotFoundError, "no longer has the feed: it was renewed, or the calendar is no longer shared"),
        (429, RateLimitedError, "is asked for the feed too often"),
        (400, ClientError, "refuses to send the feed"),
        (500, ServerError, "has a fault"),
        (503, ServerError, "has a fault"),
        (204, InvalidResponseError, "sent no feed"),
    ],
)
async def test_a_refusal_says_what_it_means_and_never_the_address(
    services: Services, status: int, error: type[PollError], message: str
) -> None:
    async with reader_of(services, Publisher(sends(b"", status, retry_after="120"))) as reader:
        with pytest.raises(error) as info:
            await read(reader)
    assert (f"127.0.0.1 {message}", status, 120) == (str(info.value), info.value.status, round(info.value.retry_after or 0))


async def test_a_feed_that_is_too_large_is_refused_before_it_is_all_here(services: Services) -> None:
    async with reader_of(services, Publisher(sends(b"x" * (FEED_BODY.number + 1)))) as reader:
        with pytest.raises(InvalidResponseError, match=r"^127\.0\.0\.1 sent more than 16 MiB for a calendar's feed$"):
            await read(reader)


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(services: Services, status: int) -> None:
    publisher = Publisher(lambda _: RedirectResponse("/there.ics?token=1#fragment", status), sends())
    async with reader_of(services, publisher) as reader:
        assert READ == await read(reader)
    assert ["/there.ics"] == [request.url.path for request in publisher.asked[1:]]


@pytest.mark.parametrize(
    "place",
    [
        *("http://localhost/x.ics", "https://127.0.0.1/x.ics", "//elsewhere.example/x.ics", "ftp://127.0.0.1/x.ics"),
        *("https://xn--0000/x.ics", "https://xn--ls8h.example/x.ics", "https://[::1]/x.ics"),
    ],
)
async def test_a_redirect_to_another_host_or_scheme_is_not_followed(services: Services, place: str) -> None:
    publisher = Publisher(lambda _: RedirectResponse(place, 302), sends())
    async with reader_of(services, publisher) as reader:
        with pytest.raises(InvalidResponseError, match=r"^127\.0\.0\.1 redirects .*; if that is right, write it into ics_url$"):
            await read(reader)
    assert 1 == len(publisher.asked)


async def test_a_redirect_in_circles_ends(services: Services) -> None:
    publisher = Publisher(lambda request: RedirectResponse(str(request.url), 302))
    async with reader_of(services, publisher) as reader:
        with pytest.raises(InvalidResponseError, match=r"^127\.0\.0\.1 sends from one address of the feed to the next$"):
            await read(reader)
    assert 4 == len(publisher.asked)


async def test_a_redirect_to_nowhere_is_an_error(services: Services) -> None:
    def nowhere(_: Request) -> Response:
        return Response(b"", 302, {"location": "http://[::1/x"})

    async with reader_of(services, Publisher(nowhere)) as reader:
        with pytest.raises(InvalidResponseError, match=r"^127\.0\.0\.1 sends to an address that is none$"):
            await read(reader)


def test_what_is_read_ends_at_the_range_and_entries_are_whole() -> None:
    times = FeedTimes(entries=((0.0, 20.0), (30.0, 40.0), (40.0, 50.0)), free=((5.0, 12.0),), whole_days=((0.0, 10.0),))

    assert CalendarRead(((10.0, 20.0), (30.0, 40.0)), 0, ((0.0, 20.0), (30.0, 40.0)), ((5.0, 12.0),)) == read_of(
        times, 10.0, 40.0
    )
