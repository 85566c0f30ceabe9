"""What a user may write about pairs: the bookings of a resource, and its owner's own calendar that they have to be in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from exporter.fields.durations import format_duration
from exporter.fields.kinds import Duration, Name, between, field_error, is_line, text_of
from exporter.model import CollectorName
from exporter.platforms.settings import Strict, Target
from exporter.proof import PairSpec

MAX_PAIRS: Final = 5_000
_MIN_GRACE: Final = 60.0
_MAX_GRACE: Final = 86_400.0

Direction = Literal["export", "import"]
"""Which way is judged: from the platform to the calendar, or back."""

_RESOURCE_EXAMPLE: Final = "Chair 1"


def _resource(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if not is_line(text := text_of(value, _RESOURCE_EXAMPLE)):
        raise field_error("is not the id or name of a resource", f"write one line such as {_RESOURCE_EXAMPLE}")
    return text


def _grace(seconds: float) -> None:
    if seconds < _MIN_GRACE:
        raise field_error("is too short: no booking is in a calendar at once", f"write {format_duration(_MIN_GRACE)} or more")
    if seconds > _MAX_GRACE:
        raise field_error("is too long: bookings may be over by then", f"write {format_duration(_MAX_GRACE)} or less")


PairedResource = Annotated[
    str,
    PlainValidator(_resource),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1, "maxLength": 100}],
            "examples": [_RESOURCE_EXAMPLE],
        }
    ),
]


class BookedResource(Strict):
    """Whose bookings have to be in the calendar."""

    target: Name = Field(description="Name of the target that has the bookings.")
    resource: PairedResource = Field(
        description="Alias or id of the resource. Of a Wix site also those of a schedule; an id of digits needs no quotes.",
        examples=[_RESOURCE_EXAMPLE],
    )


class Pair(Strict):
    """The bookings of a resource, and the calendar of its owner."""

    name: Name = Field(description="Value of the label `pair`. Unique.", examples=["anna"])
    bookings: BookedResource = Field(
        description="The target and its resource.", examples=[{"target": "salon-wix", "resource": _RESOURCE_EXAMPLE}]
    )
    calendar: Name = Field(description="Name of the target that is the calendar.", examples=["anna-cal"])
    grace: Annotated[Duration, between(_MIN_GRACE, _MAX_GRACE, _grace)] | None = Field(
        default=None,
        description="How long after a booking was made it may be missing in the calendar. From 1m to 24h. Default: 30m, and "
        "6h for an ICS feed, which its publisher makes anew when it likes.",
    )
    directions: Annotated[tuple[Direction, ...], Field(strict=False, min_length=1, max_length=2)] | None = Field(
        default=None,
        description="`export`: bookings have to be in the calendar. `import`: busy times of the calendar have to be known to "
        "the platform, which needs the collector `events` of the bookings' target. Default: `export`, and `import` where that "
        "collector runs.",
    )


class PairEnds:
    """The targets that stand at the ends of pairs, as far as they are there."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = {target.name: target for target in targets}
        self._of_account: dict[Hashable, str] = {}
        for target in targets:
            if target.account is not None:
                self._of_account.setdefault(target.account.key, target.name)

    def of(self, pair: Pair) -> tuple[Target, Target] | None:
        """Return the targets of the bookings and of the calendar of ``pair``; ``None`` unless both are there."""
        bookings, calendar = self._targets.get(pair.bookings.target), self._targets.get(pair.calendar)
        return None if bookings is None or calendar is None else (bookings, calendar)

    def read_as(self, calendar: str) -> str:
        """Return the first of the targets that read the same calendar as the target ``calendar``, which may be itself."""
        target = self._targets.get(calendar)
        account = None if target is None else target.account
        return calendar if account is None else self._of_account[account.key]


def grace_of(pair: Pair, calendar: Target) -> float:
    """Return the seconds that a booking of ``pair`` may take until it is in ``calendar``."""
    return calendar.pair_grace if pair.grace is None else pair.grace


def directions_of(pair: Pair, bookings: Target) -> tuple[Direction, ...]:
    """Return the ways of ``pair`` that are judged, export first; ``bookings`` is the target that has its bookings."""
    if pair.directions is None:
        return ("export", "import") if CollectorName.EVENTS in bookings.running() else ("export",)
    return tuple(sorted(set(pair.directions)))


def filled_pairs(pairs: Sequence[Pair], targets: Sequence[Target]) -> tuple[Pair, ...]:
    """Return ``pairs`` with what they leave out as it is by their ``targets``."""

    def filled(pair: Pair) -> Pair:
        if (known := ends.of(pair)) is None:
            return pair
        bookings, calendar = known
        update = {"grace": grace_of(pair, calendar), "directions": directions_of(pair, bookings)}
        return pair.model_copy(update=update)

    ends = PairEnds(targets)
    return tuple(map(filled, pairs))


def pair_specs(pairs: Sequence[Pair], targets: Sequence[Target]) -> Iterator[PairSpec]:
    """Yield what is to be judged of ``pairs``: those of which both ends are among ``targets``, and none is paused."""
    ends = PairEnds(targets)
    judged = [(pair, known) for pair in pairs if (known := ends.of(pair)) and not any(target.paused for target in known)]
    read = {pair.name for pair, _ in judged}
    unread = {ends.read_as(pair.calendar) for pair in pairs if pair.name not in read}
    for pair, (bookings, calendar) in judged:
        ways, read_as = directions_of(pair, bookings), ends.read_as(calendar.name)
        yield PairSpec(
            pair.name,
            bookings.name,
            pair.bookings.resource,
            calendar.name,
            grace_of(pair, calendar),
            exports="export" in ways,
            imports="import" in ways,
            ids=bookings.resource_ids(pair.bookings.resource),
            read_as="" if read_as == calendar.name else read_as,
            others_unread=read_as in unread,
        )


def paired_resources(specs: Iterable[PairSpec], targets: Iterable[Target]) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return by target the resources that ``specs`` name there, each with the ids that it has on the platform."""
    known = {target.name: target for target in targets}
    found: dict[str, dict[str, frozenset[str]]] = {}
    for spec in specs:
        if (target := known.get(spec.bookings)) is not None:
            found.setdefault(target.name, {})[spec.resource] = target.resource_ids(spec.resource)
    return found
