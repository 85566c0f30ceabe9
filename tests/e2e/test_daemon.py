"""The real process: started, scraped, signalled, reloaded, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from exporter.simulator import Fault, FaultKind
from tests.harness.business import API_KEY, Business
from tests.harness.faults import met
from tests.harness.process import Exporter, exporter, hanging, until


async def sample(running: Exporter, name: str) -> float | None:
    return (await running.samples()).get(name)


async def becomes(running: Exporter, name: str, value: float | None, *, seconds: float = 30) -> None:
    async def is_so() -> bool:
        return await sample(running, name) == value

    await until(is_so, f"{name} to become {value}", seconds=seconds)


def up(target: str, collector: str, platform: str = "wix") -> str:
    return f'collector_up{{collector="{collector}",platform="{platform}",target="{target}"}}'


async def test_both_platforms_end_up_as_gauges(business: Business) -> None:
    async with exporter(business.config()) as running:
        await running.ready()
        page = await running.samples()
        assert {1.0} == {value for name, value in page.items() if name.startswith("collector_up")}
        synced = [v for name, v in page.items() if name.startswith("connection_status{") and 'status="synced"' in name]
        assert [1.0, 1.0, 1.0] == synced
        for platform, target in (("wix", "salon-wix"), ("bitrix24", "salon-b24")):
            assert page[f'bookings{{platform="{platform}",target="{target}",window="next_7d"}}'] > 0
        assert 1 == page["ready"]
        assert not business.simulator.log.writes()


async def test_token_files_that_hang_hold_up_no_large_answer_of_another_target(business: Business) -> None:
    business.site.connect_many(400)
    targets = [business.wix_target("large", collectors={"connections": {"interval": "1s"}})]
    # More than there are threads for files.
    targets += [business.expired_oauth_target(f"oauth-{number}") for number in range(70)]
    last_success = 'collector_last_success_timestamp_seconds{collector="connections",platform="wix",target="large"}'
    async with hanging(business.config(*targets), "token_files") as running:
        later = business.simulator.now() + 6  # until then every token file has been opened

        async def goes_on() -> bool:
            return (await sample(running, last_success) or 0.0) > later

        await until(goes_on, "the polls of the large site to go on", seconds=20)
        assert sum(line["event"] == "hangs" for line in running.log) >= 64, "as many threads as there are for files hang"


async def test_sigterm_ends_with_zero_and_closes_the_socket(business: Business) -> None:
    async with exporter(business.config()) as running:
        await running.ready()
        running.send(signal.SIGTERM)
        assert 0 == await running.ended()
        with pytest.raises(httpx.ConnectError):
            await running.get("/-/healthy")
        assert "Traceback" not in running.raw


async def test_sigterm_lets_the_request_in_flight_end(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.SLOW_HEADERS, seconds=2.0, times=1))
    async with exporter(business.config(business.wix_target(collectors={"connections": {"interval": "1h"}}))) as running:
        await met(business.simulator)  # into the slow answer
        running.send(signal.SIGTERM)
        assert 0 == await running.ended()
        assert "Traceback" not in running.raw
    statuses = [entry.status for entry in business.simulator.log if "connections" in entry.path]
    assert 200 == statuses[-1], "the answer was read to its end"


async def test_a_second_signal_ends_at_once(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.NEVER))
    async with exporter(business.config(business.wix_target(timeout="60s"))) as running:
        running.send(signal.SIGTERM)
        await running.logged("stopping")
        running.send(signal.SIGTERM)
        assert 1 == await running.ended(5)


async def test_a_stop_that_comes_before_the_socket_is_open_is_an_orderly_one(business: Business, tmp_path: Path) -> None:
    text = business.config(business.wix_target()).read_text()
    # A configuration that is a pipe keeps the start waiting until we write into it.
    pipe = tmp_path / "pipe.yml"
    os.mkfifo(pipe)
    async with exporter(pipe, wait=False) as running:
        writer = await asyncio.to_thread(pipe.open, "w")
        with writer:
            running.send(signal.SIGTERM)
            await running.logged("stopping")
            writer.write(text)
        assert 0 == await running.ended()
        assert "Traceback" not in running.raw


async def test_a_reload_that_is_asked_for_after_the_stop_began_starts_nothing(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.SLOW_HEADERS, seconds=2.0, times=1))
    async with exporter(business.config(business.wix_target())) as running:
        await met(business.simulator)  # into the slow answer
        running.send(signal.SIGTERM)
        await running.logged("stopping")
        running.send(signal.SIGHUP)
        assert 0 == await running.ended()
        assert "Traceback" not in running.raw
        assert [1] == [line["targets"] for line in running.log if line["event"] == "config_loaded"]


async def test_a_reload_by_signal_keeps_what_did_not_change(business: Business) -> None:
    calm = business.wix_target("stays", collectors={"connections": {"interval": "1h"}})
    async with exporter(business.config(calm, business.wix_target("goes"))) as running:
        await running.ready()
        polls = 'collector_polls_total{collector="connections",platform="wix",target="stays"}'
        before = await running.samples()
        business.config(calm, business.bitrix24_target("comes"))
        running.send(signal.SIGHUP)
        await becomes(running, up("comes", "bookings", "bitrix24"), 1)
        after = await running.samples()
        assert before[polls] == after[polls] == 1, "an unchanged target is not polled again"
        last = 'collector_last_success_timestamp_seconds{collector="connections",platform="wix",target="stays"}'
        assert before[last] == after[last]
        assert not [name for name in after if 'target="goes"' in name]


async def test_an_invalid_reload_keeps_the_old_configuration_and_shows(business: Business) -> None:
    path = business.config(business.wix_target())
    async with exporter(path, "--web.enable-lifecycle") as running:
        await running.ready()
        good = path.read_text()
        path.write_text(good.replace("platform: wix", "platform: wicks").replace("timezone", "timezon"))
        answer = await running.http.post(running.url + "/-/reload")
        assert 500 == answer.status_code
        assert "timezon" in answer.text
        assert "targets[0]" in answer.text
        page = await running.samples()
        assert 0 == page["config_last_reload_successful"]
        assert 1 == page[up("salon-wix", "connections")]
        path.write_text(good)
        assert 200 == (await running.http.post(running.url + "/-/reload")).status_code
        assert 1 == (await running.samples())["config_last_reload_successful"]


async def test_a_reload_that_still_sees_the_file_from_before_the_edit_says_so_in_answer_and_log(
    business: Business, tmp_path: Path
) -> None:
    edited = business.config(business.wix_target())
    (tmp_path / "mounted").mkdir()
    mounted = tmp_path / "mounted" / "exporter.yml"
    mounted.hardlink_to(edited)  # as a mount of the file alone: it keeps the inode
    async with exporter(mounted, "--web.enable-lifecycle") as running:
        await running.ready()
        edited.unlink()
        business.config(business.wix_target(), business.bitrix24_target())  # as `sed -i` and editors save
        answer = await running.http.post(running.url + "/-/reload")
        assert 200 == answer.status_code
        assert "The file is unchanged" in answer.text
        assert "mount its folder" in (await running.logged("config_unchanged", file=str(mounted)))["fix"]
        assert 1 == (await running.samples())["config_last_reload_successful"]


async def test_reload_over_http_is_refused_without_the_flag(business: Business) -> None:
    async with exporter(business.config(business.wix_target())) as running:
        assert 403 == (await running.http.post(running.url + "/-/reload")).status_code


async def test_a_rotated_secret_file_is_noticed_as_kubernetes_swaps_it(business: Business, tmp_path: Path) -> None:
    for version, key in (("v1", "wrong-key"), ("v2", API_KEY)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "api_key").write_text(key + "\n")
    current = tmp_path / "..data"
    current.symlink_to("v1")
    (tmp_path / "api_key").symlink_to("..data/api_key")
    config = business.config(business.wix_target(api_key={"file": str(tmp_path / "api_key")}))
    async with exporter(config, "--config.watch") as running:
        await running.logged("poll_failed", reason="auth")
        swapped = tmp_path / "..data_tmp"
        swapped.symlink_to("v2")
        swapped.replace(current)
        await becomes(running, up("salon-wix", "connections"), 1)


async def test_the_log_level_changes_by_signal_and_over_http_and_says_so(business: Business) -> None:
    async with exporter(business.config(business.wix_target()), "--web.enable-lifecycle") as running:
        await running.ready()
        assert not [line for line in running.log if line["level"] == "debug"]
        running.send(signal.SIGUSR1)
        await running.logged("log_level_changed", to="debug")
        await running.logged("poll_finished", collector="connections")
        answer = await running.http.put(running.url + "/-/log-level?level=warning")
        assert 200 == answer.status_code
        await running.logged("log_level_changed", to="warning")


async def test_systemd_is_told_that_we_are_ready_alive_and_stopping(business: Business, tmp_path: Path) -> None:
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.setblocking(False)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}

        async def heard(state: str) -> bool:
            while True:
                try:
                    told.append(channel.recv(1000).decode())
                except BlockingIOError:
                    return state in told

        async with exporter(business.config(business.wix_target()), environ=environ) as running:
            await until(lambda: heard("READY=1"), "READY")
            told.clear()
            await until(lambda: heard("WATCHDOG=1"), "the watchdog")
            running.send(signal.SIGTERM)
            assert 0 == await running.ended()
            assert await heard("STOPPING=1")


async def test_a_bad_configuration_ends_with_two_names_everything_and_shows_no_traceback(business: Business) -> None:
    broken = business.wix_target(api_kee="x", interval=3)
    config = business.config(broken, business.bitrix24_target(webhook_url={"env": "NOT_SET"}))
    async with exporter(config, wait=False) as running:
        assert 2 == await running.ended()
        for part in ("targets[0].api_kee", "targets[0].interval", "targets[1].webhook_url", "NOT_SET"):
            assert part in running.raw
        assert "Traceback" not in running.raw


async def test_a_missing_secret_file_ends_with_two_and_names_the_file(business: Business) -> None:
    async with exporter(business.config(business.wix_target(api_key={"file": "gone"})), wait=False) as running:
        assert 2 == await running.ended()
        assert "targets[0].api_key" in running.raw
        assert "gone" in running.raw


async def test_a_broken_answer_has_a_reason_and_never_becomes_a_zero(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.TRUNCATED))
    async with exporter(business.config()) as running:
        for target, platform in (("salon-wix", "wix"), ("salon-b24", "bitrix24")):
            await running.logged("poll_failed", target=target, collector="bookings", reason="invalid_response")
            page = await running.samples()
            labels = f'collector="bookings",platform="{platform}",reason="invalid_response",target="{target}"'
            assert page[f"collector_failures_total{{{labels}}}"] >= 1
            assert 0 == page[up(target, "bookings", platform)]
            assert not [n for n in page if n.startswith(("bookings{", "connections{", "connection_status{"))]
        assert "Traceback" not in running.raw
        assert [] == [secret for secret in business.secrets if secret in running.raw]


async def test_nothing_secret_or_personal_shows_anywhere_at_debug_level(business: Business) -> None:
    site = business.site
    site.connections.revoke_token(next(iter(site.connections)).id)
    targets = (
        business.wix_target(collectors={"connections": {"interval": "1s"}, "bookings": {"interval": "1s", "conflicts": True}}),
        business.bitrix24_target(
            collectors={"bookings": {"interval": "1s", "per_resource": True}, "links": {"interval": "1s"}}
        ),
        business.wix_target("denied", api_key="IST.planted-wrong-key"),
        business.bitrix24_target("refused", webhook_url="https://salon.bitrix24.example/rest/1/plantedwrongcode/"),
        business.bitrix24_target("lost", base_url="http://127.0.0.1:1"),
    )
    async with exporter(business.config(*targets), "--log.level=debug", "--web.enable-lifecycle") as running:
        await running.ready()
        await running.http.post(running.url + "/-/reload")
        seen = running.raw
        for path in ("/metrics", "/", "/api/v1/status", "/config", "/-/ready"):
            seen += (await running.get(path)).text
    seen += running.raw
    planted = (*business.secrets, "planted-wrong-key", "plantedwrongcode")
    assert [] == [secret for secret in planted if secret in seen]


async def test_the_module_prints_its_version() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exporter", "--version", stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    out, _ = await process.communicate()
    assert out.decode().startswith("booking-sync-exporter ")
    assert 0 == process.returncode
