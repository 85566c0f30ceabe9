"""A Prometheus that starts again in an outage: it remembers holds of ten minutes and more, and forgets shorter ones.

What keeps back the pages of single targets must be there before those are; a real Prometheus is asked, in divided time.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.monitoring.bundle import ALERT_GROUPS, ALERTS, RECORDING_GROUPS
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.pages import pages
from tests.monitoring.scaled import scaled_groups
from tests.monitoring.servers import prometheus, wait_for

FASTER = 60
GRACE_MINUTES = 10
"""Prometheus' own ``--rules.alert.for-grace-period``: holds below it begin anew after a restart."""

JOBS = {"key": ("auth", "/run/keys/wix"), "platform": ("network", "")}
"""Why the newest polls of five sites failed, and the credential that they share."""

SHARED = {"key": "BookingSyncCredentialRefused", "platform": "BookingSyncPlatformDown"}
SINGLE = {"BookingSyncAccessDenied", "BookingSyncDataExpired"}


def _page(path: str) -> bytes:
    reason, credential = JOBS[path.strip("/")]
    rows = [f"booking_sync_time_seconds {time.time()}"]
    for site in range(5):
        target = f'target="site-{site}",platform="wix"'
        rows.append(f'booking_sync_credential_info{{{target},credential="{credential or f"inline:{site}"}"}} 1')
        for name in ("connections", "bookings"):
            labels = f'{target},collector="{name}"'
            rows += [
                f"booking_sync_collector_up{{{labels}}} 0",
                f"booking_sync_collector_polls_total{{{labels}}} 5",
                f'booking_sync_collector_failing{{{labels},reason="{reason}"}} 1',
                f"booking_sync_collector_interval_seconds{{{labels}}} 60",
                f"booking_sync_collector_last_success_timestamp_seconds{{{labels}}} 0",
            ]
    return ("\n".join(rows) + "\n").encode()


def _firing(client: httpx.Client, job: str, names: set[str]) -> set[str]:
    alerts = client.get("/api/v1/alerts").json()["data"]["alerts"]
    found = {one["labels"]["alertname"] for one in alerts if one["state"] == "firing" and one["labels"].get("job") == job}
    return found & names


@pytest.mark.servers
def test_after_a_restart_in_an_outage_no_page_of_a_target_comes_before_the_one_that_keeps_it_back(tmp_path: Path) -> None:
    names = {"booking-sync-targets", "booking-sync-shared", "booking-sync-shared-alerts", "booking-sync-target-alerts"}
    groups = [group for group in (*RECORDING_GROUPS, *ALERT_GROUPS) if group["name"] in names]
    rules = tmp_path / "rules.yml"
    rules.write_text(safe_dump({"groups": scaled_groups(groups, FASTER, "1s")}))
    grace = f"--rules.alert.for-grace-period={60 * GRACE_MINUTES // FASTER}s"
    with pages(_page) as address:
        config = safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(rules)],
                "scrape_configs": [
                    {"job_name": job, "metrics_path": f"/{job}", "static_configs": [{"targets": [address]}]} for job in JOBS
                ],
            }
        )
        with prometheus(tmp_path, config, grace) as client:
            for job in JOBS:
                wait_for(f"pages of the targets of {job}", partial(_firing, client, job, SINGLE), 90)
        with prometheus(tmp_path, config, grace) as client:
            for job in JOBS:
                told = wait_for(f"the pages of {job} again", partial(_firing, client, job, SINGLE | {*SHARED.values()}), 90)
                assert {SHARED[job]} == told - SINGLE, job


def test_what_keeps_back_pages_of_targets_is_known_at_once_after_a_restart() -> None:
    more = {"BookingSyncNothingAnswers", "BookingSyncManyTargetsFailing", "BookingSyncManyConnectionsNeedOwner"}
    sources = {*SHARED.values()} | more
    pages = [rule for rule in ALERTS if rule["alert"] in sources and rule["labels"]["severity"] == "critical"]
    assert sources == {rule["alert"] for rule in pages}
    for rule in pages:
        assert "for" not in rule or GRACE_MINUTES <= int(rule["for"].removesuffix("m")), rule["alert"]
