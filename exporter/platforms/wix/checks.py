"""What is wrong between the fields of a Wix target that may each be right, and what is allowed but hardly meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from exporter.fields.durations import format_duration
from exporter.fields.kinds import FieldProblem, mapping_of, shown
from exporter.platforms.aliases import shared_aliases
from exporter.platforms.wix.naming import GUID, label_of
from exporter.platforms.wix.settings import WixCollectors, WixConnections, WixEvents, WixTarget
from exporter.support.close_matches import close_match
from exporter.support.yaml_source import Path

_API_KEY_MODE: Final = ("site_id", "api_key")
_APP_MODE: Final = ("app_id", "app_secret", "instance_id")
LAST_PLAIN_MINUTE: Final = 36
"""Of a heartbeat that a script writes: with a later one the minutes that it adds go past the full hour."""

LONGEST_INTERVAL: Final = 86_400.0
"""Of what looks for faults that no status tells, in seconds: with a longer one a warning is given."""

MORNING: Final = 6 * 60
LATE_EVENING: Final = 23 * 60
"""Minutes of the day between which nobody means a heartbeat to be."""


def problems(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield what is wrong between fields of a raw target, however broken the rest of it is."""
    key_mode = [name for name in _API_KEY_MODE if target.get(name) is not None]
    app_mode = [name for name in _APP_MODE if target.get(name) is not None]
    if not key_mode and not app_mode:
        fix = "add site_id and api_key, or app_id, app_secret and instance_id"
        yield FieldProblem(path, "has no credential", fix)
    elif "api_key" in key_mode and app_mode:
        fix = "keep api_key and site_id, or the three app keys"
        yield FieldProblem((*path, app_mode[0]), "two ways to log in: api_key and an app", fix)
    elif app_mode:
        if key_mode:
            fix = "remove site_id: the instance id of an app already names the site"
            yield FieldProblem((*path, "site_id"), "does not go together with an app", fix)
        for name in sorted(set(_APP_MODE) - set(app_mode)):
            fix = f"add {name}: an app needs app_id, app_secret and instance_id"
            yield FieldProblem(path, f"{name} is missing", fix)
    else:
        for name in sorted(set(_API_KEY_MODE) - set(key_mode)):
            yield FieldProblem(path, f"{name} is missing", f"add {name}: an API key works on one site, named by site_id")
    yield from shared_aliases(target, path, "aliases", "schedules")
    yield from shared_aliases(target, path, "resource_aliases", "resources")
    yield from _heartbeats(target, path)
    yield from _shared_services(target, path)


