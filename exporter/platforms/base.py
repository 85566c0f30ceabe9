"""The small interface between a platform and everything above it.

A platform is one folder and one value, :class:`Platform`, named in :mod:`exporter.platforms.registry`. It knows HTTP and the
API's words; it knows nothing of metrics, snapshots or web pages. What it counts while it works goes to :class:`Events`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any, Final, Protocol

import httpx
import msgspec
from pydantic import BaseModel

from exporter.clock import Clock
from exporter.errors import PollError, Reason
from exporter.fields.kinds import FieldProblem
from exporter.model import ApiUsage, Change, CollectorName, ExpectedSeries, Observation
from exporter.platforms.advice import PlatformAdvice
from exporter.platforms.conformance import Conformance
from exporter.platforms.discovery import Discoverer
from exporter.platforms.inventory import Inventory
from exporter.platforms.settings import Target
from exporter.policy import TargetPolicy
from exporter.private_calendar import EventMemory
from exporter.support.known_secrets import KnownSecrets


class Events(Protocol):
    """What a platform counts while it works; one per target."""

    def request(self, operation: str, code: str, seconds: float) -> None:
        """Count one HTTP exchange. ``code`` is the HTTP status, or ``none`` when no answer came."""
        ...

    def retry(self, operation: str, reason: str) -> None:
        """Count one repeated request; ``reason`` is a value of :class:`exporter.errors.Reason`."""
        ...

    def throttle_wait(self, seconds: float) -> None:
        """Add seconds spent waiting for a limit, ours or the platform's."""
        ...

    def malformed_rows(self, collector: CollectorName, rows: int) -> None:
        """Count rows of an answer that had to be skipped."""
        ...

    def unrecognized_value(self, collector: CollectorName, field: str, times: int = 1) -> None:
        """Count words that we do not know; ``field`` is ours (``status``), never the word itself."""
        ...

    def bookings_discovered(self, bookings: int) -> None:
        """Count booking ids seen for the first time. Never called for the first poll after a start."""
        ...

    def bookings_vanished(self, bookings: int) -> None:
        """Count booking ids that are gone although their start still lies ahead."""
        ...


class ConnectionHistory(Protocol):
    """Which states each connection had, and since when it has the present one; and what is remembered of private events."""

    def seen(self, target: str, connection: str, present: Change, now: float) -> tuple[Change, ...]:
        """Return the states that ``connection`` (hash) of ``target`` had within a week, the present one last.

        ``present`` is its status, with the moment since when the caller knows it; the store may know an earlier one. Moments
        are Unix seconds.
        """
        ...

    def gone(self, target: str, listed: frozenset[str], now: float) -> Mapping[str, tuple[Change, ...]]:
        """Return the states of those connections of ``target`` that were known and are not among the ``listed`` any more.

        The last of them is :data:`~exporter.model.GONE`, since ``now`` at the latest. A day after that they are forgotten.
        """
        ...

    def forget_oldest(self, target: str) -> None:
        """Keep some hundred connections of ``target``, those that were seen last.

        To be called when a poll has asked for all of its own: sooner, a new one would push out one that is asked for next.
        """
        ...

    def keep_only(self, target: str, connections: frozenset[str]) -> None:
        """Forget connections of ``target`` that a complete answer no longer lists."""
        ...

    def events(self, target: str) -> EventMemory | None:
        """Return what is remembered of the private events of ``target``, if anything is."""
        ...

    def keep_events(self, target: str, memory: EventMemory) -> None:
        """Remember ``memory`` of the private events of ``target``, instead of what was remembered before."""
        ...


class Admission(Protocol):
    """Who divides what this machine can do."""

    @property
    def threads(self) -> Executor | None:
        """Threads for long work on answers, which nothing that may hang shares; those of the loop when ``None``."""
        ...

    def decoding(self) -> AbstractAsyncContextManager[None]:
        """Return a block that holds one of few places while an answer that has come is worked on."""
        ...


def _no_pairs() -> Mapping[str, frozenset[str]]:
    """Name no resource."""
    return {}


