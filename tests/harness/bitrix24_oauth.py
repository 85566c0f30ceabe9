"""A portal of the simulator with an application: its token file, a session that goes by it, and what was renewed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import OAuth
from tests.harness.bitrix24_target import Bench

TOKEN = "oauth.token"


def write_tokens(bench: Bench, **changes: Any) -> Path:  # noqa: ANN401  JSON values
    """Install an application and store its first pair, as the login does."""
    _, pair = bench.app()
    content = bench.simulator.bitrix24.oauth.token_file(pair, bench.url, bench.now) | changes
    path = bench.folder / "tokens.json"
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    path.chmod(0o600)
    return path


def stored(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def open_oauth(bench: Bench, oauth: OAuth | None = None, **changes: Any) -> BitrixSession:  # noqa: ANN401  fields of the target
    return bench.open(webhook_url=None, oauth=oauth or bench.oauth(), **changes)


def refreshes(bench: Bench) -> int:
    return bench.simulator.bitrix24.oauth.refreshes


def another_pair(bench: Bench) -> dict[str, Any]:
    """Return what a login would store now."""
    oauth = bench.simulator.bitrix24.oauth
    app = oauth.app("local.app")
    assert app is not None
    return oauth.token_file(oauth.issue(app, bench.now), bench.url, bench.now)
