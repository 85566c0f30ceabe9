"""People who cut hair read these texts, many in a second language: no word that they would look up in vain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from exporter.cli import app
from tools.texts import texts

ROOT: Final = Path(__file__).parents[2]
PLAIN: Final = {
    "mend": "fix, repair",
    "mends": "fixes, repairs",
    "mended": "fixed, repaired",
    "mending": "fixing, repairing",
    "learnt": "found, learned",
    "spelt": "written",
    "gladly": "(say what is compared)",
    "for good": "permanently, altogether",
    "Nothing at first": "Wait: …",
    "dies silently": "stops without telling anyone",
}
ODD: Final = re.compile(rf"\b(?:{'|'.join(PLAIN)})\b")
HISTORY: Final = {"CHANGELOG.md"}
"""What was written for an earlier version stays as it was."""


def documents() -> Iterator[tuple[str, str]]:
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("exporter/monitoring/runbooks/*.md")]
    for path in sorted(files):
        name = str(path.relative_to(ROOT))
        if "decisions/" not in name and name not in HISTORY:
            # The titles of decisions stand in the index as they are.
            yield name, re.sub(r"^- \[\d{4}\]\(decisions/.*$", "", path.read_text(), flags=re.MULTILINE)


def helps() -> Iterator[tuple[str, str]]:
    def of(command: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  typer hides the class
        yield path, "\n".join([command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)])
        for name, below in getattr(command, "commands", {}).items():
            yield from of(below, f"{path} {name}")

    yield from of(get_command(app), "booking-sync-exporter")


def sentences() -> Iterator[tuple[str, str]]:
    for text, place in texts():
        words = text if isinstance(text, str) else " ".join(text)
        yield f"{place}: {words[:60]}", words


def odd(text: str) -> list[str]:
    return [found[0] for found in ODD.finditer(text)]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in (*documents(), *helps())])
def test_documents_and_helps_use_plain_words(text: str) -> None:
    assert [] == odd(text), {word: PLAIN[word] for word in odd(text)}


def test_sentences_of_the_board_and_of_alerts_use_plain_words() -> None:
    assert {} == {place: words for place, text in sentences() if (words := odd(text))}


def spoken(module: Path) -> Iterator[str]:
    """Give the strings of a module that a command, a page or a file may print: all but what describes code."""
    tree = ast.parse(module.read_text())
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def test_errors_and_whatever_else_the_program_prints_use_plain_words() -> None:
    modules = sorted(ROOT.glob("exporter/**/*.py"))
    assert {} == {str(path.relative_to(ROOT)): words for path in modules for text in spoken(path) if (words := odd(text))}


@pytest.mark.parametrize("word", PLAIN)
def test_an_odd_word_is_found_wherever_it_stands(word: str) -> None:
    assert odd(f"Who {word} it? And so on.") == [word]
    assert [] == odd(f"x{word}y")
