"""The small interface between a platform and everything above it.

A platform is one folder with ``open_session(target, services) -> Session``, named in ``PLATFORMS``. It knows HTTP and the
API's words; it knows nothing of metrics, snapshots or web pages. What it counts while it works goes to :class:`Events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol

import httpx

from exporter.clock import Clock
from exporter.errors import PollError
from exporter.model import ApiUsage, CollectorName, Observation
from exporter.polling.admission import Admission

if TYPE_CHECKING:
    from exporter.state.status_history import SinceStore


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

    def unrecognized_value(self, collector: CollectorName, field: str) -> None:
        """Count a word that we do not know; ``field`` is ours (``status``), never the word itself."""
        ...

    def bookings_discovered(self, bookings: int) -> None:
        """Count booking ids seen for the first time. Never called for the first poll after a start."""
        ...

    def bookings_vanished(self, bookings: int) -> None:
        """Count booking ids that are gone although their start still lies ahead."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What a session may use of the outside world; everything a test wants to replace.

    ``http`` is shared by all targets (one pool, no cookies, no redirects), and so is ``admission``, which divides what this
    machine can do; ``since`` remembers when a connection took its
    status, across restarts when a state file is configured.
    """

    http: httpx.AsyncBaseTransport
    clock: Clock
    random: Random
    events: Events
    since: SinceStore
    admission: Admission
    config_dir: Path = Path()


@dataclass(frozen=True, slots=True)
class PollResult:
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
    def operations(self) -> tuple[str, ...]:
        """Every value that the ``operation`` label can take, so that its series exist from the start."""
        ...

    def usage(self) -> ApiUsage:
        """Return what is left of the API's budgets now. Cheap, no I/O."""
        ...

    async def check(self) -> None:
        """Try the credential with the cheapest read. Raises :class:`~exporter.errors.PollError`."""
        ...

    async def aclose(self) -> None:
        """Let go of everything. The shared HTTP client stays open."""
        ...
