"""What the Tab key offers, and the scripts by which bash, zsh and fish ask for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path as File
from typing import Final

import pytest

from exporter.cli import main
from exporter.cli.tree import options_of
from exporter.commands.completion import ASKING, LINE, script, target_names
from exporter.simulator.drills import INCIDENTS, SCENARIOS
from tests.cli.trees import Path, Tree

TREE: Final = Tree()
PROGRAM: Final = "booking-sync-exporter"
CONFIG: Final = """
targets:
- {name: salon-berlin, platform: wix, site_id: broken}
- {name: salon-hamburg, platform: bitrix24}
- {name: 7}
- no mapping
"""
UNREADABLE: Final = {
    "empty": "",
    "no mapping": "- 1\n",
    "no targets": "timezone: Europe/Berlin\n",
    "targets are a text": "targets: all\n",
    "no YAML": "targets: [{\n",
    "no name": "targets: [{platform: wix}]\n",
    "a name that is a list": "targets: [{name: [a]}]\n",
    "deep": "targets: " + "[" * 10_000,
    "binary": "\x00\x01",
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Tab:
    """Presses Tab at the end of a line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, line: str) -> list[str]:
        for name, value in {**ASKING, LINE: f"{PROGRAM} {line}"}.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", [PROGRAM])
        with pytest.raises(SystemExit):
            main()
        out, err = self._capsys.readouterr()
        assert "" == err
        return [row.partition("\t")[0] for row in out.splitlines() if row]


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tab:
    return Tab(monkeypatch, capsys)


@pytest.mark.parametrize("path", TREE.nodes, ids=" ".join)
def test_every_command_and_every_flag_is_offered(path: Path, tab: Tab) -> None:
    line = "".join(f"{word} " for word in path)
    assert {*options_of(TREE.nodes[path]), "--help"} - {"-o"} == set(tab(f"{line}--"))
    commands = list(getattr(TREE.nodes[path], "commands", {}))
    assert not commands or commands == tab(line)
    for param in TREE.nodes[path].params:
        choices = [str(getattr(one, "value", one)) for one in param.type_descriptor.choices or ()]
        if choices and param.param_type_name == "option":
            assert choices == tab(f"{line}{param.opts[0]} ") == tab(f"{line}{param.opts[0]}=")


def test_names_are_offered_where_they_are_meant(tab: Tab) -> None:
    File("exporter.yml").write_text(CONFIG)
    File("other.yml").write_text("targets: [{name: praxis}]\n")
    named = [" ".join(path) for path, node in TREE.leaves.items() if "TARGET" in [param.metavar for param in node.params]]
    assert {"probe", "list"} <= set(named)
    for command in named:
        assert ["salon-berlin", "salon-hamburg"] == tab(f"{command} ") == tab(f"{command} salon-")
        assert ["praxis"] == tab(f"{command} --config.file other.yml ") == tab(f"--config.file=other.yml {command} p")
    for command in ("probe", "list"):
        assert ["salon-hamburg"] == tab(f"{command} salon-berlin ")
    scenarios = list(SCENARIOS)
    assert scenarios == tab("simulate --scenario ") == tab("demo --scenario=")
    incidents = [incident.name for incident in INCIDENTS]
    assert incidents == tab("drill ")
    assert incidents[1:] == tab(f"drill {incidents[0]} ")
    assert ["render"] == tab("help monitoring ren")
    assert ["monitoring"] == tab("help mon")
    assert [] == tab("help nowhere ")


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_without_a_configuration_that_can_be_read_no_name_is_offered_and_nothing_is_said(text: str, tab: Tab) -> None:
    File("exporter.yml").write_text(text)
    assert [] == tab("probe ") == tab("list s")


def test_a_configuration_that_is_no_file_offers_no_name(tab: Tab) -> None:
    assert [] == tab("probe ")
    File("exporter.yml").mkdir()
    assert [] == tab("probe ")
    os.mkfifo("pipe")
    assert [] == target_names(File("pipe")), "it is not waited for a writer"


