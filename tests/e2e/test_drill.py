"""`drill` on a Prometheus and an Alertmanager that know nothing of it but the hurried rules and a scrape job."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.simulator.drills import INCIDENTS
from tests.e2e.hurried_stack import HurriedStack, hurried_stack
from tests.monitoring.servers import free_port

HURRY = 60
AT_ONCE = ("double-booking", "token-revoked")
OF_CHECKS = ("private-event-sold", "import-silent")
OF_PAIRS = ("booking-lost", "cancelled-copy-stays")


def drill(stack: HurriedStack, address: str, *words: str) -> tuple[int, str]:
    """Run the command to its end; return its exit code and what it said."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "exporter", "drill", *words, f"--listen={address}"),
            f"--prometheus-url={stack.prometheus.base_url}",
            f"--alertmanager-url={stack.alertmanager.base_url}",
        ],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.servers
@pytest.mark.waits
def test_a_drill_says_when_each_page_came_and_when_it_was_over(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with hurried_stack(tmp_path, address, HURRY) as stack:
        code, said = drill(stack, address, *AT_ONCE)
        assert 0 == code, said
        assert "2 of 2 arrived and were cleared." in said
        for incident in (one for one in INCIDENTS if one.name in AT_ONCE):
            found = re.search(
                rf"^{incident.name}: paged after (\d+) s \(\d+ min in life\): {incident.alert} of \S+ -> ", said, re.MULTILINE
            )
            assert found, said
            # What stands in the documents; a busy machine adds seconds, which are minutes of life.
            assert 0.7 * incident.pages_after / HURRY <= float(found[1]) <= incident.pages_after / HURRY + 30
            assert f"{incident.name}: all-clear after " in said

        code, said = drill(stack, address, "intake-stopped")
        assert 1 == code
        assert "intake-stopped: NOT PLAYED: Prometheus knows no last week and takes none (404: " in said


@pytest.mark.servers
@pytest.mark.parametrize("names", [OF_CHECKS, OF_PAIRS], ids=["checks", "pairs"])
@pytest.mark.waits
def test_a_drill_shows_what_no_status_tells(names: tuple[str, ...], tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with hurried_stack(tmp_path, address, HURRY) as stack:
        code, said = drill(stack, address, *names)
    assert 0 == code, said
    assert "2 of 2 arrived and were cleared." in said
    for incident in (one for one in INCIDENTS if one.name in names):
        assert re.search(rf"^{incident.name}: paged after .*: {incident.alert} of \S+ -> ", said, re.MULTILINE), said


@pytest.mark.servers
def test_a_drill_that_is_not_scraped_or_finds_no_rules_says_so(tmp_path: Path) -> None:
    address, other = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with hurried_stack(tmp_path, other, HURRY) as stack:
        turned = HurriedStack(stack.alertmanager, stack.prometheus)
        code, said = drill(turned, address, "double-booking")
        assert (1, 1) == (code, said.count("\n"))
        assert said.startswith("error: Prometheus at 127.0.0.1:")
        code, said = drill(stack, "nowhere", "double-booking")
        assert 2 == code, said


@pytest.mark.servers
def test_ctrl_c_ends_a_drill_in_order_and_says_that_it_proved_nothing(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with hurried_stack(tmp_path, address, HURRY) as stack:
        words = [
            *(sys.executable, "-u", "-m", "exporter", "drill", "sync-stuck", f"--listen={address}"),
            f"--prometheus-url={stack.prometheus.base_url}",
            f"--alertmanager-url={stack.alertmanager.base_url}",
        ]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            said = [next(line for line in process.stdout if line.startswith(">> sync-stuck: "))]
            process.send_signal(signal.SIGINT)
            said += process.stdout.readlines()
            assert 1 == process.wait(20)
        assert ["Stopped: incidents that were not played are not proven.\n"] == said[1:]


@pytest.mark.servers
@pytest.mark.waits
def test_people_are_told_only_when_asked_for_and_a_message_that_is_not_delivered_is_no_page(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with hurried_stack(tmp_path, address, HURRY, pager=f"http://127.0.0.1:{free_port()}/") as stack:
        code, said = drill(stack, address, "double-booking")
        assert 2 == code
        assert "would notify pager (webhook) (fix: warn these people and add --page" in said
        code, said = drill(stack, address, "double-booking", "--page")
        assert 1 == code, said
        assert re.search(
            r"^double-booking: NOT DELIVERED: Alertmanager failed \d+ times, its log says why$", said, re.MULTILINE
        ), said
