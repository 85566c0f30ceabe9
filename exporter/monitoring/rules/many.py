"""What is recorded of that which befalls the connections and bookings of many targets at once."""

from __future__ import annotations

from enum import StrEnum

from exporter.monitoring.options import Options
from exporter.monitoring.rules.besides import besides
from exporter.monitoring.rules.bookings import BOOKINGS, CLOSED, NEW_1D, NEW_4H
from exporter.monitoring.rules.connections import ACCEPTED, BAD, DOWN, LISTED, LIVE, LOST, REASON
from exporter.monitoring.rules.extent import FEW, MANY, a_part_or_most
from exporter.monitoring.rules.objective import FASTEST_BURN, SLOWER_BURN
from exporter.monitoring.rules.recording import Recording, RecordingGroup

WITH_CONNECTIONS = "platform:booking_sync_targets_with_connections:count"
WITH_BOOKINGS = "platform:booking_sync_targets_with_bookings:count"
DOWN_TARGETS = "platform:booking_sync_connections_down:count"
DOWN_AT_ONCE = "platform:booking_sync_connections_down_at_once:count"
NEW_ERRORS = "platform_reason:booking_sync_connection_error:count"
BROKE_BESIDES = "target_what:booking_sync_connections_besides:info"
BROKE_BESIDES_TARGETS = "platform_besides:booking_sync_connections:count"
EMPTY = "target_symptom:booking_sync_calendar_empty:info"
EMPTY_TARGETS = "platform:booking_sync_calendar_empty:count"
BURNING = "target:booking_sync_connections_burning:sum"
_BROKEN = "target_what:booking_sync_connections_broken:info"
_MANY_BROKEN = "platform:booking_sync_connections_down_many:count"
_BROKE = "target_what:booking_sync_connections_broke_besides:info"
_HOUR = "platform:booking_sync_connections_besides_hour:timestamp"


class Broken(StrEnum):
    """How much of a target's connections is broken, the label ``what``: each has a page of its own, and the first is both."""

    ALL = "all"
    SOME = "some"


class Symptom(StrEnum):
    """Why a calendar is called empty, the label ``symptom``. Each against the same days of the weeks before."""

    NOTHING_AHEAD = "nothing ahead"
    NOTHING_NEW_FOR_A_DAY = "nothing new for a day"
    NOTHING_NEW_FOR_HOURS = "nothing new for hours"


def many_recordings(options: Options) -> RecordingGroup:
    """Return what is recorded of many targets at once."""
    limit = f"{FASTEST_BURN} * {options.error_budget}"
    lately = f"max without (connection) (max_over_time({LOST}[1d]))"
    burning = f"{BAD} >= 2\nand {BAD} / ({LIVE} > 0) > {limit}\nand (last_over_time({BURNING}[10m]) or {lately})"
    broke_lately = f"{REASON}\nand ignoring (reason) max_over_time({LOST}[1d])\nunless ignoring (reason) {ACCEPTED}"
    return RecordingGroup(
        "booking-sync-many",
        "1m",
        (
            Recording(
                WITH_CONNECTIONS,
                "count without (target) (\n"
                f"  {LISTED} unless {LISTED} <= count without (connection) ({ACCEPTED})\n  or {DOWN}\n)",
                "Not those whose connections are all meant to be as they are: of what is left, others can be most.",
            ),
            Recording(WITH_BOOKINGS, f"count without (target) (max without (window) ({BOOKINGS}))"),
            Recording(
                BURNING,
                burning,
                "Exists from when connections that worked within a day are in error, so many that their error budget pages,\n"
                "and until they are not. What nobody fixes within a day is no better for it.",
            ),
            Recording(
                DOWN_TARGETS,
                f"count without (target) ({DOWN} or {BURNING})",
                "Targets of which no connection works, or so few that their error budget would page for each of them.",
            ),
            Recording(
                DOWN_AT_ONCE,
                f"{DOWN_TARGETS} >= {FEW}\nand (\n"
                f"  last_over_time({DOWN_AT_ONCE}[10m])\n"
                "  or count_over_time((\n"
                f"    {DOWN_TARGETS} - ({DOWN_TARGETS} offset 1h or 0 * {DOWN_TARGETS}) >= {MANY}\n"
                "  )[9m:1m]) > 4\n)",
                "The same once many went down within an hour, and until they are few. They count for a day: of 5,000 targets\n"
                "as many go down one by one in that time, and each of those is an incident of its own.",
            ),
            *_besides(options),
            Recording(
                NEW_ERRORS,
                f"count without (target) (max without (connection) (\n{broke_lately}\n))",
                "Targets with a connection that worked within a day and is in error for this reason.",
            ),
            Recording(
                EMPTY,
                _empty(options.thresholds.intake_silent_least),
                "What the tickets of single targets say, so that it can be counted.",
            ),
            Recording(EMPTY_TARGETS, f"count without (target) (max without (symptom) ({EMPTY}))"),
        ),
    )