def _heartbeats(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield heartbeats of schedules that nobody can mean, and the second one of a schedule."""
    aliases = {str(schedule): alias for schedule, alias in mapping_of(target.get("aliases")).items() if isinstance(alias, str)}
    events = mapping_of(mapping_of(target.get("collectors")).get("events"))
    rows = events.get("heartbeats")
    first: dict[str, int] = {}
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        name = mapping_of(row).get("schedule")
        if not isinstance(name, str) or not name:
            continue
        where = (*path, "collectors", "events", "heartbeats", index, "schedule")
        if aliases and not _is_guid(name) and name not in aliases.values():  # without any, this may be defaults
            near = close_match(name, aliases.values())
            yield FieldProblem(where, _no_alias(name), f"did you mean {near}?" if near else _ID_OR_ALIAS)
        elif (other := first.setdefault(label_of(name, aliases), index)) != index:
            fix = "keep one of them: a schedule has one heartbeat"
            yield FieldProblem(where, f"is also the schedule of heartbeats[{other}]", fix)


_ID_OR_ALIAS: Final = "use the id of a schedule, or a name that stands under aliases"


def _no_alias(name: str) -> str:
    return f"there is no schedule {shown(name)} under aliases"


def _shared_services(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield each name and each id that several services of the collector `slots` have."""
    written = mapping_of(mapping_of(target.get("collectors")).get("slots")).get("services")
    services = [mapping_of(service) for service in written] if isinstance(written, list) else []
    names = Counter(name for service in services if isinstance(name := service.get("name"), str))
    ids = Counter(id_.lower() for service in services if isinstance(id_ := service.get("id"), str))
    for index, service in enumerate(services):
        where = (*path, "collectors", "slots", "services", index)
        name, id_ = service.get("name"), service.get("id")
        if isinstance(name, str) and names[name] > 1:
            message = f"{shown(name)} is the name of several services"
            yield FieldProblem((*where, "name"), message, "give each service a name of its own")
        if isinstance(id_, str) and ids[id_.lower()] > 1:
            yield FieldProblem((*where, "id"), "is the id of several services", "name each service once")


def warnings(target: WixTarget, path: Path) -> Iterator[FieldProblem]:
    """Yield what is allowed and probably not meant."""
    for name in ("site_id", "app_id", "instance_id"):
        value = getattr(target, name)
        if value and not _is_guid(value):
            fix = (
                "copy the GUID after /dashboard/ in the address of the site's dashboard"
                if name == "site_id"
                else "copy it again"
            )
            message = "does not look like a GUID such as 12345678-9abc-4def-8123-456789abcdef"
            yield FieldProblem((*path, name), message, fix)
    yield from _collectors(target.collectors, (*path, "collectors"))
    if target.collectors.events:
        yield from _events(target, target.collectors.events, (*path, "collectors", "events", "heartbeats"))
    for index, schedule in enumerate(target.schedule_ids):
        yield from _schedule(schedule, (*path, "schedule_ids", index))
    for schedule in target.aliases:
        where = (*path, "aliases", schedule)
        yield from _schedule(schedule, where)
        if target.schedule_ids and schedule not in target.schedule_ids and _is_guid(schedule):
            yield FieldProblem(where, "is the alias of a schedule that schedule_ids leaves out", "add it there")
    for index, accepted in enumerate(target.accepted):
        if accepted.booking is not None and not _is_guid(accepted.booking):
            where = (*path, "accepted", index, "booking")
            yield FieldProblem(where, "does not look like the GUID of a booking", "copy the id that the board shows")


def _checks(connections: WixConnections, where: Path) -> Iterator[FieldProblem]:
    every, polled = connections.check_interval, connections.interval
    if "check_interval" not in connections.model_fields_set:
        return
    if not connections.probe and not connections.staff:
        yield FieldProblem(where, "has no effect: probe and staff are both false", "remove it, or one of these two")
    elif every < polled:
        message = f"of {format_duration(every)} is shorter than interval: checks are made in polls alone"
        yield FieldProblem(where, message, f"use {format_duration(polled)} or more")


def _collectors(chosen: WixCollectors, path: Path) -> Iterator[FieldProblem]:
    """Yield what the named collectors leave out, and what is looked for less than once a day."""
    if not chosen.connections and not chosen.bookings:
        named = [name for name, one in (("events", chosen.events), ("slots", chosen.slots)) if one]
        only = f"{' and '.join(named)} {'runs' if len(named) == 1 else 'run'}"
        message = f"of those that are named only {only}: neither the connections nor the bookings are watched"
        yield FieldProblem(path, message, "name connections and bookings as well")
    if chosen.connections:
        yield from _checks(chosen.connections, (*path, "connections", "check_interval"))
    for where, interval in (
        (("connections", "check_interval"), chosen.connections.check_interval if chosen.connections else 0.0),
        (("events", "interval"), chosen.events.interval if chosen.events else 0.0),
        (("slots", "interval"), chosen.slots.interval if chosen.slots else 0.0),
    ):
        if interval > LONGEST_INTERVAL:
            message = f"of {format_duration(interval)} is longer than a day: what it looks for is found as late as that"
            yield FieldProblem((*path, *where), message, f"use {format_duration(LONGEST_INTERVAL)} or less")


def _events(target: WixTarget, events: WixEvents, where: Path) -> Iterator[FieldProblem]:
    chosen = target.collectors
    if events.heartbeats and chosen.bookings and not chosen.connections:
        message = "are looked for nowhere: without the collector connections nothing tells which schedules have a calendar"
        yield FieldProblem(where, message, "name connections as well")
    for index, heartbeat in enumerate(events.heartbeats):
        if MORNING <= heartbeat.heartbeat.minute < LATE_EVENING:
            message = "is not at night: the event takes somebody's time, and that of bookings"
            yield FieldProblem((*where, index, "at"), message, "choose an odd time between 23:00 and 06:00, such as 03:07")
        if heartbeat.late_after is not None and heartbeat.heartbeat.minute % 60 > LAST_PLAIN_MINUTE:
            message = "leaves a script no room: the 23 minutes that it may add go past the full hour, and it has to carry them"
            fix = f"choose a minute of {LAST_PLAIN_MINUTE} or less"
            yield FieldProblem((*where, index, "at"), message, fix)
        if not target.aliases and not _is_guid(heartbeat.schedule):
            yield FieldProblem((*where, index, "schedule"), _no_alias(heartbeat.schedule), _ID_OR_ALIAS)


def _schedule(schedule: str, where: Path) -> Iterator[FieldProblem]:
    if not _is_guid(schedule):
        yield FieldProblem(where, "does not look like the GUID of a schedule", "copy it again")


def _is_guid(text: str) -> bool:
    return GUID.fullmatch(text.lower()) is not None
