"""Quotes that came along with a value: docker run --env-file keeps them, and so does a file that was echoed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from exporter.commands.bitrix24_login import login
from exporter.config import load_config
from exporter.errors import ConfigError, TargetConfigError
from exporter.web import WebConfig

SITE = "7f1c2d3e-1111-4222-8333-444455556666"
WEBHOOK = "https://portal.example/rest/1/planted0123456789/"
APP = {"app_id": SITE, "app_secret": "planted-app-secret", "instance_id": SITE}
OAUTH = {"client_id": "local.1", "client_secret": "planted-client-secret", "token_file": "tokens.json"}
# Every value of a target that is, or stands beside, a credential; the secrets may be read from a variable or a file.
SECRETS: dict[str, tuple[str, dict[str, Any]]] = {
    "api_key": ("IST.planted-key", {"platform": "wix", "site_id": SITE}),
    "app_secret": ("planted-app-secret", {"platform": "wix", **APP}),
    "webhook_url": (WEBHOOK, {"platform": "bitrix24"}),
    "oauth.client_secret": ("planted-client-secret", {"platform": "bitrix24", "oauth": OAUTH}),
    "proxy": ("http://anna:planted@proxy.example:3128", {"platform": "bitrix24", "webhook_url": WEBHOOK}),
}
IDS: dict[str, tuple[str, dict[str, Any]]] = {
    "site_id": (SITE, {"platform": "wix", "api_key": "IST.planted-key"}),
    "app_id": (SITE, {"platform": "wix", **APP}),
    "instance_id": (SITE, {"platform": "wix", **APP}),
    "oauth.client_id": ("local.1", {"platform": "bitrix24", "oauth": OAUTH}),
}
QUOTED = ('"{}"', "'{}'", '"{}', "{}'", ' "{}" ', '"{}"\n')


def problems(tmp_path: Path, key: str, written: object, target: dict[str, Any], environ: dict[str, str]) -> list[str]:
    changed = {"name": "a", **target}
    outer, dot, inner = key.partition(".")
    changed[outer] = {**changed[outer], inner: written} if dot else written
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [changed]}))
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ)
    assert "planted" not in str(caught.value)
    assert all(problem.path == f"targets[0].{key}" for problem in caught.value.problems)
    return [f"{problem.message} (fix: {problem.fix})" for problem in caught.value.problems]


@pytest.mark.parametrize("form", QUOTED)
@pytest.mark.parametrize("key", SECRETS)
def test_quotes_around_a_variables_value_are_named_with_who_put_them_there(tmp_path: Path, key: str, form: str) -> None:
    value, target = SECRETS[key]
    told = "has quotes inside the value (fix: remove them where the variable is set; docker run --env-file keeps quotes)"
    assert [told] == problems(tmp_path, key, {"env": "VALUE"}, target, {"VALUE": form.format(value)})


@pytest.mark.parametrize("form", QUOTED)
@pytest.mark.parametrize("key", SECRETS)
def test_quotes_around_a_files_content_are_named(tmp_path: Path, key: str, form: str) -> None:
    value, target = SECRETS[key]
    (tmp_path / "value").write_text(form.format(value))
    told = "has quotes inside the value (fix: remove them from the file)"
    assert [told] == problems(tmp_path, key, {"file": "value"}, target, {})


@pytest.mark.parametrize("form", QUOTED)
@pytest.mark.parametrize("key", [*SECRETS, *IDS])
def test_quotes_inside_the_quotes_of_a_value_are_named(tmp_path: Path, key: str, form: str) -> None:
    value, target = (SECRETS | IDS)[key]
    told = "has quotes inside the value (fix: write the value in one pair of quotes, or in none)"
    assert [told] == problems(tmp_path, key, form.format(value), target, {})


@pytest.mark.parametrize("form", QUOTED)
def test_quotes_inside_the_quotes_of_a_bcrypt_hash_are_named(tmp_path: Path, form: str) -> None:
    hashed = bcrypt.hashpw(b"planted", bcrypt.gensalt(4)).decode()
    file = tmp_path / "web.yml"
    file.write_text(yaml.safe_dump({"basic_auth_users": {"anna": form.format(hashed)}}))
    with pytest.raises(ConfigError, match="has quotes inside the hash") as caught:
        WebConfig.load(file)
    assert hashed not in str(caught.value)


@pytest.mark.parametrize("form", QUOTED)
async def test_quotes_around_the_client_secret_of_the_login_are_named_before_anything_is_asked(
    tmp_path: Path, form: str
) -> None:
    def never(_: str) -> str:
        raise AssertionError("asked")

    with pytest.raises(TargetConfigError, match="has quotes inside its value") as caught:
        await login("portal.example", "local.1", form.format("planted"), tmp_path / "t.json", show=never, ask=never)
    assert "planted" not in str(caught.value)
