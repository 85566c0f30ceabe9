"""Configured targets brought to life: a session, its instruments, and the jobs to poll."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Final

import httpx
import msgspec
from msgspec.structs import replace

from exporter.clock import Clock
from exporter.errors import ConfigError, ConfigProblem, PollError
from exporter.metrics import Instruments, TargetInstruments
from exporter.model import ApiUsage, CollectorName, ExpectedSeries, Observation
from exporter.platforms.base import Collector, Services, Session
from exporter.platforms.discovery import Discovery, Finder
from exporter.platforms.policy import policy_of
from exporter.platforms.registry import PLATFORMS, new_shared, open_session
from exporter.platforms.routes import Routes
from exporter.platforms.settings import Target
from exporter.policy import TargetPolicy
from exporter.polling import Admission, Job, phase_of, sanitized_error
from exporter.runtime.known_sites import KnownSites
from exporter.runtime.pairs import PairedResources
from exporter.state.snapshot import TargetEntry
from exporter.state.status_history import StatusHistory
from exporter.support.known_secrets import KnownSecrets
from exporter.support.secret import Secret

_OURS: Final = ("labels", "resource_aliases", "accepted", "closed")
"""Keys of a target that change nothing of how it is asked: nothing that was learnt has to go for them."""

_ACCOUNT_DIGITS: Final = 12
_KEY_BYTES: Final = 8
_WITH_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * _KEY_BYTES + _ACCOUNT_DIGITS}}}")


class PausedSession:
    """The live side of a target that is paused: nothing is asked, and nothing is told.

    Implements :class:`~exporter.platforms.base.Session`.
    """

    collectors: Mapping[CollectorName, Collector] = MappingProxyType({})
    expected = ExpectedSeries((), (), (), {}, reads_bookings=False)

    def usage(self) -> ApiUsage:
        return ApiUsage()

    async def check(self) -> Sequence[Observation]:
        return ()

    async def aclose(self) -> None:
        pass


class PolicyInForce:
    """The policy of a target, which a reload may change while its session lives."""

    def __init__(self, policy: TargetPolicy) -> None:
        self.policy = policy

    def __call__(self) -> TargetPolicy:
        return self.policy


class LiveTarget(msgspec.Struct, frozen=True):
    """A configured target and its live side: its session, its counters, and a job for each of its collectors.

    ``account`` is a hash of the account that is watched, the same in each process that has the state file; empty where the
    configuration does not tell.
    """

    config: Target
    session: Session
    instruments: TargetInstruments
    jobs: tuple[Job, ...]
    policy: PolicyInForce
    account: str

    def entry(self) -> TargetEntry:
        """Return what the snapshot holds of the target besides its collectors."""
        discovered = self.instruments.discovered if self.session.expected.reads_bookings else None
        config, usage = self.config, self.session.usage
        return TargetEntry(config.name, config.platform, config.labels, usage, self.policy(), discovered)

    def serves(self, target: Target) -> bool:
        """Return whether ``target`` differs at most in what is ours, see :data:`_OURS`."""
        if self.config is target or self.config == target:
            return True
        return self.config.model_copy(update={key: getattr(target, key) for key in _OURS}) == target

    def reconfigured(self, target: Target) -> LiveTarget:
        """Return the same live side for ``target``, which it serves; its next poll goes by the new policy."""
        self.policy.policy = policy_of(target)
        return replace(self, config=target)

    def show_counters(self, instruments: Instruments) -> None:
        """Put the target's counters on the page, with all that it can fill. Not before a reload can no longer be refused."""
        self.instruments.expect(self.session.expected)
        instruments.put_target(self.instruments)


