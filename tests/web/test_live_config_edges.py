"""Files of the web configuration that get other names while it is in force."""

from __future__ import annotations

from pathlib import Path

import structlog.testing

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

    async def reloads_of_three_looks() -> int:
        with structlog.testing.capture_logs() as logged:
            for _ in range(3):
                await live.config()
        return [line["event"] for line in logged].count("web_config_reloaded")

    assert 0 == await reloads_of_three_looks()
    _name(file, new)
    assert 1 == await reloads_of_three_looks()
    self_signed(old)
    assert 0 == await reloads_of_three_looks(), "nothing names those any more"
    self_signed(new)
    assert 1 == await reloads_of_three_looks()


def _name(file: Path, folder: Path) -> None:
    text = f"tls_server_config:\n  cert_file: {folder}/localhost.crt\n  key_file: {folder}/localhost.key\n"
    file.write_text(text)
