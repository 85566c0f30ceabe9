"""A number without a unit where a duration has bounds: what the fix says to write is taken by the next run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exporter.config import load_config
from exporter.errors import ConfigError, ConfigProblem

SITE: Final = "7f1c2a34-0000-4000-8000-000000000001"
TARGET: Final = f"{{name: a, platform: wix, site_id: {SITE}, api_key: {{env: KEY}}%s}}"
RULE: Final = f"{{name: a, platform: wix, account_id: {SITE}, api_key: {{env: KEY}}, interval: V}}"
BEAT: Final = f'{{schedule: {SITE}, at: "03:07", late_after: V}}'
HEARTBEAT: Final = f"collectors: {{connections: {{}}, events: {{heartbeats: [{BEAT}]}}}}"
PLACES: Final = {
    "late_after": f"targets: [{TARGET % f', {HEARTBEAT}'}]\n",
    "discover": f"discover: [{RULE}]\n",
    **{
        f"{kind}.{key}": f"verdicts: {{{kind}: {{{key}: V}}}}\ntargets: [{TARGET % ''}]\n"
        for kind, key in (
            ("conflict", "soon"),
            ("external_conflict", "soon"),
            ("connections_down", "within"),
            ("connection_disconnected", "within"),
            ("connection_stuck", "after"),
            ("connection_unclear", "after"),
            ("credential_expiry", "within"),
        )
    },
}


def refused(folder: Path, text: str) -> list[ConfigProblem]:
    path = folder / "exporter.yml"
    path.write_text(text)
    path.chmod(0o600)
    try:
        load_config(path, {"KEY": "k" * 40})
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", ["1", "3", "10", "45", "100", "7200", "0.5"])
def test_each_duration_that_the_fix_offers_for_a_bare_number_is_taken(place: str, number: str, tmp_path: Path) -> None:
    [problem] = refused(tmp_path, PLACES[place].replace("V", number))
    assert "has no unit" == problem.message
    offered = re.findall(r"(\S+) for \w+", problem.fix) or re.findall(r"from (\S+) to (\S+)$", problem.fix)[0]
    assert [] == [problem for one in offered for problem in refused(tmp_path, PLACES[place].replace("V", one))]


def test_a_bare_number_that_is_right_with_one_unit_alone_is_told_with_that(tmp_path: Path) -> None:
    [problem] = refused(tmp_path, PLACES["late_after"].replace("V", "3"))
    assert "write 3h for hours" == problem.fix
