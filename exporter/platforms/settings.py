"""What the settings of every platform share: a target, its collectors, the windows that they count in.

One frozen model for each mapping of the configuration file: what a user may write is what runs. Durations are seconds.
JSON Schema, reference and messages are made from these models, so a default and its description stand once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from exporter.counting import WindowSpec
from exporter.fields.credentials import Origin, shown_source
from exporter.fields.days import BookingId, Day, Days, Why
from exporter.fields.kinds import (
    REPORTED_ELSEWHERE,
    Duration,
    Expression,
    LabelName,
    LabelValue,
    Name,
    Reading,
    ResourceId,
    Text,
    WindowName,
    Zone,
)
from exporter.fields.routes import CaFile, CaFilePath, ProxyAddress
from exporter.limits import WINDOWS
from exporter.model import CollectorName
from exporter.policy import WarningKind

MAX_MAX_BOOKINGS: Final = 1_000_000  # some hundred bytes each, and an hour of requests
OVERLAPPING: Final = "Ids of resources that may serve several bookings at a time; their overlaps are no conflicts."
MIN_MAX_AGE_SECONDS: Final = 300.0
MAX_ACCEPTED: Final = 200
PAIR_GRACE_SECONDS: Final = 1_800.0
"""A calendar that is read itself shows a booking within it, unless its target or a pair says otherwise."""
MAX_CLOSED: Final = 100
# That something is over can only be mended, and who sees what, and which targets there are, is no matter of a target.
_ACCEPTABLE: Final = tuple(
    kind.value
    for kind in WarningKind
    if kind not in {WarningKind.EXPIRED, WarningKind.OPERATORS_BY_DEFAULT, WarningKind.DISCOVERY}
)

OverlappingResources = Annotated[frozenset[ResourceId], Field(strict=False)]


class Frozen(BaseModel):
    """Immutable; unknown keys are errors; a validation error never repeats the input, which may hold a credential."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class Strict(Frozen):
    """YAML has its own types, so "5" is not 5 and yes is not text. Defaults are read like what a user writes."""

    model_config = ConfigDict(strict=True, validate_default=True)


def default(text: str, description: str) -> Any:  # noqa: ANN401  the annotation has the type; so has pydantic.Field
    """Return a field whose default is text, as a user would write it, and is read like theirs."""
    return Field(default=text, description=description)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield every model that an annotation names, those included in which a value is written."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if isinstance(annotation, WrittenAs):
        yield from models_in(annotation.form)
    for argument in get_args(annotation):
        yield from models_in(argument)


class WrittenWindow(Strict):
    """A named half-open interval: `from` belongs to it, `to` does not."""

    name: WindowName = Field(description="Value of the label `window`.")
    start: Expression = Field(alias="from", description="Start, in Grafana date math.")
    end: Expression = Field(alias="to", description="End, in Grafana date math.")


