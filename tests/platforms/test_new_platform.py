"""The guide for a new platform, followed word by word on a copy of the package: the platform is then everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.test_architecture import climbing

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "add-a-platform.md"
BLOCK = re.compile(r"^```(python|diff) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Runs in the copy: the simulator with its new platform, and the exporter that watches it.
DRIVE = """
import asyncio, json, sys
from pathlib import Path
from random import Random
from prometheus_client import CollectorRegistry
from exporter.clock import SystemClock
from exporter.config import load_config
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.platforms.http_pool import open_pool
from exporter.polling.admission import Admission
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.simulator import Simulator, running
from exporter.web.status_api import encode_status
from exporter.web.status_page import render

async def main(folder):
    async with running(Simulator().app) as url:
        config = folder / "exporter.yml"
        config.write_text(config.read_text().replace("ORIGIN", url))
        probe = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "exporter", "probe", f"--config.file={config}", "--output=metrics",
            stdout=asyncio.subprocess.PIPE)
        seen, _ = await probe.communicate()
        online = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "exporter", "check-config", "--online", f"--config.file={config}",
            stdout=asyncio.subprocess.PIPE)
        checked, _ = await online.communicate()
        clock = SystemClock()
        instruments = Instruments(CollectorRegistry())
        async with open_pool(clock) as http:
            factory = TargetFactory(http, clock, Random(1), instruments, Admission(clock))
            app = Application(lambda: load_config(config), factory=factory, page=MetricsPage(instruments))
            await app.start(load_config(config))
            while not app.ready:
                await asyncio.sleep(0.01)
            page = bytes(await app.metrics(Format.TEXT, None)).decode()
            status, board = encode_status(app.view()).decode(), render(app.view()).decode()
            await app.aclose(grace=0.0)
    print(json.dumps({"probe": [probe.returncode, seen.decode()], "online": checked.decode(), "page": page, "status": status,
        "board": board}))

asyncio.run(main(Path(sys.argv[1])))
"""


@dataclass(frozen=True)
class Copy:
    """A copy of what the package is made of, with the new platform in it."""

    root: Path
    written: tuple[str, ...]
    changed: tuple[str, ...]

    def run(self, *arguments: str, status: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "NO_COLOR": "1", "COVERAGE_PROCESS_START": ""}
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=self.root, env=environment
        )
        assert status == done.returncode, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("with-a-toy")
    for folder in ("exporter", "tools"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    written, changed = [], []
    for kind, name, text in BLOCK.findall(GUIDE.read_text()):
        path = root / name
        if kind == "python":
            assert not path.exists(), f"{name} is new"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            written.append(name)
        else:
            changed.append(name)
            path.write_text(patched(path.read_text(), text))
    return Copy(root, tuple(written), tuple(changed))


def patched(text: str, change: str) -> str:
    """Apply a block of the guide: each ``-`` is replaced by the ``+`` below it."""
    for removed, added in re.findall(r"^-(.*)\n((?:\+.*\n)+)", change, re.MULTILINE):
        assert 1 == text.count(removed), f"{removed!r} stands once"
        text = text.replace(removed, "\n".join(line[1:] for line in added.splitlines()))
    return text


@pytest.mark.slow
def test_a_platform_is_two_folders_and_a_place_in_the_registry_and_in_the_simulator(copy: Copy) -> None:
    assert {"exporter/platforms/toy", "exporter/simulator/toy"} == {str(Path(name).parent) for name in copy.written}
    assert ("exporter/platforms/registry.py", "exporter/simulator/simulator.py") == copy.changed


@pytest.mark.slow
def test_a_new_platform_enters_rooms_by_their_doors_and_guards_no_json_by_itself(copy: Copy) -> None:
    assert [] == climbing(copy.root / "exporter")
    assert not [name for name in copy.written if "DecodeError" in (copy.root / name).read_text()]


@pytest.mark.slow
def test_a_new_platform_is_polled_and_stands_on_every_page(copy: Copy, tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text("targets: [{name: shop, platform: toy, token: simulated-toy-token, base_url: 'ORIGIN'}]\n")
    lines = copy.run("-c", DRIVE, str(tmp_path)).splitlines()
    seen = json.loads(next(line for line in lines if line.startswith('{"probe"')))
    gauge = 'booking_sync_bookings{target="shop",platform="toy",window="next_7d"} 7.0'
    assert gauge in seen["page"]
    requests = 'booking_sync_api_requests_total{target="shop",platform="toy",operation="count_bookings",code="200"} 4.0'
    assert requests in seen["page"]
    assert 0 == seen["probe"][0]
    assert gauge in seen["probe"][1]
    assert "shop: the credential works" in seen["online"]
    assert '"platform":"toy"' in seen["status"]
    assert re.search(r">\s*shop\s*<", seen["board"])
    assert re.search(r"\btoy\b", seen["board"])


@pytest.mark.slow
def test_a_new_platform_is_in_the_schema_the_references_and_the_alerts(copy: Copy) -> None:
    assert '"const": "toy"' in copy.run("-c", "from tools.config_reference import json_schema; print(json_schema())")
    reference = copy.run("-c", "from tools.config_reference import reference; print(reference())")
    assert "### Toy collector `bookings`" in reference
    assert "| `token` | secret |" in reference
    assert "`toy`" in copy.run("-c", "from tools.metrics_reference import render; print(render())")
    copy.run("-m", "exporter", "monitoring", "render", "--out", str(copy.root / "bundle"))
    rules = "\n".join(path.read_text() for path in (copy.root / "bundle").rglob("*rules*"))
    assert "makes a new token; the exporter's operator".replace("'", "''") in rules


@pytest.mark.slow
def test_what_is_wrong_with_a_target_of_a_new_platform_is_told_like_any_other(copy: Copy, tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text("targets:\n  - {name: shop, platform: toy, token_file: x, collectors: {links: {}}}\n")
    told = copy.run("-m", "exporter", "check-config", f"--config.file={config}", status=2)
    assert "targets[0]: has no credential (fix: add token)" in told
    assert "unknown key (fix: write token: {file: PATH})" in told
    assert "not a collector of platform toy (fix: remove it: it is a collector of platform bitrix24)" in told
    config.write_text("targets:\n  - {name: shop, platform: toys}\n")
    told = copy.run("-m", "exporter", "check-config", f"--config.file={config}", status=2)
    assert "'toys' is not a platform (fix: did you mean toy?)" in told
