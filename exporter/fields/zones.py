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
_LONGEST: Final = 60  # of a name of which it is worth to look for another
_SHORT: Final = 4
_ANY: Final = "the zone of the business, such as Europe/Berlin"

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
    if name == "Factory":
        return "Factory means that nobody has set the zone yet, and is UTC", f"write UTC, or {_ANY}"
    return None


def place_like(name: str) -> str | None:
    """Return the place that ``name``, which is no zone, may mean: in small letters, the city alone, a slip of the pen."""
    if len(name) > _LONGEST:
        return None
    wanted = name.strip().replace(" ", "_").lower()
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
