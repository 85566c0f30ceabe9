"""Names of time zones that exist and do not mean what they seem to say, and names that do not exist: what to write instead.

Sources: the comments in IANA's files ``etcetera`` and ``factory``, and tzcode's Makefile for ``right``, ``posix``,
``localtime`` and ``posixrules``, which are no names of IANA's but files that an operating system may bring.
"""

from __future__ import annotations

import difflib
import functools
import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FIXED: Final = re.compile(r"Etc/GMT([+-])([1-9][0-9]?)")
_MAX_NAME: Final = 60  # of a name of which it is worth to look for another
_SHORT: Final = 4
_ANY: Final = "the zone of the business, such as Europe/Berlin"
_ODD: Final[Mapping[str, tuple[str, str]]] = {
    "Factory": ("Factory means that nobody has set the zone yet, and is UTC", f"write UTC, or {_ANY}"),
    "EST": ("EST has no summer time", "write America/New_York for a place that has it"),
    "MST": ("MST has no summer time", "write America/Denver for a place that has it"),
}

# Places whose clocks never change, by hours ahead of UTC.
_PLACES: Final[Mapping[int, str]] = {
    -11: "Pacific/Pago_Pago",
    -10: "Pacific/Honolulu",
    -9: "Pacific/Gambier",
    -8: "Pacific/Pitcairn",
    -7: "America/Phoenix",
    -6: "America/Costa_Rica",
    -5: "America/Bogota",
    -4: "America/Puerto_Rico",
    -3: "America/Sao_Paulo",
    -2: "America/Noronha",
    -1: "Atlantic/Cape_Verde",
    1: "Africa/Lagos",
    2: "Africa/Johannesburg",
    3: "Europe/Moscow",
    4: "Asia/Dubai",
    5: "Asia/Karachi",
    6: "Asia/Dhaka",
    7: "Asia/Bangkok",
    8: "Asia/Singapore",
    9: "Asia/Tokyo",
    10: "Australia/Brisbane",
    11: "Pacific/Guadalcanal",
    12: "Pacific/Tarawa",
    13: "Pacific/Tongatapu",
    14: "Pacific/Kiritimati",
}


def misleading(name: str) -> tuple[str, str] | None:
    """Return what is odd about the zone ``name`` and what to write instead; ``None`` for a name that means what it says."""
    if (fixed := _FIXED.fullmatch(name)) is not None:
        return _reversed(name, -int(fixed[1] + fixed[2]))
    folder, _, inner = name.partition("/")
    if folder == "right":
        what = f"{name} counts leap seconds, which clocks do not: its days begin at the wrong time"
        return misleading(inner) or (what, f"write {inner}")
    if folder == "posix":
        return misleading(inner) or (f"{name} is {inner} on this machine and unknown on others", f"write {inner}")
    if name in ("localtime", "posixrules"):
        return f"{name} is another zone on each machine", f"write {_behind(name) or _ANY}"
    return _ODD.get(name)


