"""Every command of ours, of curl, promtool and amtool that a document shows runs, against one set of servers."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from exporter.commands.demo import demo_targets
from exporter.monitoring import Options, render
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from tests.docs.blocks import ROOT
from tests.docs.commands import NOT_RUN, ROWS, Runs, Starts, documented, ours
from tests.e2e.paging_stack import served
from tests.monitoring.servers import alertmanager, binary, prometheus, wait_for

DOCUMENTED: dict[str, list[str]] = {}
for document, written in documented():
    DOCUMENTED.setdefault(written, []).append(document)

# What a page leaves to the reader.
PLACEHOLDERS = {"TARGET": "salon-wix", "NAME": "double-booking", "X": "exporter.yml"}
SERVERS = {
    "exporter": r"(?:127\.0\.0\.1|localhost):10888",
    "simulator": r"127\.0\.0\.1:(?:10889|8099)",
    "prometheus": r"127\.0\.0\.1:9090",
    "alertmanager": r"127\.0\.0\.1:9093|monitoring:\$\(cat /run/monitoring/password\)@localhost:9093",
    "nobody": r"127\.0\.0\.1:3000",
}


def row_of(command: str) -> Runs | Starts | None:
    return next((row for row in ROWS if re.fullmatch(row.pattern, command, re.DOTALL)), None)


def reason_of(command: str) -> str | None:
    return next((reason for pattern, reason in NOT_RUN.items() if re.fullmatch(pattern, command, re.DOTALL)), None)


@pytest.mark.parametrize("command", DOCUMENTED)
def test_a_command_runs_in_this_test_or_has_a_reason_why_not(command: str) -> None:
    filled = with_names(command)
    assert (row_of(filled) is None) == (reason_of(filled) is not None), (command, DOCUMENTED[command])


@pytest.mark.parametrize("row", [*(row.pattern for row in ROWS), *NOT_RUN])
def test_no_row_is_of_a_command_that_no_document_has_any_more(row: str) -> None:
    assert [command for command in DOCUMENTED if re.fullmatch(row, with_names(command), re.DOTALL)]


def test_a_reason_names_tests_that_there_are() -> None:
    named = [path for reason in NOT_RUN.values() for path in re.findall(r"tests/\S+\.py", reason)]
    assert 4 <= len(named)
    assert [] == [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("$HOME/x", None),
        ("docker build .", None),
        ("sudo /opt/booking-sync-exporter/bin/booking-sync-exporter probe A", "booking-sync-exporter probe A"),
        ("docker compose exec exporter booking-sync-exporter probe A", "booking-sync-exporter probe A"),
        (
            "kubectl exec --namespace monitoring deploy/booking-sync-exporter -- booking-sync-exporter list",
            "booking-sync-exporter list",
        ),
        ("booking-sync-exporter simulate >a.yml 2>b.log &", "booking-sync-exporter simulate"),
    ],
)
def test_a_command_is_the_same_wherever_it_is_installed(written: str, short: str | None) -> None:
    assert short == ours(written)


def with_names(command: str) -> str:
    return re.sub(r"(?<!-)\b[A-Z]+\b", lambda word: PLACEHOLDERS.get(word[0], word[0]), command)


@dataclass(frozen=True)
class Here:
    """Where the commands run: a folder with what the pages have made by then, and the addresses of what runs."""

    folder: Path
    addresses: Mapping[str, str]

    def filled(self, command: str) -> str:
        """Return a command with our addresses and files in place of those that are written."""
        text = with_names(command).replace("/etc/booking-sync-exporter/exporter.yml", "exporter.yml")
        text = re.sub(r"(?<=--prometheus-url )URL", "http://127.0.0.1:9090", text)
        text = re.sub(r"(?<=--alertmanager-url )URL", "http://127.0.0.1:9093", text)
        for server, pattern in SERVERS.items():
            text = re.sub(pattern, self.addresses[server], text)
        return text.removesuffix("'") if text.startswith("amtool") and text.count("'") % 2 else text


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Run simulator, exporter, Prometheus and Alertmanager, and make the files that the pages name."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "own").mkdir()
    with ExitStack() as stack:
        origin = stack.enter_context(served(Simulator(build=demo_world.build)))
        wix, _, portal, _ = demo_targets(origin)
        targets = [wix | {"name": "salon-wix"}, portal | {"name": "salon-berlin-b24"}]
        content = yaml.safe_dump({"timezone": "Europe/Berlin", "state_file": "state.json", "targets": targets})
        for name in ("exporter.yml", "drill.yml"):
            (folder / name).write_text(content)
            (folder / name).chmod(0o600)
        _one_customer(folder, wix)
        addresses = {"simulator": origin.removeprefix("http://"), "nobody": "127.0.0.1:1"}
        words = (*_OURS_HERE, "--config.file", "exporter.yml", "--web.listen-address", "127.0.0.1:0", "--web.enable-lifecycle")
        addresses["exporter"] = stack.enter_context(started(folder, words, r"event=listening.* address=http://(\S+)"))
        config = folder / "nobody.yml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        manager = stack.enter_context(alertmanager(folder, config))
        scrape = f"scrape_configs: [{{job_name: a, static_configs: [{{targets: ['{addresses['exporter']}']}}]}}]\n"
        server = stack.enter_context(prometheus(folder, scrape, "--web.enable-admin-api"))
        addresses |= {"prometheus": _address(server), "alertmanager": _address(manager)}
        monitoring = yaml.safe_load((ROOT / "config" / "monitoring.yml").read_text()) or {}
        servers = {name: f"http://{addresses[name]}" for name in ("prometheus", "alertmanager")}
        monitoring |= {"addresses": servers, "password_file": ""}
        for name in ("monitoring.yml", "own/monitoring.yml"):
            (folder / name).write_text(yaml.safe_dump(monitoring))
        for name, hurry in (("bundle", 1), ("rehearsal", 60)):
            render(Options(hurry=hurry), folder / name)
        ready = f"http://{addresses['exporter']}/-/ready"
        wait_for("a poll of every collector", lambda: httpx.get(ready, trust_env=False).status_code == httpx.codes.OK, 60)
        yield Here(folder, addresses)


_OURS_HERE = (sys.executable, "-m", "exporter")


@contextmanager
def started(folder: Path, words: Sequence[str], says: str) -> Iterator[str]:
    """Run a command until the block ends; gives the first group of ``says``, or all of it, once it has been printed."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environ())
    alarm = threading.Timer(30, process.kill)
    alarm.start()
    try:
        assert process.stdout is not None
        lines: list[str] = []
        found = None
        for line in process.stdout:
            lines.append(line)
            if found := re.search(says, line):
                break
        assert found, "".join(lines)
        alarm.cancel()
        drain = threading.Thread(target=process.stdout.read)  # who writes to a full pipe stands still
        drain.start()
        yield found[found.re.groups and 1]
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(15), words
        drain.join()
    finally:
        alarm.cancel()
        process.kill()
        process.communicate()


