"""What is wrong, or hardly meant, between a pair and the targets at its ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from exporter.config.merge import collectors_of
from exporter.config.pairs import Pair, PairEnds, grace_of
from exporter.fields.durations import format_duration
from exporter.fields.kinds import FieldProblem, mapping_of, shown
from exporter.model import CollectorName
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import Target
from exporter.support.close_matches import close_match
from exporter.support.yaml_source import UNREADABLE, Path

PAIRS: Final = "pairs"

_ID_OR_ALIAS: Final = "write its id, or give it this name as an alias; booking-sync-exporter list prints the ids"

# Each is compared with thousands of names, which takes milliseconds; a reload is not to wait for thousands of them.
_COMPARED: Final = 100

# How one place is named at another one, which may be in another file.
_SeenFrom = Callable[[Path, Path], str]


def pair_problems(top: Mapping[str, object], seen_from: _SeenFrom) -> Iterator[FieldProblem]:
    """Yield what is wrong between pairs and targets in ``top``, the raw value of a file, however broken the rest of it is."""
    pairs, targets = _list(top.get(PAIRS)), _list(top.get("targets"))
    # Targets that cannot be read may be any.
    is_whole = top.get("targets") is not UNREADABLE and UNREADABLE not in targets
    rows = {str(row["name"]): row for row in map(mapping_of, targets) if isinstance(row.get("name"), str)}
    has_rules = bool(_list(top.get("discover")))

    @cache  # of thousands of targets, not for each of hundreds of pairs
    def fitting(wanted: CollectorName) -> Sequence[str]:
        return [name for name, row in rows.items() if wanted in _known(row)]

    first: dict[tuple[object, ...], Path] = {}
    compared = iter(range(_COMPARED))

    def near(name: str, wanted: CollectorName) -> str | None:
        return close_match(name, fitting(wanted)) if next(compared, None) is not None else None

    for index, pair in enumerate(map(mapping_of, pairs)):
        where: Path = (PAIRS, index)
        bookings = mapping_of(pair.get("bookings"))
        for path, name, wanted in (
            ((*where, "bookings", "target"), bookings.get("target"), CollectorName.BOOKINGS),
            ((*where, "calendar"), pair.get("calendar"), CollectorName.BUSY),
        ):
            if isinstance(name, str) and (name in rows or is_whole):
                yield from _end(path, name, wanted, rows, near, has_rules=has_rules)
        ways = pair.get("directions")
        if "import" in _list(ways) and (target := rows.get(str(bookings.get("target")))) is not None:
            yield from _import(target, str(bookings["target"]), (*where, "directions"))
        ends = (bookings.get("target"), str(bookings.get("resource")), pair.get("calendar"))
        is_whole_pair = isinstance(ends[0], str) and "resource" in bookings and isinstance(ends[2], str)
        if is_whole_pair and (other := first.setdefault(ends, where)) != where:
            what = f"has the same bookings and the same calendar as {seen_from(where, other)}"
            yield FieldProblem(where, what, "keep one of the two")


def _end(
    path: Path,
    name: str,
    wanted: CollectorName,
    rows: Mapping[str, Mapping[str, object]],
    near: Callable[[str, CollectorName], str | None],
    *,
    has_rules: bool,
) -> Iterator[FieldProblem]:
    if name not in rows:
        meant = near(name, wanted)
        fix = "name a target that stands under targets" + (", not one that a rule finds" if has_rules else "")
        yield FieldProblem(path, f"there is no target {shown(name)}", f"did you mean {meant}?" if meant else fix)
        return
    row = rows[name]
    if not _has_platform(row):
        return  # reported where it stands
    if wanted not in _known(row):
        lacks = "bookings" if wanted is CollectorName.BOOKINGS else "calendar that can be read"
        what = f"targets of platform {row['platform']} have no {lacks}"
        having = [f"platform: {platform}" for platform in PLATFORMS if wanted in _known({"platform": platform})]
        yield FieldProblem(path, what, f"name a target with {' or '.join(having)}")
    elif wanted not in _running(row):
        what = f"{name!r} does not run the collector {wanted}, which a pair needs"
        yield FieldProblem(path, what, f"add {wanted} to its collectors")


def _import(target: Mapping[str, object], name: str, path: Path) -> Iterator[FieldProblem]:
    if not _has_platform(target) or CollectorName.EVENTS in _running(target):
        return
    if CollectorName.EVENTS in _known(target):
        fix = f"add {CollectorName.EVENTS} to its collectors, or remove import"
        yield FieldProblem(path, f"import needs the collector {CollectorName.EVENTS} of {name!r}", fix)
    else:
        yield FieldProblem(path, f"targets of platform {target['platform']} have no import", "remove it")


def _has_platform(row: Mapping[str, object]) -> bool:
    """Return whether a raw target is of a platform that there is; what else is written there is reported where it stands."""
    return str(row.get("platform")) in PLATFORMS


def _known(row: Mapping[str, object]) -> Mapping[str, object]:
    """Return the collectors that a raw target can have."""
    platform = PLATFORMS.get(str(row.get("platform")))
    return {} if platform is None else collectors_of(platform.settings).model_fields


def _running(row: Mapping[str, object]) -> Mapping[str, object]:
    """Return the collectors that a raw target of a known platform runs."""
    written = row.get("collectors")
    by_default = collectors_of(PLATFORMS[str(row.get("platform"))].settings).by_default()
    return by_default if written is None else mapping_of(written)


def resource_problems(pairs: Sequence[Pair], targets: Sequence[Target]) -> Iterator[FieldProblem]:
    """Yield the resources that nobody can mean: neither an id of the platform nor a name that the target has for one."""
    known = {target.name: target for target in targets}
    for index, pair in enumerate(pairs):
        target, resource = known.get(pair.bookings.target), pair.bookings.resource
        if target is not None and not target.resource_ids(resource):
            near = close_match(resource, target.resource_names)
            fix = f"did you mean {near}?" if near else _ID_OR_ALIAS
            what = f"{target.name!r} has no resource {shown(resource)}"
            yield FieldProblem((PAIRS, index, "bookings", "resource"), what, fix)


def pair_warnings(pairs: Sequence[Pair], targets: Sequence[Target]) -> Iterator[FieldProblem]:
    """Yield what is allowed and hardly meant: calendars of several resources, resources in several calendars, a short grace."""
    ends, first, of_resource = PairEnds(targets), dict[str, tuple[int, object]](), dict[tuple[str, frozenset[str]], int]()
    for index, pair in enumerate(pairs):
        known = ends.of(pair)
        if known is None:
            continue
        calendar = known[1]
        again = of_resource.setdefault((known[0].name, known[0].resource_ids(pair.bookings.resource)), index)
        if again != index and ends.read_as(pair.calendar) != ends.read_as(pairs[again].calendar):
            what = f"has the bookings of pairs[{again}], in another calendar"
            fix = "name another resource, unless they go into both calendars"
            yield FieldProblem((PAIRS, index, "bookings"), what, fix)
        other, booked = first.setdefault(ends.read_as(pair.calendar), (index, pair.bookings))
        if booked != pair.bookings:
            what = f"is also the calendar of pairs[{other}]: what is busy for one resource hides what is missing of the other"
            yield FieldProblem((PAIRS, index, "calendar"), what, "give each resource a calendar of its own, if you can")
        polled = zip(known, (CollectorName.BOOKINGS, CollectorName.BUSY), strict=True)
        intervals = (each.interval for target, name in polled if (each := target.running().get(name)) is not None)
        interval = max(intervals, default=0.0)
        if (grace := grace_of(pair, calendar)) < interval:
            what = f"{format_duration(grace)} is over before the next poll: the interval is {format_duration(interval)}"
            yield FieldProblem((PAIRS, index, "grace"), what, f"write {format_duration(interval)} or more")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
