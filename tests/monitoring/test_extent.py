"""Parts of large fleets: a tenth of a thousand targets is one page, and what is never mended hides no other incident.

Each fleet is a job of its own. What is played is the record of which targets are dark; what targets publish is played by the
storms, of which every one befalls all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from exporter.monitoring.rules.targets import DARK
from tests.monitoring.message_counts import Counts
from tests.monitoring.outages import firing
from tests.monitoring.paging import counted, told
from tests.monitoring.storms import LASTS, Spell

ALERTS: Final = ("BookingSyncManyTargetsFailing", "BookingSyncPlatformDown", "BookingSyncDataExpired")
BEGIN: Final = 130
END: Final = BEGIN + int(LASTS)
PLAYED: Final = END + 45
Row = list[float | None]


def _dark(job: str, number: int, spans: Sequence[tuple[int, int]]) -> dict[str, Row]:
    """Return the record of ``number`` targets; the first ones are dark from one minute to another, as ``spans`` has it."""

    def row(at: int) -> Row:
        begin, end = spans[at] if at < len(spans) else (0, 0)
        return [float(begin <= minute < end) for minute in range(PLAYED + 1)]

    return {f'{DARK}{{job="{job}",platform="wix",target="wix-{at}"}}': row(at) for at in range(number)}


def _outage(number: int, begin: int = BEGIN) -> list[tuple[int, int]]:
    """Return from when to when targets are dark: each notices within five minutes, and is well within a quarter of an hour."""
    return [(begin + at % 5, END + at * 7 % 15) for at in range(number)]


def _chronic(number: int) -> list[tuple[int, int]]:
    return [(3, PLAYED + 1)] * number


FLEETS: Final = {
    "nearly many": _dark("nearly many", 110, _outage(9)),
    "many": _dark("many", 110, _outage(10)),
    "a tenth": _dark("a tenth", 250, _outage(24)),
    "one besides": _dark("one besides", 130, [*_chronic(12), *_outage(1)]),
    "as many besides": _dark("as many besides", 130, [*_chronic(12), *_outage(11)]),
    "more besides": _dark("more besides", 130, [*_chronic(12), *_outage(40)]),
    "some are left": _dark("some are left", 130, [*_outage(5), *[(BEGIN, PLAYED + 1)] * 7]),
}
PAGES: Final = {
    "nearly many": Counts(begun=9, over=9),
    "many": Counts(begun=1, over=1),
    "a tenth": Counts(begun=1, over=1),
    # One is about those that have failed for two hours, and goes on.
    "one besides": Counts(begun=2, over=1),
    "as many besides": Counts(begun=2, over=1),
    "more besides": Counts(begun=2, over=1),
    "some are left": Counts(begun=1),
}


def _spells(folder: Path, job: str) -> list[Spell]:
    """Return what fires, in minutes since the outage began; what did before begins with it."""
    found: list[Spell] = []
    since: dict[tuple[tuple[str, str], ...], int] = {}
    for minute, alerts in firing(FLEETS[job], range(BEGIN, PLAYED + 1), folder, ALERTS).items():
        now = {tuple(sorted(labels.items())) for labels in alerts if labels["job"] == job}
        since |= dict.fromkeys(now - since.keys(), minute)
        found += [Spell(dict(key), since.pop(key) - BEGIN, minute - BEGIN) for key in since.keys() - now]
    return [*found, *(Spell(dict(key), minute - BEGIN, None) for key, minute in since.items())]


@pytest.mark.servers
def test_a_part_of_a_large_fleet_is_one_page_and_so_is_what_begins_besides_a_part_that_is_never_mended(tmp_path: Path) -> None:
    spells = {job: _spells(tmp_path, job) for job in FLEETS}
    notices = told(spells, tmp_path, 120)
    assert PAGES == {job: replace(counted(found, "pager"), more=0) for job, found in notices.items()}