class WrittenAs:
    """Annotation of a value that a user writes in another form: ``form`` is validated, then ``finish`` makes the value."""

    def __init__(self, form: object, finish: Callable[[Any, ValidationInfo], object]) -> None:
        self.form = form
        self._finish = finish

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        finished = source if isinstance(source, type) else ()

        def read(value: object, validate: core_schema.ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
            return value if isinstance(value, finished) else self._finish(validate(value), info)

        return core_schema.with_info_wrap_validator_function(read, handler.generate_schema(self.form))


def _window(written: WrittenWindow, _: ValidationInfo) -> WindowSpec:
    return WindowSpec(written.name, written.start, written.end)


def _chosen_window(written: WrittenWindow | str, info: ValidationInfo) -> WindowSpec:
    if isinstance(written, WrittenWindow):
        return _window(written, info)
    known = info.context.windows if isinstance(info.context, Reading) else {}
    if written not in known:
        raise PydanticCustomError(REPORTED_ELSEWHERE, "no such window")
    return known[written]


def _kind_of_window(value: object) -> str:
    return "<window>" if isinstance(value, (dict, WrittenWindow)) else "<name>"


_WindowChoice = Annotated[
    Annotated[WindowName, Tag("<name>")] | Annotated[WrittenWindow, Tag("<window>")], Discriminator(_kind_of_window)
]

Window = Annotated[WindowSpec, WrittenAs(WrittenWindow, _window)]
"""A window as it stands at the top of the file."""

ChosenWindow = Annotated[WindowSpec, WrittenAs(_WindowChoice, _chosen_window)]
"""A window of a collector: the name of one at the top of the file, or one of its own."""

ChosenWindows = Annotated[tuple[ChosenWindow, ...], Field(strict=False, min_length=1, max_length=WINDOWS.number)]
_WINDOWS: Final = "Windows to count in: names from the global `windows`, or windows of its own. Default: all global windows."


class _MayBeEmpty:
    """Annotation of a mapping that may be named without a value: then it has its defaults."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_nothing_is_empty, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        inner = handler(schema)
        options = inner.get("anyOf", [inner])
        return {"anyOf": [*(option for option in options if option != _NULL), _NULL], MAY_BE_EMPTY_KEY: True}


def _nothing_is_empty(value: object) -> object:
    return {} if value is None else value


_NULL: Final = {"type": "null"}
MAY_BE_EMPTY_KEY: Final = "mayBeEmpty"
"""Marks such a mapping in pydantic's JSON Schema; the published one has ``null`` beside it instead."""

MAY_BE_EMPTY: Final = _MayBeEmpty()


class CollectorSettings(Strict):
    """What every collector takes. ``max_age`` is as written; :attr:`max_age_seconds` counts.

    Each declares ``interval`` with a default of its own, and ``windows``; those that the user does not write are filled in
    before it is validated (:mod:`exporter.config.merge`).
    """

    if TYPE_CHECKING:
        interval: float
        windows: tuple[WindowSpec, ...]

    max_age: Duration | None = Field(
        default=None, description="How long the last good data is shown. Default: 3 intervals, at least 5m."
    )

    @property
    def max_age_seconds(self) -> float:
        return self.max_age if self.max_age is not None else max(3 * self.interval, MIN_MAX_AGE_SECONDS)

    @classmethod
    def windows_by_default(cls, written: Mapping[str, object], names: Sequence[str]) -> Sequence[object]:
        """Return the windows of a collector that is ``written`` without ``windows``; ``names`` are those of all global ones."""
        del written
        return names


class CountingSettings(CollectorSettings):
    """A collector that counts in windows."""

    windows: ChosenWindows = Field(default_factory=tuple, validate_default=False, description=_WINDOWS)


class Collectors(Strict):
    """The collectors that run; one that is named without a value has its defaults, one that is not named does not run."""

    NAMED_ONLY: ClassVar[frozenset[str]] = frozenset()
    """Those that do not run either where the target names none at all."""

    @classmethod
    def by_default(cls) -> dict[str, None]:
        """Return the collectors of a target that names none, as if it named each without a value."""
        return {name: None for name in cls.model_fields if name not in cls.NAMED_ONLY}


class TargetTls(Strict):
    """Whose certificates are trusted."""

    ca_file: CaFilePath = Field(
        description="PEM file with CA certificates that are trusted besides those of the host, for a server with a private "
        "CA. A relative path starts at the folder of this file."
    )


class Account(NamedTuple):
    """What a platform knows an account by: two targets with one ``key`` watch the same. ``shown`` is for people."""

    key: Hashable
    shown: str


class Accepted(Strict):
    """Something that is intended: listed and not judged. Needs exactly one of `booking`, `connection`, `warning`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("booking", "connection", "warning")]}
    )

    booking: BookingId | None = Field(default=None, description="Id of a booking whose overlaps are intended.")
    connection: Text | None = Field(
        default=None,
        description="A connection that is disconnected or broken on purpose: its label, or the alias or id of its schedule, "
        "which stands for all connections of that schedule.",
    )
    warning: Literal[*_ACCEPTABLE] | None = Field(  # type: ignore[valid-type]  # the words of an enum
        default=None,
        description="Kind of a configuration warning (`booking_sync_config_warnings`) that describes something intended.",
    )
    until: Day | None = Field(
        default=None, description="Last day on which this entry applies, in the target's time zone. Default: no end."
    )
    why: Why = Field(description="Reason for this entry, shown on the board.")


class Target(Strict):
    """One account to watch."""

    OWN: ClassVar[frozenset[str]] = frozenset({"name", "platform"})
    """Keys that are never the same for many targets, so that no default can be given for them."""

    if TYPE_CHECKING:
        platform: str
        timeout: float
        collectors: Any

    name: Name = Field(description="Value of the label `target`. Unique.")
    timezone: Zone = Field(
        default_factory=lambda: ZoneInfo("UTC"), description="IANA zone of this business. Default: the global one."
    )
    labels: dict[LabelName, LabelValue] = Field(
        default_factory=dict,
        max_length=20,
        description="Labels of the metric `booking_sync_target_info`, for joins in queries.",
    )
    resource_aliases: dict[ResourceId, Text] = Field(
        default_factory=dict,
        description="Resource id, in quotes: the name that people use for it. Shown beside the id, which stays the label "
        "`resource`.",
    )
    base_url: Origin | None = Field(
        default=None,
        description="Base URL of the API instead of the platform's own: a reverse proxy, an on-premise portal, the simulator. "
        "`http://` "
        "works on loopback only.",
    )
    tls: TargetTls | None = Field(default=None, description="TLS towards the target, its authorisation server included.")
    proxy: ProxyAddress | None = Field(
        default=None,
        description="HTTP proxy of the target, its authorisation server included: http://USER:PASSWORD@HOST:PORT. Default: "
        "the proxy of the environment variables. `NO_PROXY` does not apply to it; requests to this machine never use a proxy.",
    )

    accepted: Annotated[tuple[Accepted, ...], Field(strict=False, max_length=MAX_ACCEPTED)] = Field(
        default_factory=tuple, description="What is known and intended: it is listed and not judged."
    )
    closed: Annotated[tuple[Days, ...], Field(strict=False, max_length=MAX_CLOSED)] = Field(
        default_factory=tuple,
        description="Days without bookings in the target's zone, such as 2026-12-24 or 2026-12-24..2026-12-26, both included.",
    )
    paused: bool = Field(default=False, description="Do not poll this target and show no data of it.")

    @property
    def account(self) -> Account | None:
        """Whose data this is, as far as it is known before anything is asked."""
        return None

    @property
    def undivided(self) -> frozenset[str]:
        """What no two processes may each have: targets with one of these in common stay in one shard. Never empty.

        It is the same wherever the configuration lies, since each process works it out for itself.
        """
        return frozenset({f"{self.platform} target {self.name}"})

    def connection_label(self, name: str) -> str:
        """Return the label value for what a user may call a connection or its schedule."""
        return name

    def may_have_resource(self, resource: str) -> bool:
        """Return whether an account of this platform can have a resource with that id at all."""
        del resource
        return True

    def resource_ids(self, name: str) -> frozenset[str]:
        """Return the ids of the resource that a user calls ``name``, an alias or an id; none if nobody can mean it."""
        named = frozenset(resource for resource, alias in self.resource_aliases.items() if alias == name)
        return named or frozenset([name] if self.may_have_resource(name) else ())

    @property
    def resource_names(self) -> tuple[str, ...]:
        """The names that the configuration gives to resources."""
        return tuple(self.resource_aliases.values())

    @property
    def pair_grace(self) -> float:
        """How many seconds a booking may take until it is in this calendar, unless a pair says otherwise."""
        return PAIR_GRACE_SECONDS

    @property
    def credential_source(self) -> str:
        """Where the credential comes from: a path, a variable's name, or ``inline:TARGET``; nothing of the credential."""
        return shown_source("", self.name)

    @property
    def written_files(self) -> Mapping[tuple[str, ...], Path]:
        """The files that the exporter writes for it, by the keys that name them."""
        return {}

    @property
    def ca_file(self) -> CaFile | None:
        """The CA certificates that are trusted besides those of the host."""
        return self.tls.ca_file if self.tls is not None else None

    @property
    def sign_in(self) -> str:
        """How the account is signed in to, of the ways that its platform's advice knows; empty where there is only one."""
        return ""

    def running(self) -> dict[CollectorName, CollectorSettings]:
        """Return the collectors that run, by name."""
        collectors: BaseModel = self.collectors
        return {name: settings for name in _names_in(type(collectors)) if (settings := getattr(collectors, name)) is not None}


@functools.cache
def _names_in(collectors: type[BaseModel]) -> tuple[CollectorName, ...]:
    """Return the collectors of a platform: to ask pydantic for a field that it does not have takes it long."""
    return tuple(name for name in CollectorName if name in collectors.model_fields)
