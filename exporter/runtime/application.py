"""The running exporter: configuration -> sessions -> scheduler -> snapshot -> metrics page.

The composition root: the only module besides the commands that knows every layer. It is the web's ``Backend``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from msgspec.structs import replace

from exporter.config import Config, config_hash, effective_config, refuse_opening
from exporter.errors import ConfigError, ConfigProblem
from exporter.metrics import Format, MadePage, MetricsPage
from exporter.model import CollectorName
from exporter.polling import CANCEL_SECONDS, Scheduler
from exporter.runtime.attempts import Attempts
from exporter.runtime.closing import Closing
from exporter.runtime.pairs import LivePairs
from exporter.runtime.targets import LiveTarget, TargetFactory
from exporter.state.config_warnings import KeptWarnings, with_warnings
from exporter.state.poll_requests import PollRequest
from exporter.state.snapshot import Snapshot, View
from exporter.state.state_lock import StateFileInUseError
from exporter.state.status_history import FileStatusHistory, StatusHistory, open_status_history
from exporter.support import logs
from exporter.support.audit import change_requested
from exporter.support.files import Stamps, stamps
from exporter.support.slices import LINES, in_slices
from exporter.web import Dashboards, Reloaded

log = structlog.get_logger(__name__)
T = TypeVar("T")

REPLACED_TARGET_GRACE_SECONDS: Final = 5.0
REPLACED_TARGET_CLOSE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0  # at least, out of the grace time of the stop


class Application:
    """Everything between a configuration and the pages. Lives in one event loop; ``load`` is called in a thread.

    Pages are rendered in the threads ``pages``, which nothing else holds; without them in those of the loop.
    ``before_change`` is called when a configuration is about to be loaded; ``changes`` counts the attempts that have ended.
    ``trouble`` says why the process itself does not work, if so.

    A state file belongs to one process. Who finds it in use does not start, unless it ``may_stand_by``: then it polls nothing
    and has no targets until :meth:`take_over` finds the file free.

    :meth:`reload` builds and validates the whole new state before it swaps anything: targets whose configuration (secrets
    included) did not change keep their session, observations, counters and schedule.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        factory: TargetFactory,
        page: MetricsPage,
        lifecycle: bool = False,
        pages: Executor | None = None,
        before_change: Callable[[], object] = lambda: None,
        trouble: Callable[[], str | None] = lambda: None,
        may_stand_by: bool = False,
    ) -> None:
        self._load = load
        self._factory = factory
        self._clock, self._instruments = factory.clock, factory.instruments
        self._page, self._pages, self.lifecycle = page, pages, lifecycle
        self._before_change = before_change
        self._trouble = trouble
        self._may_stand_by = may_stand_by
        self.standby, self.changes = False, 0
        self._config: Config | None = None
        self._live: dict[str, LiveTarget] = {}
        self._since, self._warnings = StatusHistory(), KeptWarnings()
        self._pairs = LivePairs(self._clock, self._instruments, self._since)
        self._snapshot = Snapshot(pairs=self._pairs.pairs)
        self._scheduler = Scheduler(
            clock=factory.clock,
            random=factory.random,
            admission=factory.admission,
            publish=self._pairs.publishing(self._snapshot),
            observe_lateness=factory.instruments.poll_began,
            died=factory.instruments.task_died,
        )
        self._changing, self._opened, self._stopping = asyncio.Lock(), asyncio.Event(), False
        self._change: asyncio.Task[Any] | None = None
        self._closing, self._attempts = Closing(self._clock), Attempts(factory.clock, factory.instruments, factory.known)
        self._seen: Stamps | None = None  # the files as they were at the last attempt
        self._read: Stamps = ()  # the files as they were when the configuration in force was read

    @property
    def config(self) -> Config:
        """The configuration in force.

        Raises :class:`RuntimeError` before :meth:`start`.
        """
        if self._config is None:
            raise RuntimeError("the application was not started")
        return self._config

    async def start(self, config: Config) -> None:
        """Open the targets of ``config``, then poll them.

        Raises :class:`~exporter.errors.ConfigError` when one of them cannot be opened, and
        :class:`~exporter.state.state_lock.StateFileInUseError` when another process polls and this one may not stand by.
        """

        async def start() -> None:
            digest, self._read = await asyncio.to_thread(self._look_at, config)
            await self._apply(config, digest)
            self._attempts.tried = config

        await self._one_at_a_time(start)

    async def reload(self, load: Callable[[], Config] | None = None) -> Reloaded:
        """Load the configuration again, or by ``load``, and swap it in. Returns what was found.

        Raises :class:`~exporter.errors.ConfigError`, for a bug on the way, too; the old one stays then.
        """
        return await self._one_at_a_time(partial(self._reload, load or self._load))

    async def reload_if_changed(self) -> None:
        """Reload when file or secrets changed since the last attempt (``--config.watch``). Raises as :meth:`reload`."""
        seen = await asyncio.to_thread(stamps, self.config.files)
        # What a rejected configuration names may lie in files that we do not know: then only reading it tells.
        if seen == self._seen and self._attempts.ended_well:
            return
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            changed = self._attempts.is_another(error)
        else:
            changed = config != self._attempts.tried
        self._seen = seen  # not before: who begins this anew after a bug has seen nothing yet
        if changed:
            change_requested("reload", by="watch")
            await self.reload()

    def trouble(self) -> str | None:
        return self._trouble()

    async def take_over(self) -> bool:
        """Poll from now on if the state file is free by now. Returns whether the exporter is active."""
        config = self.config
        if not self.standby or config.state_file is None:
            return True

        async def take_over() -> None:
            if self._config is config:  # else reloaded meanwhile, and the file may be another one
                await self._swap_in(config, await asyncio.to_thread(config_hash, config), history)

        try:
            history = await self._opened_history(config.state_file, config)
            with self._let_go_unless_used(history):
                await self._one_at_a_time(take_over)
        except StateFileInUseError:
            return False
        except ConfigError as error:
            if self._stopping:
                raise
            if self._attempts.is_another(error):  # it is tried again and again
                self._attempts.rejected(error)
        return not self.standby

    @property
    def opening(self) -> bool:
        return self._config is None

    async def until_open(self) -> bool:
        await self._opened.wait()
        return not self.opening

    @property
    def ready(self) -> bool:
        """Whether each collector has finished one poll."""
        return self._snapshot.ready()

    @property
    def site_users(self) -> Mapping[str, frozenset[str]] | None:
        return None if self._config is None else self._config.site_users

    @property
    def operators(self) -> frozenset[str] | None:
        return None if self._config is None else self._config.who_sees_everything

    @property
    def dashboards(self) -> Dashboards | None:
        return None if self._config is None else self._config.grafana

    def targets(self, site: str | None = None) -> Collection[str]:
        return self._snapshot.names(site)

    def view(self, site: str | None = None) -> View:
        stepped = self._clock.stepped()
        view = self._snapshot.view(self._clock.steady(), stepped, self._scheduler.polling, site)
        if self._config:
            view = self._factory.sites.shown(with_warnings(view, self._config.unwatched, self._warnings), self._config, stepped)
            view = replace(view, shard=self._config.shard)
        view = replace(view, standby=self.standby, rejected_config=self._attempts.shown(stepped))
        return view if site is None else view.of_site(site)

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the exposition's word
        view, make = self.view(site), self._page.make if site is None else self._page.make_part
        if site is None and targets is None and (kept := self._page.kept(view, format)):
            return kept
        # A page of a large fleet takes longer than the loop may be held.
        return await asyncio.get_running_loop().run_in_executor(self._pages, make, view, format, targets)

    def effective_config(self) -> str:
        return effective_config(self.config)

    def poll_now(self, target: str, collectors: Collection[CollectorName] | None) -> Sequence[PollRequest]:
        live = self._live.get(target)  # a page may be older than the last reload
        if live is None:
            return ()
        until = live.session.usage().paused_until
        paused = 0.0 if until is None else max(0.0, until - self._clock.time())
        return self._scheduler.poll_now(target, collectors, paused=paused)

    def set_log_level(self, level: str) -> None:
        logs.set_level(level)
        log.warning("log_level_changed", to=level)

    async def aclose(self, *, grace: float) -> None:
        """Stop within ``grace`` seconds, whatever hangs. What was shown stays to be seen.

        No new poll begins, running ones may end, but leave time for sessions to save their tokens. A reload is given up.
        """
        ends_at = self._clock.monotonic() + grace
        self._stopping = True
        self._opened.set()
        if self._change is not None:
            self._change.cancel()
        await self._scheduler.stop(grace=max(0.0, grace - CANCEL_SECONDS - CLOSE_SECONDS))
        self._closing.begin(self._live.values(), self._since)
        self._live = {}
        # Those of targets that a reload replaced are among them.
        await self._closing.wait_for_all(max(0.0, ends_at - self._clock.monotonic()))

    async def _one_at_a_time(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Make a change in a task that the stop can end: it may hang in a thread, or wait for polls of replaced targets."""
        stopping = ConfigError([ConfigProblem("", "the exporter is stopping, nothing is loaded any more")])
        async with self._changing:
            if self._stopping:
                raise stopping
            self._before_change()
            task = asyncio.create_task(change(), name="configuration")
            self._change = task
            try:
                return await task
            except asyncio.CancelledError:
                if (waiting := asyncio.current_task()) is None or waiting.cancelling():
                    raise
                raise stopping from None
            finally:
                self.changes += 1

    async def _reload(self, load: Callable[[], Config]) -> Reloaded:
        self._attempts.tried, before = None, self._config
        try:
            config, digest, read = await asyncio.to_thread(self._load_and_look, load)
            self._attempts.tried = config
            await self._apply(config, digest)
        except ConfigError as error:
            raise self._attempts.rejected(error) from None
        except StateFileInUseError as error:
            raise self._attempts.rejected(ConfigError([ConfigProblem("state_file", str(error))])) from None
        except Exception as bug:
            log.exception("config_reload_crashed")
            what = f"a bug in the exporter ({type(bug).__name__})"
            raise self._attempts.rejected(ConfigError([ConfigProblem("", what, "please report it with the log")])) from None
        found = Reloaded.CHANGED if config != before else Reloaded.SAME if read != self._read else Reloaded.UNTOUCHED
        self._read = read
        if found is not Reloaded.CHANGED:
            fix = "if you edited it in a container, mount its folder, not the file" if found is Reloaded.UNTOUCHED else None
            log.info("config_unchanged", file=str(config.files[0]), untouched=found is Reloaded.UNTOUCHED, fix=fix)
        return found

    def _load_and_look(self, load: Callable[[], Config]) -> tuple[Config, str, Stamps]:
        config = load()
        return config, *self._look_at(config)

    def _look_at(self, config: Config) -> tuple[str, Stamps]:
        self._attempts.read(config)
        return config_hash(config), stamps(config.files)

    async def _apply(self, config: Config, digest: str) -> None:
        refuse_opening(self._config, config)
        try:
            history = await self._status_history(config)
        except StateFileInUseError as in_use:
            if self._is_active or not self._may_stand_by:
                raise
            await self._stand_by(config, digest, in_use)
        else:
            with self._let_go_unless_used(history):
                await self._swap_in(config, digest, history)

    async def _swap_in(self, config: Config, digest: str, history: StatusHistory) -> None:
        """Swap ``config`` in, with the ``history`` of its state file."""
        same_history = history is self._since
        known = in_slices(config.targets if same_history else ())
        kept = {new.name: old async for new in known if (old := self._live.get(new.name)) is not None and old.serves(new)}
        with self._factory.paired.tried(config):
            opened = await self._factory.open_targets((new for new in config.targets if new.name not in kept), history)
        # From here on nothing can fail: stop the old, swap, and wait for the old last, where it can do no harm.
        leaving = {name: old for name, old in self._live.items() if name not in kept}
        await self._scheduler.stop(leaving, grace=REPLACED_TARGET_GRACE_SECONDS)
        async for new in in_slices(opened.values()):
            new.show_counters(self._instruments)
        for name in leaving:
            self._snapshot.remove_target(name)
            if name not in opened:
                self._instruments.remove_target(name)
        live: dict[str, LiveTarget] = {}
        for target in config.targets:
            name = target.name
            if name in kept and kept[name].config is target:
                live[name] = kept[name]
            elif name in kept:
                live[name] = kept[name].reconfigured(target)
                self._snapshot.relabel(live[name].entry())
            else:
                live[name] = opened[name]
                self._snapshot.put_target(live[name].entry(), {job.name: job.initial_state() for job in live[name].jobs})
        self._snapshot.arrange(live, config.verdicts.thresholds)
        self._warnings = KeptWarnings()  # those of targets that left go
        history.keep_targets(accounts := {name: each.account for name, each in live.items()})
        self._pairs.arrange(config, accounts, history, self._snapshot)
        # Before the next wait: a stop that comes then must know of them.
        closing = self._closing.begin(leaving.values(), *(() if same_history else (self._since,)))
        if self.standby:
            log.info("standby_takes_over", state_file=str(history.path))
        self._live, self._since, self._config, self.standby = live, history, config, False
        await self._scheduler.start(job for name in opened for job in live[name].jobs)
        await self._accepted(config, digest)
        log.info("config_loaded", targets=len(live), started=len(opened), stopped=len(leaving), kept=len(kept))
        self._opened.set()
        await self._closing.wait_for(closing, REPLACED_TARGET_CLOSE_SECONDS)

    async def _stand_by(self, config: Config, digest: str, in_use: StateFileInUseError) -> None:
        # What could not be opened would show when it is needed.
        opened = await self._factory.open_targets(config.targets, StatusHistory())
        await self._closing.wait_for(self._closing.begin(opened.values()), REPLACED_TARGET_CLOSE_SECONDS)
        self._config, self.standby = config, True
        await self._accepted(config, digest)
        log.info("standby", state_file=str(config.state_file), active=in_use.holder)
        self._opened.set()

    @property
    def _is_active(self) -> bool:
        return self._config is not None and not self.standby

    async def _accepted(self, config: Config, digest: str) -> None:
        self._attempts.accepted(digest)
        async for warning in in_slices((*config.warnings, *config.gaps), LINES):
            log.warning("config_warning", problem=str(warning))

    async def _status_history(self, config: Config) -> StatusHistory:
        """Return the memory of ``config``'s state file, with what is known now: the present one if it is the same file.

        Raises :class:`~exporter.state.state_lock.StateFileInUseError`.
        """
        path = config.state_file
        if self._is_active and (path == self.config.state_file or await asyncio.to_thread(self._since.is_of, path)):
            return self._since
        history = await self._opened_history(path, config) if path else StatusHistory()
        history.take_over(self._since)
        return history

    async def _opened_history(self, path: Path, config: Config) -> StatusHistory:
        """Open the state file ``path``. Whoever is cancelled meanwhile lets it go once the thread has it."""
        opening = asyncio.ensure_future(asyncio.to_thread(open_status_history, path, self._clock, config.watched))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._let_go)
            raise

    def _let_go(self, opened: asyncio.Future[FileStatusHistory]) -> None:
        if not opened.cancelled() and opened.exception() is None:
            self._closing.begin((), opened.result())

    @contextlib.contextmanager
    def _let_go_unless_used(self, history: StatusHistory) -> Iterator[None]:
        """Let others, this process's next try as well, have the state file of ``history`` unless the block put it in force."""
        try:
            yield
        finally:
            if history is not self._since:
                self._closing.begin((), history)
