"""Figures of ``docs/sizing.md`` that are the same on every machine: requests, series, and what the manifest asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from exporter.simulator.wix.providers import APPLE, GOOGLE
from tests.docs.simulated import SITE, World, world
from tests.harness.exposition import lines_of
from tests.metrics import test_series_of_a_target as costs
from tools.benchmarks import reports
from tools.sizing import put_in, sizes

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "sizing.md").read_text()
FLEET = "5,000 + 500 targets, 500 pairs"
JUDGED: Final = ("share of a core", "no poll later than")
PORTAL: Final = f"{demo_world.STUDIO}-b24"

CONFIGURATIONS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "Wix, defaults": (SITE, {}),
    "Wix, `bookings: {conflicts: true}`, a diary of 150 bookings": (SITE, {"connections": {}, "bookings": {"conflicts": True}}),
    "Wix, `connections` alone": (SITE, {"connections": {}}),
    "Bitrix24, defaults": (PORTAL, {}),
    "Bitrix24, `bookings` alone": (PORTAL, {"bookings": {}}),
}


def rows() -> dict[str, tuple[int, int]]:
    found = re.findall(r"^\| (.+) \| (\d+) \| ([\d,]+) \|$", TEXT, re.MULTILINE)
    return {name: (int(hour), int(day.replace(",", ""))) for name, hour, day in found}


async def requests(there: World, target: str) -> float:
    found = lines_of(await there.app.page())
    return sum(value for name, labels, value in found if name.endswith("_api_requests_total") and labels["target"] == target)


@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_a_configuration_asks_as_often_as_the_page_says(name: str, tmp_path: Path) -> None:
    target, collectors = CONFIGURATIONS[name]

    async with world(tmp_path, changed=target, **{"collectors": collectors} if collectors else {}) as there:
        await there.minutes(20)
        before = await requests(there, target)
        await there.minutes(60)
        asked = round(await requests(there, target) - before)
    assert rows().get(name) == (asked, asked * 24)


@pytest.mark.parametrize(
    ("what", "build", "target"),
    [
        ("a Wix site with four connections to two calendars", costs.site(GOOGLE, GOOGLE, APPLE, APPLE), costs.WIX),
        (
            "the same with `bookings: {conflicts: true}`",
            costs.site(GOOGLE, GOOGLE, APPLE, APPLE),
            {**costs.WIX, "collectors": {"connections": {}, "bookings": {"conflicts": True}}},
        ),
        ("a Bitrix24 portal", costs.portal, costs.PORTAL),
    ],
)
async def test_series_are_as_many_as_the_page_says(
    tmp_path: Path, what: str, build: Callable[[Simulator], None], target: dict[str, Any]
) -> None:
    assert f"| {what} | {(await costs.series(tmp_path, build, target)).total()} |" in TEXT


def test_the_table_of_fleets_is_what_was_measured_last() -> None:
    assert put_in(TEXT, reports()) == TEXT


def test_the_readme_promises_what_was_measured() -> None:
    largest, found = sizes(reports())[-1], reports()["fleet"]
    share, late = (next(one.ours[0] for one in found.figures if one.name == f"{FLEET}: {name}") for name in JUDGED)
    [said] = re.findall(
        r"5,000 sites, 500 portals and 500 paired calendars take (\d+) % of it and (\d+) MiB, a scrape a minute included, and "
        r"no poll\s+is more than (a second|\d seconds) late",
        (ROOT / "README.md").read_text(),
    )
    assert [f"{share:.0f}", f"{largest.memory:.0f}", "a second" if late <= 1 else f"{late:.0f} seconds"] == [*said]


def manifest() -> Any:  # noqa: ANN401  a document of Kubernetes
    documents = yaml.safe_load_all((ROOT / "config" / "kubernetes" / "deployment.yaml").read_text())
    [deployment] = [document for document in documents if document and document["kind"] == "Deployment"]
    return deployment["spec"]["template"]["spec"]["containers"][0]["resources"]


def test_the_manifest_asks_for_what_the_first_row_says() -> None:
    asked = manifest()
    assert f"| up to 100 | {asked['requests']['cpu']} | {asked['requests']['memory']} | {asked['limits']['memory']} |" in TEXT
    assert "cpu" not in asked["limits"]


def test_each_row_for_kubernetes_has_room_for_what_was_measured() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| .*? \| .*? \| ([^|]*MiB[^|]*) \|", TEXT, re.MULTILINE)
    measured = {targets: max(map(int, re.findall(r"(\d+) MiB", memory))) for targets, memory in rows}
    asked = re.findall(r"^\| up to ([\d,]+) \| \w+ \| (\d+)(Mi|Gi) \|", TEXT, re.MULTILINE)
    assert 3 == len(asked)
    for targets, number, unit in asked:
        assert int(number) * (1024 if unit == "Gi" else 1) >= 1.3 * measured[targets], targets
