"""A foreign web page commands neither Prometheus nor Alertmanager of compose.yaml: the real servers, a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from exporter.monitoring import make_password
from tests.harness.browser import needs_chromium, tab
from tests.monitoring.bundle import ROOT
from tests.monitoring.servers import free_port, running, wait_for, wait_until_ready

pytestmark = [pytest.mark.servers, pytest.mark.browser, needs_chromium]

SERVICES: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
FOREIGN: Final = "evil.example"  # the name that a foreign page has
MARK: Final = "made by a foreign page"
RELOADED: Final = (
    "prometheus_config_last_reload_success_timestamp_seconds",
    "alertmanager_config_last_reload_success_timestamp_seconds",
)

# What a page may try: whatever the browser sends without asking, and what it sends after a preflight.
ATTEMPTS: Final = """
async ({alertmanager, prometheus, mark}) => {
  const silence = JSON.stringify({
    matchers: [{name: "alertname", value: ".+", isRegex: true}], createdBy: mark, comment: mark,
    startsAt: new Date().toISOString(), endsAt: "2036-01-01T00:00:00Z",
  });
  const alert = JSON.stringify([{labels: {alertname: mark}}]);
  const everything = encodeURIComponent('{__name__=~".+"}');
  const calls = [
    [alertmanager + "/api/v2/silences", "POST", silence],
    [alertmanager + "/api/v2/alerts", "POST", alert],
    [alertmanager + "/-/reload", "POST", ""],
    [prometheus + "/-/reload", "POST", ""],
    [prometheus + "/api/v1/admin/tsdb/delete_series?match[]=" + everything, "POST", ""],
    [prometheus + "/api/v1/admin/tsdb/snapshot", "POST", ""],
    [prometheus + "/-/quit", "POST", ""],
  ];
  // Where a password is asked for, a browser that may send one waits for its user.
  const send = (address, options) => fetch(address, {...options, signal: AbortSignal.timeout(1000)}).catch(() => ({ok: false}));
  for (const [address, method, body] of calls) {
    await Promise.all(["omit", "include"].flatMap(credentials => [
      send(address, {method, body, credentials, mode: "no-cors"}),
      send(address, {method, body, credentials, headers: {"Content-Type": "application/json"}}),
    ]));
  }
  const read = [];
  await Promise.all([
    alertmanager + "/api/v2/alerts", alertmanager + "/api/v2/status", prometheus + "/api/v1/query?query=up",
    prometheus + "/api/v1/status/config", prometheus + "/metrics",
  ].flatMap(address => ["omit", "include"].map(async credentials => {
    if ((await send(address, {credentials})).ok) read.push(address);
  })));
  return read;
}
"""


@dataclass
class Stack:
    """Both servers, with what their own folder says to get in."""

    prometheus: httpx.Client
    alertmanager: httpx.Client
    process: subprocess.Popen[bytes]

    def reloads(self) -> list[str]:
        """Return when each server last read its configuration."""
        pages = self.prometheus.get("/metrics").text + self.alertmanager.get("/metrics").text
        return [line for line in pages.splitlines() if line.startswith(RELOADED)]

    def silences(self) -> list[Any]:
        found: list[Any] = self.alertmanager.get("/api/v2/silences").json()
        return found

    def alerts(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.alertmanager.get("/api/v2/alerts").json()}


@contextmanager
def stack(folder: Path, *, flags: Sequence[str] = (), open_to_all: bool = False) -> Iterator[Stack]:
    """Run what compose.yaml runs for the demo, with its flags and the shipped configuration, but for paths, ports and hurry."""
    ports = {"prometheus": free_port(), "alertmanager": free_port()}
    make_password(folder / "run")
    shipped = (ROOT / "config/prometheus/prometheus.yml").read_text()
    for old, new in {
        "/run/monitoring": f"{folder}/run",
        "localhost:9090": f"127.0.0.1:{ports['prometheus']}",
        "alertmanager:9093": f"127.0.0.1:{ports['alertmanager']}",
        "30s": "1s",
        "- recording.rules": f"- {ROOT}/config/prometheus/recording.rules",
        "- alerting.rules": f"- {ROOT}/config/prometheus/alerting.rules",
    }.items():
        assert old in shipped
        shipped = shipped.replace(old, new)
    (folder / "prometheus.yml").write_text(shipped)
    places = {
        "/run/monitoring": f"{folder}/run",
        "/run/hurried/config/prometheus": str(folder),
        "/run/hurried/config/alertmanager": f"{ROOT}/config/alertmanager",
        "=/prometheus": f"={folder}/prometheus",
        "=/alertmanager": f"={folder}/alertmanager",
    }

    def command(name: str) -> list[str]:
        found = [f"--web.listen-address=127.0.0.1:{ports[name]}"]
        for argument in SERVICES[f"{name}-demo"]["command"]:
            if open_to_all and argument.startswith("--web.config.file"):
                continue
            for old, new in places.items():
                argument = argument.replace(old, new)  # noqa: PLW2901  one replacement after the other
            found.append(argument)
        return found

    signed_in = httpx.BasicAuth("monitoring", (folder / "run/password").read_text())
    with (
        running("prometheus", folder, *command("prometheus"), *flags) as process,
        running("alertmanager", folder, *command("alertmanager")),
        httpx.Client(base_url=f"http://127.0.0.1:{ports['prometheus']}", auth=signed_in, timeout=20) as prometheus,
        httpx.Client(base_url=f"http://127.0.0.1:{ports['alertmanager']}", auth=signed_in, timeout=20) as alertmanager,
    ):
        wait_until_ready("Prometheus", prometheus)
        wait_until_ready("Alertmanager", alertmanager)
        yield Stack(prometheus, alertmanager, process)


@dataclass
class Site:
    """An empty page of somebody else, whose name comes to mean a server of ours once ``becomes`` is its port."""

    becomes: int = 0
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.becomes:
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.becomes)
            except ConnectionRefusedError:  # a server that was told to quit
                writer.close()
            else:
                await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes until one side ends."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def foreign_site() -> AsyncIterator[Site]:
    """Serve a foreign page."""
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    server.close()


async def attack(servers: Stack) -> list[str]:
    """Try everything from a page of another origin, and return what it could read."""
    addresses = {
        "alertmanager": str(servers.alertmanager.base_url).rstrip("/"),
        "prometheus": str(servers.prometheus.base_url).rstrip("/"),
        "mark": MARK,
    }
    async with foreign_site() as site, tab(rebound=FOREIGN) as opened:
        await opened.page.goto(f"http://{FOREIGN}:{site.port}/")
        found: list[str] = await opened.page.evaluate(ATTEMPTS, addresses)
        return found


async def rebound_attack(servers: Stack) -> list[str]:
    """Try the same from pages whose name has become that of the server itself, so that no other origin is asked."""
    read: list[str] = []
    async with foreign_site() as first, foreign_site() as second, tab(rebound=FOREIGN) as opened:
        addresses = {"alertmanager": f"http://{FOREIGN}:{first.port}", "prometheus": f"http://{FOREIGN}:{second.port}"}
        for site, address, client in zip(
            (first, second), addresses.values(), (servers.alertmanager, servers.prometheus), strict=True
        ):
            await opened.page.goto(address)
            site.becomes = client.base_url.port or 0
            read += await opened.page.evaluate(ATTEMPTS, {**addresses, "mark": MARK})
    return read


@pytest.mark.parametrize("how", [attack, rebound_attack])
async def test_a_foreign_page_changes_and_reads_nothing(how: Any, tmp_path: Path) -> None:  # noqa: ANN401  one of the two above
    with stack(tmp_path) as servers:
        before = servers.reloads()
        assert 2 == len(before)
        assert [] == await how(servers)
        assert [] == servers.silences()
        assert MARK not in servers.alerts()
        assert before == servers.reloads()
        assert servers.process.poll() is None


@pytest.mark.parametrize("how", [attack, rebound_attack])
async def test_the_same_page_commands_servers_without_password_and_with_lifecycle(how: Any, tmp_path: Path) -> None:  # noqa: ANN401  see above
    with stack(tmp_path, flags=["--web.enable-lifecycle"], open_to_all=True) as servers:
        assert await how(servers)
        assert {MARK} == {silence["createdBy"] for silence in servers.silences()}
        assert MARK in servers.alerts()
        assert 0 == servers.process.wait(30)


def test_the_servers_know_each_other_by_the_password(tmp_path: Path) -> None:
    # An alert that was sent before Alertmanager was found is sent again after this, a minute by default.
    with stack(tmp_path, flags=["--rules.alert.resend-delay=1s"]) as servers:

        def scraped() -> bool:
            answer = servers.prometheus.get("/api/v1/query", params={"query": 'up{job=~"prometheus|alertmanager"}'}).json()
            return ["1", "1"] == [row["value"][1] for row in answer["data"]["result"]]

        wait_for("both servers to be scraped", scraped)
        # Its group is evaluated once a minute, at a moment that depends on the name of the folder.
        wait_for("the heartbeat in Alertmanager", lambda: "Watchdog" in servers.alerts(), 120)
        for client in (servers.prometheus, servers.alertmanager):
            for path in ("/", "/metrics", "/-/ready", "/api/v2/status", "/api/v1/query?query=1"):
                assert httpx.codes.UNAUTHORIZED == httpx.get(client.base_url.join(path)).status_code
