"""What an account has, by name and id: asked on demand, for the operator's eyes, and kept nowhere.

Names of staff are personal data, so nothing of this reaches an observation, a page, the log or a file of ours.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeVar

from exporter.errors import (
    ClientError,
    InvalidResponseError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    ServerError,
    TargetConfigError,
)
from exporter.limits import MESSAGE, NAME
from exporter.model import Value
from exporter.platforms.advice import PlatformAdvice
from exporter.platforms.retry import MAX_WAIT_SECONDS, wait_allowance

T = TypeVar("T")

_ID: Final = re.compile(rf"[!-~]{{1,{NAME.number}}}")

# Of one thing that was asked for, and not of the account: the others may be readable.
_OF_ONE_THING: Final = (
    PermissionDeniedError,
    NotEntitledError,
    NotFoundError,
    ServerError,
    ClientError,
    InvalidResponseError,
    TargetConfigError,
)


class Listing(Value, frozen=True):
    """A table of things of one kind: a heading of lower-case words, column names, and a row of texts for each thing."""

    what: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Gap(Value, frozen=True):
    """Something that could not be read: ``what`` it is, why, and who does what about it."""

    what: str
    message: str
    fix: str


class SuggestedNames(Value, frozen=True):
    """What a key of the target's configuration (``aliases``) can say: ids, each with the name that it has there."""

    key: str
    found: tuple[tuple[str, str], ...]


class Inventory(Value, frozen=True):
    """What an account has, as far as it could be read."""

    listings: tuple[Listing, ...] = ()
    names: tuple[SuggestedNames, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def map_texts(self, by: Callable[[str, int], str]) -> Inventory:
        """Return the same with all of its texts as ``by`` tells them, in so many letters at most."""

        def name(text: str) -> str:
            return by(text, NAME.number)

        def message(text: str) -> str:
            return by(text, MESSAGE.number)

        return Inventory(
            tuple(Listing(one.what, one.columns, tuple(tuple(map(name, row)) for row in one.rows)) for one in self.listings),
            tuple(SuggestedNames(one.key, tuple((name(key), name(text)) for key, text in one.found)) for one in self.names),
            tuple(Gap(one.what, message(one.message), message(one.fix)) for one in self.gaps),
        )


class Gaps:
    """Reads one thing after the other, and notes what cannot be read instead of ending with it."""

    def __init__(self, advice: PlatformAdvice, grant: str = "") -> None:
        """``grant`` says how a permission is given that :meth:`read` knows by its name."""
        self._advice = advice
        self._grant = grant
        self._found: list[Gap] = []
        self._last: PollError | None = None  # what ends all further reading

    @property
    def found(self) -> tuple[Gap, ...]:
        """What could not be read so far, one reason told once."""
        by_reason: dict[tuple[str, str], list[str]] = {}
        for gap in self._found:
            by_reason.setdefault((gap.message, gap.fix), []).append(gap.what)
        return tuple(Gap(", ".join(what), message, fix) for (message, fix), what in by_reason.items())

    async def read(self, what: str, read: Callable[[], Awaitable[T]], instead: T, *, permission: str = "") -> T:
        """Return what ``read`` brings, or ``instead``.

        ``permission`` is the name that the right to it has on the platform's screen, where a refusal does not say it.
        """
        error = self._last
        if error is None:
            try:
                with wait_allowance(MAX_WAIT_SECONDS):
                    return await read()
            except PollError as failed:
                error = failed
            if not isinstance(error, _OF_ONE_THING):
                self._last = error
        self._found.append(self._gap(what, permission, error))
        return instead

    def note(self, what: str, message: str) -> None:
        """Note that something of ``what`` is missing although it was answered."""
        self._found.append(Gap(what, message, ""))

    def odd(self, what: str, rows: int) -> None:
        """Note that ``rows`` of ``what`` were left out, if there were any."""
        if rows:
            self.note(what, f"{rows:,} rows cannot be read and are left out")

    def _gap(self, what: str, permission: str, error: PollError) -> Gap:
        if permission and isinstance(error, PermissionDeniedError):
            answer = f"HTTP {error.status}" if error.status else "refused"
            said = f"{answer}, {error.code}" if error.code else answer
            return Gap(what, f"the permission {permission} is missing ({said})", self._grant)
        return Gap(what, error.message, self._advice.failures[error.reason].fix)


def suggested(found: Iterable[tuple[str, str]], configured: Mapping[str, str]) -> Mapping[str, str]:
    """Return a name for each id of ``found``, as a configuration takes them: each name once, ``configured`` ones kept.

    Ids are compared without regard to case, as everywhere. Who has no name gets none, and an id that is too odd to be one.
    """
    names = dict(configured)
    known = {key.lower() for key in configured}
    taken = set(configured.values())
    for name, key in sorted((name, key) for key, name in found):
        if key.lower() in known or not name.strip() or not _ID.fullmatch(key):
            continue
        known.add(key.lower())
        names[key] = unique = _unique(name.strip(), taken)
        taken.add(unique)
    return names


def _unique(name: str, taken: set[str]) -> str:
    """Return ``name``, or with a number what nobody is called yet."""
    number, unique = 1, name[: NAME.number].rstrip()
    while unique in taken:
        number += 1
        end = f" ({number})"
        unique = name[: NAME.number - len(end)].rstrip() + end
    return unique
