"""What people call what is shown: a target with its site, a connection with its calendar, a resource by its alias."""

from __future__ import annotations

import math
from collections.abc import Mapping

from exporter.model import BookingsObservation, Conflict, Connection
from exporter.state.snapshot import TargetView
from exporter.support.local_time import from_to, in_utc, local


def named_target(target: TargetView) -> str:
    """Return the name of ``target`` with its label ``site`` beside it: ``salon-wix (site: salon-berlin)``."""
    site = target.labels.get("site", "")
    return f"{target.name} (site: {site})" if site else target.name


def named_connection(connection: Connection) -> str:
    """Return the name of ``connection`` with its type beside it: ``Chair 1 (google calendar)``."""
    return f"{connection.key} ({connection.calendar_type.value} calendar)"


def overlap_minutes(conflict: Conflict) -> int:
    """Return for how many minutes two bookings overlap; a minute that began counts."""
    return math.ceil((conflict.end - conflict.start) / 60)


def conflict_text(target: TargetView, conflict: Conflict, now: float) -> str:
    """Return when, where and which bookings of ``target`` overlap, on the clock of its people at ``now`` (Unix seconds).

    ``today 09:30 to 09:50 (20 min; 08:30 UTC), Chair 1: bookings 812 and 815``
    """
    zone = target.policy.zone
    start, end, here = local(conflict.start, zone), local(conflict.end, zone), local(now, zone)
    return (
        f"{from_to(start, end, here)} ({overlap_minutes(conflict)} min; {in_utc(start)}), "
        f"{resource_name(target, conflict.resource)}: bookings {conflict.first} and {conflict.second}"
    )


def resource_names(target: TargetView) -> Mapping[str, str]:
    """Return the names that resources of ``target`` have on their platform, by their id, as far as they were read."""
    for collector in target.collectors:
        if isinstance(collector.observation, BookingsObservation):
            return collector.observation.resource_names
    return {}


def resource_name(target: TargetView, resource: str) -> str:
    """Return what people call a resource of ``target``: its alias, else its name on the platform, else its id."""
    return target.policy.resource_aliases.get(resource) or resource_names(target).get(resource) or resource
