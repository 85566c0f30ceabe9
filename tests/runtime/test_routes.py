"""The whole exporter towards targets with a private CA and behind proxies, and what a reload sees of both."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from exporter.config import config_hash, load_config
from exporter.errors import ConfigError
from exporter.runtime.targets import LiveTarget
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business
from tests.harness.certificates import signed
from tests.harness.clock import ManualClock
from tests.harness.connect_proxy import ConnectProxy, listening, tls_in_front

PASSWORD = "planted-proxy-password"
KINDS = ("wix", "wix-app", "bitrix24", "bitrix24-oauth")
HOURLY = {"bookings": {"interval": "1h"}}


def target(business: Business, kind: str, base_url: str, **changes: object) -> dict[str, Any]:
    """Return a target of ``kind`` that is asked at ``base_url``, its authorisation server included."""
    common = {"base_url": base_url, "collectors": HOURLY, **changes}
    if kind == "bitrix24":
        return business.bitrix24_target(kind, **common)
    if kind == "bitrix24-oauth":
        made = business.expired_oauth_target(kind)
        business.simulator.bitrix24.oauth.access_seconds = 3600  # of the pair that it is renewed to
        made["oauth"]["server"] = base_url
        return {**made, **common}
    if kind == "wix":
        return business.wix_target(kind, **common)
    app = business.simulator.wix.credentials.install(business.site.id)
    made = {key: value for key, value in business.wix_target(kind, **common).items() if key not in ("site_id", "api_key")}
    return {**made, "app_id": app.app_id, "app_secret": app.app_secret, "instance_id": app.instance_id}


@contextlib.asynccontextmanager
async def polled(business: Business, *targets: dict[str, Any]) -> AsyncIterator[RunningApplication]:
    async with application(business.config(*targets), ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        yield app


def live(app: RunningApplication) -> dict[str, LiveTarget]:
    return app.app._live


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_with_a_private_ca_is_trusted_with_the_targets_ca_file_and_not_without(
    business: Business, tmp_path: Path, kind: str
) -> None:
    authority, certificate, key = signed(tmp_path)

    async with tls_in_front(business.url, certificate, key) as url:
        without = target(business, kind, url)
        async with polled(business, without) as app:
            samples = await app.samples()
            assert 0 == samples['collector_up{collector="bookings"}']
            assert 1 == samples['collector_failures_total{collector="bookings",reason="tls"}']
            business.config({**without, "tls": {"ca_file": authority.name}})
            await app.app.reload()
            await app.finished_polls()
            assert 1 == (await app.samples())['collector_up{collector="bookings"}']


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_that_is_asked_for_a_target_goes_through_its_proxy_and_the_password_is_seen_nowhere(
    business: Business, tmp_path: Path, kind: str
) -> None:
    authority, certificate, key = signed(tmp_path)

    proxy = ConnectProxy()
    async with tls_in_front(business.url, certificate, key) as url, listening(proxy) as address:
        # The name is not the loopback's, which is never asked through a proxy; the certificate is for localhost, so that
        # the tunnel is made and TLS fails inside of it.
        there = target(
            business,
            kind,
            url.replace("localhost", "portal.localhost"),
            proxy=address.replace("://", f"://anna:{PASSWORD}@"),
            tls={"ca_file": str(authority)},
        )
        with structlog.testing.capture_logs() as logged:
            async with polled(business, there) as app:
                samples = await app.samples()
                shown = app.app.effective_config() + await app.page() + json.dumps(logged, default=str)
        assert 1 == samples['collector_failures_total{collector="bookings",reason="tls"}']
        assert proxy.heads
        for head in proxy.heads:
            assert head.startswith(b"CONNECT portal.localhost:")
            assert b"Proxy-Authorization: Basic " in head
        assert f"proxy: {json.dumps(address.replace('://', '://********@'))}" in shown
        assert PASSWORD not in shown + repr(app.app.config)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "told"), [(407, "HTTP 407: it requires a user and a password, or other ones"), (502, "HTTP 502")]
)
async def test_the_poll_behind_a_proxy_that_refuses_fails_as_network_and_names_the_proxy(
    business: Business, kind: str, status: int, told: str
) -> None:
    proxy = ConnectProxy(status)
    async with listening(proxy) as address:
        there = target(business, kind, "https://portal.example", proxy=address.replace("://", f"://anna:{PASSWORD}@"))
        async with polled(business, there) as app:
            ((state,),) = [seen.collectors for seen in app.app.view().targets]
            assert state.failure is not None
            assert "network" == state.failure.reason.value
            assert f"cannot reach portal.example: the proxy {address} refuses to connect ({told})" == state.failure.message


def write(path: Path, *parts: Path) -> None:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))


@pytest.mark.parametrize("change", ["content", "path", "other proxy", "other password", "gone"])
@pytest.mark.parametrize("kind", ["wix", "bitrix24"])
async def test_a_reload_that_changes_only_the_way_is_seen_and_the_other_targets_are_left_alone(
    business: Business, tmp_path: Path, kind: str, change: str
) -> None:
    (tmp_path / "more").mkdir()
    authority, certificate, _ = signed(tmp_path / "more")

    write(tmp_path / "ca.pem", authority)
    write(tmp_path / "same.pem", authority)

    def written(ca: str | None = "ca.pem", proxy: str = "http://anna:planted@127.0.0.1:9") -> Path:
        way = {"tls": {"ca_file": ca}, "proxy": proxy} if ca else {}
        return business.config(target(business, kind, business.url, **way), business.bitrix24_target("other"))

    path = written()
    before = config_hash(load_config(path))
    async with application(path, ManualClock(business.simulator.now())) as app:
        sessions = {name: found.session for name, found in live(app).items()}
        await app.app.reload()
        assert sessions == {name: found.session for name, found in live(app).items()}, "nothing has changed yet"
        if change == "content":
            write(tmp_path / "ca.pem", authority, certificate)
        elif change == "path":
            written("same.pem")
        elif change == "other proxy":
            written(proxy="http://anna:planted@127.0.0.1:10")
        elif change == "other password":
            written(proxy="http://anna:planted2@127.0.0.1:9")
        else:
            written(None)
        await app.app.reload_if_changed()
        assert sessions["other"] is live(app)["other"].session
        assert sessions[kind] is not live(app)[kind].session
        assert (change == "other password") == (before == config_hash(app.app.config)), "no secret is in the hash"


async def test_a_reload_that_finds_no_certificates_is_refused_and_the_way_before_stays(
    business: Business, tmp_path: Path
) -> None:
    authority, _, _ = signed(tmp_path)

    write(tmp_path / "ca.pem", authority)
    config = business.config(target(business, "wix", business.url, tls={"ca_file": "ca.pem"}))
    async with application(config, ManualClock(business.simulator.now())) as app:
        session = live(app)["wix"].session
        (tmp_path / "ca.pem").write_text("half a fi")
        with pytest.raises(ConfigError, match=r"targets\[0\]\.tls\.ca_file: .*ca\.pem holds no certificate in PEM format"):
            await app.app.reload()
        assert session is live(app)["wix"].session
