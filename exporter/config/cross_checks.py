"""What is wrong between fields that may each be right.

These checks run on the raw values, however broken the rest is, so that everything is reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo

from exporter.config.pair_checks import PAIRS, pair_problems
from exporter.config.settings import DEFAULT_WINDOWS
from exporter.config.written import Written
from exporter.counting import WindowError, WindowSpec
from exporter.errors import ConfigProblem
from exporter.fields.kinds import FieldProblem, mapping_of, shown
from exporter.platforms.base import Platform
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import Accepted
from exporter.support.close_matches import close_match
from exporter.support.yaml_source import UNREADABLE, Path, show_path

# How one place is named at another one, which may be in another file.
_SeenFrom = Callable[[Path, Path], str]


def cross_field_problems(written: Written, right: Container[int] = ()) -> Iterator[ConfigProblem]:
    """Yield what is wrong between fields that may each be right; nothing is within the targets at the places ``right``."""
    for path, message, fix in _sense(mapping_of(written.value), written.seen_from, right):
        yield written.problem(path, message, fix)


def _sense(top: Mapping[str, object], seen_from: _SeenFrom, right: Container[int]) -> Iterator[FieldProblem]:
    windows = _list(top.get("windows"))
    named = [mapping_of(window).get("name") for window in windows] or [window.name for window in DEFAULT_WINDOWS]
    # Windows that cannot be read may be any.
    can_be_read = top.get("windows") is not UNREADABLE and UNREADABLE not in windows
    names = frozenset(name for name in named if isinstance(name, str)) if can_be_read else None
    zone = _zone(top.get("timezone"), ZoneInfo("UTC"))
    yield from _repeated(("windows",), windows, "window", seen_from)
    yield from _empty_windows(("windows",), windows, zone)
    targets = _list(top.get("targets"))
    yield from _repeated(("targets",), targets, "target", seen_from)
    rules = _list(top.get("discover"))
    yield from _repeated(("discover",), rules, "rule", seen_from)
    of_rules = [mapping_of(mapping_of(rule).get("target")) for rule in rules]
    for index, rule in enumerate(map(mapping_of, rules)):
        yield from _of_rule(rule, of_rules[index], ("discover", index))
    for path, settings, platform in (*_with_places(targets, right), *_of_each_rule(rules)):
        if platform is not None:
            if path[0] == "targets":
                yield from platform.problems(settings, path)
            yield from _accepted(_list(settings.get("accepted")), (*path, "accepted"), platform)
        for name, collector in mapping_of(settings.get("collectors")).items():
            where = (*path, "collectors", name)
            yield from _collector(mapping_of(collector), where, names, seen_from)
            own = _list(mapping_of(collector).get("windows"))
            yield from _empty_windows((*where, "windows"), own, _zone(settings.get("timezone"), zone))
        if "collectors" in settings and settings["collectors"] == {}:
            yield FieldProblem((*path, "collectors"), "names no collector", "add one, or remove the key to run all")
    yield from _repeated((PAIRS,), _list(top.get(PAIRS)), "pair", seen_from)
    yield from pair_problems(top, seen_from)
    site_users = mapping_of(top.get("site_users"))
    if top.get("targets") is not UNREADABLE and UNREADABLE not in targets:
        yield from _unknown_sites(site_users, [*targets, *of_rules])
    yield from _both(_list(top.get("operators")), site_users)


def _with_places(
    targets: Iterable[object], right: Container[int]
) -> Iterator[tuple[Path, Mapping[str, object], Platform | None]]:
    for index, target in enumerate(map(mapping_of, targets)):
        if index not in right:
            yield ("targets", index), target, PLATFORMS.get(str(target.get("platform")))


def _of_each_rule(rules: Iterable[object]) -> Iterator[tuple[Path, Mapping[str, object], Platform | None]]:
    for index, rule in enumerate(map(mapping_of, rules)):
        yield ("discover", index, "target"), mapping_of(rule.get("target")), PLATFORMS.get(str(rule.get("platform")))


def _of_rule(rule: Mapping[str, object], target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield what is said of the targets of a rule though the rule, or what it finds, says it."""
    platform = PLATFORMS.get(str(rule.get("platform")))
    if platform is None or platform.discoverer is None:
        return
    for key in (name for name in target if name in platform.discoverer.left_out):
        of_rule = key in platform.discoverer.settings.model_fields
        fix = "remove it: the rule sets it" if of_rule else "remove it: each site has its own"
        yield FieldProblem((*path, "target", key), "cannot be shared by all sites of a rule", fix)


