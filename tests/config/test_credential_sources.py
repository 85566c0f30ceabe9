"""Where a target's credential comes from, as it is told to people: never a part of the credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load_config

SITE = "7f1c2d3e-1111-4222-8333-444455556666"
WEBHOOK = "https://portal.example/rest/1/planted0123456789/"
KEY_SITE = {"platform": "wix", "site_id": SITE}
APP = {"platform": "wix", "app_id": SITE, "instance_id": SITE}


@pytest.mark.parametrize(
    ("expected", "target"),
    [
        ("keys/my wix key", KEY_SITE | {"api_key": {"file": "keys/my wix key"}}),
        ("VALUE", KEY_SITE | {"api_key": {"env": "VALUE"}}),
        ("inline:a", KEY_SITE | {"api_key": "IST.planted-key"}),
        ("VALUE", APP | {"app_secret": {"env": "VALUE"}}),
        ("inline:a", APP | {"app_secret": "planted"}),
        ("keys/hook", {"platform": "bitrix24", "webhook_url": {"file": "keys/hook"}}),
        ("HOOK", {"platform": "bitrix24", "webhook_url": {"env": "HOOK"}}),
        ("inline:a", {"platform": "bitrix24", "webhook_url": WEBHOOK}),
    ],
)
def test_the_source_of_a_credential_is_told_as_it_is_written(expected: str, target: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "my wix key").write_text("IST.planted-key")
    (tmp_path / "keys" / "hook").write_text(WEBHOOK)
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "a", **target}]}))
    [found] = load_config(file, {"VALUE": "planted", "HOOK": WEBHOOK}).targets
    assert expected == found.credential_source


def test_targets_with_one_token_file_have_one_source(tmp_path: Path) -> None:
    oauth = {"client_id": "local.1", "client_secret": "planted", "token_file": "tokens.json"}
    targets = [{"name": name, "platform": "bitrix24", "oauth": oauth} for name in "ab"]
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": targets}))
    assert {str(tmp_path / "tokens.json")} == {found.credential_source for found in load_config(file, {}).targets}
