"""What the web configuration file says to the listening server, and what becomes of that when it changes while it runs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import bcrypt
import httpx
import pytest

from exporter.support import files
from exporter.web import config, live_config, tls
from tests.harness.certificates import self_signed
from tests.harness.threads import held_until
from tests.harness.web_server import TLS, get, running, trusting, web_file

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
OTHER = bcrypt.hashpw(b"changed", bcrypt.gensalt(4)).decode()


async def test_passwords_guard_the_pages_and_change_while_running(tmp_path: Path) -> None:
    file = web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")

    async with running(file) as server:
        assert 200 == (await get(server, "/-/healthy")).status_code
        assert 401 == (await get(server, "/metrics")).status_code
        assert 401 == (await get(server, "/metrics", user="anna:wrong")).status_code
        assert 200 == (await get(server, "/metrics", user="anna:right")).status_code
        web_file(tmp_path, f"basic_auth_users: {{anna: {OTHER}}}\nprobes_require_auth: true\n")
        assert 401 == (await get(server, "/metrics", user="anna:right")).status_code
        assert 200 == (await get(server, "/metrics", user="anna:changed")).status_code
        assert 401 == (await get(server, "/-/healthy")).status_code


async def test_a_file_that_breaks_or_goes_away_keeps_the_old_protection(tmp_path: Path) -> None:
    file = web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")

    async with running(file) as server:
        for _ in range(2):
            web_file(tmp_path, "basic_auth_users: {}\nunknown: key\n")
            assert 401 == (await get(server, "/metrics")).status_code
            file.unlink()
            assert 401 == (await get(server, "/metrics")).status_code
        assert 200 == (await get(server, "/metrics", user="anna:right")).status_code


@pytest.mark.parametrize("name", ["web.yml", "localhost.crt"])
async def test_a_disk_that_hangs_keeps_what_is_in_force_and_holds_nobody(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, _ = self_signed(tmp_path)
    file = web_file(tmp_path, f"{TLS}basic_auth_users: {{anna: {HASH}}}\n")
    trusted, disk_works = trusting(certificate), threading.Event()

    try:
        async with running(file) as server:
            (tmp_path / name).touch()
            monkeypatch.setattr(live_config, "new_context", held_until(disk_works, tls.new_context))
            monkeypatch.setattr(config, "read_file", held_until(disk_works, files.read_file))
            async with asyncio.timeout(20):
                for _ in range(3):
                    assert 401 == (await get(server, "/metrics", verify=trusted)).status_code
                assert 200 == (await get(server, "/metrics", verify=trusted, user="anna:right")).status_code
    finally:
        disk_works.set()


async def test_tls_cannot_be_dropped_while_running(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    file = web_file(tmp_path, TLS)

    async with running(file) as server:
        web_file(tmp_path, "")
        assert 200 == (await get(server, verify=trusting(certificate))).status_code


@pytest.mark.parametrize("rest", ["", "http_server_config: {}\n", "basic_auth_users: {}\n"])
async def test_passwords_cannot_be_dropped_while_running(rest: str, tmp_path: Path) -> None:
    # An editor that empties the file before it writes it looks just like that.
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{HASH}'}}\n")
    async with running(web) as server:
        assert 401 == (await get(server, "/config")).status_code
        web.write_text(rest)
        assert 401 == (await get(server, "/config")).status_code
        web.write_text(f"basic_auth_users: {{ann: '{OTHER}'}}\n# saved\n")
        assert 200 == (await get(server, "/config", user="ann:changed")).status_code


async def test_client_certificates_cannot_be_dropped_while_running(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    asking = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: localhost.crt\n"
    web = web_file(tmp_path, TLS + asking)
    async with running(web) as server:
        web.write_text(TLS)
        with pytest.raises(httpx.TransportError):
            await get(server, verify=trusting(certificate))


async def test_configured_headers_take_the_place_of_ours(tmp_path: Path) -> None:
    text = """
http_server_config:
  headers:
    Strict-Transport-Security: max-age=60
    X-Frame-Options: sameorigin
    X-Content-Type-Options: ""
"""

    async with running(web_file(tmp_path, text)) as server:
        headers = (await get(server, "/")).headers
        assert ("max-age=60", "sameorigin") == (headers["strict-transport-security"], headers["x-frame-options"])
        assert "x-content-type-options" not in headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_a_401_carries_the_security_headers_too(tmp_path: Path) -> None:
    async with running(web_file(tmp_path, f"basic_auth_users: {{anna: {HASH}}}\n")) as server:
        answer = await get(server, "/")
        assert (401, "nosniff", "no-store") == (
            answer.status_code,
            answer.headers["x-content-type-options"],
            answer.headers["cache-control"],
        )
