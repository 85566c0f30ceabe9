"""One incident, one message, also where it grows, meets a restart, a set clock, a replica, or a second cause."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.monitoring.message_counts import Counts
from tests.monitoring.odd_storms import ALERTS, BEGIN, MINUTES, Incident, Messages, incidents
from tests.monitoring.paging import Notice, counted, told
from tests.monitoring.storms import Spell, played

_AT_ONCE = 250
"""Targets that promtool is shown at once; it reads no more than 10,000 samples for a query."""


def _fired(all_of_them: Sequence[Incident], folder: Path) -> dict[str, list[Spell]]:
    found: dict[str, list[Spell]] = {}
    left = list(all_of_them)
    while left:
        together = [left.pop()]
        while left and sum(map(_size, (*together, left[-1]))) <= _AT_ONCE:
            together.append(left.pop())
        jobs = {job: page for incident in together for job, page in incident.jobs.items()}
        shown = {name: values for page in jobs.values() for name, values in page.items()}
        found |= played(shown, dict.fromkeys(jobs, int(BEGIN)), MINUTES, folder, ALERTS)
    return found


def _size(incident: Incident) -> int:
    return sum(name.startswith("booking_sync_credential_info") for page in incident.jobs.values() for name in page)


def _messages(notices: Sequence[Notice]) -> Messages:
    pager, tickets = counted(notices, "pager"), counted(notices, "tickets")

    def begun(counts: Counts) -> int:
        return counts.begun + counts.again

    # What joins a page that was sent rings nobody; each mail is a ticket.
    return Messages(begun(pager), begun(tickets) + tickets.more, pager.over + tickets.over)


@pytest.mark.servers
def test_an_incident_that_goes_on_otherwise_is_told_as_often_as_it_has_news(tmp_path: Path) -> None:
    played_ones = incidents()
    notices = told(_fired(played_ones, tmp_path), tmp_path, 120)
    assert {incident.what: incident.told for incident in played_ones} == {
        incident.what: _messages([notice for job in incident.jobs for notice in notices[job]]) for incident in played_ones
    }