# Cities that have no zone of their own, and countries that have one for all; in small letters, as place_like looks them up.
_CITIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("germany", "deutschland", "munich", "münchen", "hamburg", "cologne", "köln", "frankfurt", "stuttgart"),
            *("düsseldorf", "leipzig", "dresden", "hannover", "nuremberg", "nürnberg", "bremen"),
        ),
        "Europe/Berlin",
    ),
    **dict.fromkeys(("austria", "österreich", "graz", "salzburg", "linz"), "Europe/Vienna"),
    **dict.fromkeys(("switzerland", "schweiz", "geneva", "genf", "basel", "bern"), "Europe/Zurich"),
    **dict.fromkeys(("saint_petersburg", "st._petersburg", "st_petersburg", "kazan", "sochi"), "Europe/Moscow"),
    **dict.fromkeys(("italy", "milan", "milano", "roma", "turin"), "Europe/Rome"),
    **dict.fromkeys(("france", "lyon", "marseille"), "Europe/Paris"),
    **dict.fromkeys(("spain", "barcelona", "valencia"), "Europe/Madrid"),
    **dict.fromkeys(("england", "manchester", "uk"), "Europe/London"),
    **dict.fromkeys(("poland", "krakow"), "Europe/Warsaw"),
    **dict.fromkeys(("ukraine", "kyiv", "kiev", "lviv", "odesa"), "Europe/Kyiv"),
    **dict.fromkeys(("boston", "washington", "miami", "atlanta"), "America/New_York"),
    **dict.fromkeys(("san_francisco", "seattle", "las_vegas"), "America/Los_Angeles"),
}
# Abbreviations of clocks, which stand for the offset of a season or for several countries; and the names of Windows.
_CLOCKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mez", "mesz", "cest"), "Europe/Berlin"),
    **dict.fromkeys(("msk", "msd"), "Europe/Moscow"),
    "bst": "Europe/London",
    "eest": "Europe/Kyiv",
    **dict.fromkeys(("est", "edt", "et"), "America/New_York"),
    **dict.fromkeys(("cst", "cdt", "ct"), "America/Chicago"),
    **dict.fromkeys(("mst", "mdt"), "America/Denver"),
    **dict.fromkeys(("pst", "pdt", "pt"), "America/Los_Angeles"),
    "z": "UTC",
    "utc0": "UTC",
    # The territory 001 of CLDR's windowsZones.xml.
    "w._europe_standard_time": "Europe/Berlin",
    "central_europe_standard_time": "Europe/Budapest",
    "central_european_standard_time": "Europe/Warsaw",
    "romance_standard_time": "Europe/Paris",
    "gmt_standard_time": "Europe/London",
    "e._europe_standard_time": "Europe/Chisinau",
    "fle_standard_time": "Europe/Kyiv",
    "gtb_standard_time": "Europe/Bucharest",
    "turkey_standard_time": "Europe/Istanbul",
    "israel_standard_time": "Asia/Jerusalem",
    "belarus_standard_time": "Europe/Minsk",
    "kaliningrad_standard_time": "Europe/Kaliningrad",
    "russian_standard_time": "Europe/Moscow",
    "russia_time_zone_3": "Europe/Samara",
    "ekaterinburg_standard_time": "Asia/Yekaterinburg",
    "omsk_standard_time": "Asia/Omsk",
    "n._central_asia_standard_time": "Asia/Novosibirsk",
    "north_asia_standard_time": "Asia/Krasnoyarsk",
    "north_asia_east_standard_time": "Asia/Irkutsk",
    "vladivostok_standard_time": "Asia/Vladivostok",
    "qyzylorda_standard_time": "Asia/Qyzylorda",
    "arabian_standard_time": "Asia/Dubai",
    "india_standard_time": "Asia/Kolkata",
    "singapore_standard_time": "Asia/Singapore",
    "eastern_standard_time": "America/New_York",
    "central_standard_time": "America/Chicago",
    "mountain_standard_time": "America/Denver",
    "pacific_standard_time": "America/Los_Angeles",
    "e._south_america_standard_time": "America/Sao_Paulo",
}
_OFFSET: Final = re.compile(r"(?:UTC|GMT|Etc/UTC)? ?([+-])0?([0-9]{1,2})(?::?00)?", re.IGNORECASE)
_CENTRAL_EUROPE: Final = ("cet", "mez")  # and the forms of POSIX, CET-1CEST


def instead_of(name: str) -> str:
    """Return what to write instead of ``name``, which is no zone."""
    if (offset := _OFFSET.fullmatch(name.strip())) is not None:
        ahead = int(offset[1] + offset[2])
        if ahead == 0:
            return f"write UTC, or {_ANY}"
        if ahead in _PLACES:
            return f"write the zone of the business; {_PLACES[ahead]} has UTC{ahead:+d} all year"
    near = place_like(name.replace("\\", "/"))
    return f"did you mean {near}?" if near else "write it like Europe/Berlin or UTC"


def place_like(name: str) -> str | None:
    """Return the place that ``name``, which is no zone, may mean: in small letters, the city alone, a slip of the pen."""
    if len(name) > _MAX_NAME:
        return None
    wanted = name.strip().replace(" ", "_").lower()
    if wanted.startswith(_CENTRAL_EUROPE):
        return "Europe/Berlin"
    if known_as := _CLOCKS.get(wanted) or _CITIES.get(wanted.rpartition("/")[2]):
        return known_as
    known = _places()
    if "/" not in wanted:
        known = {zone.rpartition("/")[2]: place for zone, place in known.items()}
    # A short name is an abbreviation and no slip: MSK is not Omsk.
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.8) if len(wanted) > _SHORT else [wanted]
    return known.get(near[0]) if near else None


@functools.cache
def _places() -> dict[str, str]:
    """Return the zones that are named after places, by their names in small letters."""
    return {name.lower(): name for name in sorted(zoneinfo.available_timezones()) if "/" in name and name[:4] != "Etc/"}


def _reversed(name: str, hours: int) -> tuple[str, str]:
    """Speak of a zone that is ``hours`` ahead of UTC while its name has the other sign."""
    instead = [f"{_PLACES[offset]} for UTC{offset:+d}" for offset in (-hours, hours) if offset in _PLACES]
    return f"{name} is UTC{hours:+d}: the sign in its name is reversed", f"write {', '.join(instead)}, or the zone of your city"


def _behind(name: str) -> str | None:
    """Return the zone that a link among the files of zones leads to."""
    roots = [Path(folder).resolve() for folder in zoneinfo.TZPATH]
    for root in roots:
        real = (root / name).resolve()
        for home in roots:
            if real.is_file() and real.is_relative_to(home) and real != home / name:
                return real.relative_to(home).as_posix()
    return None
