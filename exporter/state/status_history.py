"""Remembers which states connections and collectors had within a week, across restarts when a state file is configured.

The API has no timestamps (wix.md 3.2), so the moment at which we first saw a status is all there is. What is remembered of a
target ends where its part of the state file does (:data:`~exporter.limits.STATE_FILE_TARGET`), also without such a file.

The file is a convenience, never a reason to fail: an unreadable one is ignored with one warning, and so is a disk that is full.
One process has it at a time (``NAME.lock``): two would drop each other's moments. The lock is also what a standby waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from exporter.clock import Clock, wall_deadline
from exporter.limits import REMEMBERED_CONNECTIONS, STATE_FILE
from exporter.model import GONE, Change
from exporter.private_calendar import EventMemory
from exporter.state.changes import DAY_SECONDS, WEEK_SECONDS, Changes, in_order, recent
from exporter.state.events_state import events_text
from exporter.state.kept_pairs import KeptPairs
from exporter.state.pair_memory import PairMemory
from exporter.state.pair_text import pair_text
from exporter.state.state_file import (
    Past,
    count_over,
    earlier_moved,
    equal_parts,
    file_size,
    fitted,
    forget_before,
    moment_after,
    read_pairs,
    read_parts,
    seen_by_us,
    state_file,
)
from exporter.state.state_lock import claimed
from exporter.support.files import FileLock, replace_durably, resolved
from exporter.support.shard_files import shard_files_newest_first
from exporter.support.slices import in_slices

log = structlog.get_logger(__name__)

MAX_SAVE_SECONDS: Final = 5.0
"""A poll waits no longer for the disk. One that hangs (a network share) must not hold what was learnt."""

EVENTS_SAVE_SECONDS: Final = 600.0
"""What is remembered of events and pairs changes with each poll: the file is not written for it more often than this."""

VERDICTS_SAVE_SECONDS: Final = 60.0
"""Unless a pair's verdict changed: who takes over after a kill should tell what was told, without its grace once more."""

_SLICE: Final = 20  # targets between two turns of the loop: 64 KiB of each take some 20 ms
_FILLED: Final = 7  # eighths of the file that are left when it was full, so that it is not full again at once


