"""Exporters in the last 45 minutes, each with a Wix site and a Bitrix24 portal, as one Prometheus would have seen them.

The pages are the product's own, scraped every 30 seconds or every minute and written with their staleness markers; the rules
are the shipped ones, evaluated by Prometheus every 30 seconds, the last time 5 seconds before people look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.errors import Reason
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    CalendarType,
    CollectorName,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    Observation,
    Window,
    WindowBookings,
)
from exporter.state.snapshot import CollectorState
from exporter.support.remote_write import Labels
from tests.harness.expected import expected
from tests.harness.exposition import counters_of, lines_of
from tests.harness.views import OPERATIONS, connection, connections, failed, succeeded, target_of, unpolled, view_of
from tests.monitoring.evaluated import labels_of, moments_before, write_rules
from tests.monitoring.remote_write import Found, remote_write, with_ends

INSTANCE, SECOND_INSTANCE = "127.0.0.1:10888", "127.0.0.1:10889"
WIX, BITRIX24 = "salon-wix", "salon-b24"
MINUTE: Final = 60.0
BROKEN: Final = 20 * MINUTE
WITHDRAWN: Final = 19 * MINUTE
DOWN: Final = 10 * MINUTE
DAY: Final = 86_400.0
HISTORY: Final = 45 * MINUTE
_SCRAPE: Final = 30.0
_COLLECTORS: Final = {
    WIX: ("wix", (CollectorName.CONNECTIONS, CollectorName.BOOKINGS)),
    BITRIX24: ("bitrix24", (CollectorName.BOOKINGS, CollectorName.LINKS)),
}


@dataclass(frozen=True, slots=True)
class World:
    """What happened to one process; its name is its job. Moments are seconds before people look, 0 is never.

    ``broken``: since when two calendars of the site do not sync. ``refused``: since when the site refuses every poll.
    ``removed``: since when the site is not configured. ``silent``: since when no scrape succeeds. ``forgotten``: since when
    nobody scrapes. ``newest``: when the last scrape was. ``every``: seconds between two scrapes. ``waits``: as a standby.
    ``polls``: whether a poll ever ended; ``succeeds``: whether one ever did at the site; ``overlaps``: whether they are
    counted.
    """

    name: str
    broken: float = 0
    refused: float = 0
    removed: float = 0
    silent: float = 0
    forgotten: float = 0
    instance: str = INSTANCE
    targets: tuple[str, ...] = (WIX, BITRIX24)
    every: float = _SCRAPE
    newest: float = 15
    waits: bool = False
    polls: bool = True
    succeeds: bool = True
    overlaps: bool = True


WORLDS: Final = (
    World("healthy"),
    World("revoked", broken=BROKEN),
    World("withdrawn", refused=WITHDRAWN + 5 * MINUTE),  # `max_age` is five minutes
    World("refused", succeeds=False),
    World("unpolled", polls=False),
    World("uncounted", overlaps=False),
    World("removed", removed=WITHDRAWN),
    World("down", silent=DOWN),
    World("forgotten", forgotten=DOWN),
    World("missed", broken=BROKEN, silent=_SCRAPE),
    # The next scrape, due two seconds ago, is still under way.
    World("minute", broken=BROKEN, every=MINUTE, newest=MINUTE + 2),
    World("minute-missed", broken=BROKEN, every=MINUTE, newest=MINUTE + 2, silent=2 * MINUTE),
    World("shard-down", targets=(WIX,)),
    World("shard-down", targets=(BITRIX24,), instance=SECOND_INSTANCE, silent=9 * MINUTE),
    World("shard-gone", targets=(WIX,)),
    World("shard-gone", targets=(BITRIX24,), instance=SECOND_INSTANCE, forgotten=20 * MINUTE),
    World("pair"),
    World("pair", targets=(), instance=SECOND_INSTANCE, waits=True),
)


def write_worlds(client: httpx.Client, now: float) -> None:
    """Write all worlds, and two jobs that are not ours, into a Prometheus; rules included."""
    for world in WORLDS:
        moments = moments_before(now - world.newest, world.every, HISTORY)
        scraped: Found = defaultdict(dict)
        for moment, labels, value in _scrapes(world, moments, now):
            scraped[labels][moment] = value
        remote_write(client, with_ends(moments, scraped))
    moments = moments_before(now - 15, _SCRAPE, HISTORY)
    others: Found = {
        labels_of(name, job=job, instance="127.0.0.1:9100"): dict.fromkeys(moments, value)
        for job, up in (("node", 1.0), ("another", 0.0))
        for name, value in (("up", up), ("process_start_time_seconds", 1e9), ("scrape_duration_seconds", 9.0))
    }
    remote_write(client, with_ends(moments, others))
    write_rules(client, now, HISTORY)


def _scrapes(world: World, moments: list[float], now: float) -> Iterator[tuple[float, Labels, float]]:
    instruments = Instruments(CollectorRegistry())
    page = MetricsPage(instruments)
    served = {name: _COLLECTORS[name] for name in world.targets}
    counters = {name: counters_of(instruments, name, platform) for name, (platform, _) in served.items()}
    for name, (platform, collectors) in served.items():
        counters[name].expect(expected(collectors, OPERATIONS[platform], reads_bookings=True))
    instruments.config_loaded(ok=True, at=now - 3_600, hash="0123456789abcdef")
    instruments.loop_lag(0.004)
    scrape = {"job": world.name, "instance": world.instance}
    for moment in moments:
        if world.forgotten and moment > now - world.forgotten:
            return
        answers = not world.silent or moment <= now - world.silent
        yield moment, labels_of("up", **scrape), float(answers)
        yield moment, labels_of("scrape_duration_seconds", **scrape), 0.01
        if not answers:
            continue
        if world.removed and moment > now - world.removed and WIX in served:
            del served[WIX]
            instruments.remove_target(WIX)
        targets = []
        for name, (platform, collectors) in served.items():
            states = [_state(world, unpolled(name, platform, collector), moment, now) for collector in collectors]
            for state in states if world.polls else ():
                counters[name].poll_finished(state.collector, 0.8, state.failure.reason if state.failure else None)
                for operation in OPERATIONS[platform]:
                    counters[name].request(operation, "200", 0.2)
            usage = ApiUsage(credential_expiry=now + 100 * DAY) if name == WIX else None
            targets.append(target_of(name, platform, states, usage=usage))
        view = replace(view_of(*targets, at=moment), standby=world.waits)
        for family, own, value in lines_of(page.render(view, Format.TEXT).decode()):
            yield moment, labels_of(family, **scrape, **own), value


def _state(world: World, before: CollectorState, moment: float, now: float) -> CollectorState:
    seen = moment - 10
    if not world.polls:
        return before
    if before.target == WIX and not world.succeeds:
        return failed(before, Reason.AUTH, "no such key", at=seen, status=401)
    refused = before.target == WIX and world.refused and seen > now - world.refused
    observed = now - world.refused if refused else seen
    state = succeeded(before, _observation(world, before.collector, observed, now))
    return failed(state, Reason.RATE_LIMITED, "try later", at=seen, status=429) if refused else state


def _observation(world: World, collector: CollectorName, at: float, now: float) -> Observation:
    windows = (Window("next_24h", at, at + DAY), Window("next_7d", at, at + 7 * DAY))
    if collector is CollectorName.CONNECTIONS:
        return _connections(at, now - world.broken if world.broken and at > now - world.broken else None)
    if collector is CollectorName.LINKS:
        answers = (LinkAnswers(0, 12, 0, 0, {("crm", "deal"): 12}),)
        return LinksObservation(at, tuple(WindowLinks(window, answers) for window in windows))
    overlaps = 0 if world.overlaps else None
    return BookingsObservation(
        at,
        tuple(WindowBookings(window, 7, conflicting=overlaps, by_status={"confirmed": 7}) for window in windows),
        next_booking=now + 1_800,
        measures_next=True,
    )


def _connections(at: float, broken_since: float | None) -> ConnectionsObservation:
    error, cut, revoked = ConnectionStatus.ERROR, ConnectionStatus.DISCONNECTED, ErrorReason.TOKEN_REVOKED
    good = [connection(f"Chair {number}", since=at - DAY, observed_at=at) for number in (1, 2, 3)]
    if broken_since is not None:
        good[1] = connection("Chair 2", error, error_reason=revoked, since=broken_since, observed_at=at)
        good[2] = connection("Chair 3", cut, since=broken_since, observed_at=at)
    importing = connection(
        "Chair 4",
        ConnectionStatus.CONNECTED,
        calendar_type=CalendarType.APPLE,
        provider="apple",
        export_enabled=False,
        since=at - DAY,
        observed_at=at,
    )
    return connections(*good, importing, at=at)
