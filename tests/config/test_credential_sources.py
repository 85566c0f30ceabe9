"""Where a target's credential comes from, as it is told to people: never a part of the credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import effective_config, load_config
from exporter.errors import ConfigError
from exporter.fields import credentials
from exporter.fields.files import read_named_file

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


HIDDEN = "********"
FIELDS = {
    "api_key": ("IST.planted-key", KEY_SITE),
    "app_secret": ("planted-app-secret", APP),
    "webhook_url": (WEBHOOK, {"platform": "bitrix24"}),
    "client_secret": ("planted-client-secret", {"platform": "bitrix24"}),
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("source", [{"file": "keys/a key"}, {"file": "/keys"}, {"env": "VALUE"}, None])
def test_the_effective_configuration_shows_where_each_credential_comes_from_and_nothing_of_it(
    field: str, source: dict[str, str] | None, tmp_path: Path
) -> None:
    value, target = FIELDS[field]
    if source is not None and "file" in source:
        path = tmp_path / source["file"].strip("/")
        source = {"file": str(path)} if source["file"].startswith("/") else source
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{value}\n")
    written: Any = source or value
    if field == "client_secret":
        setting = {"oauth": {"client_id": "local.1", "client_secret": written, "token_file": "tokens.json"}}
    else:
        setting = {field: written}
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "a", **target, **setting}]}))
    text = effective_config(load_config(file, {"VALUE": value}))
    (shown,) = yaml.safe_load(text)["targets"]
    assert (source or HIDDEN) == (shown["oauth"] if field == "client_secret" else shown)[field]
    assert "planted" not in text
    assert "portal.example" not in text


def test_targets_with_one_token_file_have_one_source(tmp_path: Path) -> None:
    oauth = {"client_id": "local.1", "client_secret": "planted", "token_file": "tokens.json"}
    targets = [{"name": name, "platform": "bitrix24", "oauth": oauth} for name in "ab"]
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": targets}))
    assert {"tokens.json"} == {found.credential_source for found in load_config(file, {}).targets}


def test_a_token_file_in_another_folder_is_told_with_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    assert f"{tmp_path}/tokens.json" == source(tmp_path / "conf", oauth_in(f"{tmp_path}/tokens.json"))
    assert "keys/tokens.json" == source(tmp_path / "conf", oauth_in("keys/tokens.json"))


ODD = ("anna@salon.example", "IST.eyJplanted0123456789", "k\u202eey", "tokens" * 20, "tokens" * 20 + "2", "ü" * 120 + "2")


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("of", ["api_key", "webhook_url", "token_file"])
def test_a_file_whose_name_is_an_address_a_credential_unseen_or_long_is_told_as_a_short_text_of_its_own(
    of: str, name: str, tmp_path: Path
) -> None:
    def found(name: str) -> str:
        (tmp_path / name).write_text(WEBHOOK if of == "webhook_url" else "IST.planted-key")
        written: dict[str, dict[str, Any]] = {
            "api_key": KEY_SITE | {"api_key": {"file": name}},
            "webhook_url": {"platform": "bitrix24", "webhook_url": {"file": name}},
            "token_file": oauth_in(name),
        }
        return source(tmp_path, written[of])

    told = found(name)
    assert not any(part in told for part in ("anna", "planted", "\u202e"))
    assert len(told) <= 120
    assert told == found(name)
    assert told not in {found(other) for other in (f"{name[:-1]}3", f"x{name}")}


def oauth_in(token_file: str) -> dict[str, Any]:
    return {"platform": "bitrix24", "oauth": {"client_id": "local.1", "client_secret": "planted", "token_file": token_file}}


def source(folder: Path, target: dict[str, Any]) -> str:
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "a", **target}]}))
    [found] = load_config(file, {}).targets
    return found.credential_source


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("WIX_APIKEY", "did you mean WIX_API_KEY?"),
        ("WIX_API_KEYS", "did you mean WIX_API_KEY?"),
        ("WXI_API_KEY", "did you mean WIX_API_KEY?"),
        ("PORTAL_HOOK", "set it for the process of the exporter"),
    ],
)
def test_a_variable_that_is_not_set_is_met_with_the_one_that_is(written: str, fix: str, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "a", **KEY_SITE, "api_key": {"env": written}}]}))
    with pytest.raises(ConfigError) as caught:
        load_config(file, {"WIX_API_KEY": "planted", "PATH": "planted", "HOME": "planted"})
    assert [f"the environment variable {written} is not set"] == [problem.message for problem in caught.value.problems]
    assert [fix] == [problem.fix for problem in caught.value.problems]


def test_a_file_that_many_targets_name_is_read_once_in_each_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def noted(path: Path, where: str, most: int, **words: str) -> bytes:
        read.append(path.name)
        return read_named_file(path, where, most, **words)

    monkeypatch.setattr(credentials, "read_named_file", noted)
    rows = (
        f"- {{name: t{number}, platform: wix, site_id: {SITE[:-2]}{number:02}, api_key: {{file: {number % 2}.key}}}}"
        for number in range(8)
    )
    (tmp_path / "exporter.yml").write_text("\n".join(("targets:", *rows)))
    for name in ("0.key", "1.key"):
        (tmp_path / name).write_text(f"IST.key-{name}")
    for _ in range(2):
        config = load_config(tmp_path / "exporter.yml", {})
        assert ["0.key", "1.key"] == read
        assert {"IST.key-0.key", "IST.key-1.key"} == {*config.secrets}
        read.clear()