# A program that offers what the test says, and notes the line that it was asked about.
STUB: Final = '#!/bin/sh\nprintf "%s" "$_TYPER_COMPLETE_ARGS" >line\ncat offers\n'


def stubbed(offers: str) -> None:
    File(PROGRAM).write_text(STUB)
    File(PROGRAM).chmod(0o755)
    File("offers").write_text(offers)
    for shell in ("bash", "zsh", "fish"):
        File(f"script.{shell}").write_text(script(shell, PROGRAM))


def run(*words: str) -> list[str]:
    path = f"{File.cwd()}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(File.cwd()), "TERM": "dumb"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, env=environ, stdin=subprocess.DEVNULL)
    assert "" == done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "offers", "found"),
    [
        (["pro"], "probe\tPoll once.\n", ["probe"]),
        (["--log.level", "=", "w"], "warn\nwarning\n", ["warn", "warning"]),  # bash cuts at the sign
        (["--log.level", "="], "debug\n", ["debug"]),
        (["--config.file", "exp"], "exp\n", []),  # a file: bash offers its own
        (["--config.file", ""], "\n", []),
        (["probe", "a"], "a b\ta name with a space\n", ["a b"]),
    ],
)
def test_bash_gets_the_candidates(words: list[str], offers: str, found: list[str]) -> None:
    stubbed(offers)
    line = " ".join([PROGRAM, *words]).replace(" = ", "=").replace(" =", "=")
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_LINE='{line}' COMP_POINT={len(line)} COMP_CWORD={len(words)} COMP_WORDS=({PROGRAM} {quoted})"
    ask = (
        f'. ./script.bash; {asked}; _booking_sync_exporter {PROGRAM}; printf "%s\\n" "${{COMPREPLY[@]}}"; complete -p {PROGRAM}'
    )
    *candidates, registered = run("bash", "--norc", "-c", ask)
    assert (found or [""]) == candidates
    assert f"complete -o bashdefault -o default -F _booking_sync_exporter {PROGRAM}" == registered
    assert line == File("line").read_text()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offers", "found"),
    [
        ("pro", "probe\tPoll once.\n", ["probe\tPoll once."]),
        ("--log.level=w", "warn\nwarning\n", ["--log.level=warn", "--log.level=warning"]),
        ("--config.file off", "off\n", ["offers"]),
        ("--config.file=off", "off\n", ["--config.file=offers"]),
    ],
)
def test_fish_gets_the_candidates(line: str, offers: str, found: list[str]) -> None:
    stubbed(offers)
    assert found == run("fish", "--no-config", "-c", f"source script.fish; complete -C '{PROGRAM} {line}'")
    assert f"{PROGRAM} {line}" == File("line").read_text()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("words", "offers", "found"),
    [
        (["pro"], "probe\tPoll: once.\n", ["describe probe:Poll: once."]),
        (["--log.level=w"], "warn\nwarning\n", ["cut *=", "describe warn: warning:"]),
        (["a"], "a:b\n", ["describe a\\:b:"]),
        (["--config.file", "exp"], "exp\n", ["files"]),
        (["--config.file=exp"], "exp\n", ["cut *=", "files"]),
        (["--config.file", ""], "\n", ["files"]),
    ],
)
def test_zsh_gets_the_candidates(words: list[str], offers: str, found: list[str]) -> None:
    stubbed(offers)
    quoted = " ".join(f"'{word}'" for word in words)
    told = "compdef() {}; compset() { print cut $2 }; _files() { print files }; _describe() { print -r describe ${(P)3} }"
    asked = f". ./script.zsh; words=({PROGRAM} {quoted}); CURRENT={len(words) + 1}; _booking_sync_exporter"
    assert found == run("zsh", "-f", "-c", f"{told}; {asked}")
    assert " ".join([PROGRAM, *words]) == File("line").read_text()