def part(affected: str, minimum: int, of: str, share: float, drop: str = "") -> str:
    """Return ``affected`` where it reaches ``minimum`` and is a larger part of ``of`` than ``share``."""
    join = f"ignoring ({drop}) group_left () " if drop else ""
    return f"({affected} / {join}({of} > 0) > {share} and {affected} >= {minimum})"


def many_down() -> str:
    """Return a condition: the calendars of so many targets do not work that it is one page, whenever they broke."""
    return a_part_or_most(DOWN_TARGETS, WITH_CONNECTIONS)


def _besides(options: Options) -> tuple[Recording, ...]:
    all_, some = (f'"what", "{what}", "", ""' for what in Broken)
    burning = f"{BAD} >= 2\n  and {BAD} / ({LIVE} > 0) > {SLOWER_BURN} * {options.error_budget}"
    return (
        Recording(
            _BROKEN,
            f"label_replace({DOWN} ^ 0, {all_})\nor\nlabel_replace((\n  {burning}\n  or {DOWN}\n) ^ 0, {some})",
            "Exists while a page about the connections of a target stands or may come.",
        ),
        Recording(_MANY_BROKEN, f"{DOWN_TARGETS} and ({DOWN_AT_ONCE}\n  or {many_down()}\n)"),
        Recording(
            _BROKE,
            f"{_BROKEN}\nunless last_over_time({_BROKEN}[67m] offset 3m)\n"
            f"and ignoring (what) {LISTED} offset 1h\n"
            f"and ignoring (target, what) {_MANY_BROKEN} offset 1h",
            "Exists for the first minutes of what breaks when those of many others had been broken for an hour: another\n"
            "incident. What comes back for less than an hour is none, nor what was not seen an hour ago.",
        ),
        *besides(_BROKE, _HOUR, BROKE_BESIDES, _BROKEN, "target", "what"),
        Recording(BROKE_BESIDES_TARGETS, f"count without (target) (max without (what) ({BROKE_BESIDES}))"),
    )


def _empty(minimum: int) -> str:
    ahead = f'{BOOKINGS}{{window="next_7d"}}[10m]'
    symptoms = {
        Symptom.NOTHING_AHEAD: (
            f"max without (window) (last_over_time({ahead}) == 0 and last_over_time({ahead} offset 1w) >= 10)",
            "10m",
        ),
        Symptom.NOTHING_NEW_FOR_A_DAY: (f"{NEW_1D} == 0 and {NEW_1D} offset 1w >= {minimum}", "1d"),
        Symptom.NOTHING_NEW_FOR_HOURS: (
            f"{NEW_4H} == 0 and {NEW_4H} offset 1w >= 8 and {NEW_4H} offset 2w >= 8 and {NEW_4H} offset 3w >= 8",
            "1d",
        ),
    }
    return "\nor\n".join(
        f'label_replace(\n  ({expression})\n  unless max_over_time({CLOSED}[{closed}]),\n  "symptom", "{symptom}", "", ""\n)'
        for symptom, (expression, closed) in symptoms.items()
    )
