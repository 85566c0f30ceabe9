"""What the shipped scrape job takes of a page: all that an exporter can send, and no more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.config import load_config
from exporter.errors import ConfigError
from exporter.monitoring import Options
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.pages import pages
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import prometheus, wait_for

MIB: Final = 1024 * 1024
LONGEST: Final = "\N{CALENDAR}" * 100  # a name of 100 letters, 400 bytes
LINE: Final = (
    f'booking_sync_connection_info{{target="{LONGEST}",platform="wix",connection="{LONGEST}",calendar_type="google",'
    f'provider="{LONGEST}",schedule="{LONGEST}",n="%08d"}} 1\n'
)


def page(size: int) -> bytes:
    """Return a page of exactly ``size`` bytes, of the longest lines."""
    count = size // len((LINE % 0).encode()) - 1
    text = "".join(LINE % number for number in range(count)).encode()
    found = text + b"# " + b"x" * (size - len(text) - 3) + b"\n"
    assert size == len(found)
    return found


def job(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = safe_load(files(options)["config/prometheus/prometheus.yml"])["scrape_configs"][0]
    return found


@pytest.mark.servers
def test_prometheus_takes_the_longest_labels_and_the_largest_page_and_nothing_beyond(tmp_path: Path) -> None:
    bodies = {
        "/largest": page(3 * MIB - 1),  # a target at its 2 MiB, and what is told of the process
        "/larger": page(3 * MIB + 1),
        "/longer": b'booking_sync_bookings{target="%s"} 1\n' % (513 * b"x"),
        "/long": b'booking_sync_bookings{target="%s"} 1\n' % (512 * b"x"),
    }
    with pages(bodies.__getitem__) as address:
        shipped = job(Options(targets=1))
        jobs = [
            {**shipped, "job_name": path, "metrics_path": path, "static_configs": [{"targets": [address]}]} for path in bodies
        ]
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        with prometheus(tmp_path, safe_dump(config)) as client:

            def up() -> dict[str, str] | None:
                rows = client.get("/api/v1/query", params={"query": "max by (job) (max_over_time(up[1m]))"}).json()["data"][
                    "result"
                ]
                found = {row["metric"]["job"]: row["value"][1] for row in rows}
                return found if len(found) == len(bodies) else None

            wait_for("scrapes of all four", up)
            wait_for("the largest page", lambda: (up() or {}).get("/largest") == "1")
            assert {"/largest": "1", "/larger": "0", "/longer": "0", "/long": "1"} == up()
            errors = {
                one["labels"]["job"]: one["lastError"] for one in client.get("/api/v1/targets").json()["data"]["activeTargets"]
            }
            assert "body size limit exceeded" in errors["/larger"]
            assert "label value length" in errors["/longer"] or "label_value_length_limit" in errors["/longer"]


@pytest.mark.parametrize(("targets", "limit"), [(0, None), (1, "3MB"), (500, "1001MB")])
def test_the_body_limit_follows_the_number_of_targets_in_both_scrape_jobs(targets: int, limit: str | None) -> None:
    options = Options(targets=targets)
    monitor = safe_load(files(options)["config/kubernetes/servicemonitor.yaml"])["spec"]
    assert limit == job(options).get("body_size_limit") == monitor.get("bodySizeLimit")


def test_no_shipped_job_has_a_sample_limit_and_both_bound_label_values() -> None:
    monitor = safe_load(files(Options())["config/kubernetes/servicemonitor.yaml"])["spec"]
    assert 512 == job(Options())["label_value_length_limit"] == monitor["labelValueLengthLimit"]
    for name, text in files(Options()).items():
        if name.endswith((".yml", ".yaml")):
            assert not {"sample_limit:", "sampleLimit:"} & set(text.split()), name


def test_the_number_of_targets_is_an_option_of_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["monitoring", "render", "--targets", "20", "--out", str(tmp_path)])
    assert 0 == result.exit_code
    assert "body_size_limit: 41MB" in (tmp_path / "config/prometheus/prometheus.yml").read_text()


def test_fewer_targets_than_none_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Options(targets=-1)
    assert ["--targets"] == [problem.path for problem in caught.value.problems]


CONFIGURED: Final = """
targets:
  - name: "{text}"
    platform: wix
    site_id: 7f1c2d3e-1111-4222-8333-444455556666
    api_key: not-a-key
    labels: {{site: "{text}"}}
    aliases: {{"{text}": "{text}"}}
"""


def test_the_longest_configured_texts_stay_below_the_limit_and_longer_ones_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    file.write_text(CONFIGURED.format(text=LONGEST))
    target = load_config(file).targets[0]
    assert 400 == len(target.name.encode()) == len(target.labels["site"].encode())
    file.write_text(CONFIGURED.format(text=LONGEST + "x"))
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    refused = {problem.path for problem in caught.value.problems}
    assert {"targets[0].name", "targets[0].labels.site"} <= refused
    assert 3 <= len(refused)
