"""What users rely on does not go unseen: ``docs/public-surface.txt`` has all of it, and what is gone with its successor."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tools.public_surface import GONE, surface, told, with_news

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "public-surface.txt").read_text()
PAGE: Final = (ROOT / "docs" / "compatibility.md").read_text()
CHANGELOG: Final = (ROOT / "CHANGELOG.md").read_text()


def unannounced(text: str, offered: frozenset[str], changelog: str) -> list[str]:
    """Return what a reader of the file relies on in vain, and what is said to be gone without a successor in the changelog."""
    lost = sorted(line for line in told(text) if not line.startswith(GONE) and line not in offered)
    for line in sorted(line for line in told(text) if line.startswith(GONE)):
        name, arrow, successor = line.removeprefix(GONE).partition(" -> ")
        if not arrow or not successor or name in offered or name.split(" ")[1] not in changelog:
            lost.append(line)
    return lost


def test_everything_that_is_offered_is_listed() -> None:
    assert [] == sorted(surface() - told(TEXT)), "make generate adds it; say it in CHANGELOG.md"


def test_nothing_that_is_listed_went_without_a_word() -> None:
    assert [] == unannounced(TEXT, surface(), CHANGELOG), "write `gone NAME -> SUCCESSOR`, and say the same in CHANGELOG.md"


@pytest.mark.parametrize("kind", sorted({line.partition(" ")[0] for line in surface()}))
def test_a_name_of_any_kind_that_vanishes_is_noticed(kind: str) -> None:
    victim = next(line for line in sorted(surface()) if line.partition(" ")[0] == kind)
    left = surface() - {victim}
    assert unannounced(TEXT, left, CHANGELOG) == [victim]
    assert victim in with_news(TEXT)
    name = victim.split(" ")[1]
    listed = "".join(f"{line}\n" for line in TEXT.splitlines() if not line.startswith(GONE))
    renamed = listed.replace(f"{victim}\n", f"{GONE}{victim} -> another\n")
    assert unannounced(renamed, left, "") == [f"{GONE}{victim} -> another"]
    assert [] == unannounced(renamed, left, f"**Renamed**: {name} is another")


def test_what_is_new_is_added_and_what_is_gone_stays() -> None:
    assert with_news(TEXT) == TEXT
    assert with_news("# heading\ngone metric old -> new\n").startswith("# heading\n")
    assert "\ngone metric old -> new\n" in with_news("# heading\ngone metric old -> new\n")


def test_the_oldest_versions_of_the_page_are_those_that_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [row.rpartition(" :: ")[2] for row in project["classifiers"] if re.search(r"Python :: 3\.\d+$", row)]
    assert project["requires-python"] == f">={declared[0]}"
    assert f"| Python | {declared[0]} | {declared[0]} to {declared[-1]} | CI runs the whole suite on each of them" in PAGE
    versions = (ROOT / "docs" / "monitoring.md").read_text()
    oldest, newest = re.findall(r"Prometheus (\d+\.\d+)\.\d+, Alertmanager (\d+\.\d+)\.\d+", versions)[:2]
    assert f"| Prometheus | {oldest[0]} | {oldest[0]} and {newest[0]} |" in PAGE
    assert f"| Alertmanager | {oldest[1]} | {oldest[1]} and {newest[1]} |" in PAGE
