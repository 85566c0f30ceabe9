"""Servers that nobody prepared: what docs/monitoring.md says of servers of one's own is done word for word, and works."""

from __future__ import annotations

import re
import shlex
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from exporter.monitoring import render
from tests.monitoring.bundle import ROOT
from tests.monitoring.pages import pages
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import free_port, run, running, wait_for, wait_until_ready
from tests.monitoring.stacks import Stack, exporter_page
from tests.monitoring.test_settings import settings_of

_PAGE = (ROOT / "docs" / "monitoring.md").read_text()
_SECTION = _PAGE.split("## The bundle on servers of your own\n")[1].split("\n## ")[0]
_YAML, _SHELL = (re.findall(rf"```{kind}\n(.*?)```", _SECTION, re.DOTALL)[0] for kind in ("yaml", "sh"))


@pytest.mark.servers
def test_the_documents_alone_set_up_servers_that_know_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ports = {port: str(free_port()) for port in ("9090", "9093")}

    def here(text: str) -> str:
        return re.sub(r"127\.0\.0\.1:(9090|9093)", lambda found: f"127.0.0.1:{ports[found[1]]}", text)

    lines = [shlex.split(here(line)) for line in _SHELL.replace("\\\n", " ").splitlines()]
    tools = [line for line in lines if line[0] in {"promtool", "amtool"}]
    servers = [line for line in lines if line[0].startswith("prometheus")]
    assert (2, 2) == (len(tools), len(servers))
    with pages(exporter_page) as exporter, ExitStack() as stack:
        written = here(_YAML).replace("127.0.0.1:10888", exporter)
        options = settings_of(tmp_path, written).options()
        render(options, tmp_path / "bundle")
        for name, *arguments in tools:
            result = run(name, *arguments)
            assert 0 == result.returncode, result.stdout + result.stderr
        for name, *arguments in servers:
            stack.enter_context(running(name.removeprefix("prometheus-"), tmp_path, *arguments))
        for name, port in (("Prometheus", "9090"), ("Alertmanager", "9093")):
            wait_until_ready(name, stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{ports[port]}")))
        there = Stack(f"http://127.0.0.1:{ports['9090']}", f"http://127.0.0.1:{ports['9093']}")
        up = f"{there.prometheus}/api/v1/query?query=sum(up)"

        def all_scraped() -> bool:
            found = httpx.get(up).json()["data"]["result"]
            return bool(found) and found[0]["value"][1] == "3"

        wait_for("Prometheus scrapes the exporter, itself and Alertmanager", all_scraped, 60)
        found = there.checks(options=options, changed=files(options))
    good = {name.partition(" ")[2] for name, check in found.items() if check.state == "ok"}
    assert {"rules loaded", "rules equal", "job scraped", "retention", "knows Alertmanager", "routes", "inhibitions"} <= good
    assert "the bundle's example addresses" in found["Alertmanager receivers"].seen