class StatusHistory:
    """Keeps the states for the life of the process: without a state file, "since" counts from start."""

    path: Path | None = None
    """The file, links resolved, if there is one."""

    def __init__(self) -> None:
        self._targets, self._pairs = dict[str, Past](), KeptPairs()
        self._texts: dict[str, bytes] = {}  # their parts of the file, of those that did not change since
        self._changed = False
        self._events_changed = False
        self._stepped = 0.0

    def seen(self, target: str, connection: str, present: Change, now: float) -> Changes:
        """Remember the status of a connection, see :meth:`exporter.platforms.base.ConnectionHistory.seen`."""
        return self._remember(target, self._past(target).connections, connection, present, now)

    def collector_seen(self, target: str, collector: str, present: Change, now: float) -> Changes:
        """Remember the state of a collector, and return those that it had within a week, the present one last.

        ``now`` is in Unix seconds.
        """
        return self._remember(target, self._past(target).collectors, collector, present, now)

    def gone(self, target: str, listed: frozenset[str], now: float) -> Mapping[str, Changes]:
        """Note which connections are gone, see :meth:`exporter.platforms.base.ConnectionHistory.gone`."""
        self._notice_step()
        connections, found = self._past(target).connections, {}
        for key in connections.keys() - listed:
            changes = in_order(connections[key], now)
            if not changes or changes[-1].state != GONE:
                # In its old place, so that it is forgotten before those that are listed.
                connections[key] = changes = recent((*changes, Change(now, GONE)), now)
                self._touch(target)
            if changes[-1].at > now - DAY_SECONDS:
                found[key] = changes
            else:
                del connections[key]
                self._touch(target)
        return found

    def forget_oldest(self, target: str) -> None:
        past = self._past(target)
        for gone in list(islice(past.connections, max(0, len(past.connections) - REMEMBERED_CONNECTIONS.number))):
            del past.connections[gone]
            self._touch(target)
        self._text(target)

    def keep_only(self, target: str, connections: frozenset[str]) -> None:
        past = self._past(target)
        for gone in past.connections.keys() - connections:
            del past.connections[gone]
            self._touch(target)

    def events(self, target: str) -> EventMemory | None:
        return self._past(target).events

    def keep_events(self, target: str, memory: EventMemory) -> None:
        self._past(target).events = memory
        self._events_changed = True

    def pair(self, name: str) -> PairMemory | None:
        self._notice_step()
        return self._pairs.get(name)

    def keep_pair(self, name: str, memory: PairMemory) -> None:
        """Remember ``memory`` of the pair ``name``, instead of what was remembered before."""
        self._pairs.keep(name, memory)

    def keep_pairs(self, names: frozenset[str], ends: Mapping[str, str]) -> None:
        """Forget all pairs but those called ``names``, which are configured.

        ``ends`` has the hashes of what those tie together that are to be judged: they may have got other names.
        """
        self._changed |= self._pairs.keep_only(names, ends)

    def account(self, target: str) -> str:
        """Return the hash of the account that what is remembered of ``target`` is of; empty where nobody knows."""
        return self._targets.get(target, Past()).account

    def keep_targets(self, accounts: Mapping[str, str]) -> None:
        """Forget targets that are no longer configured, and the connections of those that are of another account by now.

        ``accounts`` has the hash of each configured target's account, empty where nobody knows.
        """
        for gone in self._targets.keys() - accounts.keys():
            del self._targets[gone]
            self._touch(gone)
        for target, account in accounts.items():
            past = self._past(target)
            if account and account != past.account:
                if past.account:  # else an earlier version wrote it, or nothing is remembered
                    past.connections.clear()
                    past.events = None
                past.account = account
                self._touch(target)

    def take_over(self, before: StatusHistory) -> None:
        """Remember what ``before`` does: it saw the present states, a file only those of an earlier run."""
        for target in before._targets:
            past = before._past(target)
            self._targets[target] = Past(seen_by_us(past.connections), seen_by_us(past.collectors), past.account, past.events)
            self._touch(target)
        self._pairs.take_over(before._pairs)

    def is_of(self, path: Path | None) -> bool:
        """Return whether this is the memory of the state file ``path``, however it is spelt. Blocks."""
        return self.path == (path and resolved(path))

    async def save(self) -> None:
        """Do nothing: there is no file."""

    async def aclose(self) -> None:
        """Do nothing: there is no file."""

    def _past(self, target: str) -> Past:
        return self._targets.setdefault(target, Past())

    def _remember(self, target: str, track: dict[str, Changes], key: str, present: Change, now: float) -> Changes:
        before = track.pop(key, ())
        # A moment that lies ahead, or before 1970, was written by a clock that ran wrong; its age would be negative, or absurd.
        changes = in_order(before, now)
        if not changes or changes[-1] is not before[-1] or changes[-1].state != present.state:
            changes = (*in_order(changes, present.at), present)
        track[key] = changes = recent(changes, now)  # behind all others: the first one is what nobody saw for longest
        if changes is not before:
            self._touch(target)
        return changes

    def _touch(self, target: str) -> None:
        self._texts.pop(target, None)
        self._changed = True

    def _text(self, target: str) -> bytes:
        """Return the target's part of the file; what it has no room for is forgotten."""
        text = self._texts.get(target)
        if text is None:
            text = self._texts[target] = fitted(self._past(target), self._stepped)
        return text

    def _notice_step(self) -> None:
        """Do nothing: no moment here is one of the wall clock."""