def _environ() -> dict[str, str]:
    return os.environ | {"PYTHONUNBUFFERED": "1", "NO_PROXY": "*", "COLUMNS": "200"}


def _in_process(words: list[str]) -> tuple[int, str]:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return done.exit_code, done.output + (repr(done.exception) if done.exception and not done.output else "")


def _in_a_shell(command: str, folder: Path) -> tuple[int, str]:
    command = re.sub(r"\bcurl ", "curl --fail --noproxy '*' --silent --show-error ", command)
    command = re.sub(r"^(promtool|amtool)", lambda tool: shlex.quote(binary(tool[1])), command)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.servers
def test_every_command_does_what_its_row_says(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.folder)
    wrong = []
    for command, documents in DOCUMENTED.items():
        row, filled = row_of(with_names(command)), here.filled(command)
        if isinstance(row, Runs):
            own = filled.startswith("booking-sync-exporter ")
            code, said = _in_process(shlex.split(filled)[1:]) if own else _in_a_shell(filled, here.folder)
            if code not in row.codes or row.shows not in said:
                wrong.append(f"{documents[0]}: {command}: exit code {code}, {said[-600:]}")
    assert not wrong, "\n".join(wrong)


def going_on() -> dict[str, Starts]:
    """Return the commands that go on, without their addresses, so that each is started once."""
    rows = {command: row for command in DOCUMENTED if isinstance(row := row_of(with_names(command)), Starts)}
    return {re.sub(rf" {row.listen}[ =]\S+", "", command): row for command, row in rows.items()}


@pytest.mark.servers
@pytest.mark.parametrize(("command", "row"), going_on().items(), ids=going_on())
def test_a_command_that_goes_on_says_that_it_works_and_ends_when_it_is_told_to(
    command: str, row: Starts, tmp_path: Path
) -> None:
    words = command.split()[1:]
    with served(Simulator(build=demo_world.build)) as origin:
        for name in ("exporter.yml", "drill.yml"):
            content = {"state_file": "state.json", "targets": demo_targets(origin)[:1]}
            (tmp_path / name).write_text(yaml.safe_dump(content))
        _one_customer(tmp_path, demo_targets(origin)[0])
        with started(tmp_path, (*_OURS_HERE, *words, f"{row.listen}=127.0.0.1:0"), row.says):
            pass


def _one_customer(folder: Path, target: Mapping[str, Any]) -> None:
    """Write a folder of configuration files, as ``--config.dir`` reads it."""
    (folder / "customers").mkdir()
    (folder / "customers" / "one.yml").write_text(yaml.safe_dump({"targets": [{**target, "name": "one"}]}))


def _address(client: httpx.Client) -> str:
    return f"{client.base_url.host}:{client.base_url.port}"
