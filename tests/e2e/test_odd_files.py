"""What stands behind a name that the exporter is given and is no file: a start waits for none of it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
import yaml

from exporter.config import files as config_files
from exporter.config import load_config
from exporter.errors import ConfigError, TargetConfigError
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.platforms.trust import host_trust
from exporter.state.status_history import open_status_history
from exporter.support import files
from exporter.web import WebConfig
from tests.harness.certificates import self_signed
from tests.harness.clock import ManualClock
from tests.harness.process import command, exporter
from tests.harness.typed import typed

PAIR = {"access_token": "a1", "refresh_token": "r1", "client_endpoint": "https://salon.bitrix24.example/rest/"}


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        # The name of a socket may be no longer than 107 bytes, and those of test folders are.
        folder = os.open(path.parent, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": a_socket,
    "zeros": lambda path: path.symlink_to("/dev/zero"),
    "full": lambda path: path.symlink_to("/dev/full"),
}
NAMED = (
    *(
        "exporter.yml",
        "secret",
        "ca.pem",
        "tokens.json",
        "state.json",
        "web.yml",
        "localhost.crt",
        "localhost.key",
        "clients.pem",
    ),
    *("tokens.json.new", "tokens.json.lock", "state.json.lock"),
)


@functools.cache
def _certificate() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    self_signed(folder)
    return folder


def write_all(folder: Path) -> None:
    """Write a configuration that names one file of each kind, and the files."""
    for name in ("localhost.crt", "localhost.key"):
        (folder / name).write_bytes((_certificate() / name).read_bytes())
    (folder / "ca.pem").write_bytes((folder / "localhost.crt").read_bytes())
    (folder / "clients.pem").write_bytes((folder / "localhost.crt").read_bytes())
    (folder / "secret").write_text("planted-client-secret")
    (folder / "tokens.json").write_text(json.dumps(PAIR))
    oauth = {"client_id": "local.1", "client_secret": {"file": "secret"}, "token_file": "tokens.json"}
    target: dict[str, Any] = {"name": "a", "platform": "bitrix24", "oauth": oauth, "tls": {"ca_file": "ca.pem"}}
    target["base_url"] = "https://127.0.0.1:9"  # nobody is there
    (folder / "exporter.yml").write_text(yaml.safe_dump({"targets": [target], "state_file": "state.json"}))
    tls = {"cert_file": "localhost.crt", "key_file": "localhost.key", "client_ca_file": "clients.pem"}
    tls["client_auth_type"] = "RequireAndVerifyClientCert"
    (folder / "web.yml").write_text(yaml.safe_dump({"tls_server_config": tls}))


def put(odd: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    ODD[odd](path)


def read_all(folder: Path) -> None:
    """Read what a start reads, in its order, and make ready to renew a token."""
    config = load_config(folder / "exporter.yml")
    WebConfig.load(folder / "web.yml")
    assert config.state_file is not None
    open_status_history(config.state_file, ManualClock(1e9))
    tokens = TokenFile(folder / "tokens.json")
    tokens.load()
    tokens.try_out()


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_file_is_named_or_does_not_matter_and_nobody_waits_for_it(
    name: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.config.files.PIPE_SECONDS", 0.05)
    write_all(tmp_path)
    put(odd, tmp_path / name)
    told: list[str] = []

    def start() -> None:
        with structlog.testing.capture_logs() as logged:
            try:
                read_all(tmp_path)
            except (ConfigError, TargetConfigError) as error:
                told.append(str(error))
        told.extend(map(str, logged))

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    starting.join(10)
    assert not starting.is_alive()
    if name == "tokens.json.new" and odd != "folder":
        assert [] == told, "it is made anew"
    elif name == "state.json.lock":
        assert "state_file_not_locked" in "".join(told)
    else:
        assert name.removesuffix(".new") in "".join(told)


async def test_a_start_ends_or_listens_within_seconds_whatever_is_a_pipe(tmp_path: Path) -> None:
    write_all(tmp_path)
    flags = (tmp_path / "exporter.yml", f"--web.config.file={tmp_path / 'web.yml'}")
    for name in ("tokens.json.new", "tokens.json.lock", "state.json.lock"):
        put("pipe", tmp_path / name)
    async with exporter(*flags, wait=False) as running:
        await running.listening()
    # OpenSSL opens this one by its name. What is said of the others is the table above.
    put("pipe", tmp_path / "localhost.key")
    async with exporter(*flags, wait=False) as running:
        assert 2 == await running.ended()
        assert "localhost.key" in running.raw


def test_somebody_who_writes_into_a_pipe_has_ten_seconds() -> None:
    assert 10 == config_files.PIPE_SECONDS


async def test_certificates_of_the_environment_that_are_no_file_are_named_before_a_library_reads_them(tmp_path: Path) -> None:
    write_all(tmp_path)
    put("pipe", tmp_path / "roots.pem")
    environ = {"SSL_CERT_FILE": str(tmp_path / "roots.pem")}
    code, _, said = await command("check-config", f"--config.file={tmp_path / 'exporter.yml'}", environ=environ)
    assert 2 == code
    assert "SSL_CERT_FILE" in said


@pytest.mark.parametrize("odd", ODD)
def test_certificates_of_the_environment_are_read_from_a_file_only(odd: str, tmp_path: Path) -> None:
    put(odd, tmp_path / "roots.pem")
    told: list[str] = []

    def read() -> None:
        with pytest.raises(ConfigError) as refused:
            host_trust({"SSL_CERT_FILE": str(tmp_path / "roots.pem")})
        told.append(str(refused.value))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(10)
    (said,) = told
    assert "SSL_CERT_FILE" in said


async def test_a_configuration_may_come_through_a_pipe() -> None:
    text = "targets: [{name: a, platform: bitrix24, webhook_url: 'https://a.example/rest/1/planted/'}]\n"
    assert (0, "/dev/stdin: valid, 1 target\n", "") == await command("check-config", "--config.file=/dev/stdin", stdin=text)


def test_a_pipe_is_read_to_its_end_however_slowly_it_comes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for piece in (b"one ", b"two ", b"three"):
                file.write(piece)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    assert b"one two three" == files.read_file_or_pipe(pipe, 100, 20)
    writing.join()


def test_a_pipe_without_end_is_left_at_the_limit_of_time_or_size(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        os.write(descriptor, b"some")
        with pytest.raises(TimeoutError, match=r"within 0\.05 s nobody wrote into it and closed it"):
            files.read_file_or_pipe(pipe, 100, 0.05)
        os.write(descriptor, b"more than that")
        assert b"more" == files.read_file_or_pipe(pipe, 4, 20)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("odd", ["pipe", "zeros"])
async def test_a_login_replaces_nothing_that_is_no_file(odd: str, tmp_path: Path) -> None:
    put(odd, tmp_path / "tokens.json")
    words = ("--portal=salon.bitrix24.example", "--client-id=local.1", f"--token-file={tmp_path / 'tokens.json'}")
    code, _, told = await typed("bitrix24-login", *words, environ={"B24_CLIENT_SECRET": "planted"})
    assert 1 == code
    assert "is no regular file" in told
