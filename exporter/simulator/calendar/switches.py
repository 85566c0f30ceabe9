"""How servers differ in what they answer about a calendar (calendar.md 2 and 5); the two that were measured are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """One set for the whole server; put another in its place at any time. The defaults are Radicale's answers."""

    # free-busy-query
    free_busy: Literal["answered", "forbidden", "not_allowed", "not_implemented", "empty_multistatus"] = "answered"
    free_busy_type: str = "text/calendar; charset=utf-8; charset=utf-8"
    joined: bool = True  # busy times that touch or overlap are one period
    sorted: bool = True
    fbtype: Literal["always", "unless_busy", "never"] = "always"
    names_value: bool = False  # VALUE=PERIOD
    cancelled_as_free: bool = True  # a line with FBTYPE=FREE; else it is left out
    length: Literal["end", "duration"] = "end"
    periods_in_line: int = 1
    folded: bool = False  # no line is longer than 75 octets
    newline: str = "\r\n"
    lower_case: bool = False  # names of properties and of their parameters

    # calendar-query and PROPFIND
    prefixed: bool = False  # ns0:multistatus and so on, and the status before the properties
    needs_xml_type: bool = False  # 415 for a request that does not say that it is XML

    # GET of a calendar's address
    page: bool = False  # one for people; else the whole calendar

    # GET of an entry's or a feed's address
    validators: Literal["both", "etag", "last_modified", "none"] = "both"
    honours_validators: bool = True  # 304

    # ICS feeds
    level: Literal["full", "availability"] = "full"  # what the owner publishes: titles, or that they are busy


RADICALE: Final = Switches(honours_validators=False)
XANDIKOS: Final = Switches(
    free_busy_type="application/octet-stream",
    joined=False,
    sorted=False,
    fbtype="unless_busy",
    names_value=True,
    cancelled_as_free=False,
    prefixed=True,
    needs_xml_type=True,
    page=True,
    validators="etag",
)