class FileStatusHistory(StatusHistory):
    """Keeps the states in a JSON file as well; reads it once, here, which blocks. ``lock`` is let go at the end.

    Where the file is one of several ``parts``, that written last first, it takes over what the others know of ``targets``
    unless it was written after them: another process has watched these so far. The others are only read.

    :meth:`save` writes when something changed, and once a day if nothing did: a part that nobody has written for a week counts
    as left by others. It writes one at a time: callers that waited for a write share the next. A write belongs to no caller: it
    goes on when a caller is cancelled or tired of waiting, and no second one starts beside it. Each replaces the whole file
    (temporary file, fsync, rename), so a crash leaves the old or the new one, mode 0600.
    """

    path: Path

    def __init__(
        self,
        path: Path,
        clock: Clock,
        lock: FileLock | None = None,
        *,
        parts: Sequence[Path] = (),
        targets: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.path = path
        self._lock = lock
        self._clock = clock
        self._writer: asyncio.Task[None] | None = None
        self._write_failed = False
        # Of its own all is read: what is asked for shows with the first polls.
        self._targets, taken = read_parts(path, parts or (path,), targets)
        self._pairs = KeptPairs(read_pairs(parts or (path,)))
        self._written = _written_at(path)
        if taken:
            self._changed = True
            log.info("state_taken_over", path=str(path), targets=taken)
        self._notice_step()

    async def save(self) -> None:
        self._notice_step()
        self._changed |= self._is_due()
        if not self._changed:
            return
        with contextlib.suppress(TimeoutError):
            async with wall_deadline(self._clock, MAX_SAVE_SECONDS):
                if self._writer is not None and not self._writer.done():
                    await asyncio.shield(self._writer)  # it may have begun before the change
                if self._changed:
                    if self._writer is None or self._writer.done():
                        self._writer = asyncio.create_task(self._write(), name="write the state file")
                    await asyncio.shield(self._writer)

    async def aclose(self) -> None:
        """Let other processes have the file, once a write that runs has ended, and one of what waited for the next."""
        if self._events_changed or self._pairs.changed:
            self._changed = True
            await self.save()
        if self._writer is not None:
            await asyncio.wait([self._writer])
        if self._lock is not None:
            await asyncio.to_thread(self._lock.release)
            self._lock = None

    def _is_due(self) -> bool:
        """Return whether the file is older than it may be with what changed since, or of a moment that lies ahead."""
        age = math.inf if self._written is None else self._clock.time() - self._written
        if self._pairs.told:
            oldest = VERDICTS_SAVE_SECONDS
        elif self._events_changed or self._pairs.changed:
            oldest = EVENTS_SAVE_SECONDS
        else:
            oldest = math.inf if self._written is None else DAY_SECONDS
        return age > oldest or age < 0

    async def _write(self) -> None:
        self._changed = self._events_changed = False
        self._pairs.written()
        async for target in in_slices(tuple(self._targets), _SLICE):  # of thousands, and the loop has other work
            self._text(target)
        await self._make_room()
        texts = {target: self._text(target) for target in self._targets}
        memories = {target: past.events for target, past in self._targets.items() if past.events is not None}
        known, stepped = self._pairs.all(), self._stepped

        def write() -> None:
            events = {target: events_text(memory, stepped) for target, memory in memories.items()}
            pairs = {name: pair_text(memory, stepped) for name, memory in known.items()}
            replace_durably(self.path, state_file(texts, events, pairs))

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            self._changed = True
            if not self._write_failed:
                log.warning("state_file_not_written", path=str(self.path), error=error.strerror)
            self._write_failed = True
        else:
            self._write_failed, self._written = False, self._clock.time()

    async def _make_room(self) -> None:
        """Forget the oldest states of all targets when the file would be larger than it may be, with some room for new ones.

        Where the present states alone are too many, each target has an equal part.
        """
        size = file_size(self._texts)
        if size <= STATE_FILE.number:
            return
        minutes: Counter[int] = Counter()
        async for past in in_slices(tuple(self._targets.values()), _SLICE):
            count_over(past, minutes)
        moment = moment_after(minutes, size - STATE_FILE.number * _FILLED // 8)
        async for target in in_slices(tuple(self._targets), _SLICE):
            if forget_before(self._past(target), moment):
                self._texts.pop(target, None)
            self._text(target)
        if file_size(self._texts) > STATE_FILE.number:
            room = equal_parts(self._targets)
            async for target in in_slices(tuple(self._targets), _SLICE):
                self._texts[target] = fitted(self._past(target), self._stepped, room)
        log.info("state_file_full", path=str(self.path), bytes=size)

    def _past(self, target: str) -> Past:
        """Return what is remembered of ``target``; moments of a wall clock that was set move here, one target at a time."""
        self._notice_step()
        past = super()._past(target)
        if seconds := self._stepped - past.stepped:
            past.stepped = self._stepped
            for track in past.tracks:
                track.update({key: earlier_moved(changes, -seconds) for key, changes in track.items()})
        return past

    def _notice_step(self) -> None:
        """Let all be written with the moments that it has now when the wall clock was set."""
        stepped = self._clock.stepped()
        if stepped != self._stepped:
            self._pairs.set_clock(stepped - self._stepped)
            self._stepped, self._changed = stepped, True
            self._texts.clear()


def _written_at(path: Path) -> float | None:
    """Return when ``path`` was written last, by the wall clock; ``None`` where there is no file."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def open_status_history(path: Path, clock: Clock, targets: Collection[str] = ()) -> FileStatusHistory:
    """Take the state file ``path`` for this process, then read it; of a link, the file it leads to. Blocks.

    What other parts of the same file know of ``targets`` is taken over.

    Raises :class:`~exporter.state.state_lock.StateFileInUseError` while another process has it,
    :class:`~exporter.errors.ConfigError` when this one may open no more files.
    """
    given, path = path, resolved(path)
    lock = claimed(path)
    others = shard_files_newest_first(given, since=clock.time() - WEEK_SECONDS)  # once nobody else writes this one
    parts = tuple(path if part == given else part for part in others)
    return FileStatusHistory(path, clock, lock, parts=parts, targets=targets)
