"""Owners, their calendars, and what may become of both.

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from exporter.simulator.calendar.entries import Entry

_OLD_SECONDS: Final = 400 * 86_400.0
_HALF_HOUR: Final = 1800.0


@dataclass(slots=True)
class Feed:
    """How the published copy of a calendar differs from it, besides having a secret address.

    It is ``late_seconds`` behind, stays what it was at the moment ``frozen_at``, has ``old_entries`` more of the past (70,000
    are some 20 MB), and is nothing but a sign-in page while ``is_html``, or a calendar without entries while ``is_empty``.
    """

    secret: str
    late_seconds: float = 0.0
    old_entries: int = 0
    is_html: bool = False
    is_empty: bool = False
    frozen_at: float | None = None


@dataclass(slots=True)
class Calendar:
    """One calendar of an owner.

    ``refused`` makes every request of its owner 403, ``moved_to`` answers with a redirect to another address.
    """

    owner: str
    name: str
    feed: Feed
    now: Callable[[], float]
    deleted: bool = False
    refused: bool = False
    moved_to: str = ""
    version: int = 0
    _entries: dict[str, Entry] = field(default_factory=dict)
    _past: list[tuple[float, dict[str, Entry]]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the path of the collection."""
        return f"/dav/{self.owner}/{self.name}/"

    @property
    def feed_path(self) -> str:
        """Return the secret path of the published copy."""
        return f"/ics/{self.feed.secret}/basic.ics"

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, uid: object) -> bool:
        return uid in self._entries

    def __getitem__(self, uid: str) -> Entry:
        return self._entries[uid]

    def put(self, *entries: Entry, at: float | None = None) -> None:
        """Add entries, now or at a moment that has passed; one whose UID is there is replaced."""
        self._change({**self._entries, **{entry.uid: entry for entry in entries}}, at)

    def amend(self, uid: str, **changes: Any) -> None:  # noqa: ANN401  the fields of Entry
        """Change fields of an entry. Raises :class:`KeyError` for one that is not there."""
        self.put(replace(self._entries[uid], **changes))

    def remove(self, *uids: str, at: float | None = None) -> None:
        """Remove entries; one that is not there is fine."""
        self._change({uid: entry for uid, entry in self._entries.items() if uid not in uids}, at)

    def published(self) -> list[Entry]:
        """Return the entries as the feed has them by now."""
        moment = self.now() - self.feed.late_seconds
        return self.at(moment if self.feed.frozen_at is None else min(moment, self.feed.frozen_at))

    def at(self, moment: float) -> list[Entry]:
        """Return the entries as they were at a moment, a day ago at most."""
        there: dict[str, Entry] = {}
        for at, entries in self._past:
            if at > moment:
                break
            there = entries
        return list(there.values())

    def old(self) -> Iterator[Entry]:
        """Give the entries of years ago that the feed has as well."""
        for number in range(self.feed.old_entries):
            start = self.now() // 86_400 * 86_400 - _OLD_SECONDS - number * _HALF_HOUR
            yield Entry(f"old-{number}", start, start + _HALF_HOUR)

    def _change(self, entries: dict[str, Entry], at: float | None) -> None:
        # Moments never run backwards: what a reader saw in between stays seen.
        moment = max(self.now() if at is None else min(at, self.now()), self._past[-1][0] if self._past else 0.0)
        self._entries = entries
        self._past.append((moment, entries))
        self._forget()
        self.version += 1

    def _forget(self) -> None:
        """Keep of the past what a feed could still be asked for: its lateness, and the moment at which it froze."""
        oldest = self.now() - max(self.feed.late_seconds, 86_400.0)
        if self.feed.frozen_at is not None:
            oldest = min(oldest, self.feed.frozen_at)
        while len(self._past) > 1 and self._past[1][0] <= oldest:
            del self._past[0]


class Owner:
    """Somebody with a login and calendars."""

    def __init__(self, name: str, password: str, random: Random, now: Callable[[], float]) -> None:
        self.name = name
        self.password = password
        self.calendars: dict[str, Calendar] = {}
        self._random = random
        self._now = now

    def add_calendar(self, name: str = "work") -> Calendar:
        """Make an empty calendar, which has a feed from the start."""
        made = Calendar(self.name, name, Feed(self._random.randbytes(16).hex()), self._now)
        self.calendars[name] = made
        return made
