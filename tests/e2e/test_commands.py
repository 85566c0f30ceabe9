"""The commands as a user types them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.simulator import Fault, FaultKind
from tests.harness.business import Business
from tests.harness.process import command, exporter, until
from tests.harness.typed import typed

CONNECTIONS = "ListConnections"


async def test_probe_is_healthy_when_everything_syncs(business: Business) -> None:
    for booking in business.portal.world.bookings():
        business.portal.world.link(booking.id, 1)
    code, out, _ = await command("probe", f"--config.file={business.config()}")
    assert 0 == code
    for part in ("salon-wix", "salon-b24", "connections", "links", "3 synced", "OK"):
        assert part in out


async def test_probe_warns_of_a_broken_connection_and_says_who_mends_it(business: Business) -> None:
    business.site.connections.revoke_token(next(iter(business.site.connections)).id)
    code, out, _ = await typed("probe", "salon-wix", f"--config.file={business.config()}")
    assert 1 == code
    assert "salon-b24" not in out, "only the named target is polled"
    assert "signs in again" in out


async def test_probe_is_critical_when_two_bookings_of_the_next_day_overlap(business: Business) -> None:
    world, soon = business.portal.world, business.simulator.now() + 7_200
    chair = world.add_resource("Chair 9")
    for late in (0, 600):
        world.add_booking(soon + late, soon + late + 1_800, resource_ids=(chair.id,))
    target = business.bitrix24_target(collectors={"bookings": {"interval": "1s"}})
    code, out, _ = await typed("probe", f"--config.file={business.config(target)}")
    assert 2 == code
    assert "(20 min; " in out
    [row] = [line for line in out.splitlines() if line.startswith("salon-b24") and "bookings" in line.split()]
    assert "CRITICAL" in row.split()
    assert "connection disconnected" in out.partition("Not judged, since one poll has no history:")[2]
    assert re.match(r"CRITICAL: 1 target \(1 critical\) - double booking: salon-b24 5 (today|tomorrow) \d\d:\d\d \| ", out)


async def test_probe_warns_when_one_collector_of_a_target_fails_beside_a_good_one(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, platform="wix", operation=CONNECTIONS))
    code, out, _ = await typed("probe", "salon-wix", f"--config.file={business.config()}")
    assert 1 == code
    states = {row[1]: row[2] for line in out.splitlines() if (row := line.split()) and row[0] == "salon-wix"}
    assert ("WARNING", "OK") == (states["connections"], states["bookings"])


async def test_probe_is_critical_when_a_poll_fails(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, platform="bitrix24"))
    code, out, _ = await typed("probe", f"--config.file={business.config()}")
    assert 2 == code
    assert "permission" in out


async def test_probe_does_not_know_an_unknown_target(business: Business) -> None:
    code, out, err = await typed("probe", "salon-wicks", f"--config.file={business.config()}")
    assert (3, "") == (code, err), "a monitoring system reads standard output"
    assert "UNKNOWN: no target named salon-wicks; there are salon-b24, salon-wix\n" == out


async def test_probe_is_unknown_with_a_bad_configuration(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("targets: []\n")
    code, out, err = await typed("probe", f"--config.file={path}")
    assert (3, "") == (code, err)
    assert out.startswith(f"UNKNOWN: {path}:1: targets: ")
    code, out, err = await typed("probe", "--output=json", f"--config.file={path}")
    assert (3, "") == (code, out), "what is no JSON stands elsewhere"
    assert err.startswith(f"error: {path}:1: targets: ")


@pytest.mark.parametrize("wrong", ["--outputt=json", "--output=xml"])
async def test_probe_is_unknown_when_it_is_called_wrongly(wrong: str) -> None:
    code, out, err = await typed("probe", wrong)
    assert 3 == code
    assert "--output" in err
    assert out.startswith("UNKNOWN: ")
    assert "--output" in out


async def test_probe_prints_json_that_is_the_status_api(business: Business) -> None:
    code, out, _ = await typed("probe", "--output=json", f"--config.file={business.config()}")
    assert 1 == code, "some bookings of the portal have no deal"
    assert {"salon-wix", "salon-b24"} == {target["name"] for target in json.loads(out)["targets"]}


async def test_probe_prints_metrics_that_parse(business: Business) -> None:
    _, out, _ = await typed("probe", "--output=metrics", f"--config.file={business.config()}")
    families = {family.name for family in text_string_to_metric_families(out)}
    assert {"booking_sync_connection_status", "booking_sync_bookings", "booking_sync_linked_bookings"} <= families


async def test_check_config_is_content_with_the_shipped_example() -> None:
    shipped = Path(__file__).parents[2] / "config" / "exporter.yml"
    environ = {"WIX_API_KEY": "IST.x", "B24_WEBHOOK_URL": "https://portal.bitrix24.example/rest/1/abcdef0123456789/"}
    code, out, err = await typed("check-config", f"--config.file={shipped}", environ=environ)
    # A machine without the folder of a service is told so, and nothing else.
    told = [line for line in err.splitlines() if "the folder /var/lib/booking-sync-exporter does not exist" not in line]
    assert (0, []) == (code, told), err
    assert "valid" in out


async def test_check_config_names_every_problem_at_once_and_shows_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text(
        """
timezone: Europe/Berlim
targets:
  - {name: a, platform: wix, site_id: 7f1c, api_key: "Bearer planted-key-1"}
  - {name: a, platform: bitrix24, webhook_url: "http://portal.example/rest/1/planted-code-2/", unknown: 1}
