"""The running exporter: configuration -> sessions -> scheduler -> snapshot -> metrics page.

The composition root: the only module besides the commands that knows every layer. It is the web's ``Backend``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from exporter import logs
from exporter.config import Config, Target, config_hash, effective_config
from exporter.errors import ConfigError, Problem
from exporter.fingerprint import Fingerprint, fingerprint
from exporter.live import LiveTarget, World
from exporter.metrics import Format, Page
from exporter.scheduler import Scheduler
from exporter.since import FileSince, MemorySince
from exporter.snapshot import Snapshot, View

log = structlog.get_logger(__name__)

REPLACED_TARGET_GRACE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 5.0


class Application:
    """Everything between a configuration and the pages. Lives in one event loop; ``load`` is called in a thread.

    :meth:`reload` builds and validates the whole new state before it swaps anything: targets whose configuration (secrets
    included) did not change keep their session, observations, counters and schedule.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        world: World,
        page: Page,
        lifecycle: bool = False,
    ) -> None:
        self._load = load
        self._world = world
        self._clock = world.clock
        self._instruments = world.instruments
        self._page = page
        self._lifecycle = lifecycle
        self._config: Config | None = None
        self._live: dict[str, LiveTarget] = {}
        self._since = MemorySince()
        self._snapshot = Snapshot()
        self._scheduler = Scheduler(
            clock=world.clock,
            random=world.random,
            admission=world.admission,
            publish=self._snapshot.put,
            observe_lateness=world.instruments.poll_began,
        )
        self._changing = asyncio.Lock()
        self._stopping = False
        self._closing: set[asyncio.Task[None]] = set()  # the loop itself holds tasks only weakly
        # The last attempt: its configuration if that could be read, its problems if it was rejected; and what was seen then.
        self._tried: Config | None = None
        self._rejected: str | None = None
        self._seen: Fingerprint | None = None

    @property
    def lifecycle(self) -> bool:
        return self._lifecycle

    @property
    def config(self) -> Config:
        """The configuration in force."""
        if self._config is None:
            raise RuntimeError("the application was not started")
        return self._config

    async def start(self, config: Config) -> None:
        """Start polling ``config``. Raises :class:`~exporter.errors.ConfigError` when a target cannot be opened."""
        async with self._changing:
            await self._apply(config, config_hash(config))

    async def reload(self) -> None:
        """Load the configuration again and swap it in. Raises :class:`~exporter.errors.ConfigError`; the old one stays.

        A bug on the way is a :class:`~exporter.errors.ConfigError`, too: nobody who asks for a reload falls over it.
        """
        async with self._changing:
            if self._stopping:
                raise ConfigError([Problem("", "the exporter is stopping, nothing is loaded any more")])
            self._tried = None
            try:
                config, digest = await asyncio.to_thread(self._load_and_hash)
                self._tried = config
                await self._apply(config, digest)
            except ConfigError as error:
                self._reject(error)
                raise
            except Exception as bug:
                log.exception("config_reload_crashed")
                problem = Problem("", f"a bug in the exporter ({type(bug).__name__})", "please report it with the log")
                rejected = ConfigError([problem])
                self._reject(rejected)
                raise rejected from None

    async def reload_if_changed(self) -> None:
        """Reload when file or secrets changed since the last attempt (``--config.watch``). Raises as :meth:`reload`."""
        seen = await asyncio.to_thread(fingerprint, self.config.files)
        # What a rejected configuration names may lie in files that we do not know: then only reading it tells.
        if seen == self._seen and self._rejected is None:
            return
        self._seen = seen
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            changed = str(error) != self._rejected
        else:
            changed = config != self._tried
        if changed:
            await self.reload()

    def view(self) -> View:
        return self._snapshot.view(self._clock.time())

    async def metrics(self, format: Format, targets: frozenset[str] | None) -> bytes:  # noqa: A002  the exposition's word
        # In a thread: a page of a large fleet takes longer than the loop may be held.
        return await asyncio.to_thread(self._page.render, self.view(), format, targets)

    def effective_config(self) -> str:
        return effective_config(self.config)

    def set_log_level(self, level: str) -> None:
        logs.set_level(level)
        log.warning("log_level_changed", to=level)

    async def aclose(self, *, grace: float) -> None:
        """Stop: no new poll begins, running ones may end within ``grace`` seconds. What was shown stays to be seen."""
        self._stopping = True
        async with self._changing:
            await self._scheduler.stop(grace=grace)
            await self._close(self._live.values())
            self._live = {}

    def _load_and_hash(self) -> tuple[Config, str]:
        config = self._load()
        return config, config_hash(config)

    def _reject(self, error: ConfigError) -> None:
        self._rejected = str(error)
        self._instruments.config_loaded(ok=False, at=self._clock.time(), hash=None)
        log.error("config_reload_failed", problems=[str(problem) for problem in error.problems])

    async def _apply(self, config: Config, digest: str) -> None:
        same_state_file = self._config is not None and self._config.state_file == config.state_file
        since = self._since if same_state_file else _since_store(config, self._since)
        kept = {
            target.name: old
            for target in config.targets
            if same_state_file and (old := self._live.get(target.name)) is not None and _same_account(old.config, target)
        }
        opened = await self._world.open_targets((target for target in config.targets if target.name not in kept), since)
        # From here on nothing can fail: stop the old, swap, and let go of the old last, where it can do no harm.
        leaving = {name: old for name, old in self._live.items() if name not in kept}
        await self._scheduler.stop(leaving, grace=REPLACED_TARGET_GRACE_SECONDS)
        for name in leaving:
            self._snapshot.remove_target(name)
            if name not in opened:
                self._instruments.remove_target(name)
        live: dict[str, LiveTarget] = {}
        for target in config.targets:
            name = target.name
            if name in kept:
                live[name] = replace(kept[name], config=target)
                self._snapshot.relabel(live[name].entry())
            else:
                live[name] = opened[name]
                self._instruments.put_target(opened[name].instruments)
                self._snapshot.put_target(live[name].entry(), {job.name: job.initial_state() for job in live[name].jobs()})
        self._snapshot.arrange(live)
        since.keep_targets(frozenset(live))
        self._live, self._since, self._config, self._rejected = live, since, config, None
        self._scheduler.start(job for name in opened for job in live[name].jobs())
        self._instruments.config_loaded(ok=True, at=self._clock.time(), hash=digest)
        for warning in config.warnings:
            log.warning("config_warning", problem=str(warning))
        log.info("config_loaded", targets=len(live), started=len(opened), stopped=len(leaving), kept=len(kept))
        await self._close(leaving.values())

    async def _close(self, targets: Collection[LiveTarget]) -> None:
        """Close sessions side by side. One that saves a new token gets its time, but not all the time."""
        if not targets:
            return
        closing = [asyncio.create_task(live.session.aclose(), name=f"close {live.config.name}") for live in targets]
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(CLOSE_SECONDS):
                await asyncio.wait(closing)
        for task in closing:
            if not task.done():
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
                log.warning("session_closes_slowly", task=task.get_name())
            elif not task.cancelled() and (bug := task.exception()) is not None:
                log.error("session_close_crashed", task=task.get_name(), exc_info=bug)


def _same_account(old: Target, new: Target) -> bool:
    """Whether only the labels differ: those are ours, so neither the session nor what it learnt has to go."""
    return old == new or old.model_copy(update={"labels": new.labels}) == new


def _since_store(config: Config, before: MemorySince) -> MemorySince:
    store = FileSince(config.state_file) if config.state_file else MemorySince()
    store.take_over(before)
    return store