def _both(operators: Iterable[object], site_users: Mapping[str, object]) -> Iterator[FieldProblem]:
    """Yield operators who are also users of a site: one of the two says more than is meant."""
    for index, name in enumerate(operators):
        sites = [str(site) for site, users in site_users.items() if isinstance(name, str) and name in _list(users)]
        if sites:
            message = f"{shown(name)} is also named under {show_path(('site_users', sites[0]))}"
            yield FieldProblem(("operators", index), message, "keep one of the two: an operator sees every site")


# Who is named nowhere sees everything: a customer who left must not become an operator.
_NO_SUCH_SITE: Final = (
    "give its targets the label site, or remove it here, but first take the passwords of its users out of the web "
    "configuration: a user who is named nowhere sees every site unless there are operators"
)


def _unknown_sites(site_users: Mapping[str, object], targets: Iterable[object]) -> Iterator[FieldProblem]:
    """Yield sites that no target belongs to: their users would find nothing, and a slip of the pen looks like that."""
    labels = (mapping_of(mapping_of(target).get("labels")).get("site") for target in targets)
    sites = {site for site in labels if isinstance(site, str)}
    for site in map(str, site_users):
        if site not in sites:
            near = get_close_matches(site, sites, n=1)
            fix = f"did you mean {shown(near[0])}?" if near else _NO_SUCH_SITE
            yield FieldProblem(("site_users", site), f"no target has the label site: {shown(site)}", fix)


def _collector(
    settings: Mapping[str, object], path: Path, windows: frozenset[str] | None, seen_from: _SeenFrom
) -> Iterator[FieldProblem]:
    if settings.get("window") is not None and settings.get("windows") is not None:
        yield FieldProblem((*path, "windows"), "both window and windows are given", "keep one of them")
    name = settings.get("window")
    choices = _list(settings.get("windows"))
    named: list[tuple[Path, object]] = [((*path, "window"), name)]
    named += [((*path, "windows", index), choice) for index, choice in enumerate(choices)]
    for where, choice in named:
        if windows is not None and isinstance(choice, str) and choice not in windows:
            yield FieldProblem(where, f"there is no window {shown(choice)}", _known_window(choice, windows))
    yield from _repeated((*path, "windows"), choices, "window", seen_from)


def _known_window(written: str, windows: frozenset[str]) -> str:
    if near := close_match(written, windows):
        return f"did you mean {near}?"
    return f"use one of {', '.join(sorted(windows))}, or add it to windows" if windows else "add it to windows"


def _accepted(rows: list[object], path: Path, platform: Platform) -> Iterator[FieldProblem]:
    keys = tuple(key for key in Accepted.model_fields if key not in ("until", "why"))
    for index, row in enumerate(map(mapping_of, rows)):
        given = [key for key in keys if row.get(key) is not None]
        if row and len(given) != 1:
            message = f"names both {' and '.join(given)}" if given else "does not say what is accepted"
            yield FieldProblem(
                (*path, index), message, f"give one of {', '.join(keys)}; write a second one as an entry of its own"
            )
        if "connection" in given and not platform.advice.connections:
            fix = "accept a booking, or remove it"
            yield FieldProblem((*path, index, "connection"), f"targets of platform {platform.name} have no connections", fix)


def _zone(name: object, otherwise: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) else otherwise
    except (KeyError, OSError, ValueError):
        return otherwise  # reported where it stands


def _empty_windows(path: Path, windows: list[object], zone: ZoneInfo) -> Iterator[FieldProblem]:
    for index, window in enumerate(windows):
        start, end = (mapping_of(window).get(key) for key in ("from", "to"))
        if not (isinstance(start, str) and isinstance(end, str)):
            continue
        try:
            spec = WindowSpec("", start, end)
        except WindowError:
            continue  # reported where it stands
        try:
            spec.check(zone)
        except WindowError as error:
            yield FieldProblem((*path, index), error.problem, error.fix)


def _repeated(path: Path, values: Iterable[object], what: str, seen_from: _SeenFrom) -> Iterator[FieldProblem]:
    first: dict[str, Path] = {}
    for index, value in enumerate(values):
        name, where = (
            (value, (*path, index)) if isinstance(value, str) else (mapping_of(value).get("name"), (*path, index, "name"))
        )
        if not isinstance(name, str):
            continue
        if name in first:
            yield FieldProblem(
                where, f"{shown(name)} is also {seen_from(where, first[name])}", f"give each {what} its own name"
            )
        else:
            first[name] = where


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
