"""What is known of the sites that rules of ``discover`` found: their names for good, who is missing, and how asking went.

Lives in the event loop; a configuration that is loaded reads it in a thread, so what it holds is swapped and never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from exporter.config import Config, name_of, with_sites
from exporter.errors import PollError
from exporter.limits import NAME
from exporter.model import Message
from exporter.platforms.discovery import Discovery, FoundSite, FoundSites
from exporter.policy import ConfigWarning, WarningKind
from exporter.state.discoveries import DiscoveryState
from exporter.state.snapshot import View
from exporter.support.files import read_file, replace_durably
from exporter.support.json_text import decoded
from exporter.support.redaction import sanitized
from exporter.support.shard_files import shard_files_newest_first

log = structlog.get_logger(__name__)

MISSING_LISTS: Final = 3
"""In so many whole lists in a row a site is missing before it leaves: one of them may be wrong."""

_MAX_BYTES: Final = 16 * 1024 * 1024
_FORMAT: Final = 1
_ENDING: Final = ".sites"


class KnownSite(msgspec.Struct, frozen=True):
    """A site: the ``name`` of its target, and what it is called now.

    ``missing`` has each rule that listed it, and in how many lists of that rule in a row it has been missing: two rules of one
    account may have keys that see different sites. ``seen`` says that this process saw it listed, and does not merely remember
    it.
    """

    name: str
    shown: str
    missing: Mapping[str, int] = msgspec.field(default_factory=dict)
    seen: bool = True

    def is_of(self, rule: Discovery, rules: AbstractSet[str]) -> bool:
        """Return whether ``rule`` has listed it, or none of the ``rules`` that there are has by now."""
        return rule.name in self.missing or self.missing.keys().isdisjoint(rules)


class _Asked(msgspec.Struct, frozen=True):
    """How the last read for a rule went; ``trouble`` is what is to be said of it, with what to do."""

    up: bool
    last_success: float | None = None
    trouble: tuple[tuple[str, str], ...] = ()


class _Remembered(msgspec.Struct):
    version: int
    accounts: dict[str, dict[str, tuple[str, str]]]


@dataclass(slots=True)
class KnownSites:
    """The sites of all accounts, by the account and the site's id, in the order of the list.

    ``version`` counts changes, ``in_force`` is the one that the running configuration has.
    """

    version: int = 0
    in_force: int = 0
    _accounts: Mapping[str, Mapping[str, KnownSite]] = field(default_factory=dict)
    _asked: Mapping[str, _Asked] = field(default_factory=dict)
    _settled: frozenset[str] = frozenset()
    _numbers: Mapping[str, int] = field(default_factory=dict)
    _file: Path | None = None
    _saved: int = 0

    def loading(self, load: Callable[[], Config]) -> Callable[[], Config]:
        """Return ``load`` with the sites that are known, those included that the process before remembered."""

        def loaded() -> Config:
            config = load()
            self.remember(config)
            return self.put_into(config)

        return loaded

    def put_into(self, config: Config) -> Config:
        """Return ``config`` with the sites that its rules want, at most ``max_sites`` for each."""
        if not config.discover:
            return config
        rules = {rule.name for rule in config.discover}
        wanted = {
            rule.name: dict(islice(_wanted(rule, self._accounts.get(rule.account, {}), rules), rule.max_sites))
            for rule in config.discover
        }
        self._numbers = {name: len(sites) for name, sites in wanted.items()}
        return with_sites(config, wanted)

    def take(self, rule: Discovery, found: FoundSites, now: float) -> None:
        """Note a whole list that was read for ``rule`` at ``now`` (steady)."""
        before = self._accounts.get(rule.account, {})
        rules = self._asked.keys() | {rule.name}
        listed = {site.id: _known(site, before.get(site.id), rule) for site in found.sites}
        expected = [site_id for site_id, site in before.items() if site.is_of(rule, rules)]
        left = [site_id for site_id in expected if site_id not in listed]
        seen = [site_id for site_id in expected if before[site_id].seen]
        shrunk = 2 * sum(before[site_id].seen for site_id in left) > len(seen) > 0
        kept = {}
        for site_id in left:
            site = before[site_id]
            missing = site.missing.get(rule.name, 0) + (0 if shrunk or found.odd else 1)
            others = {name: times for name, times in site.missing.items() if name in rules and name != rule.name}
            if missing < MISSING_LISTS and (shrunk or site_id not in found.gone):
                kept[site_id] = replace(site, missing={**others, rule.name: missing})
            elif others:
                kept[site_id] = replace(site, missing=others)
            else:
                log.info("site_left", discovery=rule.name, target=site.name, site=site_id)
        _tell_what_came(rule, before, listed)
        of_others = {site_id: site for site_id, site in before.items() if site_id not in listed and site_id not in expected}
        after = {**listed, **kept, **of_others}
        wanted = sum(1 for _ in _wanted(rule, after, rules))
        trouble = tuple(_trouble(rule, found, known=len(seen), left=len(left) if shrunk else 0, wanted=wanted))
        if _in_force(after) != _in_force(before):
            self.version += 1
        self._accounts = {**self._accounts, rule.account: after}
        self._note(rule, _Asked(up=True, last_success=now, trouble=trouble))

    def failed(self, rule: Discovery, error: PollError, fix: str) -> None:
        """Note that the list could not be read for ``rule``: what is known stays."""
        message = Message("the sites of `%(rule)s` cannot be read: %(message)s", rule=rule.name, message=error.message)
        before = self._asked.get(rule.name)
        self._note(rule, _Asked(up=False, last_success=before.last_success if before else None, trouble=((message, fix),)))

    def states(self, config: Config, stepped: float = 0.0) -> tuple[DiscoveryState, ...]:
        """Return how each of the rules is doing."""
        return tuple(self._state(rule, stepped) for rule in config.discover)

    def trouble(self, rule: Discovery) -> tuple[tuple[str, str], ...]:
        """Return what is wrong with ``rule`` by now, each with its fix."""
        asked = self._asked.get(rule.name)
        return asked.trouble if asked else ()

    def keep_rules(self, names: Iterable[str]) -> None:
        """Forget how asking went for rules that there are no more."""
        names = set(names)
        self._asked = {name: asked for name, asked in self._asked.items() if name in names}

    def settle(self) -> None:
        """Note that what the rules have brought so far is in force, or waits for somebody: they have been asked."""
        self._settled = frozenset(self._asked)

    def shown(self, view: View, config: Config, stepped: float = 0.0) -> View:
        """Return ``view`` with how the rules of ``config`` are doing, and what is wrong with them.

        Moments are those of a clock that was set by ``stepped`` seconds.
        """
        if not config.discover:
            return view
        troubles = [row for rule in config.discover for row in self.trouble(rule)]
        warnings = (ConfigWarning(WarningKind.DISCOVERY, None, message, fix) for message, fix in troubles)
        return msgspec.structs.replace(
            view, discoveries=self.states(config, stepped), config_warnings=(*view.config_warnings, *warnings)
        )

    # The file.

    def remember(self, config: Config) -> None:
        """Read what the process before knew, once for each state file, and what another shard wrote after it. Blocks.

        A site is called as this one's file has it. The first list after it writes all to that file.
        """
        path = _file_of(config)
        if config.state_file is None or path is None or path == self._file or not config.discover:
            return
        self._file = path
        own = _remembered(path)
        newer = takewhile(lambda file: file != path, shard_files_newest_first(config.state_file, _ENDING))
        for content in filter(None, (own, next(filter(None, map(_remembered, newer)), None))):
            taken = {account: self._with(account, sites) for account, sites in content.accounts.items()}
            self._accounts = {**self._accounts, **taken}

    def _with(self, account: str, remembered: Mapping[str, tuple[str, str]]) -> Mapping[str, KnownSite]:
        """Return the sites of ``account`` that are known, and those ``remembered`` that are not."""
        old = {key: KnownSite(name, shown, seen=False) for key, (name, shown) in remembered.items() if len(name) <= NAME.number}
        return {**old, **self._accounts.get(account, {})}

    def forget_file(self) -> None:
        """Let the next configuration read the file anew: another process writes it."""
        self._file = None

    def save(self, config: Config) -> None:
        """Write what changed, if there is a state file. Blocks."""
        path, version = _file_of(config), self.version
        if path is None or version == self._saved:
            return
        rules = {rule.account for rule in config.discover}
        accounts = {
            account: {key: (site.name, site.shown) for key, site in sites.items()}
            for account, sites in self._accounts.items()
            if account in rules
        }
        try:
            replace_durably(path, msgspec.json.encode(_Remembered(_FORMAT, accounts)))
        except OSError as error:
            log.warning("sites_not_saved", file=str(path), problem=error.strerror or type(error).__name__)
        self._saved = version

    def _note(self, rule: Discovery, asked: _Asked) -> None:
        self._asked = {**self._asked, rule.name: asked}

    def _state(self, rule: Discovery, stepped: float) -> DiscoveryState:
        asked, sites = self._asked.get(rule.name), self._numbers.get(rule.name, 0)
        if asked is None:
            return DiscoveryState(rule.name, sites=sites)
        at = None if asked.last_success is None else asked.last_success + stepped
        return DiscoveryState(rule.name, asked=rule.name in self._settled, up=asked.up, sites=sites, last_success=at)


def _known(site: FoundSite, before: KnownSite | None, rule: Discovery) -> KnownSite:
    """Return what is known of a site that ``rule`` lists: its target keeps the name that it has."""
    # To look for credentials in it takes longer than all else, and what we hold has been looked at.
    shown = site.name if before is not None and before.shown == site.name else sanitized(site.name, NAME.number)
    if before is None:
        return KnownSite(name_of(site), shown, {rule.name: 0})
    # Those that missed a site which is only remembered may never have listed it.
    others = before.missing if before.seen else {}
    return KnownSite(before.name, shown, {**others, rule.name: 0})


def _wanted(rule: Discovery, sites: Mapping[str, KnownSite], rules: AbstractSet[str]) -> Iterable[tuple[str, str]]:
    """Yield id and target's name of the sites that ``rule``, one of ``rules``, watches."""
    for key, site in sites.items():
        if site.is_of(rule, rules) and rule.wants(FoundSite(key, site.shown)):
            yield key, site.name


