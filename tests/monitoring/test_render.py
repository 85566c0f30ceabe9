from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import ConfigError
from exporter.monitoring import Options, render
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.rules.many import BURNING
from tests.monitoring.bundle import ROOT
from tests.monitoring.libyaml import safe_load
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import run

OTHER = Options(jobs=("bookings",), slo=0.995, grafana_url="https://grafana.example/", runbook_url="https://wiki.example/rb/")
DEFAULT = files(Options())
OTHERS = files(OTHER)


@pytest.mark.parametrize("name", sorted(DEFAULT))
def test_a_committed_file_is_byte_for_byte_the_default_output(name: str) -> None:
    assert DEFAULT[name] == (ROOT / name).read_bytes().decode()


def test_the_folders_of_the_bundle_hold_nothing_that_is_not_rendered() -> None:
    by_hand = {"dashboards/.lint"} | {
        str(path.relative_to(ROOT)) for path in (ROOT / "config" / "prometheus" / "tests").iterdir()
    }
    folders = ("dashboards", "config/prometheus", "config/alertmanager", "config/grafana", "config/kubernetes", "docs/runbooks")
    present = {str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    assert set(DEFAULT) | by_hand == present


def test_render_writes_the_whole_bundle_and_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "mine.json").write_text("{}")
    written = render(OTHER, tmp_path).written
    assert set(OTHERS) == {str(path.relative_to(tmp_path)) for path in written}
    assert all(OTHERS[str(path.relative_to(tmp_path))] == path.read_text() for path in written)
    assert "{}" == (tmp_path / "dashboards" / "mine.json").read_text()


def test_every_option_reaches_every_place_and_nothing_of_the_default_is_left() -> None:
    everything = "".join(text for name, text in OTHERS.items() if name.startswith(("config/prometheus", "dashboards")))
    default = Options()
    assert f'up{{job="{default.jobs[0]}"}}' not in everything
    assert 'up{job="bookings"}' in everything
    assert "job_name: bookings" in everything
    assert "(1 - 0.995)" in everything
    assert "0.99)" not in everything
    assert "runbook_url: https://wiki.example/rb/bookingsyncexporterdown.md" in everything
    assert "dashboard_url: https://grafana.example/d/booking-sync-internals" in everything


@pytest.mark.parametrize("slo", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("folder", ["config/prometheus", "config/kubernetes"])
def test_the_objective_moves_the_burn_of_one_target_and_of_many_alike(slo: float, folder: str) -> None:
    rules = [rule for rule in _rules(files(Options(slo=slo)), folder) if "connections_bad" in rule["expr"]]
    (many,) = (rule["expr"] for rule in rules if rule.get("record") == BURNING)
    (one,) = (rule["expr"] for rule in rules if rule.get("labels", {}).get("long") == "1h")
    found = [re.findall(r"> ([\d.]+) \* \(1 - ([\d.]+)\)", expression) for expression in (one, many)]
    assert [{("14.4", f"{slo:g}")}] * 2 == [set(limits) for limits in found]


def _rules(rendered: Mapping[str, str], folder: str) -> list[dict[str, Any]]:
    documents = [safe_load(text) for name, text in rendered.items() if re.fullmatch(rf"{folder}/\w+(\.rules)?\.ya?ml", name)]
    groups = [group for one in documents for group in (one.get("spec", one) or {}).get("groups", ())]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    ("options", "page", "index"),
    [
        (Options(), "", ""),
        (Options(grafana_url="https://grafana.example"), "", ""),
        (
            Options(board_url="https://sync.example/board/"),
            "https://sync.example/board/runbooks/BookingSyncDataExpired",
            "https://sync.example/board/runbooks/",
        ),
        (
            Options(board_url="https://sync.example", runbook_url="https://wiki.example/rb"),
            "https://wiki.example/rb/bookingsyncdataexpired.md",
            "https://wiki.example/rb/README.md",
        ),
    ],
)
def test_runbooks_are_linked_where_the_board_serves_them_or_where_somebody_put_them(
    options: Options, page: str, index: str
) -> None:
    assert (page, index) == (options.runbook("BookingSyncDataExpired"), options.runbook_index)
    dashboards = [json.loads(text) for name, text in files(options).items() if re.fullmatch(r"dashboards/\w+\.json", name)]
    assert 3 == len(dashboards)
    for board in dashboards:
        assert [index] * bool(index) == [link["url"] for link in board["links"] if link["title"] == "Runbooks"]


