"""``docs/contract.md`` is the program: each command with its exit codes, each flag, path, key and family, and no other."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from typer.main import get_command
from typer.testing import CliRunner

from exporter.cli import app
from exporter.metrics import FAMILIES
from exporter.web import create_app
from tests.harness import views
from tests.harness.web import ShownBackend
from tools.public_surface import surface

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "contract.md").read_text()
RUNNER: Final = CliRunner()
PROGRAM: Final = "booking-sync-exporter"


def section(heading: str) -> str:
    """Return the text below a heading, to the next one of its rank."""
    [found] = re.findall(rf"^(#+) {heading}$\n(.*?)(?=^#{{1,3}} |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return str(found[1])


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables of ``text`` without their heads."""
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    heads = [number - 1 for number, row in enumerate(cells) if set("".join(row)) <= {"-"}]
    return [row for number, row in enumerate(cells) if number not in heads and number - 1 not in heads]


def names(kind: str) -> set[str]:
    """Return what the program offers of a kind, by the list of public names."""
    return {line.removeprefix(f"{kind} ") for line in surface() if line.startswith(f"{kind} ")}


CODES: Final = {row[0].strip("`").replace("(none)", ""): row[1] for row in rows(section("Exit codes")) if len(row) == 3}


def test_it_has_each_command_and_no_other() -> None:
    groups = {"monitoring"}  # does nothing by itself
    assert {f"{PROGRAM} {command}".strip() for command in CODES} == names("command") - {
        f"{PROGRAM} {group}" for group in groups
    }


def test_it_has_each_flag_of_the_exporter_and_no_other() -> None:
    told = {flag for row in rows(section("Flags of the exporter")) for flag in re.findall(r"`(--[\w.-]+)`", row[0])}
    assert {f"{PROGRAM} {flag}" for flag in told} == {flag for flag in names("flag") if flag.split(" ")[1].startswith("--")}


def test_it_has_each_path_with_its_methods_and_no_other() -> None:
    told = {f"{path} {row[1]}" for row in rows(section("HTTP")) for path in re.findall(r"`([^`]+)`", row[0])}
    assert told == names("path")


def test_the_paths_are_those_of_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    routes: list[Route] = []

    def starlette(*, routes: list[Route], into: list[Route] = routes) -> Starlette:
        into += routes
        return Starlette(routes=routes)

    monkeypatch.setattr("exporter.web.app.Starlette", starlette)
    create_app(ShownBackend(views.healthy()))
    served = {f"{route.path} {method}" for route in routes for method in route.methods or ()}
    places = {"NAME": "{site}", "ALERT": "{name}"}
    told = set()
    for line in names("path"):
        path, _, methods = line.partition(" ")
        path = re.sub(r"NAME|ALERT", lambda match: places[match[0]], path.partition("?")[0])
        told |= {f"{path} {method}" for method in methods.split(", ")}
    assert told == served


def test_it_has_each_key_at_the_top_of_the_configuration_and_no_other() -> None:
    told = {key for row in rows(section("Configuration")) for key in re.findall(r"`(\w+)`", row[0])}
    assert told == {key for key in names("config") if re.fullmatch(r"\w+", key)}


@pytest.mark.parametrize("key", ["interval", "max_age", "windows"])
def test_every_collector_takes_what_it_says(key: str) -> None:
    collectors = {name for name in names("config") if re.fullmatch(r"targets\[\w+\]\.collectors\.\w+", name)}
    assert 7 == len(collectors)
    assert {f"{name}.{key}" for name in collectors} <= names("config")


@pytest.mark.parametrize("key", ["timeout", "base_url"])
def test_every_target_takes_what_it_says(key: str) -> None:
    assert {f"targets[wix].{key}", f"targets[bitrix24].{key}"} <= names("config")


def test_each_family_of_it_is_declared() -> None:
    told = {family for row in rows(section("Metrics")) for family in re.findall(r"`(booking_sync_\w+)`", row[0])}
    assert len(told) >= 8
    assert told <= {family.name for family in FAMILIES}


def test_each_behaviour_names_the_tests_that_hold_it() -> None:
    behaviour = TEXT.partition("## Behaviour")[2].split("\n### ")[1:]
    assert len(behaviour) >= 11
    assert [] == [part.partition("\n")[0] for part in behaviour if not re.search(r"Held by\s+`tests/[\w/]+\.py`", part)]


def codes(said: str) -> set[int]:
    """Return the exit codes of a cell or a help text: "0, 1, 2", "0 or 2", "0 to 2"."""
    if spans := re.findall(r"(\d) to (\d)", said):
        return {code for first, last in spans for code in range(int(first), int(last) + 1)}
    return {int(code) for code in re.findall(r"(?<![\w.])\d(?![\w.])", said)}