class TargetFactory(msgspec.Struct, frozen=True):
    """Opens targets and finders of sites with what they share: HTTP pool, clock, randomness, counters, admission, and more.

    ``routes`` are the ways of those targets that have a proxy or CA certificates of their own, ``known`` the secrets that are
    masked in all that is shown, ``sites`` those that rules found, ``paired`` the resources that pairs name. ``asks_once`` is
    for a command that polls once and ends.
    """

    http: httpx.AsyncBaseTransport
    clock: Clock
    random: Random
    instruments: Instruments
    admission: Admission
    shared: Mapping[str, object] = msgspec.field(default_factory=new_shared)
    routes: Routes = msgspec.field(default_factory=Routes)
    known: KnownSecrets = msgspec.field(default_factory=KnownSecrets)
    sites: KnownSites = msgspec.field(default_factory=KnownSites)
    paired: PairedResources = msgspec.field(default_factory=PairedResources)
    asks_once: bool = False

    def open_finder(self, rule: Discovery) -> Finder:
        """Return who reads the list of ``rule``, without I/O. Its calls are counted by platform and operation alone.

        Raises :class:`LookupError` for a platform that has no sites to find.
        """
        platform = PLATFORMS[rule.platform]
        if platform.discoverer is None:
            raise LookupError(f"{rule.platform} has no sites to find")
        events = self.instruments.prepare(rule.name, rule.platform)
        http = self.routes.through(self.http, rule.target.ca_file, rule.target.proxy)
        services = Services(http, self.clock, self.random, events, StatusHistory(), self.admission, known=self.known)
        return platform.discoverer.find(rule, services)

    def open_target(
        self, target: Target, history: StatusHistory, through: Callable[[Services], Services] = lambda services: services
    ) -> LiveTarget:
        """Bring ``target`` to life, without I/O. Raises :class:`~exporter.errors.PollError` when it cannot work.

        ``through`` may put something of its own between the target and what it uses of the outside world.

        Raises :class:`~exporter.errors.ConfigError` when the host's CA store cannot be read for one with a CA file.
        Its counters are not on the page before :meth:`LiveTarget.show_counters`, so that a reload can still be refused.
        """
        events = self.instruments.prepare(target.name, target.platform)
        shared = self.shared[target.platform]
        http = self.routes.through(self.http, target.ca_file, target.proxy)
        policy = PolicyInForce(policy_of(target))
        services = Services(
            http,
            self.clock,
            self.random,
            events,
            history,
            self.admission,
            shared,
            policy,
            self.known,
            self.asks_once,
            paired=partial(self.paired.of, target.name),
        )
        session = PausedSession() if target.paused else open_session(target, through(services))
        jobs = _jobs(target, session, events, self.known, history)
        return LiveTarget(target, session, events, jobs, policy, account_hash(target, history.account(target.name)))

    async def open_targets(self, targets: Iterable[Target], history: StatusHistory) -> dict[str, LiveTarget]:
        """Bring all ``targets`` to life, or none: raises :class:`~exporter.errors.ConfigError` with each that cannot be."""
        opened: dict[str, LiveTarget] = {}
        problems = []
        try:
            for target in targets:
                try:
                    opened[target.name] = self.open_target(target, history)
                except PollError as error:
                    problems.append(ConfigProblem(f"targets[{target.name}]", sanitized_error(error, self.known).message))
                await asyncio.sleep(0)  # thousands take a second, and the loop has other work
        except BaseException:
            await _close(opened)
            raise
        if problems:
            await _close(opened)
            raise ConfigError(problems)
        return opened


def account_hash(target: Target, known: str = "") -> str:
    """Return what tells the account of ``target`` from others in the state file; empty where that is not known.

    An address that is secret is hashed with a key that is drawn for it and stands before the hash. ``known`` is what the file
    has of the target: its key is used again, so that the same address has the same hash.
    """
    account = target.account
    if account is None:
        return ""
    if isinstance(account.key, Secret):
        key = known[: 2 * _KEY_BYTES] if _WITH_KEY.fullmatch(known) else secrets.token_hex(_KEY_BYTES)
        digest = hmac.digest(bytes.fromhex(key), account.key.reveal().encode(), hashlib.sha256)
        return key + digest.hex()[:_ACCOUNT_DIGITS]
    # Of a secret that is a part of the key this sees the mask: what is kept in a file tells nothing of it.
    return hashlib.sha256(repr(account.key).encode()).hexdigest()[:_ACCOUNT_DIGITS]


def _jobs(
    target: Target, session: Session, instruments: TargetInstruments, known: KnownSecrets, history: StatusHistory
) -> tuple[Job, ...]:
    settings = target.running()
    return tuple(
        Job(
            target.name,
            target.platform,
            name,
            settings[name].interval,
            settings[name].max_age_seconds,
            collector,
            instruments,
            phase_of(target.name, name, settings[name].interval),
            known,
            history,
        )
        for name, collector in session.collectors.items()
    )


async def _close(opened: Mapping[str, LiveTarget]) -> None:
    for live in opened.values():
        await live.session.aclose()
