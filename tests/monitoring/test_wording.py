"""The words that texts of alerts share, as promtool prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporter.monitoring.alerts import Alert, AlertSeverity, FixedBy
from exporter.monitoring.alerts.wording import last_answer, number, state_began
from exporter.monitoring.language import counted, said
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alert_rule
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.servers import run

pytestmark = pytest.mark.servers

SALON = 'job="j",target="Möller & \\"Söhne\\"",platform="wix"'


def _annotation(directory: Path, text: str, expr: str, *series: tuple[str, str], zone: str = "UTC") -> str:
    """Return what an alert on ``expr`` says after ten minutes of ``series``."""
    alert = Alert("A", expr, "1m", AlertSeverity.WARNING, FixedBy.OPERATOR, "It is so.", "It is so.", "Mend it.", since=text)
    rule = {**alert_rule(alert, Options()), "annotations": {"since": text}}
    (directory / "rules.yml").write_text(safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "alert_rule_test": [{"eval_time": "10m", "alertname": "A", "exp_alerts": [{"exp_annotations": {"since": "?"}}]}],
    }
    file = directory / "case.yml"
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}))
    result = run("promtool", "test", "rules", file, zone=zone)
    said = result.stdout + result.stderr
    got = said[said.index("got:") :]
    return got[got.index('since="') + 7 : got.rindex('"}')].replace('\\"', '"')


@pytest.mark.parametrize(
    ("value", "words"), [("1", "1 poll"), ("1.03", "1 poll"), ("2", "2 polls"), ("0", "0 polls"), ("1000", "1000 polls")]
)
def test_one_is_not_many(value: str, words: str, tmp_path: Path) -> None:
    assert words == _annotation(
        tmp_path, said(counted("%(count)s poll", "%(count)s polls"), "en"), "m >= 0", ("m", f"{value}x20")
    )


def test_a_connection_tells_since_when_it_is_so_as_the_replica_knows_it_that_saw_it_first(tmp_path: Path) -> None:
    since = "booking_sync_connection_status_since_timestamp_seconds"
    said = _annotation(
        tmp_path,
        state_began(),
        "m == 1",
        (f'm{{{SALON},connection="Chair 1"}}', "1x20"),
        (f'{since}{{{SALON},connection="Chair 1",instance="a"}}', "1000000x20"),
        (f'{since}{{{SALON},connection="Chair 1",instance="b"}}', "1000500x20"),
        (f'{since}{{{SALON},connection="Chair 2",instance="a"}}', "5x20"),
        (f'{since}{{{SALON},connection="Chair 1",instance="a",cluster="us"}}', "5x20"),
    )
    assert "Mon 12 Jan 13:46 UTC" == said


def test_a_target_tells_its_last_good_answer_whatever_the_collector_that_got_it(tmp_path: Path) -> None:
    success = "booking_sync_collector_last_success_timestamp_seconds"
    series = (
        (f'm{{{SALON},collector="links"}}', "1x20"),
        (f'{success}{{{SALON},collector="links"}}', "1000000x20"),
        (f'{success}{{{SALON},collector="bookings"}}', "1000500x20"),
    )
    assert "Mon 12 Jan 13:55 UTC" == _annotation(tmp_path, last_answer(), "m == 1", *series)
    assert "Mon 12 Jan 13:46 UTC" == _annotation(tmp_path, last_answer("collector"), "m == 1", *series)


@pytest.mark.parametrize("template", [last_answer(), last_answer("collector"), state_began()])
def test_what_never_was_has_no_moment_and_least_of_all_that_of_1970(template: str, tmp_path: Path) -> None:
    labels = f'{SALON},collector="links",connection="Chair 1"'
    never = [
        (f"booking_sync_{name}_timestamp_seconds{{{labels}}}", "0x20")
        for name in ("collector_last_success", "connection_status_since")
    ]
    assert "" == _annotation(tmp_path, template, "m == 1", (f"m{{{labels}}}", "1x20"), *never)


def test_a_moment_is_written_in_the_zone_of_prometheus_and_names_it(tmp_path: Path) -> None:
    success = (f"booking_sync_collector_last_success_timestamp_seconds{{{SALON}}}", "1790000000x20")
    said = _annotation(tmp_path, last_answer(), "m == 1", (f"m{{{SALON}}}", "1x20"), success, zone="Europe/Berlin")
    assert "Mon 21 Sep 16:13 CEST" == said


def test_what_no_series_tells_is_left_out(tmp_path: Path) -> None:
    assert "" == _annotation(tmp_path, last_answer(), "m == 1", (f"m{{{SALON}}}", "1x20"))


def test_a_share_is_told_as_so_many_of_so_many(tmp_path: Path) -> None:
    text = "{{ $value }} of " + number("platform:booking_sync_targets:count", ("platform",))
    series = (
        ('m{job="j",platform="wix"}', "40x20"),
        ('platform:booking_sync_targets:count{job="j",platform="wix"}', "40x20"),
        ('platform:booking_sync_targets:count{job="j",platform="bitrix24"}', "50x20"),
    )
    assert "40 of 40" == _annotation(tmp_path, text, "m > 0", *series)
