"""Who changed the running exporter, or tried to: what the log says of it."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import bcrypt
import httpx
import pytest
import structlog.testing
from structlog.typing import EventDict

from exporter.support.audit import Refusals
from tests.harness import views
from tests.harness.business import Business
from tests.harness.certificates import self_signed
from tests.harness.process import Exporter, exporter
from tests.harness.web import ShownBackend
from tests.harness.web_server import TLS, running, trusting, web_file

HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{anna: {HASH}}}\n"
FORGED = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
CHANGES = {"reload": "/-/reload", "log-level": "/-/log-level?level=debug"}


async def told(
    tmp_path: Path,
    path: str,
    *,
    web: str = "",
    lifecycle: bool = True,
    headers: dict[str, str] | None = None,
    user: str = "",
    verify: ssl.SSLContext | bool = True,
    address: str = "127.0.0.1:0",
) -> list[EventDict]:
    """Return what the audit's lines say of one request for a change."""

    async def scenario() -> None:
        backend = ShownBackend(views.healthy(), lifecycle=lifecycle)
        async with (
            running(web_file(tmp_path, web) if web else None, address, backend) as server,
            httpx.AsyncClient(verify=verify, trust_env=False) as client,
        ):
            if user:
                client.auth = httpx.BasicAuth(*user.split(":"))
            url = server.url.replace("localhost", "127.0.0.1")
            await client.post(f"{url}{path}", headers={**FORGED, **(headers or {})})

    with structlog.testing.capture_logs() as logged:
        await scenario()
    return [line for line in logged if line["event"].startswith("change_")]


def asked(change: str, by: str, **more: str) -> list[EventDict]:
    facts = {"change": change, "by": by, "from": "127.0.0.1", **more}
    return [{"event": "change_requested", "log_level": "info", **facts}]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_without_password_is_told_with_the_address_of_the_connection(change: str, tmp_path: Path) -> None:
    assert asked(change, "anybody") == await told(tmp_path, CHANGES[change])


async def test_the_address_of_the_connection_is_told_as_everybody_writes_it_on_a_listener_of_both_families(
    tmp_path: Path,
) -> None:
    assert asked("reload", "anybody") == await told(tmp_path, CHANGES["reload"], address=":0")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_name_in_a_header_that_nobody_checked_is_not_told(change: str, tmp_path: Path) -> None:
    assert asked(change, "anybody") == await told(tmp_path, CHANGES[change], user="mallory:x")


@pytest.mark.parametrize("change", CHANGES)
async def test_who_signed_in_is_told_by_name(change: str, tmp_path: Path) -> None:
    assert asked(change, "anna") == await told(tmp_path, CHANGES[change], web=USERS, user="anna:right")


@pytest.mark.parametrize("user", ["anna:right", ""])
async def test_who_showed_a_certificate_is_told_by_its_subject(user: str, tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    shown = self_signed(tmp_path, "scraper")
    policy = f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {shown[0].name}\n"
    web = TLS + policy + (USERS if user else "")
    names = asked("reload", "anna", certificate="CN=scraper") if user else asked("reload", "CN=scraper")
    assert names == await told(tmp_path, "/-/reload", web=web, user=user, verify=trusting(certificate, shown))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("lifecycle", "headers", "why"),
    [(False, {}, "lifecycle_off"), (True, {"Origin": "https://evil.example"}, "cross_site")],
)
async def test_what_is_refused_is_told_with_the_reason(
    change: str, lifecycle: bool, headers: dict[str, str], why: str, tmp_path: Path
) -> None:
    (line,) = await told(tmp_path, CHANGES[change], lifecycle=lifecycle, headers=headers)
    facts = {"change": change, "why": why, "by": "anybody", "from": "127.0.0.1", "untold": None}
    assert {"event": "change_refused", "log_level": "warning", **facts} == line


def test_refusals_are_told_once_in_a_minute_for_each_reason_with_the_number_of_those_between() -> None:
    moments = iter([0.0, 1.0, 59.0, 30.0, 60.0, 120.0])
    refusals = Refusals(lambda: next(moments))
    with structlog.testing.capture_logs() as logged:
        for why in ("cross_site", "cross_site", "cross_site", "lifecycle_off", "cross_site", "cross_site"):
            refusals.tell(why, "reload", by="anybody")
    lines = [(line["why"], line["untold"]) for line in logged]
    assert [("cross_site", None), ("lifecycle_off", None), ("cross_site", 2), ("cross_site", None)] == lines


def by_signal(number: signal.Signals) -> Callable[[Exporter, Path], None]:
    return lambda running, _: running.send(number)


def by_an_edit(_: Exporter, config: Path) -> None:
    config.write_text(config.read_text().replace("Europe/Berlin", "Europe/Vienna"))


@pytest.mark.parametrize(
    ("ask", "change", "by"),
    [
        (by_signal(signal.SIGHUP), "reload", "signal"),
        (by_signal(signal.SIGUSR1), "log-level", "signal"),
        (by_an_edit, "reload", "watch"),
    ],
    ids=["SIGHUP", "SIGUSR1", "watch"],
)
async def test_a_change_that_came_another_way_is_told_with_the_way(
    business: Business, ask: Callable[[Exporter, Path], None], change: str, by: str
) -> None:
    config = business.config()
    async with exporter(config, "--config.watch") as process:
        await process.ready()
        ask(process, config)
        await process.logged("change_requested", change=change, by=by, logger="exporter.audit")
