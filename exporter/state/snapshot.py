"""The newest observation of each collector, and the freshness rule.

The scheduler swaps whole :class:`CollectorState` values in; readers ask for a :class:`View` of one moment. An observation
older than ``max_age`` is not in the view: its series vanish, they never become zero. Within a connections observation the
rows of a failed provider keep their own, older ``observed_at`` and vanish one by one; within one of links the answers of
earlier polls keep their age, and their bookings become unverified one poll after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import is_
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.model import (
    WHOLE,
    ApiUsage,
    BookingsObservation,
    Change,
    CollectorName,
    ConnectionsObservation,
    Observation,
    Shard,
    Value,
)
from exporter.policy import ConfigWarning, RejectedConfig, TargetPolicy
from exporter.proof import PairSpec, Proof, SilentPair
from exporter.state.ages import moments, moved, observation_moved, oldest, withdrawn
from exporter.state.discoveries import DiscoveryState
from exporter.state.failure import Failure
from exporter.state.intake import IntakeHistory
from exporter.state.pairs import Pairs
from exporter.state.proofs import Proofs
from exporter.state.thresholds import DEFAULTS, Thresholds

_ROUNDING_SECONDS: Final = 1.0  # far more than what differs between the sums of moments and ages, in which order they are made

SITE: Final = "site"
"""The label of a target that says whose it is: one customer sees the targets of one site."""


class CollectorState(Value, frozen=True, gc=False):
    """Everything known about one collector of one target.

    Moments are Unix seconds: of :meth:`~exporter.clock.Clock.steady` where a state is kept, of the wall clock in
    a :class:`View`.

    ``up`` is 1 only when the last finished poll fully succeeded. ``last_success`` moves only then, too. ``expired`` says that
    there was an observation, which is too old to be shown (see :meth:`at`). ``changes`` are the states that it had within a
    week, the present one last (:mod:`exporter.state.changes`); their moments are of the steady line in a view, too, see
    :attr:`TargetView.stepped`.
    """

    target: str
    platform: str
    collector: CollectorName
    interval: float
    max_age: float
    finished_polls: int = 0
    up: bool = False
    last_success: float | None = None
    last_poll: float | None = None
    last_duration: float | None = None
    next_poll: float | None = None
    failure: Failure | None = None
    observation: Observation | None = None
    expired: bool = False
    changes: tuple[Change, ...] = ()

    def at(self, now: float) -> CollectorState:
        """Return this state as it may be shown at ``now``: without an observation, or a part of one, past ``max_age``.

        ``now`` is in Unix seconds.
        """
        observation = self.observation
        if observation is None or now <= oldest(observation) + self.max_age:
            return self
        age = now - observation.at
        if age > self.max_age:
            return replace(self, observation=None, expired=True, changes=withdrawn(self.changes, observation.at + self.max_age))
        match observation:
            case ConnectionsObservation(connections=connections, others=others):
                fresh = tuple(row for row in connections if now - row.observed_at <= self.max_age)
                rest = tuple(row for row in others if now - row.observed_at <= self.max_age)
                return replace(self, observation=replace(observation, connections=fresh, others=rest))
            case LinksObservation():
                return replace(self, observation=observation.verified_within(self.max_age - age))
            case _:
                return self

    def moved(self, seconds: float) -> CollectorState:
        """Return this state with its moments moved by ``seconds``; windows and bookings lie where the calendar has them.

        The moments of ``changes`` stay: a fleet has millions of them, and a view is made in the loop.
        """
        failure, observation = self.failure, self.observation
        return replace(
            self,
            last_success=moved(self.last_success, seconds),
            last_poll=moved(self.last_poll, seconds),
            next_poll=moved(self.next_poll, seconds),
            failure=failure and replace(failure, at=failure.at + seconds, since=moved(failure.since, seconds)),
            observation=observation and observation_moved(observation, seconds),
        )


class _CachedState(Value, frozen=True, gc=False):
    """A stored state, shown as ``shown`` until ``fresh_until``; so a view of thousands makes little anew.

    ``shown`` is the state as a wall clock has it that was set by ``stepped`` seconds.
    """

    state: CollectorState
    shown: CollectorState
    stepped: float
    fresh_until: float

    def at(self, now: float) -> CollectorState:
        if now <= self.fresh_until:
            return self.shown
        state = self.state.at(now)
        return state.moved(self.stepped) if self.stepped else state

    def good_until(self, now: float) -> float:
        """Return until when what is shown at ``now`` stays; a moment that has come says nothing of the next."""
        if now <= self.fresh_until or self.state.observation is None:
            return self.fresh_until
        ends = (moment + self.state.max_age for moment in moments(self.state.observation))
        return min((end for end in ends if end > now - _ROUNDING_SECONDS), default=math.inf)


def _cached_state(state: CollectorState, stepped: float) -> _CachedState:
    observation = state.observation
    fresh_until = math.inf if observation is None else oldest(observation) + state.max_age
    return _CachedState(state, state.moved(stepped) if stepped else state, stepped, fresh_until)


class TargetView(Value, frozen=True, gc=False):
    """One target at one moment. ``policy`` is what holds then; ``closed`` says that it is a day without bookings.

    ``polling`` has the collectors of which a poll runs, and since when. ``silent_since`` is when new bookings stopped to
    arrive, as far as :class:`~exporter.state.intake.IntakeHistory` knows. ``stepped`` is by how many seconds the moments of all
    ``changes`` below have to be moved to be those of the wall clock; all others are. ``thresholds`` are what it is judged by.
    ``pairs`` are what the pairs say whose bookings are this target's; ``silent_pairs`` are those of them that say nothing.
    """

    name: str
    platform: str
    labels: Mapping[str, str]
    collectors: tuple[CollectorState, ...]
    usage: ApiUsage
    policy: TargetPolicy
    closed: bool = False
    polling: Mapping[CollectorName, float] = msgspec.field(default_factory=dict)
    silent_since: float | None = None
    stepped: float = 0.0
    thresholds: Thresholds = DEFAULTS
    pairs: tuple[Proof, ...] = ()
    silent_pairs: tuple[SilentPair, ...] = ()


class View(Value, frozen=True, gc=False):
    """The whole exporter at one moment ``at``. ``missing`` names the collectors that have not finished a poll yet.

    ``standby`` says that it polls nothing, and so has no targets to show, because it waits for another process to end.
    ``config_warnings`` are those of the configuration in force, without the ``accepted_warnings``; ``rejected_config`` is one
    that was refused since.
    ``discoveries`` are the rules that find targets. ``shard`` is the part of all targets that these are.
    ``remembers`` is false for a ``probe``, which saw this moment alone.
    """

    at: float
    targets: tuple[TargetView, ...]
    missing: tuple[tuple[str, CollectorName], ...]
    standby: bool = False
    config_warnings: tuple[ConfigWarning, ...] = ()
    rejected_config: RejectedConfig | None = None
    remembers: bool = True
    accepted_warnings: tuple[ConfigWarning, ...] = ()
    discoveries: tuple[DiscoveryState, ...] = ()
    shard: Shard = WHOLE

    @property
    def ready(self) -> bool:
        """Whether the process is active, has targets to show, and each collector has finished a poll."""
        return not (self.missing or self.standby or self.unasked)

    @property
    def unasked(self) -> tuple[str, ...]:
        """The rules that were not asked yet, so that nobody knows which targets there are."""
        return tuple(rule.name for rule in self.discoveries if not rule.asked)

    def of_site(self, site: str) -> View:
        """Return what somebody may see who may see ``site`` alone: its targets, and of the process that it stands by.

        Made field by field, so that one that is added here stays hidden until somebody decides about it. A refused
        configuration is the operator's, and so are a warning of no single target and the place of a credential, which tells
        of the machine and of who shares it; a warning that names another target says it without.
        """
        targets = tuple(
            replace(target, policy=replace(target.policy, credential=""))
            for target in self.targets
            if target.labels.get(SITE) == site
        )
        names = {target.name for target in targets}
        return View(
            self.at,
            targets,
            tuple(item for item in self.missing if item[0] in names),
            self.standby,
            tuple(warning.for_site() for warning in self.config_warnings if warning.target in names),
            accepted_warnings=tuple(warning.for_site() for warning in self.accepted_warnings if warning.target in names),
        )


class TargetEntry(Value, frozen=True, gc=False):
    """What the snapshot knows of a target besides its collectors.

    ``usage`` asks its session, without I/O; ``discovered`` tells how many new bookings were counted, where they are.
    """

    name: str
    platform: str
    labels: Mapping[str, str]
    usage: Callable[[], ApiUsage]
    policy: TargetPolicy = TargetPolicy()
    discovered: Callable[[], float] | None = None


_NOTHING_POLLED: Final[Mapping[CollectorName, float]] = {}


class _KeptView(NamedTuple):
    """A target as it is shown from ``since`` until just before ``until`` (steady), unless something of it changes."""

    view: TargetView
    since: float
    until: float
    usage: Callable[[], ApiUsage]


class Snapshot:
    """Holds the newest state of everything, and has ``pairs`` judged by it. Lives in the event loop.

    Values are swapped, never changed.
    """

    def __init__(self, thresholds: Thresholds = DEFAULTS, pairs: Pairs | None = None) -> None:
        self._thresholds = thresholds
        self._proofs = Proofs(pairs)
        self._entries: dict[str, TargetEntry] = {}
        self._states: dict[str, dict[CollectorName, _CachedState]] = {}
        self._intakes: dict[str, IntakeHistory] = {}
        self._stepped = 0.0
        self._kept: dict[str, _KeptView] = {}
        self._targets: tuple[TargetView, ...] = ()
        self._are_all_polled = False

    def put_target(self, entry: TargetEntry, states: Mapping[CollectorName, CollectorState]) -> None:
        """Add a target, or replace it with all its collectors."""
        self._entries[entry.name] = entry
        self._states[entry.name] = {name: _cached_state(state, self._stepped) for name, state in states.items()}
        self._kept.pop(entry.name, None)
        self._are_all_polled = False

    def relabel(self, entry: TargetEntry) -> None:
        """Replace what is known of a target besides its collectors; their states stay."""
        self._entries[entry.name] = entry
        self._kept.pop(entry.name, None)

    def arrange(self, names: Iterable[str], thresholds: Thresholds = DEFAULTS) -> None:
        """Show the targets in the order of ``names`` (all of them) and judge them by ``thresholds``, as configured."""
        if thresholds != self._thresholds:  # each view of a target holds them
            self._thresholds = thresholds
            self._kept.clear()
        self._entries = {name: self._entries[name] for name in names}
        self._intakes = {name: intake for name, intake in self._intakes.items() if name in self._entries}

    def remove_target(self, name: str) -> None:
        """Forget a target; its series are gone with the next view."""
        del self._entries[name], self._states[name]
        self._kept.pop(name, None)

    def arrange_pairs(self, specs: Sequence[PairSpec], accounts: Mapping[str, str] | None = None) -> None:
        """Have the pairs of ``specs`` judged and no others, see :meth:`exporter.state.pairs.Pairs.arrange`."""
        self._proofs.arrange(specs, accounts)
        self._kept.clear()

    def put(self, state: CollectorState, stepped: float | None = None) -> None:
        """Swap in the state of one collector. A target that was removed meanwhile stays removed.

        ``stepped`` is by how many seconds the wall clock was set by now; by default it is what the last view was told.
        """
        states = self._states.get(state.target)
        if states is not None and state.collector in states:
            before = states[state.collector].state.observation
            states[state.collector] = _cached_state(state, self._stepped)
            if (seen := state.observation) is not None and seen is not before:
                now, by = seen.at if state.last_poll is None else state.last_poll, self._stepped if stepped is None else stepped
                for name in self._proofs.observed(state.target, seen, now, max_age=state.max_age, stepped=by):
                    self._kept.pop(name, None)
            self._kept.pop(state.target, None)
            self._are_all_polled &= state.finished_polls > 0
            discovered = self._entries[state.target].discovered
            if discovered is not None and state.up and isinstance(state.observation, BookingsObservation):
                self._intakes.setdefault(state.target, IntakeHistory()).note(discovered(), state.observation.at)

    def ready(self) -> bool:
        """Return whether each collector has finished one poll, failed or not; cheaper than a view."""
        return not self._missing()

    def names(self, site: str | None = None) -> Collection[str]:
        """Return the names of all targets, or of those of one ``site``; cheaper than a view."""
        if site is None:
            return self._entries.keys()
        return [name for name, entry in self._entries.items() if entry.labels.get(SITE) == site]

    def view(
        self,
        now: float,
        stepped: float = 0.0,
        polling: Mapping[tuple[str, CollectorName], float] | None = None,
        site: str | None = None,
    ) -> View:
        """Return everything as it may be shown at ``now``, a moment of :meth:`~exporter.clock.Clock.steady`.

        Of one ``site`` only its targets, which costs little among thousands of others.
        ``stepped`` is by how many seconds the wall clock was set, so that the view's moments are those that it has now.
        ``polling`` has the collectors of which a poll runs, and since when (steady).
        """
        if stepped != self._stepped:
            self._stepped = stepped
            self._kept.clear()
            for states in self._states.values():
                states.update({name: _cached_state(held.state, stepped) for name, held in states.items()})
        running: dict[str, dict[CollectorName, float]] = {}
        for (name, collector), began in (polling or {}).items():
            running.setdefault(name, {})[collector] = began + stepped
        names = self.names(site)
        targets = tuple([self._target(name, now, running.get(name, _NOTHING_POLLED)) for name in names])
        missing = self._missing()
        if site is not None:
            missing = tuple(item for item in missing if item[0] in names)
        elif len(targets) == len(self._targets) and all(map(is_, targets, self._targets)):
            targets = self._targets  # so that one look tells that nothing changed
        else:
            self._targets = targets
        return View(now + stepped, targets, missing)

    def _target(self, name: str, now: float, polling: Mapping[CollectorName, float]) -> TargetView:
        """Return a target at ``now``: the same object as before unless anything of it is other than it was."""
        if (kept := self._kept.get(name)) is not None:
            view, since, until, usage_of = kept
            if since <= now < until and view.polling == polling and view.usage == usage_of():
                return view
        entry = self._entries[name]
        usage = entry.usage()
        at, states = now + self._stepped, self._states[name].values()
        pairs, silent, proved_until = self._proofs.of(name, now, self._stepped)
        view = TargetView(
            entry.name,
            entry.platform,
            entry.labels,
            tuple([held.at(now) for held in states]),
            usage,
            entry.policy.at(at),
            entry.policy.is_closed(at),
            polling,
            self._silent_since(name),
            self._stepped,
            self._thresholds,
            pairs,
            silent,
        )
        until = min([entry.policy.holds_until(at) - self._stepped, proved_until, *(held.good_until(now) for held in states)])
        self._kept[name] = _KeptView(view, now, until, entry.usage)
        return view

    def _missing(self) -> tuple[tuple[str, CollectorName], ...]:
        """Return the collectors that have not finished a poll, failed or not."""
        if self._are_all_polled:
            return ()
        missing = tuple(
            (name, collector)
            for name in self._entries
            for collector, held in self._states[name].items()
            if held.state.finished_polls == 0
        )
        self._are_all_polled = not missing
        return missing

    def _silent_since(self, target: str) -> float | None:
        intake = self._intakes.get(target)
        since = None if intake is None else intake.silent_since(self._thresholds.intake_silent_least)
        return None if since is None else since + self._stepped
