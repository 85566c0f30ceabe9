"""What is allowed on the web side and probably not meant."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
import structlog.testing
import yaml

from exporter.web import WebConfig, listener_warning, web_warnings
from exporter.web.live_config import ReloadingWebConfig
from tests.harness.certificates import self_signed

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def written(folder: Path, *, tls: str = "", users: bool = False) -> WebConfig:
    """Write and load a web configuration; ``tls`` is the policy about clients, none for plain HTTP."""
    content: dict[str, object] = {"basic_auth_users": {"anna": HASH}} if users else {}
    if tls:
        named = {"cert_file": "localhost.crt", "key_file": "localhost.key", "client_auth_type": tls}
        content["tls_server_config"] = named if tls == "NoClientCert" else named | {"client_ca_file": "localhost.crt"}
    (folder / "web.yml").write_text(yaml.safe_dump(content))
    return WebConfig.load(folder / "web.yml")


@pytest.mark.parametrize("bound", ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"])
def test_a_listener_on_the_loopback_needs_no_password(bound: str) -> None:
    assert listener_warning(bound, WebConfig(), lifecycle=True) is None


@pytest.mark.parametrize("bound", ["0.0.0.0:1", "[::]:1", "192.0.2.7:1", "[2001:db8::1]:1"])
def test_a_listener_that_others_reach_is_told_once_and_more_strongly_when_they_may_change_something(bound: str) -> None:
    told = str(listener_warning(bound, WebConfig(), lifecycle=False))
    assert f"anyone who reaches {bound} reads every page, without a password" in told
    assert "published on 127.0.0.1" in told
    stronger = str(listener_warning(bound, WebConfig(), lifecycle=True))
    assert "reloads the configuration, has targets polled and sets the log level, without a password" in stronger


@pytest.mark.parametrize(
    ("tls", "users", "asks"),
    [
        ("", True, True),
        ("NoClientCert", True, True),
        ("NoClientCert", False, False),
        ("VerifyClientCertIfGiven", False, False),
        ("RequireAndVerifyClientCert", False, True),
    ],
)
def test_a_password_or_a_certificate_that_each_client_must_show_is_protection(
    tls: str, users: bool, asks: bool, tmp_path: Path
) -> None:
    self_signed(tmp_path)
    found = listener_warning("0.0.0.0:1", written(tmp_path, tls=tls, users=users), lifecycle=True)
    assert asks == (found is None)


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        (NOW - 80 * DAY, NOW + 10 * DAY, "the certificate expires at 2030-01-11 00:00 UTC"),
        (NOW - 75 * DAY, NOW + 15 * DAY, None),
        (NOW - 5 * DAY, NOW + 1 * DAY, "the certificate expires at 2030-01-02 00:00 UTC"),
        (NOW - 4 * DAY, NOW + 2 * DAY, None),
        (NOW - 90 * DAY, NOW - 1 * DAY, "the certificate expired at 2029-12-31 00:00 UTC"),
        (NOW + 1 * DAY, NOW + 90 * DAY, "the certificate is not valid before 2030-01-02 00:00 UTC"),
    ],
)
def test_a_certificate_of_ours_that_is_not_good_or_runs_out_soon_is_told(
    begins: dt.datetime, ends: dt.datetime, told: str | None, tmp_path: Path
) -> None:
    self_signed(tmp_path, validity=(begins, ends))
    found = web_warnings(written(tmp_path, tls="NoClientCert"), NOW.timestamp())
    assert ([f"{tmp_path / 'localhost.crt'}: {told}"] if told else []) == [problem.message for problem in found]


@pytest.mark.parametrize(
    ("name", "mode", "right"),
    [
        ("localhost.key", 0o644, "read"),
        ("localhost.key", 0o602, "write"),
        ("localhost.crt", 0o646, "write"),
        ("web.yml", 0o644, "read"),
        ("web.yml", 0o602, "write"),
    ],
)
def test_files_that_others_may_read_or_write_are_told(name: str, mode: int, right: str, folder: Path) -> None:
    self_signed(folder)
    config = written(folder, tls="NoClientCert", users=True)
    for file in config.files():
        file.chmod(0o600)
    (folder / name).chmod(mode)
    assert [f"{folder / name}: everybody may {right} it"] == [found.message for found in web_warnings(config, 0.0)[:-1]]


def test_a_web_file_without_hashes_may_be_read_by_everybody(folder: Path) -> None:
    config = written(folder)
    (folder / "web.yml").chmod(0o644)
    assert [] == web_warnings(config, 0.0)


async def test_warnings_are_logged_at_the_start_and_after_each_change(tmp_path: Path) -> None:
    moment = NOW.timestamp()
    self_signed(tmp_path, validity=(NOW - 90 * DAY, NOW - DAY))
    config = written(tmp_path, tls="NoClientCert")
    with structlog.testing.capture_logs() as logged:
        live = ReloadingWebConfig(config, lambda: moment)
        self_signed(tmp_path, validity=(NOW - 90 * DAY, NOW - 2 * DAY))
        await live.config()
        self_signed(tmp_path, validity=(NOW - DAY, NOW + 80 * DAY))
        await live.config()
    expected = ["web_config_warning", "web_config_reloaded", "web_config_warning", "web_config_reloaded"]
    assert expected == [line["event"] for line in logged]
