"""Hosts in any alphabet: they become what name servers know, in every address of a configuration; credentials stay ASCII."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load_config
from exporter.errors import ConfigError, TargetConfigError
from exporter.platforms.bitrix24.credential import origin_of, portal_in
from exporter.platforms.bitrix24.settings import BitrixTarget

CODE = "planted0123456789"
WEBHOOK = f"https://portal.example/rest/1/{CODE}/"
HOSTS = {
    "портал.компания.рф": "xn--80awhdgm.xn--80aqeigdi5k.xn--p1ai",
    "ПОРТАЛ.Компания.РФ": "xn--80awhdgm.xn--80aqeigdi5k.xn--p1ai",
    "büro-müller.de": "xn--bro-mller-q9ae.de",
    "straße.example": "xn--strae-oqa.example",
    "予約.example": "xn--0kq264i.example",
    "портал。рф": "xn--80awhdgm.xn--p1ai",
    "portal.xn--p1ai": "portal.xn--p1ai",
    "Portal_1.EXAMPLE": "portal_1.example",
}
NO_HOSTS = (
    "портал..рф",
    "-портал.рф",
    "xn--zzzzzz99999.example",
    "xn--a.example",
    "\u2603.example",
    "мой_портал.рф",
    f"{'п' * 64}.рф",
    "portal..example",
    ".portal.example",
    f"{'p' * 64}.example",
    ".".join(["p" * 60] * 5),
)


def target(tmp_path: Path, key: str, host: str, *, port: str = "", code: str = CODE) -> BitrixTarget:
    settings: dict[str, Any] = {"name": "a", "platform": "bitrix24"}
    if key == "webhook_url":
        settings["webhook_url"] = f"https://{host}{port}/rest/1/{code}/"
    elif key == "base_url":
        settings |= {"webhook_url": WEBHOOK, "base_url": f"https://{host}{port}"}
    elif key == "proxy":
        settings |= {"webhook_url": WEBHOOK, "proxy": f"http://anna:planted@{host}{port}"}
    else:
        oauth = {"client_id": "x", "client_secret": "planted", "token_file": "t.json", "server": f"https://{host}{port}"}
        settings["oauth"] = oauth
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [settings]}, allow_unicode=True))
    (read,) = load_config(file, {}).targets
    assert isinstance(read, BitrixTarget)
    return read


def address(read: BitrixTarget, key: str) -> str | None:
    if key == "webhook_url":
        return read.webhook_url.reveal().removesuffix(f"/rest/1/{CODE}/") if read.webhook_url else None
    if key == "proxy":
        return read.proxy.url.replace("http://", "https://") if read.proxy else None
    return read.base_url if key == "base_url" else read.oauth.server if read.oauth else None


@pytest.mark.parametrize("port", ["", ":8443"])
@pytest.mark.parametrize(("host", "known_as"), HOSTS.items())
@pytest.mark.parametrize("key", ["webhook_url", "base_url", "oauth.server", "proxy"])
def test_a_name_in_any_alphabet_is_one_that_can_be_looked_up(
    tmp_path: Path, key: str, host: str, known_as: str, port: str
) -> None:
    assert f"https://{known_as}{port}" == address(target(tmp_path, key, host, port=port), key)


@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("key", ["webhook_url", "base_url", "oauth.server", "proxy"])
def test_a_name_that_cannot_be_looked_up_is_one_problem_that_speaks_of_the_host(tmp_path: Path, key: str, host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(tmp_path, key, host)
    (problem,) = caught.value.problems
    assert (f"targets[0].{key}", "has a host name that is not valid") == (problem.path, problem.message)
    assert "punycode" in problem.fix
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("\u0430", "CYRILLIC SMALL LETTER A"),
        ("\u200b", "ZERO WIDTH SPACE"),
        ("\u2013", "EN DASH"),
        ("\u201c", "LEFT DOUBLE QUOTATION MARK"),
        ("\x07", "U+0007"),
    ],
)
def test_a_letter_in_the_code_that_is_not_ascii_is_named_and_the_code_is_not(tmp_path: Path, letter: str, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(tmp_path, "webhook_url", "портал.рф", code=f"{CODE}{letter}7")
    (problem,) = caught.value.problems
    assert f"holds {name} outside of the host name, but a credential is plain ASCII" == problem.message
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("host", "known_as"), HOSTS.items())
def test_an_address_of_a_token_file_or_of_the_command_line_may_be_international_too(host: str, known_as: str) -> None:
    assert f"{known_as}:8443" == origin_of(f"https://{host}:8443/rest/").netloc.decode()


@pytest.mark.parametrize("host", NO_HOSTS)
def test_an_address_that_was_sent_and_cannot_be_looked_up_is_no_bug_of_ours(host: str) -> None:
    with pytest.raises(TargetConfigError):
        origin_of(f"https://{host}/rest/")
    assert "planted" not in portal_in(f"https://{host}/planted/")