def _in_force(sites: Mapping[str, KnownSite]) -> dict[str, tuple[str, str, AbstractSet[str]]]:
    """Return what of ``sites`` the configuration and the file go by; one that was only remembered may be seen by now."""
    return {key: (site.name, site.shown, site.missing.keys()) for key, site in sites.items()}


def _tell_what_came(rule: Discovery, before: Mapping[str, KnownSite], listed: Mapping[str, KnownSite]) -> None:
    for site_id, site in listed.items():
        old = before.get(site_id)
        if old is None:
            log.info("site_found", discovery=rule.name, target=site.name, site=site_id)
        elif old.shown != site.shown:
            log.info("site_renamed", discovery=rule.name, target=site.name, site=site_id, to=site.shown)


def _trouble(rule: Discovery, found: FoundSites, *, known: int, left: int, wanted: int) -> Iterable[tuple[str, str]]:
    if left:
        yield (
            Message(
                "the account of `%(rule)s` does not list %(left)s of %(known)s known sites any more; they are still watched",
                rule=rule.name,
                left=left,
                known=known,
            ),
            Message("give the key access to all sites again; if the sites were deleted, restart the exporter"),
        )
    if wanted > rule.max_sites:
        yield (
            Message(
                "`%(rule)s` finds %(wanted)s sites, and `max_sites` is %(most)s: the newest are not watched",
                rule=rule.name,
                wanted=wanted,
                most=rule.max_sites,
            ),
            Message("raise `max_sites`, or leave sites out by `without`"),
        )
    if found.odd:
        yield (
            Message(
                "%(number)s row of the list of `%(rule)s` cannot be read, so no site is removed",
                "%(number)s rows of the list of `%(rule)s` cannot be read, so no site is removed",
                number=found.odd,
                rule=rule.name,
            ),
            Message("install the newest version of the exporter, and report it if that does not help"),
        )


def _file_of(config: Config) -> Path | None:
    return config.state_file and config.state_file.with_name(config.state_file.name + _ENDING)


def _remembered(path: Path) -> _Remembered | None:
    try:
        content = decoded(read_file(path, _MAX_BYTES), _Remembered)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("sites_not_remembered", file=str(path), problem=error.strerror or type(error).__name__)
        return None
    if content is None:
        log.warning("sites_not_remembered", file=str(path), problem="it was not written by this exporter")
    return content