def test_alerts_lead_to_their_place_on_the_status_board_where_its_address_is_known() -> None:
    for alert in (alert for group in alert_groups(Options()) for alert in group.alerts):
        assert "board" not in alert.annotations(Options())
        link = alert.annotations(Options(board_url="https://sync.example/board/"))["board"]
        place = "/".join(
            f'{{{{ $labels.{label} | urlquery | reReplaceAll "[+]" "%20" }}}}'
            for label in ("target", "connection")
            if label in alert.link
        )
        assert link == "https://sync.example/board/" + (f"#{place}" if place else "")


def test_the_board_is_an_option_of_the_command(tmp_path: Path) -> None:
    result = run(
        sys.executable, "-m", "exporter", "monitoring", "render", "--board-url", "https://sync.example", "--out", str(tmp_path)
    )
    assert 0 == result.returncode, result.stderr
    assert "board: https://sync.example/#{{ $labels.target" in (tmp_path / "config/prometheus/alerting.rules.yml").read_text()


def test_the_kubernetes_rules_and_the_scrape_follow_the_options() -> None:
    rendered = OTHERS
    assert "replacement: bookings" in rendered["config/kubernetes/servicemonitor.yaml"]
    assert 'up{job="bookings"}' in rendered["config/kubernetes/prometheusrule.yaml"]


@pytest.mark.servers
def test_prometheus_accepts_a_bundle_for_other_names(tmp_path: Path) -> None:
    render(OTHER, tmp_path)
    result = run("promtool", "check", "config", tmp_path / "config/prometheus/prometheus.yml")
    assert 0 == result.returncode, result.stderr


def test_templates_for_people_arrive_unchanged() -> None:
    rendered = DEFAULT
    assert "{{ $labels.target }}" in rendered["config/prometheus/alerting.rules.yml"]
    assert "{{ $labels.target }}" in rendered["config/kubernetes/prometheusrule.yaml"]
    assert "{{target}} / {{connection}}" in json.dumps(json.loads(rendered["dashboards/fleet.json"]))


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"jobs": ("",)}, "--job"),
        ({"jobs": ('a"b',)}, "--job"),
        ({"slo": 1.0}, "--slo"),
        ({"slo": 0.0}, "--slo"),
        ({"slo": 99.0}, "--slo"),
        ({"grafana_url": "grafana.example"}, "--grafana-url"),
        ({"grafana_url": "https://grafana.example/?orgId=2"}, "--grafana-url"),
        ({"runbook_url": "ftp://wiki.example"}, "--runbook-url"),
        ({"board_url": "sync.example"}, "--board-url"),
        ({"board_url": "https://sync.example/#a"}, "--board-url"),
        ({"runbook_url": "https://wiki.example/{{ x }}"}, "--runbook-url"),
        ({"runbook_url": "https://[wiki"}, "--runbook-url"),
    ],
)
def test_an_unusable_option_is_refused_by_name(options: dict[str, Any], flag: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Options(**options)
    assert [flag] == [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize("url", ["https://me:Pa55word@sync.example", "https://sync.example/?token=Pa55word"])
@pytest.mark.parametrize("flag", ["grafana_url", "runbook_url", "board_url"])
def test_an_address_that_may_hold_a_secret_is_refused_without_showing_it(url: str, flag: str) -> None:
    options: dict[str, Any] = {flag: url}
    with pytest.raises(ConfigError) as caught:
        Options(**options)
    assert "Pa55word" not in str(caught.value)


def test_all_unusable_options_are_refused_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Options(jobs=("",), slo=2, grafana_url="x", runbook_url="y")
    assert ["--job", "--slo", "--grafana-url", "--runbook-url"] == [problem.path for problem in caught.value.problems]


def test_nothing_rendered_names_a_secret_or_a_machine() -> None:
    for name, text in DEFAULT.items():
        assert not re.search(r"/(?:work|tmp|root|home)/|password: |xox[bp]-", text), name
