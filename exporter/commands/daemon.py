"""The process around the application: web server, reload by signal, watchdog, loop lag, config watch, an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import structlog
from prometheus_client import CollectorRegistry

from exporter.clock import Clock, LoopLag, SystemClock
from exporter.commands.served_runbooks import ServedRunbooks
from exporter.commands.site_users import loading_with_users
from exporter.commands.target_factory import known_secrets
from exporter.config import Config
from exporter.errors import BookingSyncError, ConfigError, ConfigProblem, WebServerError
from exporter.metrics import Instruments, MetricsPage
from exporter.model import WHOLE, Shard
from exporter.platforms.http_pool import open_pool
from exporter.platforms.sockets import max_sockets
from exporter.polling import Admission
from exporter.runtime import (
    Application,
    KnownSites,
    Signals,
    StopRequestedError,
    TargetFactory,
    ThreadWatch,
    discover,
    garbage,
    log_warnings,
    loop_errors,
    take_over_when_free,
)
from exporter.state.thresholds import DEFAULTS
from exporter.support import logs, sdnotify
from exporter.support.audit import change_requested
from exporter.support.supervision import supervised
from exporter.support.threads import DaemonThreadPool, set_switch_interval
from exporter.support.tls_buffers import shrink_tls_buffers
from exporter.web import Server, WebConfig, create_app, listener_warning, serve

log = structlog.get_logger(__name__)
T = TypeVar("T")

STOP_GRACE_SECONDS: Final = 6.0  # for all that ends in order; shutdown.py ends the process a second later
WATCH_SECONDS: Final = 5.0
LAG_SECONDS: Final = 0.5
CLOCK_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 1.0
MAX_UNSETTLED_SECONDS: Final = 600.0
RELOADS_BETWEEN_LOOKS: Final = 100  # at everything: with 5,500 targets each holds the loop for a second
THREADS: Final = 64
PAGE_THREADS: Final = 4  # rendering is work for the processor; more threads would only take turns
ANSWER_THREADS: Final = 4  # and so is the reading of large answers


async def run(
    load: Callable[[], Config],
    *,
    signals: Signals,
    listen_address: str,
    web_config: Path | None = None,
    allowed_hosts: frozenset[str] = frozenset(),
    max_requests: int = 0,
    lifecycle: bool = False,
    watch: bool = False,
    standby: bool = False,
    shard: Shard = WHOLE,
    started: Callable[[str], Coroutine[None, None, None]] | None = None,
) -> None:
    """Run the daemon until ``signals`` ask for the stop.

    ``load`` reads the configuration, in a thread; ``started`` is called with the page's base URL once the targets are open.
    With ``standby`` it polls nothing while another process has the state file. ``shard`` is the part of the targets that
    ``load`` returns.
    Raises, before anything is asked of a platform, :class:`~exporter.errors.ConfigError` when the first configuration, then
    the web configuration, then the address is bad, :class:`~exporter.errors.ListenError` when the address cannot be had, and
    without ``standby`` :class:`~exporter.state.state_lock.StateFileInUseError`;
    :class:`~exporter.errors.WebServerError` when the web server dies, after an orderly stop of all else.
    """
    sites = KnownSites()
    load = sites.loading(loading_with_users(load, web_config))
    _raise_descriptor_limit()
    set_switch_interval()
    shrink_tls_buffers()
    garbage.postpone_full_collections()
    lag = LoopLag()
    lag.start()
    clock = SystemClock(lag)
    asyncio.get_running_loop().set_exception_handler(loop_errors.handler(clock))
    with (
        contextlib.suppress(StopRequestedError),
        DaemonThreadPool(PAGE_THREADS, "pages") as pages,
        DaemonThreadPool(ANSWER_THREADS, "answers") as answers,
    ):
        # Thousands of targets take seconds to read, and whoever asks for our health waits for less.
        loading = asyncio.create_task(asyncio.to_thread(load), name="configuration")
        web = await signals.unless_stopped(_after(loading, asyncio.to_thread(WebConfig.load, web_config)))
        admission, threads = Admission(clock, lag, answers), ThreadWatch(clock)
        application = _application(
            load,
            admission,
            clock=clock,
            sites=sites,
            lifecycle=lifecycle,
            pages=pages,
            trouble=threads.trouble,
            may_stand_by=standby,
            shard=shard,
        )
        async with application as (app, instruments, factory):
            runbooks = ServedRunbooks(lambda: DEFAULTS if app.opening else app.config.verdicts.thresholds)
            pages_of = create_app(app, pages, max_requests=max_requests, runbooks=runbooks)
            server = await _after(loading, serve(pages_of, listen_address, web, allowed_hosts))

            def helper(name: str, work: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
                doing = supervised(name, work, clock=clock, random=Random(), died=instruments.task_died)  # noqa: S311  jitter
                return asyncio.create_task(doing, name=name)

            helpers = [helper("loop_lag", partial(_publish_lag, lag, clock, instruments)), helper("threads", threads.run)]
            try:
                config = await signals.unless_stopped(loading)
                # Said only now: of a configuration that is refused, its faults are all that counts.
                log.info("listening", address=server.url, bound=server.bound)
                if open_to_all := listener_warning(server.bound, web, lifecycle=lifecycle):
                    log.warning("listener_open", problem=str(open_to_all), lifecycle=lifecycle)
                _warn_of_few_descriptors(len(config.targets))
                await signals.unless_stopped(app.start(config))
                helpers += [
                    helper("garbage", partial(_settle_garbage, app, clock)),
                    helper("clock", partial(_log_clock_steps, clock, instruments)),
                    helper("warnings", partial(log_warnings, app, clock)),
                    helper("watchdog", partial(_feed_watchdog, clock, threads.trouble)),
                    helper("reload", partial(_reload_on, signals.hangup, app)),
                    helper("discovery", partial(discover, app, factory)),
                ]
                if app.standby:
                    helpers.append(helper("standby", partial(take_over_when_free, app, clock)))
                if watch:
                    helpers.append(helper("config_watch", partial(_watch, app, clock)))
                sdnotify.notify("READY=1")
                if started:
                    helpers.append(helper("started", partial(started, server.url)))
                await _until_the_stop(signals, server)
            finally:
                # Side by side, so that a scrape and a poll that both take their time do not add up. The helpers go last: the
                # watchdog is fed to the end.
                await asyncio.gather(app.aclose(grace=STOP_GRACE_SECONDS), server.stop(grace=STOP_GRACE_SECONDS))
                for task in helpers:
                    task.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
    log.info("stopped")


async def _after(loading: asyncio.Task[Config], work: Awaitable[T]) -> T:
    """Return what ``work`` brings. If it fails, raise what the configuration has first, as if that had been read before."""
    try:
        return await work
    except BookingSyncError:
        await loading
        raise
    except BaseException:
        loading.cancel()
        raise


async def _until_the_stop(signals: Signals, server: Server) -> None:
    """Wait for the stop. A web server that dies brings it, too: without pages nobody hears of anything, and a restart mends it.

    Raises :class:`~exporter.errors.WebServerError` then.
    """
    try:
        await signals.unless_stopped(server.died())
    except WebServerError as error:
        log.error("web_server_died", exc_info=error)  # noqa: TRY400  said once; the command line says what it ends with
        raise


@contextlib.asynccontextmanager
async def _application(
    load: Callable[[], Config],
    admission: Admission,
    *,
    clock: Clock,
    sites: KnownSites,
    lifecycle: bool,
    pages: Executor,
    trouble: Callable[[], str | None] = lambda: None,
    may_stand_by: bool = False,
    shard: Shard = WHOLE,
) -> AsyncIterator[tuple[Application, Instruments, TargetFactory]]:
    registry = CollectorRegistry()
    instruments = Instruments(registry, revision=os.environ.get("BOOKING_SYNC_REVISION", ""), shard=shard)
    logs.count_with(instruments.log_message)
    async with open_pool(clock, admit=admission.connection) as http:
        jitter = Random()  # noqa: S311  not cryptography
        factory = TargetFactory(http, clock, jitter, instruments, admission, known=known_secrets(), sites=sites)
        page = MetricsPage(instruments)
        app = Application(
            load,
            factory=factory,
            page=page,
            lifecycle=lifecycle,
            pages=pages,
            before_change=garbage.postpone_full_collections,
            trouble=trouble,
            may_stand_by=may_stand_by,
        )
        yield app, instruments, factory


def _raise_descriptor_limit() -> None:
    """Let thousands of targets hang without a scrape noticing: as many open files as allowed, and threads for host names."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A file that hangs holds a thread. Pages and large answers have threads of their own (docs/decisions/0106).
    asyncio.get_running_loop().set_default_executor(DaemonThreadPool(THREADS, "exporter"))


