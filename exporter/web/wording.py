"""How the status board words moments, spans, numbers, names and states. Pure functions; the template's filters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from markupsafe import Markup, escape

from exporter.model import ConnectionStatus
from exporter.state.findings import Finding
from exporter.support.local_time import date_of, day_and_time, from_to, in_utc, in_zone
from exporter.web.status_types import Target

#: Broken first, the order of the words in every summary.
STATUS_ORDER: Final = (
    ConnectionStatus.ERROR,
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.UNKNOWN,
    ConnectionStatus.UNDEFINED,
    ConnectionStatus.SYNC_IN_PROGRESS,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.SYNCED,
)

_UTC: Final = "UTC"
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """Word a length of time with at most two units: ``45 s``, ``5 min``, ``1 h 20 min``, ``3 d 4 h``."""
    whole = max(0, int(seconds))
    for position, (size, unit) in enumerate(_UNITS):
        if whole < size:
            continue
        first, rest = divmod(whole, size)
        smaller, smaller_unit = _UNITS[min(position + 1, len(_UNITS) - 1)]
        second = rest // smaller
        # Seconds beside minutes are noise, except where the minutes are few.
        if second and (smaller_unit != "s" or first < 5):  # noqa: PLR2004  five minutes
            return f"{first} {unit} {second} {smaller_unit}"
        return f"{first} {unit}"
    return "0 s"


def relative(moment: datetime, now: datetime) -> str:
    """Word how far ``moment`` lies from ``now``: ``3 min ago``, ``in 2 h``, ``now``."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def local(moment: datetime, zone: str, now: datetime) -> str:
    """Word ``moment`` on the clock of ``zone``: ``today 09:30``, ``Fri 27 Nov 09:30``; in UTC it is said that it is UTC."""
    text = day_and_time(in_zone(moment, zone), now)
    return f"{text} UTC" if zone == _UTC else text


def beside(moment: datetime, zone: str) -> str:
    """Return what stands beside the local form of ``moment``: the same in UTC; nothing where that is the zone."""
    return "" if zone == _UTC else in_utc(in_zone(moment, zone))


def date(moment: datetime, zone: str) -> str:
    """Word the date of ``moment`` on the calendar of ``zone``: ``Fri 27 Nov``."""
    return date_of(in_zone(moment, zone))


def seconds(moment: datetime, zone: str) -> str:
    """Word the time of ``moment`` on the clock of ``zone`` to the second, UTC beside it: ``09:30:12 (08:30 UTC)``."""
    here = in_zone(moment, zone)
    return f"{here:%H:%M:%S} UTC" if zone == _UTC else f"{here:%H:%M:%S} ({in_utc(here)})"


def interval(start: datetime, end: datetime, zone: str, now: datetime) -> str:
    """Word an interval on the clock of ``zone``: ``today 09:30 to 09:50``."""
    text = from_to(in_zone(start, zone), in_zone(end, zone), now)
    return f"{text} UTC" if zone == _UTC else text


def subject(found: Finding) -> str:
    """Return what of a target is broken; a connection with the type of its calendar beside it: ``Chair 1 (google)``."""
    return f"{found.subject} ({found.connection.calendar_type})" if found.connection else found.subject


def resource(target: Target, resource_id: str) -> str:
    """Return what people call a resource: its alias, else its name on the platform, else its id."""
    names = target.bookings.resource_names if target.bookings else {}
    return target.resource_aliases.get(resource_id) or names.get(resource_id) or resource_id


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return what sorts names as people do: ``Chair 2`` before ``Chair 10``, whatever their case."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((1, int(part)) if position % 2 else (0, part) for position, part in enumerate(parts))


def plain(word: str) -> str:
    """Return an identifier as words: ``sync_in_progress`` -> ``sync in progress``."""
    return word.replace("_", " ")


def number(value: float) -> str:
    """Word a number without needless decimals, thousands apart by a narrow space."""
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return text.replace(",", "\u202f")


def plural(count: int, word: str, words: str | None = None) -> str:
    """Return ``1 target`` or ``2 targets``."""
    return f"{number(count)} {word if count == 1 else words or word + 's'}"


def prose(text: str) -> Markup:
    """Return advice as HTML: what stands between back quotes is code, ``->`` is an arrow."""
    parts = text.replace("->", "\u2192").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if position % 2 else escape(part) for position, part in enumerate(parts)
    )


def facts(target: Target) -> list[str]:
    """Return what the folded line of a target says about it."""
    found = ["paused"] if target.paused else ["closed today"] if target.closed else []
    if target.connections:
        counts = Counter(row.status for row in target.connections.connections)
        words = [f"{number(counts[status])} {plain(status)}" for status in STATUS_ORDER if counts[status]]
        dropped = target.connections.dropped_connections
        if dropped:
            words.append(f"{number(dropped)} not listed")
        count = plural(len(target.connections.connections) + dropped, "connection")
        found.append(f"{count}: {', '.join(words)}" if words else count)
    if target.bookings and target.bookings.windows:
        row = target.bookings.windows[-1]
        found.append(f"{plural(row.bookings, 'booking')} in {row.window}")
    ages = [collector.data_age_seconds for collector in target.collectors if collector.data_age_seconds is not None]
    if ages:
        found.append(f"data {span(max(ages))} old")
    return found


FILTERS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "prose": prose,
        "span": span,
        "relative": relative,
        "local": local,
        "beside": beside,
        "interval": interval,
        "date": date,
        "seconds": seconds,
        "plain": plain,
        "number": number,
        "plural": plural,
    }
)
