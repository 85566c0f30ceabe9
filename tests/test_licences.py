"""What is installed with the exporter, and under which licences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from tools.licences import licence_of, of_extra, pinned, render
from tools.sbom import OURS, faults

ROOT: Final = Path(__file__).parents[1]
FREE: Final = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
)
"""Licences under which a business may run and hand on what it got."""


def test_the_page_is_that_of_the_lock() -> None:
    assert (ROOT / "docs" / "licences.md").read_text() == render(), "run: make generate"


def test_every_package_has_a_licence_that_lets_a_business_use_it() -> None:
    assert 40 < len(pinned())
    unknown = {name: words for name in pinned() if not set(re.split(r" (?:AND|OR) ", words := licence_of(name))) <= FREE}
    assert {} == unknown


def test_copyleft_comes_with_the_extra_only() -> None:
    assert {name for name in pinned() if licence_of(name).startswith("LGPL")} <= of_extra("ics")


def _listed(**changes: str) -> dict[str, Any]:
    versions = {"PyYAML": "6.0.4", "attrs": "26.1.0"} | changes
    components = [{"name": name, "version": version, "licenses": [{}]} for name, version in versions.items() if version]
    return {"components": components, "metadata": {"component": {"name": OURS, "licenses": [{}]}}}


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        (_listed(), []),
        (_listed(attrs=""), ["attrs 26.1.0 is not listed"]),
        (_listed(attrs="1"), ["attrs 26.1.0 is not listed"]),
        (_listed(pip="25"), ["pip 25 is listed and not locked"]),
        (_listed() | {"metadata": {"component": {"name": "x"}}}, ["x has no licence", "the list is of x"]),
    ],
    ids=["right", "one is missing", "another version", "one too many", "of something else"],
)
def test_a_list_of_what_is_installed_is_held_against_the_lock(listed: dict[str, Any], wrong: list[str]) -> None:
    assert wrong == faults(listed, {"pyyaml": "6.0.4", "attrs": "26.1.0"})


def test_a_package_without_a_licence_is_told() -> None:
    listed = _listed()
    del listed["components"][1]["licenses"]
    assert ["attrs has no licence"] == faults(listed, {"pyyaml": "6.0.4", "attrs": "26.1.0"})
