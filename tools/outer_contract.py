"""Writes down what users see of this checkout, for a comparison with another one: ``python -m tools.outer_contract FOLDER``.

Run it in two checkouts and compare the folders with ``diff -r``: help texts, messages, schemas, references, the rendered
bundle, the effective configuration and its hash, and what the running demo serves, without what changes from run to run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_COMMANDS: Final = (
    "",
    "check-config",
    "probe",
    "demo",
    "simulate",
    "healthcheck",
    "bitrix24-login",
    "monitoring",
    "monitoring render",
)
_FILES: Final = (
    "config/exporter.schema.json",
    "docs/configuration.md",
    "docs/metrics.md",
    "docs/status.schema.json",
    "docs/verdicts.md",
)
_PAGES: Final = ("/metrics", "/config", "/", "/api/v1/status", "/-/healthy", "/-/ready", "/nowhere")
_START_SECONDS: Final = 60
_CONFIG: Final = """\
timezone: Europe/Berlin
windows:
  - {name: last_24h, from: now-24h, to: now}
  - {name: next_7d, from: now, to: now+7d}
  - {name: month, from: now/M, to: now+1M/M}
state_file: state.json
targets:
  - {name: salon, platform: wix, site_id: 12345678-9abc-4def-8123-456789abcdef, api_key: IST.planted}
  - name: app
    platform: wix
    app_id: 12345678-9abc-4def-8123-456789abcde0
    app_secret: planted-secret
    instance_id: 12345678-9abc-4def-8123-456789abcde1
    timezone: UTC
    labels: {site: berlin, job: x}
    schedule_ids: [12345678-9abc-4def-8123-456789abcde2]
    aliases: {12345678-9abc-4def-8123-456789abcde2: anna}
    timeout: 10s
    collectors:
      connections: {interval: 20s, windows: [month]}
      bookings: {conflicts: true, statuses: [CONFIRMED], windows: [next_7d, {name: own, from: now, to: now+3h}], max_age: 2h}
  - {name: portal, platform: bitrix24, webhook_url: 'https://portal.bitrix24.eu/rest/1/abcdefgh12345678/'}
  - name: oauth
    platform: bitrix24
    oauth: {client_id: local.app, client_secret: planted-secret, token_file: tokens.json, server: 'https://oauth.bitrix24.tech'}
    budget: {requests_per_second: 3, burst: 20, operating_seconds: 100}
    base_url: https://portal.example
    collectors:
      bookings:
      links: {window: month, batch_size: 10, verify_calls: 3}
  - name: links
    platform: bitrix24
    webhook_url: 'https://portal.bitrix24.eu/rest/2/abcdefgh12345678/'
    collectors:
      links: {windows: [last_24h, {name: own, from: now, to: now+3h}]}
      bookings: {count: overlap, per_resource: true, max_resources: 5, overlapping_resources: [7, "8"], max_bookings: 100}
"""


def main(folder: Path) -> None:
    """Write everything to ``folder``, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in _COMMANDS:
        _write(folder / "help" / f"{command or 'main'}.txt", _run(*command.split(), "--help"))
    for name in _FILES:
        if (_ROOT / name).is_file():
            _write(folder / name, (_ROOT / name).read_text())
    _run("monitoring", "render", "--out", str(folder / "bundle"))
    _run("monitoring", "render", "--out", str(folder / "bundle-other"), "--job", "other", "--slo", "0.95")
    for path in sorted((_ROOT / "tests" / "bad_configs").glob("*.yml")):
        _write(folder / "bad_configs" / f"{path.stem}.txt", _run("check-config", f"--config.file={path}"))
    work = folder / "work"
    work.mkdir()
    config = work / "exporter.yml"
    config.write_text(_CONFIG)
    _write(folder / "check-config.txt", _run("check-config", f"--config.file={config}").replace(str(work), "WORK"))
    with _running("--web.listen-address=127.0.0.1:18888", f"--config.file={config}"):
        effective, metrics = _get("18888", "/config"), _get("18888", "/metrics")
        _write(folder / "effective.txt", effective.replace(str(work), "WORK"))
        # The hash holds the folder's path: it compares only where both wrote to the same one.
        _write(folder / "hash.txt", "\n".join(line for line in metrics.splitlines() if "config_hash" in line))
    with _running("demo", "--web.listen-address=127.0.0.1:18888", "--scenario=calm", ready=True):
        for page in _PAGES:
            _write(folder / "demo" / (page.strip("/").replace("/", "_") or "board"), _shape(page, _get("18888", page)))
    shutil.rmtree(work)


def _shape(page: str, text: str) -> str:
    """Return ``text`` without what changes from run to run."""
    if page == "/metrics":
        return "\n".join(sorted({line.rpartition(" ")[0] if line[:1] != "#" else line for line in text.splitlines()}))
    text = re.sub(r"127\.0\.0\.1:\d+|\b[0-9a-f]{12,}\b|\d", "#", text)
    return re.sub(r"#[#.,:\- ]*", "#", text)


def _run(*arguments: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb"}
    done = subprocess.run(  # noqa: S603  this checkout's own command line
        [sys.executable, "-m", "exporter", *arguments], capture_output=True, text=True, check=False, cwd=_ROOT, env=environment
    )
    return f"{done.stdout}{done.stderr}exit code {done.returncode}\n"


@contextmanager
def _running(*arguments: str, ready: bool = False) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603  this checkout's own command line
        [sys.executable, "-m", "exporter", *arguments], cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:18888/-/{'ready' if ready else 'healthy'}", timeout=5):
                    break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _get(port: str, page: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=10) as answer:
            return f"{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
