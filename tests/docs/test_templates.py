"""The forms for issues and pull requests, and the workflows: what they name exists, and they ask for what helps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from tests.docs.blocks import ROOT

FILES: Final = sorted(path for path in (ROOT / ".github").rglob("*") if path.suffix in {".md", ".yml"})


def forms() -> dict[str, dict[str, Any]]:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yml"))}


def test_a_report_of_a_bug_asks_for_what_helps_and_a_weakness_is_led_away_from_public_issues() -> None:
    known = forms()
    assert ["bug", "config", "feature"] == list(known)
    asked = {part["id"]: part for part in known["bug"]["body"] if "id" in part}
    assert {"seen", "version", "platform", "check-config", "log", "conformance", "redacted"} == asked.keys()
    required = {name for name, part in asked.items() if part.get("validations", {}).get("required")}
    assert {"seen", "version", "platform", "check-config"} == required
    assert not known["config"]["blank_issues_enabled"]
    [link] = known["config"]["contact_links"]
    assert "SECURITY.md" in link["about"]
    assert "SECURITY.md" in known["bug"]["body"][0]["attributes"]["value"]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_files_commands_and_make_targets_that_a_template_or_workflow_names_exist(file: Path) -> None:
    text = file.read_text()
    named = re.findall(r"\b((?:docs/[\w./-]+\w)|(?:[A-Z]+\.md)|(?:\.ci/\w+))", text)
    assert [] == [name for name in named if not (ROOT / name).exists()]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {word for line in re.findall(r"(?:`|run: )make ([a-z -]+)", text) for word in line.split()}
    assert [] == sorted(wanted - targets)
    for words in re.findall(r"`booking-sync-exporter ([^`]+)`", text):
        shown = CliRunner().invoke(app, [words.split()[0], "--help"] if not words.startswith("-") else ["--help"])
        assert 0 == shown.exit_code, words
        assert [] == [word for word in words.split() if word.startswith("--") and word not in shown.output], words
