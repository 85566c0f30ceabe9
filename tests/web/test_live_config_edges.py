"""Files of the web configuration that get other names while it is in force."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exporter.web.config import WebConfig
from exporter.web.live_config import ReloadingWebConfig
from tests.harness.certificates import self_signed


async def test_certificates_under_other_names_are_taken_once_and_watched_from_then_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        self_signed(folder)
    file = tmp_path / "web.yml"
    _name(file, old)
    live = ReloadingWebConfig(WebConfig.load(file))

    await _stays(live)
    _name(file, new)
    await _changes(live)
    await _stays(live)
    self_signed(old)
    await _stays(live)  # nothing names those any more
    self_signed(new)
    await _changes(live)
    await _stays(live)


async def _stays(live: ReloadingWebConfig) -> None:
    """Look three times: what is in force must stay."""
    before = live.in_force
    for _ in range(3):
        assert before is await live.config()


async def _changes(live: ReloadingWebConfig) -> None:
    """Look until something else is in force, however busy the machine is; who looks waits for a fifth of a second at most."""
    before = live.in_force
    async with asyncio.timeout(30):
        while live.in_force is before:
            await live.config()
            await asyncio.sleep(0)


def _name(file: Path, folder: Path) -> None:
    text = f"tls_server_config:\n  cert_file: {folder}/localhost.crt\n  key_file: {folder}/localhost.key\n"
    file.write_text(text)