def test_help_texts_and_the_readme_name_no_other_exit_codes() -> None:
    wrong = []
    for command, told in CODES.items():
        found = get_command(app)
        for word in command.split():
            found = found.commands[word]  # type: ignore[attr-defined]  # typer hides the class
        said = re.search(r"Exit code (.*)", found.help or "", re.DOTALL)
        if said and not codes(said[1]) <= codes(told):
            wrong.append(command)
    readme = (ROOT / "README.md").read_text().partition("\n## Commands\n")[2].partition("\n## ")[0]
    shown = {
        name: row[2] for row in rows(readme) if len(row) == 3 for name in re.findall(r"`([a-z0-9 -]+)|(?:\(none\))", row[0])
    }
    assert len(shown) >= len(CODES)
    for name, cell in shown.items():
        command = max((known for known in CODES if name.strip().startswith(known)), key=len)
        wrong += [f"README: {name}"] * (not codes(cell) <= codes(CODES[command]))
    assert [] == wrong


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address at which somebody listens already; the command runs in a folder with the smallest configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B24_CLIENT_SECRET", "not-a-real-secret")
    (tmp_path / "smallest.yml").write_text((ROOT / "tests" / "docs" / "smallest.yml").read_text())
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


NOWHERE: Final = "http://127.0.0.1:1"
ENDS: Final[list[tuple[int, str, str]]] = [
    (2, "", "--config.file=nowhere.yml"),
    (0, "check-config", "smallest.yml"),
    (2, "check-config", "nowhere.yml"),
    (3, "probe", "--config.file=nowhere.yml"),
    (2, "list", "--config.file=nowhere.yml"),
    (2, "conformance", "salon --config.file=nowhere.yml"),
    (1, "demo", "--web.listen-address=TAKEN"),
    (2, "demo", "--scenario=nothing"),
    (0, "simulate", "--list"),
    (1, "simulate", "--listen=TAKEN"),
    (2, "simulate", "--scenario=nothing"),
    (2, "drill", f"nothing --prometheus-url={NOWHERE} --alertmanager-url={NOWHERE}"),
    (1, "healthcheck", "--web.listen-address=127.0.0.1:1"),
    (1, "bitrix24-login", "--portal=nothing --client-id=x --token-file=tokens.json"),
    (0, "monitoring render", "--out=bundle"),
    (1, "monitoring render", "--out=/dev/null/bundle"),
    (1, "monitoring check", f"--prometheus-url={NOWHERE}"),
    (2, "monitoring check", ""),
    (0, "monitoring password", "--out=password"),
    (1, "monitoring password", "--out=/dev/null/password"),
    (0, "example-config", ""),
    (2, "example-config", "nothing.yml"),
    (0, "hash-password", ""),
    (0, "completion", "bash"),
    (2, "completion", "nothing"),
    (0, "help", "probe"),
    (2, "help", "nothing"),
    (0, "version", ""),
]
# What needs a platform, a portal or servers, or a signal, is tried there.
ELSEWHERE: Final = {
    (0, ""): "tests/e2e/test_daemon.py",
    (1, ""): "tests/e2e/test_stop.py",
    (0, "probe"): "tests/e2e/test_commands.py",
    (1, "probe"): "tests/e2e/test_commands.py",
    (2, "probe"): "tests/e2e/test_commands.py",
    (0, "list"): "tests/commands/test_list_names.py",
    (1, "list"): "tests/commands/test_list_names.py",
    (0, "conformance"): "tests/commands/test_conformance.py",
    (1, "conformance"): "tests/commands/test_conformance.py",
    (0, "demo"): "tests/e2e/test_commands.py",
    (0, "drill"): "tests/e2e/test_drill.py",
    (1, "drill"): "tests/e2e/test_drill.py",
    (0, "healthcheck"): "tests/e2e/test_commands.py",
    (0, "bitrix24-login"): "tests/commands/test_bitrix24_login.py",
    (0, "monitoring check"): "tests/monitoring/test_check_answers.py",
    (1, "hash-password"): "tests/cli/test_basics.py",
}


@pytest.mark.parametrize(("code", "command", "words"), ENDS)
def test_a_command_ends_with_the_code_that_it_says(code: int, command: str, words: str, taken: str) -> None:
    done = RUNNER.invoke(app, [*command.split(), *words.replace("TAKEN", taken).split()], input="open sesame\n")
    assert code == done.exit_code, done.output
    assert code in codes(CODES[command])


@pytest.mark.parametrize("command", CODES)
def test_a_wrong_flag_is_2_and_in_a_plugin_3(command: str) -> None:
    assert (3 if command == "probe" else 2) == RUNNER.invoke(app, [*command.split(), "--nonsense"]).exit_code


def test_each_exit_code_of_it_is_tried() -> None:
    told = {(code, command) for command, said in CODES.items() for code in codes(said)}
    wrong_flags = {(3 if command == "probe" else 2, command) for command in CODES}
    assert told == {(code, command) for code, command, _ in ENDS} | wrong_flags | ELSEWHERE.keys()
    assert [] == [place for place in ELSEWHERE.values() if not (ROOT / place).is_file()]