"""
    )
    code, _, err = await typed("check-config", f"--config.file={path}")
    assert 2 == code
    for part in ("Europe/Berlim", "Europe/Berlin", "targets[0].api_key", "targets[1].name", "targets[1].unknown", "fix:"):
        assert part in err, part
    assert "planted" not in err


async def test_check_config_online_tries_each_credential(business: Business) -> None:
    wrong = business.bitrix24_target("wrong", webhook_url="https://x.bitrix24.example/rest/1/plantedwrongcode/")
    config = business.config(business.wix_target(), business.bitrix24_target(), wrong)
    code, out, err = await typed("check-config", "--online", f"--config.file={config}")
    assert 2 == code
    assert "salon-wix: the credential works" in out
    assert "salon-b24: the credential works" in out
    assert "wrong: auth" in err
    assert "plantedwrongcode" not in out + err


async def test_healthcheck_tells_a_running_exporter_from_none(business: Business) -> None:
    async with exporter(business.config(business.wix_target())) as running:
        address = running.url.removeprefix("http://")
        assert 0 == (await command("healthcheck", f"--web.listen-address={address}"))[0]
    code, _, err = await command("healthcheck", f"--web.listen-address={address}")
    assert 1 == code
    assert "no answer" in err


async def test_leaving_a_question_unanswered_is_no_crash(tmp_path: Path) -> None:
    words = ("--portal=https://x.bitrix24.example", "--client-id=local.1", f"--token-file={tmp_path / 'token.json'}")
    code, _, err = await command("bitrix24-login", *words)
    assert 1 == code
    assert "Aborted" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("shard", ["3/3", "1", "²/³", "-1/2", "a/b", "0/0"])
async def test_a_shard_that_makes_no_sense_is_refused(shard: str) -> None:
    code, _, err = await typed(f"--shard={shard}")
    assert 2 == code
    assert "(fix: " in err
    assert "Traceback" not in err


async def test_an_unknown_scenario_is_refused_with_the_list() -> None:
    # The demo takes signals, so it needs the main thread of a process.
    for code, _, err in (await command("demo", "--scenario=quiet"), await typed("simulate", "--scenario=quiet")):
        assert 2 == code
        assert "bad-night" in err


async def test_simulate_lists_every_scripted_incident() -> None:
    code, out, _ = await typed("simulate", "--list")
    assert 0 == code
    for name in (
        *("token-revoked", "sync-stuck", "provider-down", "double-booking", "lost-crm-link", "api-throttled", "intake-stopped"),
        *("access-lost", "invite-expired", "private-event-sold", "import-silent", "copy-moved", "says-synced"),
        *("busy-time-offered", "service-closed"),
        *("calm", "worst-night", "long-night", "bad-night"),
    ):
        assert name in out


@contextlib.asynccontextmanager
async def running_until(stop: signal.Signals, *words: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamReader]]:
    """Run a command that goes on until ``stop``; yields its output and its errors. It must end with 0 and no traceback."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "exporter", *words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process.stdout, process.stderr
    finally:
        process.send_signal(stop)
        assert 0 == await asyncio.wait_for(process.wait(), 20)
        assert "Traceback" not in (await process.stderr.read()).decode()


async def text_with(reader: asyncio.StreamReader, words: str, times: int = 1) -> str:
    """Return the lines up to the one with which ``words`` have come ``times`` times."""
    text = ""
    while text.count(words) < times:
        text += (await asyncio.wait_for(reader.readline(), 30)).decode()
    return text


async def test_all_that_simulate_prints_is_a_configuration_that_works_against_it(tmp_path: Path) -> None:
    async with running_until(signal.SIGINT, "simulate", "--listen=127.0.0.1:0", "--scenario=token-revoked") as (printed, told):
        await text_with(told, ">> token-revoked")
        text = (await printed.read(64 * 1024)).decode()
        path = tmp_path / "exporter.yml"
        path.write_text(text)
        code, out, err = await typed("probe", f"--config.file={path}")
        assert 1 == code, out + err
        assert "1 error" in out
        assert "conflicts_off" not in out, "double bookings are looked for on both platforms"
        assert "timezone: Europe/Berlin" in text


DEMO = ("demo", "--web.listen-address=127.0.0.1:0")


def url_in(text: str) -> str:
    return next(word for word in text.split() if word.startswith("http")).rstrip("/")


async def test_demo_shows_both_platforms_and_the_incidents_as_they_run() -> None:
    flags = ("--scenario=token-revoked", "--web.allowed-hosts=host.docker.internal")
    async with running_until(signal.SIGINT, *DEMO, *flags) as (printed, told):
        await text_with(told, "booking_sync_bookings{", 6)
        text = (await printed.read(64 * 1024)).decode()
        assert 4 == len(text.splitlines()), "four addresses, and nothing else"
        url = url_in(text)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:

            async def page() -> str | None:
                text = (await http.get("/metrics")).text
                return text if 'status="error"} 1' in text else None

            shown = await until(page, "the scripted incident on the page")
            by_name = {"host": f"host.docker.internal:{url.rpartition(':')[2]}"}
            assert 200 == (await http.get("/metrics", headers=by_name)).status_code
            for platform in ("wix", "bitrix24"):
                assert f'platform="{platform}",window="next_24h"' in shown
            assert 403 == (await http.post("/-/reload")).status_code, "without --web.enable-lifecycle"


async def test_demo_may_be_reloaded_with_the_switch_of_the_daemon() -> None:
    async with running_until(signal.SIGTERM, *DEMO, "--scenario=calm", "--web.enable-lifecycle") as (printed, _):
        url = url_in(await text_with(printed, "Status board"))
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert 200 == (await http.post("/-/reload")).status_code
