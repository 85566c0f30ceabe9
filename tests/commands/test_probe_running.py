"""``probe --running``, and what ``probe`` prints for a monitoring system, as a user types it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import bcrypt
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.simulator import Fault, FaultKind
from exporter.web import encode_status
from tests.harness import views
from tests.harness.application import polled_and_served
from tests.harness.business import Business
from tests.harness.certificates import self_signed
from tests.harness.process import command, exporter
from tests.harness.typed import typed

HASH = bcrypt.hashpw(b"planted-password", bcrypt.gensalt(4)).decode()
CONNECTIONS = {"connections": {"interval": "1h"}}


async def test_it_asks_the_exporter_and_no_platform_and_ends_with_the_same_verdict_as_probe(business: Business) -> None:
    hourly = business.bitrix24_target(collectors={"bookings": {"interval": "1h"}})
    config = business.config(business.wix_target(collectors=CONNECTIONS), hourly)
    business.site.connections.revoke_token(next(iter(business.site.connections)).id)
    direct, printed, _ = await typed("probe", f"--config.file={config}")
    async with exporter(config) as running:
        await running.ready()
        before = len(business.simulator.log)
        code, out, err = await command("probe", f"--running={running.url}")
        assert before == len(business.simulator.log)
    assert (1, 1, "") == (direct, code, err)
    for text in (out, printed):
        first, *rest = text.splitlines()
        said, _, numbers = first.partition(" | ")
        assert said.startswith(
            "WARNING: 2 targets (1 warning, 1 healthy) - calendar sync is broken (token_revoked): salon-wix "
        )
        assert "targets_critical=0;;0;0;2 targets_warning=1;0;;0;2" in numbers
        assert "connections_error=1;;;0" in numbers.split()
        assert any("2 synced, 1 error" in line or "1 error, 2 synced" in line for line in rest), text
        assert "signs in again" in text


async def test_it_narrows_to_targets_and_says_which_it_does_not_know(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, platform="wix"))
    config = business.config(business.wix_target(collectors=CONNECTIONS), business.bitrix24_target())
    async with polled_and_served(config, business.simulator.now()) as url:
        asking = ("probe", f"--running={url}/")
        assert 2 == (await typed(*asking))[0]
        code, out, _ = await typed(*asking, "salon-b24")
        assert (1, False) == (code, "salon-wix" in out)
        assert out.startswith("WARNING: 1 target (1 warning) - many bookings have no CRM link, next_7d (")
        assert "): salon-b24 links | targets_critical=0;" in out
        code, out, err = await typed(*asking, "salon-wicks")
        assert (3, "") == (code, err)
        assert "salon-wicks" in out


async def test_it_prints_json_and_metrics_as_the_exporter_has_them(business: Business) -> None:
    config = business.config(business.wix_target(collectors=CONNECTIONS))
    async with polled_and_served(config, business.simulator.now()) as url:
        asking = ("probe", "salon-wix", f"--running={url}")
        code, out, _ = await typed(*asking, "--output=json")
        assert (0, ["salon-wix"]) == (code, [target["name"] for target in json.loads(out)["targets"]])
        code, out, _ = await typed(*asking, "--output=metrics")
        assert 0 == code
        families = {family.name for family in text_string_to_metric_families(out)}
        assert {"booking_sync_connection_status", "booking_sync_ready"} <= families, "it has what only a daemon knows"


async def test_over_tls_with_a_password_which_is_never_shown(business: Business, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: {certificate.name}, key_file: {key.name}}}\nbasic_auth_users: {{anna: {HASH}}}\n"
    )
    config = business.config(business.wix_target(collectors=CONNECTIONS))
    async with polled_and_served(config, business.simulator.now(), web) as url:
        address = url.removeprefix("https://").replace("127.0.0.1", "localhost")
        trusted = {"SSL_CERT_FILE": str(certificate)}
        known = {"BOOKING_SYNC_PASSWORD": "planted-password", **trusted}

        async def asked(user: str, environ: dict[str, str]) -> tuple[int, str]:
            code, out, err = await typed("probe", f"--running=https://{user}{address}", environ=environ)
            assert "planted-password" not in out + err
            return code, out + err

        assert 0 == (await asked("anna@", known))[0]
        assert 0 == (await asked("anna:planted-password@", trusted))[0]
        for user, environ, said in (
            ("", trusted, "BOOKING_SYNC_PASSWORD"),
            ("anna:wrong-one@", trusted, "BOOKING_SYNC_PASSWORD"),
            ("anna:planted-password@", {}, "certificate"),
        ):
            code, text = await asked(user, environ)
            assert 3 == code
            assert said in text
            assert "wrong-one" not in text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "no answer from 127.0.0.1:1"),
        ("http://anna:planted-password@exporter.example:10888", "over https:// only"),
        ("ftp://127.0.0.1", "for example http://127.0.0.1:10888"),
        ("127.0.0.1:10888", "for example http://127.0.0.1:10888"),
    ],
)
async def test_without_an_answer_it_is_unknown_and_says_why(url: str, said: str) -> None:
    code, out, err = await typed("probe", f"--running={url}")
    assert (3, "") == (code, err)
    assert out.startswith("UNKNOWN: ")
    assert said in out
    assert "planted-password" not in out


async def test_what_is_no_exporter_is_unknown(business: Business) -> None:
    code, out, _ = await typed("probe", f"--running={business.url}")
    assert 3 == code
    assert out.startswith("UNKNOWN: ")


async def test_in_a_pipe_no_row_is_wrapped_and_a_fix_that_many_need_is_printed_once(business: Business) -> None:
    for connection in tuple(business.site.connections):
        business.site.connections.revoke_token(connection.id)
    name = "the-salon-with-the-longest-name-of-all-the-salons-in-the-whole-of-this-long-street"
    targets = [business.wix_target(name, collectors={"connections": {}, "bookings": {}})]
    environ = {"COLUMNS": "40"}
    code, out, _ = await typed("probe", f"--config.file={business.config(*targets)}", environ=environ)
    assert 1 == code
    rows = [line for line in out.splitlines() if line.startswith(name)]
    assert 2 == len(rows), out
    assert any("next_7d" in row and "next_24h" in row for row in rows)
    assert 1 == out.count("signs in again")
    assert 3 == sum(line.startswith(f"    {name} connection ") for line in out.splitlines()), "the three places of the one fix"


@pytest.mark.parametrize("zone", ["Europe/New_Town", "../../etc/passwd", ""])
async def test_a_zone_that_only_the_exporter_knows_is_told_in_utc(zone: str) -> None:
    """The exporter's machine may have newer zones than this one."""
    status = msgspec.json.decode(encode_status(views.in_berlin()))
    for problem in status["problems"]:
        problem["zone"] = zone
    body = msgspec.json.encode(status)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        code, out, err = await typed("probe", f"--running=http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (2, "") == (code, err)
    assert "Window seat today 15:13 " in out.splitlines()[0], "in Berlin it is 17:13"
    assert "UTC): bookings 341 and 352" in out
