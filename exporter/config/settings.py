"""The whole configuration: what stands at the top of the file, and the targets of all platforms."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic_core import PydanticCustomError

from exporter.config.grafana import GrafanaAddress
from exporter.config.load_cache import CachedTarget, TargetFacts
from exporter.config.pairs import MAX_PAIRS, Pair, PairEnds, filled_pairs, pair_specs
from exporter.config.verdicts import Verdicts
from exporter.counting import WindowSpec
from exporter.errors import ConfigProblem
from exporter.fields.kinds import FilePath, Reading, SiteName, UserName, Zone, field_error
from exporter.limits import WINDOWS
from exporter.model import WHOLE, Shard
from exporter.platforms.base import Platform
from exporter.platforms.discovery import MAX_RULES, Discovery
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import MAY_BE_EMPTY, Strict, Target, Window, default
from exporter.policy import ConfigWarning
from exporter.proof import PairSpec
from exporter.support.secret import pasted

DEFAULT_WINDOWS: Final = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("next_24h", "now", "now+24h"),
    WindowSpec("next_7d", "now", "now+7d"),
)


def _built(value: object, build: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Target:
    """Build a target, or take over one that was built before, and note what it was built of."""
    reading = info.context
    if not isinstance(reading, Reading):
        built: Target = build(value)
        return built
    if isinstance(value, CachedTarget):
        reading.secrets.extend(value.secrets)
        reading.private.extend([reading.file] if value.secrets and reading.file else [])
        reading.targets.append((value.secrets, True))
        return value.target
    secrets, outside = len(reading.secrets), len(reading.outside)
    built = build(value)
    reading.targets.append((tuple(reading.secrets[secrets:]), len(reading.outside) == outside))
    return built


if TYPE_CHECKING:
    AnyTarget = Target
    AnyDiscovery = Discovery
else:
    # One platform has it, and a choice of one needs no discriminator.
    AnyDiscovery = reduce(or_, (platform.discoverer.settings for platform in PLATFORMS.values() if platform.discoverer))
    AnyTarget = Annotated[
        reduce(or_, (platform.settings for platform in PLATFORMS.values())),
        Field(discriminator="platform"),
        WrapValidator(_built),
    ]


def _known(windows: tuple[WindowSpec, ...], info: ValidationInfo) -> tuple[WindowSpec, ...]:
    """Let collectors name these windows."""
    if isinstance(info.context, Reading):
        info.context.windows.update((window.name, window) for window in windows)
    return windows


def _given(operators: object) -> object:
    """Refuse a key without a value: a list that somebody emptied must not let everybody in."""
    if operators is None:
        raise field_error("is empty", "name who sees everything, or remove the key")
    return operators


def _some(targets: tuple[Target, ...], info: ValidationInfo) -> tuple[Target, ...]:
    """Refuse a file that watches nothing. Rules that are wrong are reported, and may have been meant to find some."""
    if not targets and info.data.get("discover", True) == ():
        raise PydanticCustomError("too_short", "no targets")
    return targets


Users = Annotated[frozenset[UserName], Field(strict=False, min_length=1)]
Operators = Annotated[Users | None, BeforeValidator(_given)]


def _of_many(platform: Platform) -> Any:  # noqa: ANN401  what pydantic makes a field of
    own = [f"`{key}`" for key in platform.settings.model_fields if key in platform.settings.OWN]
    names = f"{', '.join(own[:-1])} and {own[-1]}"
    description = f"Settings that targets of platform {platform.name} share: any of their keys except {names}."
    return dict[str, Any] | None, Field(default=None, description=description)


if TYPE_CHECKING:
    Defaults = Strict
else:
    # What stands in a block is judged where it is filled in, and for all targets at once in exporter.config.defaults.
    Defaults = create_model(
        "Defaults",
        __base__=Strict,
        __doc__="Settings that many targets share. A target's own setting takes precedence.",
        **{name: _of_many(platform) for name, platform in PLATFORMS.items()},
    )


class Config(Strict):
    """The whole file."""

    model_config = ConfigDict(
        title="booking-sync-exporter configuration",
        json_schema_extra={
            "anyOf": [{"required": [key], "properties": {key: {"minItems": 1}}} for key in ("targets", "discover")]
        },
    )

    timezone: Zone = default("UTC", "IANA time zone of calendar windows such as `now/d`.")
    windows: Annotated[
        tuple[Window, ...], Field(strict=False, min_length=1, max_length=WINDOWS.number), AfterValidator(_known)
    ] = Field(
        default_factory=lambda: DEFAULT_WINDOWS,
        description="Windows in which bookings are counted. Default: last_24h, today, next_24h, next_7d.",
    )
    defaults: Annotated[Defaults, MAY_BE_EMPTY] = Field(
        default_factory=Defaults, exclude=True, description="Settings that many targets share, by platform."
    )
    discover: Annotated[tuple[AnyDiscovery, ...], Field(strict=False, max_length=MAX_RULES)] = Field(
        default_factory=tuple,
        description="Rules that find accounts to watch, besides the `targets`: see [many sites](#discover).",
    )
    targets: Annotated[tuple[AnyTarget, ...], Field(strict=False), AfterValidator(_some)] = Field(
        default_factory=tuple, description="The accounts to watch. Required without `discover`."
    )
    pairs: Annotated[tuple[Pair, ...], Field(strict=False, max_length=MAX_PAIRS)] = Field(
        default_factory=tuple,
        description="Resources whose bookings have to be in their owners' own calendars: see [pair](#pair).",
    )
    state_file: FilePath | None = Field(
        default=None,
        description="File that keeps the states of connections and collectors of the last week across restarts. A relative "
        "path starts at the folder of this file; with `--shard` its name ends in `.shard-I-of-N`. Default: a restart forgets "
        "them.",
    )

    verdicts: Annotated[Verdicts, MAY_BE_EMPTY] = Field(
        default_factory=Verdicts,
        description="Thresholds and severities of problems, by the kinds of [verdicts](verdicts.md). The board, "
        "`/api/v1/status` and `probe` judge by them; `monitoring render --config.file` writes rules that use them.",
    )

    grafana: GrafanaAddress | None = Field(
        default=None,
        description="The Grafana that has the bundled dashboards. The status board links there, except those of single sites.",
    )

    site_users: dict[SiteName, Users] = Field(
        default_factory=dict,
        description="Users who see one site only: values of the targets' label `site`, each with a list of users of "
        "the web configuration. Such a user gets `/site/NAME` and nothing else. Without `operators`, a user who is named "
        "nowhere sees everything.",
    )
    operators: Operators = Field(
        default=None,
        validate_default=False,
        description="Users of the web configuration who see everything, including the one with which Prometheus scrapes "
        "`/metrics`. With this key, a user that is named neither here nor under `site_users` sees nothing.",
    )

    _warnings: tuple[ConfigProblem, ...] = PrivateAttr(default=())
    _unwatched: tuple[ConfigWarning, ...] = PrivateAttr(default=())
    _gaps: tuple[ConfigProblem, ...] = PrivateAttr(default=())
    _operators_by_default: frozenset[str] = PrivateAttr(default=frozenset())
    _files: tuple[Path, ...] = PrivateAttr(default=())
    _secrets: tuple[str, ...] = PrivateAttr(default=())
    _origins: Mapping[str, Path] = PrivateAttr(default_factory=dict)
    _shard: Shard = PrivateAttr(default=WHOLE)
    _elsewhere: frozenset[Hashable] = PrivateAttr(default=frozenset())
    _hash_of_whole: str | None = PrivateAttr(default=None)
    _found: frozenset[str] = PrivateAttr(default=frozenset())
    _unopened: tuple[str, ...] = PrivateAttr(default=())
    _facts: TargetFacts = PrivateAttr(default_factory=TargetFacts)

    @property
    def facts(self) -> TargetFacts:
        """What was worked out of single targets."""
        return self._facts

    @property
    def warnings(self) -> tuple[ConfigProblem, ...]:
        """What is allowed and probably not meant, for people."""
        return self._warnings

    @property
    def unwatched(self) -> tuple[ConfigWarning, ...]:
        """What the file alone shows to be watched less than it seems; what a target accepts is among them."""
        return self._unwatched

    @property
    def gaps(self) -> tuple[ConfigProblem, ...]:
        """The same for people, without what a target accepts: once for all targets that have it in common."""
        return self._gaps

    @property
    def has_fence(self) -> bool:
        """Whether it says who sees what."""
        return bool(self.site_users or self.operators)

    @property
    def site_users_at_all(self) -> frozenset[str]:
        """Who is named under ``site_users``, whatever the site."""
        return frozenset[str]().union(*self.site_users.values())

    @property
    def operators_by_default(self) -> frozenset[str]:
        """Users with a password who see every site only because nothing says who may, see :meth:`known_to`."""
        return self._operators_by_default

    @property
    def who_sees_everything(self) -> frozenset[str] | None:
        """The operators, ``None`` for all; without :attr:`operators` those who were none of a site's users at the load.

        A password that is added later makes no operator before the next load, which warns of it.
        """
        return self._operators_by_default if self.site_users and not self.operators else self.operators

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it was read from, secrets included, to be watched."""
        return self._files

    @property
    def origins(self) -> Mapping[str, Path]:
        """The files that its targets stand in, by name; empty if all stand in one."""
        return self._origins

    @property
    def unopened(self) -> tuple[str, ...]:
        """The sources of secrets that were not looked for: nothing can be asked with such a configuration."""
        return self._unopened

    @property
    def secrets(self) -> tuple[str, ...]:
        """Its credentials, to be masked wherever they turn up; none that is also a name, which is shown everywhere."""
        return self._secrets

    @property
    def names(self) -> frozenset[str]:
        """What its targets are called, platforms and labels included."""
        targets = (*self.targets, *(rule.target for rule in self.discover))
        names = (name for target in targets for name in (target.name, target.platform, *target.labels.values()))
        return frozenset((*names, *(rule.name for rule in self.discover)))

    @property
    def shard(self) -> Shard:
        """The part of the targets that these are."""
        return self._shard

    @property
    def elsewhere(self) -> frozenset[Hashable]:
        """Accounts of targets that stand in the file and fall to other shards, as :func:`account_of` has them."""
        return self._elsewhere

    @property
    def hash_of_whole(self) -> str | None:
        """The hash of what it was before it was divided, in which all shards of a file agree; ``None`` if it was not."""
        return self._hash_of_whole

    @property
    def watched(self) -> frozenset[str]:
        """What its targets are called."""
        return frozenset(target.name for target in self.targets)

    @property
    def written(self) -> tuple[Target, ...]:
        """The targets that stand in the file, without those that a rule found."""
        return tuple(target for target in self.targets if target.name not in self._found)

    def finding(self, targets: Sequence[Target], unwatched: tuple[ConfigWarning, ...]) -> Config:
        """Return the same configuration with ``targets`` that rules found behind those of the file, in place of others.

        ``unwatched`` is what all of them leave unwatched.
        """
        copy = self.model_copy(update={"targets": (*self.written, *targets)})
        copy._found, copy._unwatched = frozenset(target.name for target in targets), unwatched  # noqa: SLF001  its own
        return copy

    def read_from(self, files: tuple[Path, ...], warnings: tuple[ConfigProblem, ...], secrets: Iterable[str] = ()) -> Config:
        """Return the same configuration with what is known about where it came from."""
        names = self.names
        copy = self.model_copy()
        copy._files, copy._warnings = files, warnings  # noqa: SLF001  its own
        # Without white space as they are sent, so that a file with another end of line is the same configuration.
        copy._secrets = tuple(dict.fromkeys(secret for secret in map(pasted, secrets) if secret not in names))  # noqa: SLF001  its own
        return copy

    def coming_from(self, origins: Mapping[str, Path], unopened: tuple[str, ...]) -> Config:
        """Return the same configuration with what is known of its places, see :attr:`origins` and :attr:`unopened`."""
        copy = self.model_copy()
        copy._origins, copy._unopened = origins, unopened  # noqa: SLF001  its own
        return copy

    def remembering(self, facts: TargetFacts, targets: tuple[Target, ...]) -> Config:
        """Return the same configuration with ``facts``, and with ``targets`` that are equal to its own in their places."""
        copy = self.model_copy(update={"targets": targets})
        copy._facts = facts  # noqa: SLF001  its own
        return copy

    def paired(self) -> Config:
        """Return the same configuration with all that its pairs leave out, which their targets tell."""
        return self.model_copy(update={"pairs": filled_pairs(self.pairs, self.targets)}) if self.pairs else self

    @property
    def pair_specs(self) -> tuple[PairSpec, ...]:
        """The pairs that are judged: both of their targets are here, and polled."""
        return tuple(pair_specs(self.pairs, self.targets))

    def known_to(self, users: Iterable[str]) -> Config:
        """Return the same configuration for a web configuration that has a password for each of ``users``."""
        copy = self.model_copy()
        if self.site_users and not self.operators:
            copy._operators_by_default = frozenset(users) - self.site_users_at_all  # noqa: SLF001  its own
        return copy

    def leaving(self, unwatched: tuple[ConfigWarning, ...], gaps: tuple[ConfigProblem, ...]) -> Config:
        """Return the same configuration with what it leaves unwatched, see :attr:`unwatched` and :attr:`gaps`."""
        copy = self.model_copy()
        copy._unwatched, copy._gaps = unwatched, gaps  # noqa: SLF001  its own
        return copy

    def divided(
        self, shard: Shard, targets: tuple[Target, ...], elsewhere: frozenset[Hashable], state_file: Path | None, digest: str
    ) -> Config:
        """Return what falls to ``shard`` of the same configuration, see :attr:`elsewhere` and :attr:`hash_of_whole`."""
        ends = PairEnds(targets)
        pairs = tuple(pair for pair in self.pairs if ends.of(pair) is not None)
        copy = self.model_copy(update={"targets": targets, "state_file": state_file, "pairs": pairs})
        copy._shard, copy._elsewhere, copy._hash_of_whole = shard, elsewhere, digest  # noqa: SLF001  its own
        here = copy.watched
        copy._unwatched = tuple(row for row in self._unwatched if row.target is None or row.target in here)  # noqa: SLF001  its own
        return copy

    def without_warnings(self) -> Config:
        """Return the same configuration for somebody who means all of it."""
        return self.read_from(self._files, (), self._secrets).leaving((), ())


def account_of(target: Target) -> Hashable:
    """Return what tells the account of ``target`` from those of others; ``None`` where that is not known."""
    return (target.platform, target.account.key) if target.account else None
