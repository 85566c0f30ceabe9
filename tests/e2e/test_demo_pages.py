"""The demo of compose.yaml, its rules and routes on real servers: the first page comes within two minutes of life."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.hurried_stack import hurried_stack
from tests.monitoring.servers import ROOT, free_port, wait_for

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
WITHIN_SECONDS = 120.0
LOST_LINKS_SECONDS = 240.0
"""They are told after two and a half hours of life."""
PAGE = "BookingSyncDoubleBooking"


def hurry() -> int:
    return next(int(flag.partition("=")[2]) for flag in COMPOSE["hurried"]["command"] if flag.startswith("--hurry="))


@pytest.mark.servers
@pytest.mark.waits
def test_the_first_page_of_the_demo_comes_within_two_minutes_and_what_stays_is_told(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    words = [word for word in COMPOSE["demo"]["command"] if not word.startswith("--web.listen-address")]
    staying = {"BookingSyncConnectionNeedsOwner", "BookingSyncUnlinkedBookings", PAGE}
    began = time.monotonic()
    with (
        (tmp_path / "demo.log").open("w") as log,
        hurried_stack(tmp_path, address, hurry()) as stack,
        subprocess.Popen(
            [sys.executable, "-m", "exporter", *words, f"--web.listen-address={address}"], stdout=log, stderr=log
        ) as demo,
    ):
        try:
            # Before it answers, a demo that is asked to stop just ends.
            wait_for("a demo that answers", lambda: httpx.get(f"http://{address}/-/healthy").is_success)

            def paged() -> set[str]:
                return {alert for (alert, _), receivers in stack.arrived().items() if "pager" in receivers}

            assert wait_for("the first page", paged, WITHIN_SECONDS) == {PAGE}
            assert time.monotonic() - began < WITHIN_SECONDS
            wait_for("what stays", lambda: staying <= {alert for alert, _ in stack.arrived()}, LOST_LINKS_SECONDS)
            assert {"tickets"} == stack.arrived()["BookingSyncUnlinkedBookings", "salon-berlin-b24"]
        finally:
            demo.terminate()
            assert 0 == demo.wait(20)
