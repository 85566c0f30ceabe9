"""What is masked follows what the process holds: reloads and renewed tokens bring secrets, and take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from exporter.commands.target_factory import known_secrets
from exporter.config import load_config
from exporter.errors import ConfigError
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.wix.session import WixSession
from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets
from tests.harness.application import application, driven
from tests.harness.bitrix24_oauth import open_oauth, stored, write_tokens
from tests.harness.bitrix24_target import poll_bookings, running_portal
from tests.harness.clock import ManualClock
from tests.harness.peer import peer
from tests.harness.wix_site import running_site

KEYS = [f"k3y-number-{number}-of-the-salon" for number in range(4)]
HIDDEN = "********"


def written(folder: Path, key: str, **changes: Any) -> Path:  # noqa: ANN401  fields of the target
    file = folder / "exporter.yml"
    target = {"name": "salon", "platform": "wix", "site_id": "site-1", "base_url": "http://127.0.0.1:1", "api_key": key}
    file.write_text(yaml.safe_dump({"targets": [{**target, **changes}]}))
    return file


@pytest.mark.parametrize("rejected", [0, 1, 3])
async def test_a_reload_brings_its_secrets_and_those_before_the_last_one_go(rejected: int, tmp_path: Path) -> None:
    known = KnownSecrets()
    async with peer(), application(written(tmp_path, KEYS[0]), ManualClock(), known=known) as app:
        for _ in range(rejected):
            written(tmp_path, KEYS[3], interval="never")
            with pytest.raises(ConfigError):
                await driven(app, app.app.reload())
        assert (HIDDEN, KEYS[1]) == (known.mask(KEYS[0]), known.mask(KEYS[1]))
        for key in KEYS[1:3]:
            written(tmp_path, key)
            await driven(app, app.app.reload())
        assert [KEYS[0], HIDDEN, HIDDEN] == [known.mask(key) for key in KEYS[:3]]


async def test_a_rejected_file_that_quotes_a_secret_in_force_is_answered_without_it(tmp_path: Path) -> None:
    secret = "key-secret-of-berlin"

    async with application(written(tmp_path, secret), ManualClock(), known=KnownSecrets()) as app:
        written(tmp_path, KEYS[1], timezone=secret)
        with pytest.raises(ConfigError) as caught:
            await driven(app, app.app.reload())
        assert secret not in str(caught.value)
        with capture_logs() as lines:  # and watched on, it is no news
            await driven(app, app.app.reload_if_changed())
        assert [] == [line["event"] for line in lines if line["log_level"] == "error"]


def test_the_secrets_of_a_configuration_are_those_that_it_was_given_and_no_names(tmp_path: Path) -> None:
    assert (KEYS[0],) == load_config(written(tmp_path, KEYS[0])).secrets
    assert () == load_config(written(tmp_path, KEYS[0], name=KEYS[0])).secrets


async def test_a_target_that_is_called_as_the_user_of_its_proxy_is_named_in_the_log(tmp_path: Path) -> None:
    known = KnownSecrets()
    file = written(tmp_path, KEYS[0], name="salon-wix-01", proxy=f"http://salon-wix-01:{KEYS[1]}@127.0.0.1:1")
    async with application(file, ManualClock(), known=known):
        assert ("salon-wix-01", HIDDEN) == (known.mask("salon-wix-01"), known.mask(KEYS[1]))


def test_a_password_that_is_the_name_of_a_platform_leaves_that_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://anna1234:bitrix24@proxy.example")
    try:
        assert f"platform=bitrix24 {HIDDEN}" == known_secrets().mask("platform=bitrix24 anna1234")
    finally:
        logs.mask_with(str)


async def test_a_token_of_wix_is_known_from_its_mint_until_its_target_goes() -> None:
    async with running_site() as bench:
        session = bench.open(bench.target(app=bench.simulator.wix.credentials.install(bench.site.id)))
        assert isinstance(session, WixSession)
        await bench.observe()
        known = session._services.known
        token = (await session._api._credential.access())["Authorization"]
        assert HIDDEN == known.mask(token)
        await session.aclose()
        assert token == known.mask(token)


async def test_tokens_of_bitrix24_are_known_as_they_are_renewed_until_their_target_goes(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        path = write_tokens(bench)
        pairs = [stored(path)]
        bench.clock.now += 3601
        session = open_oauth(bench)
        assert isinstance(session, BitrixSession)
        known = session._services.known
        await poll_bookings(session)
        pairs.append(stored(path))
        tokens = [pair[kind] for pair in pairs for kind in ("access_token", "refresh_token")]
        assert 4 == len(set(tokens))
        assert {HIDDEN} == {known.mask(token) for token in tokens}
        await session.aclose()
        assert tokens == [known.mask(token) for token in tokens]