def _ignore_exchange(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Hear nothing."""


class Services(msgspec.Struct, frozen=True):
    """What a session may use of the outside world; everything a test wants to replace.

    ``http`` is shared by all targets (one pool, no cookies, no redirects), and so is ``admission``, which divides what this
    machine can do; ``history`` remembers which status a connection had when, across restarts when a state file is configured.
    ``asks_once`` says that no later poll follows, so that what is spread over time has to be asked now.
    ``policy`` is asked for what the target accepts, which changes while the session lives, and so do the resources that
    ``paired`` tells: those whose bookings are compared with a calendar, as the configuration names each, with its ids.
    ``shared`` is what the sessions of one platform have in common, as its :attr:`Platform.new_shared` made it. ``known`` is
    told of tokens that come while it runs, so that they are masked wherever they turn up. ``on_exchange`` is told of each whole
    answer: operation, HTTP status, headers, body.
    """

    http: httpx.AsyncBaseTransport
    clock: Clock
    random: Random
    events: Events
    history: ConnectionHistory
    admission: Admission
    shared: object = None
    policy: Callable[[], TargetPolicy] = TargetPolicy
    known: KnownSecrets = msgspec.field(default_factory=KnownSecrets)
    asks_once: bool = False
    on_exchange: Callable[[str, int, Mapping[str, str], bytes], None] = _ignore_exchange
    paired: Callable[[], Mapping[str, frozenset[str]]] = _no_pairs


RETRIED: Final = (
    Reason.AUTH,
    Reason.RATE_LIMITED,
    Reason.NETWORK,
    Reason.SERVER_ERROR,
    Reason.INVALID_RESPONSE,
)
"""Failures after which a request may be repeated."""


class PollResult(msgspec.Struct, frozen=True):
    """What a finished poll brought.

    ``failure`` with an observation is a partial success (a provider failed): the observation is published, ``collector_up``
    is 0 and the reason is counted. A poll that brought nothing raises :class:`~exporter.errors.PollError` instead.
    """

    observation: Observation
    failure: PollError | None = None


class Collector(Protocol):
    """One kind of question asked of a target."""

    async def poll(self) -> PollResult:
        """Ask once. Raises :class:`~exporter.errors.PollError`; any other exception is a bug."""
        ...


class Session(Protocol):
    """One target's live side: its credential, its limiter, its collectors. Lives until the target's config changes."""

    @property
    def collectors(self) -> Mapping[CollectorName, Collector]:
        """The collectors that the target's configuration switches on."""
        ...

    @property
    def expected(self) -> ExpectedSeries:
        """What the target can fill, so that its series exist from the start."""
        ...

    def usage(self) -> ApiUsage:
        """Return what is left of the API's budgets now. Cheap, no I/O."""
        ...

    async def check(self) -> Sequence[Observation | RefusedPart]:
        """Try the credential with the cheapest reads. Raises :class:`~exporter.errors.PollError` for what a poll cannot do.

        Returns what they showed of what the configuration names; bookings are not counted in it. What a credential may not
        read may be returned instead, so that all of it can be told.
        """
        ...

    async def aclose(self) -> None:
        """Let go of everything. The shared HTTP client stays open."""
        ...


class RefusedPart(msgspec.Struct, frozen=True):
    """What the platform lets nobody read with this credential, of all that ``collector`` reads, or what failed after that.

    ``needs`` names the permissions that the collector needs, as the platform's screen or its documentation calls them; it is
    empty for another failure than a refusal.
    """

    collector: CollectorName
    error: PollError
    needs: str = ""


class Section(msgspec.Struct, frozen=True):
    """A table of the configuration's reference: its heading, the model, and where that stands in the file."""

    heading: str
    model: type[BaseModel]
    place: str


async def _nothing_to_list(_: object) -> Inventory:
    return Inventory()


async def _nothing_to_ask(_: object, __: object) -> None:
    pass


_NOTHING_STATED: Final = Conformance((), 0, _nothing_to_ask)


class Platform(msgspec.Struct, frozen=True):
    """All that the rest of the exporter knows of a platform.

    ``problems`` looks for what is wrong between the fields of a raw target, however broken the rest of it is, ``warnings``
    for what is allowed in a finished one and hardly meant; both are told the target's path. ``misnomers`` are keys that
    people bring from elsewhere, with the fix. ``open_session`` makes no I/O and raises
    :class:`~exporter.errors.TargetConfigError` for a target that cannot work. ``new_shared`` makes what its sessions have in
    common, once in each process; they find it in :attr:`Services.shared`. ``inventory`` reads what the account of an open
    session has, by name and id, and never raises a :class:`~exporter.errors.PollError`. ``conformance`` has what we take for
    granted of the platform. ``discoverer`` finds accounts, where the platform has credentials that see several.
    """

    name: str
    settings: type[Target]
    advice: PlatformAdvice
    # A platform's own functions take its own settings, which no signature for all of them can say.
    open_session: Callable[[Any, Services], Session]
    problems: Callable[[Mapping[str, object], tuple[str | int, ...]], Iterator[FieldProblem]]
    warnings: Callable[[Any, tuple[str | int, ...]], Iterator[FieldProblem]]
    reference: tuple[Section, ...]
    misnomers: Mapping[str, str] = msgspec.field(default_factory=dict)
    new_shared: Callable[[], object] = lambda: None
    inventory: Callable[[Any], Awaitable[Inventory]] = _nothing_to_list
    conformance: Conformance = _NOTHING_STATED
    discoverer: Discoverer | None = None
