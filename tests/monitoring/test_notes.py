"""What a render says of what it was asked for, besides the files that it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.monitoring.notes import notes_on
from tests.monitoring.test_settings import settings_of

RECEIVERS = """
receivers:
  pager: [{webhook: {url: "https://pager.example.org/"}}]
  tickets: [{webhook: {url: "https://tickets.example.org/"}}]
  heartbeat: []
"""
OWN = """
extra:
  receivers: [{name: me, webhook_configs: [{url: "https://me.example.org/"}]}]
  routes: [{receiver: me, %s}]
"""


def notes(folder: Path, text: str) -> list[str]:
    return [*notes_on(settings_of(folder, text).options())]


@pytest.mark.parametrize(
    "taking",
    [
        "matchers: ['severity=~\"critical|warning\"']",
        "matchers: ['severity!=\"none\"', 'severity!=\"info\"']",
        "matchers: ['job=\"booking-sync-exporter\"', 'severity!=\"none\"']",
        "match_re: {severity: critical|warning}",
    ],
)
def test_a_route_of_a_users_own_that_takes_all_pages_and_tickets_is_told(taking: str, tmp_path: Path) -> None:
    assert [
        "note: extra.routes[0] takes all pages: they go to me, and none to pager",
        "note: extra.routes[0] takes all tickets: they go to me, and none to tickets",
    ] == notes(tmp_path, RECEIVERS + OWN % taking)


@pytest.mark.parametrize(
    "taking",
    [
        "matchers: ['severity=\"critical\"', 'site=\"berlin\"']",
        "matchers: ['severity=\"critical\"'], continue: true",
        "matchers: ['job=\"another\"']",
        "matchers: ['fixed_by=\"front desk\"']",
    ],
)
def test_a_route_that_leaves_some_of_them_is_not_told(taking: str, tmp_path: Path) -> None:
    assert [] == notes(tmp_path, RECEIVERS + OWN % taking)


def test_receivers_that_keep_the_addresses_of_the_example_are_told_to_who_names_another_one(tmp_path: Path) -> None:
    pager = "receivers: {pager: [{webhook: {url: 'https://pager.example.org/'}}]}"
    expected = "note: receivers has no entry for tickets and heartbeat: the addresses there are those of the example"
    assert [expected] == notes(tmp_path, pager)
    assert [] == notes(tmp_path, "jobs: [salons]")
    assert [] == notes(tmp_path, RECEIVERS)