def _warn_of_few_descriptors(targets: int) -> None:
    """Say so when not each target can have a connection beside the scrapes and files."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if max_sockets() < targets:
        log.warning("few_open_files", limit=limit, targets=targets, fix="raise LimitNOFILE (systemd) or ulimit -n")


async def _settle_garbage(app: Application, clock: Clock) -> None:
    """Settle after the start and after each reload, once what they brought has been polled, or as good as.

    What the start dropped is little. A reload leaves some each time, and of what it looks at most is new; whatever outlives
    that goes with every hundredth.
    """
    settled, waited = 0, 0.0
    while True:
        if app.changes == settled:
            waited = 0.0
        elif app.ready or waited >= MAX_UNSETTLED_SECONDS:
            hundreds = app.changes // RELOADS_BETWEEN_LOOKS > settled // RELOADS_BETWEEN_LOOKS
            garbage.collect_and_freeze(
                garbage.CollectionScope.YOUNG
                if settled == 0
                else garbage.CollectionScope.ALL
                if hundreds
                else garbage.CollectionScope.NEW
            )
            settled = app.changes
        await clock.sleep(SETTLE_SECONDS)
        waited += SETTLE_SECONDS


async def _reload_on(hangup: asyncio.Event, app: Application) -> None:
    """Reload for each signal; those that arrive while one waits or runs ask for one more, not for one each."""
    while True:
        await hangup.wait()
        hangup.clear()
        change_requested("reload", by="signal")
        sdnotify.reloading()
        try:
            with contextlib.suppress(ConfigError):  # logged and counted where it happened
                await app.reload()
        finally:  # systemd would wait for it for ever
            sdnotify.notify("READY=1")


async def _watch(app: Application, clock: Clock) -> None:
    while True:
        await clock.sleep(WATCH_SECONDS)
        with contextlib.suppress(ConfigError):
            await app.reload_if_changed()


async def _publish_lag(lag: LoopLag, clock: Clock, instruments: Instruments) -> None:
    """Publish the longest stall of the last minute, from the first scrape on."""
    while True:
        instruments.loop_lag(lag.worst())
        await clock.sleep(LAG_SECONDS)


async def _log_clock_steps(clock: Clock, instruments: Instruments) -> None:
    """Say it when somebody sets the machine's clock: what the page shows moves with it, and no age changes."""
    known = 0.0
    while True:
        if (stepped := clock.stepped()) != known:
            log.warning("clock_stepped", seconds=round(stepped - known, 1))
            instruments.clock_stepped(stepped)
            known = stepped
        await clock.sleep(CLOCK_SECONDS)


async def _feed_watchdog(clock: Clock, trouble: Callable[[], str | None]) -> None:
    """Tell systemd that the process works, as ``/-/healthy`` tells a container's engine."""
    seconds = sdnotify.watchdog_seconds()
    while seconds:
        if trouble() is None:
            sdnotify.notify("WATCHDOG=1")
        await clock.sleep(seconds)


def with_state_file(load: Callable[[], Config]) -> Callable[[], Config]:
    """Return ``load`` for a process that is one of two: the lock of the state file tells which of them is active."""

    def loaded() -> Config:
        config = load()
        if config.state_file is None:
            fix = "set it to one path for both processes: who has that file is active, the other one waits"
            raise ConfigError([ConfigProblem("state_file", "is not set, and --standby needs it", fix)])
        return config

    return loaded
