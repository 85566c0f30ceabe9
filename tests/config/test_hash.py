"""The number that tells configurations apart: nothing of a secret's value is in it, and all the rest is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config import config_hash, load_config
from tests.harness.certificates import signed

WRITTEN = """
timezone: Europe/Berlin
state_file: state.json
windows: [{name: next_7d, from: now, to: now+7d}]
targets:
  - {name: key, platform: wix, site_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10, api_key: planted-key}
  - name: app
    platform: wix
    app_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a11
    app_secret: {file: app-secret}
    instance_id: 7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a12
    proxy: http://anna:planted-proxy@proxy.example:3128
  - name: hook
    platform: bitrix24
    webhook_url: https://salon.bitrix24.example/rest/1/plantedcode/
    labels: {site: berlin}
    timeout: 50s
    tls: {ca_file: ca.pem}
  - name: variable
    platform: bitrix24
    webhook_url: {env: HOOK}
  - name: oauth
    platform: bitrix24
    oauth: {client_id: local.1, client_secret: {env: CLIENT_SECRET}, token_file: tokens.json}
"""
FILES = {"app-secret": "planted-app", "other-secret": "planted-app"}
ENVIRONMENT = {
    "HOOK": "https://other.bitrix24.example/rest/1/plantedcode/",
    "CLIENT_SECRET": "planted-client",
    "SAME_SECRET": "planted-client",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    ca, certificate, _ = signed(tmp_path_factory.mktemp("ca"))
    return ca.read_bytes(), ca.read_bytes() + certificate.read_bytes()


def hashed(folder: Path, ca: bytes, text: str = WRITTEN, **environ: str) -> str:
    folder.mkdir(exist_ok=True)
    for name, content in FILES.items():
        if not (folder / name).exists():
            (folder / name).write_text(content)
    (folder / "ca.pem").write_bytes(ca)
    (folder / "exporter.yml").write_text(text)
    return config_hash(load_config(folder / "exporter.yml", ENVIRONMENT | environ))


@pytest.mark.parametrize("old", ["planted-key", "planted-proxy", "plantedcode"])
def test_the_value_of_a_secret_that_stands_in_the_file_is_not_in_the_number(
    old: str, tmp_path: Path, authority: tuple[bytes, bytes]
) -> None:
    assert hashed(tmp_path, authority[0]) == hashed(tmp_path, authority[0], WRITTEN.replace(old, "x1y2"))


def test_the_value_of_a_secret_from_elsewhere_is_not_in_the_number(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    before = hashed(tmp_path, authority[0])
    (tmp_path / "app-secret").write_text("another")
    hook = "https://other.bitrix24.example/rest/1/another/"
    assert before == hashed(tmp_path, authority[0], CLIENT_SECRET="another", HOOK=hook)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Europe/Berlin", "Europe/Vienna"),
        ("state.json", "other.json"),
        ("now+7d", "now+8d"),
        ("name: key", "name: other"),
        ("2f0e-4f9c-9a55-3d8a5b1f6a10", "2f0e-4f9c-9a55-3d8a5b1f6aff"),
        ("6a11", "6aff"),
        ("6a12", "6aff"),
        ("{file: app-secret}", "{file: other-secret}"),
        ("{file: app-secret}", "planted-app"),
        ("proxy.example", "other.example"),
        (":3128", ":3129"),
        ("http://anna:planted-proxy@", "http://"),
        ("salon.bitrix24.example", "salon2.bitrix24.example"),
        ("site: berlin", "site: vienna"),
        ("50s", "51s"),
        ("    tls: {ca_file: ca.pem}\n", ""),
        ("{env: HOOK}", "https://other.bitrix24.example/rest/1/plantedcode/"),
        ("local.1", "local.2"),
        ("CLIENT_SECRET", "SAME_SECRET"),
        ("tokens.json", "other.json"),
        ("client_id: local.1", "server: 'https://auth.example', client_id: local.1"),
        ("    timeout: 50s\n", "    timeout: 50s\n    collectors: {bookings: {interval: 10m}}\n"),
    ],
)
def test_everything_else_is_in_the_number(old: str, new: str, tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    assert old in WRITTEN
    assert hashed(tmp_path, authority[0]) != hashed(tmp_path, authority[0], WRITTEN.replace(old, new))


def test_the_host_of_a_webhook_is_in_the_number_wherever_it_stands(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    moved = "https://third.bitrix24.example/rest/1/plantedcode/"
    assert hashed(tmp_path, authority[0]) != hashed(tmp_path, authority[0], HOOK=moved)


def test_the_certificates_that_are_trusted_are_in_the_number(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    assert hashed(tmp_path, authority[0]) != hashed(tmp_path, authority[1])


def test_equal_files_have_one_number_wherever_they_stand(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    assert hashed(tmp_path / "a", authority[0]) == hashed(tmp_path / "b", authority[0])


def test_the_number_has_48_bits(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    assert re.fullmatch("[0-9a-f]{12}", hashed(tmp_path, authority[0]))
