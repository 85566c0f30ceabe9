"""``monitoring.yml``: what is wrong in one line each, and that each key reaches every place of the bundle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from exporter.errors import ConfigError
from exporter.monitoring import Options, load_settings, render
from exporter.monitoring.alerts import FixedBy, alert_groups
from exporter.monitoring.alerts.needed import NEEDED
from exporter.monitoring.delivery import FixedBy as Words
from exporter.monitoring.promql import FOLDED_LABELS, TENANT_LABELS
from exporter.monitoring.settings import OURS, Settings
from tests.monitoring.bundle import ALERT_NAMES, ROOT
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.rendered_files import files
from tests.monitoring.routes import every_route, parts_of
from tests.monitoring.servers import run
from tools.config_reference import json_schema, with_monitoring

FOLDER = ROOT / "tests" / "bad_monitoring"
BAD = sorted(FOLDER.glob("*.yml"))
SCHEMA = json.loads((ROOT / "config" / "monitoring.schema.json").read_text())
ALERTING, RECORDING = "config/prometheus/alerting.rules.yml", "config/prometheus/recording.rules.yml"
ROUTING, SCRAPING = "config/alertmanager/alertmanager.yml", "config/prometheus/prometheus.yml"
BOARDS = ("dashboards/fleet.json", "dashboards/target.json", "dashboards/internals.json")


def settings_of(directory: Path, text: str) -> Settings:
    """Return what a file says that holds ``text``."""
    file = directory / "monitoring.yml"
    file.write_text(text)
    return load_settings(file)


def bundle_of(directory: Path, text: str) -> dict[str, str]:
    """Return the bundle that a file with ``text`` gives."""
    return files(settings_of(directory, text).options())


def rules_in(bundle: dict[str, str]) -> list[dict[str, Any]]:
    """Return all rules of Prometheus' files and of the manifest."""
    found = [safe_load(bundle[name]) for name in (RECORDING, ALERTING)]
    found.append(safe_load(bundle["config/kubernetes/prometheusrule.yaml"])["spec"])
    return [rule for one in found for group in one["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_broken_file_is_refused_with_exactly_these_lines(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.__context__ is None  # pydantic's own error holds the input
    lines = [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]
    assert file.with_suffix(".txt").read_text().splitlines() == lines
    assert all(" (fix: " in line and "\n" not in line for line in lines)
    assert "planted" not in str(caught.value)


def test_the_table_has_every_key_of_the_file() -> None:
    assert 60 < len(BAD)
    assert {file.stem for file in BAD} == {file.stem for file in FOLDER.glob("*.txt")}
    told = "".join(file.with_suffix(".txt").read_text() for file in BAD)
    assert [] == [key for key in Settings.model_fields if not re.search(rf"\b{key}\b", told)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "jobs: [booking-sync-exporter]\n", "receivers: {}\n"])
def test_a_file_that_says_nothing_gives_the_bundle_as_it_is_shipped(text: str, tmp_path: Path) -> None:
    assert files(Options()) == bundle_of(tmp_path, text)


def test_the_example_is_valid_names_every_key_and_gives_the_bundle_as_it_is_shipped() -> None:
    example = ROOT / "config" / "monitoring.yml"
    assert files(Options()) == files(load_settings(example).options())
    assert [] == [key for key in Settings.model_fields if not re.search(rf"^#? ?{key}:", example.read_text(), re.MULTILINE)]


EXAMPLE = (ROOT / "config" / "monitoring.yml").read_text()
BLOCKS = re.findall(r"^#[a-z_]+:.*\n(?:#[ -].*\n)*", EXAMPLE, re.MULTILINE)


def test_every_key_of_the_example_is_switched_on_by_taking_one_sign_away_from_all_lines(tmp_path: Path) -> None:
    text = re.sub("^#", "", EXAMPLE, flags=re.MULTILINE)
    settings = settings_of(tmp_path, text)
    assert settings.model_fields_set == set(Settings.model_fields)
    jsonschema.validate(safe_load(text), SCHEMA)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition(":")[0])
def test_each_block_of_the_example_is_switched_on_by_itself(block: str, tmp_path: Path) -> None:
    before = load_settings(ROOT / "config" / "monitoring.yml")
    settings = settings_of(tmp_path, EXAMPLE.replace(block, re.sub("^#", "", block, flags=re.MULTILINE)))
    assert {block[1:].partition(":")[0]} == settings.model_fields_set - before.model_fields_set


def test_what_the_example_does_not_switch_on_is_a_block_that_can_be() -> None:
    off = {block[1:].partition(":")[0] for block in BLOCKS}
    assert set(Settings.model_fields) - load_settings(ROOT / "config" / "monitoring.yml").model_fields_set == off
    lines = [line for line in EXAMPLE.splitlines() if re.match("#[^#]", line)]
    assert lines == [line for block in BLOCKS for line in block.splitlines()]


@pytest.mark.servers
def test_the_servers_take_all_that_the_example_shows(tmp_path: Path) -> None:
    text = re.sub("^#", "", EXAMPLE, flags=re.MULTILINE)
    version = run("amtool", "--version")
    if re.search(r"version 0\.2[0-5]\.", version.stdout + version.stderr):
        text = re.sub(r"^ *- telegram: .*\n", "", text, flags=re.MULTILINE)  # 0.26 and newer read it
    render(settings_of(tmp_path, text).options(), tmp_path)
    for tool, command, name in (("amtool", "check-config", ROUTING), ("promtool", "check rules", ALERTING)):
        result = run(tool, *command.split(), tmp_path / name)
        assert 0 == result.returncode, result.stdout + result.stderr


def test_the_schema_refuses_what_has_another_form() -> None:
    wrong = (
        "jobs_text",
        "jobs_empty",
        "unknown_key_top",
        "receivers_text",
        "targets_negative",
        "route_to_nobody",
        "folder_with_a_slash",
    )
    for stem in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(safe_load((FOLDER / f"{stem}.yml").read_text()), SCHEMA)


def test_who_has_to_act_is_named_by_the_words_of_the_label() -> None:
    assert set(get_args(Words)) == {one.value for one in FixedBy}


def test_every_label_that_the_bundle_leans_on_is_refused_as_a_label_of_another_meaning() -> None:
    config = safe_load(files(Options())[ROUTING])
    leant = {label for route in every_route(config) for label in route.get("group_by", ())}
    for rule in config["inhibit_rules"]:
        leant |= set(rule["equal"])
        leant |= {parts_of(matcher)[0] for matcher in (*rule["source_matchers"], *rule["target_matchers"])}
    for rule in rules_in(files(Options())):
        leant |= set(rule.get("labels", ())) | labels_of_expression(rule["expr"])
    assert set() == leant - OURS - {TENANT_LABELS[0]} - set(FOLDED_LABELS)


# Several jobs.


def test_each_of_several_jobs_is_missed_alone(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, "jobs: [salons, portals.eu]\n")
    down = next(rule["expr"] for rule in rules_in(bundle) if rule.get("alert") == "BookingSyncExporterDown")
    assert 'up{job=~"salons|portals\\\\.eu"}' in down
    for job in ("salons", "portals.eu"):
        assert f'absent_over_time(up{{job="{job}"}}[1d])' in down
    config = safe_load(bundle[SCRAPING])["scrape_configs"]
    assert ["salons", "portals.eu", "prometheus", "alertmanager"] == [one["job_name"] for one in config]
    assert [["salons:10888"], ["portals.eu:10888"]] == [one["static_configs"][0]["targets"] for one in config[:2]]


@pytest.mark.servers
def test_prometheus_pages_for_the_one_job_of_two_that_is_gone_and_for_no_other(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, "jobs: [salons, portals.eu]\n")
    down = [
        {**rule, "labels": {"severity": "critical"}, "annotations": {}}
        for rule in rules_in(bundle)
        if rule.get("alert") == "BookingSyncExporterDown"
    ][:1]
    (tmp_path / "rules.yml").write_text(safe_dump({"groups": [{"name": "g", "rules": down}]}))
    up = [{"series": 'up{job="salons"}', "values": "1x30"}, {"series": 'up{job="portalsxeu"}', "values": "1x30"}]
    fires = [{"exp_labels": {"job": "portals.eu", "severity": "critical"}, "exp_annotations": {}}]
    case = {"alertname": "BookingSyncExporterDown", "eval_time": "20m", "exp_alerts": fires}
    test = {"interval": "1m", "input_series": up, "alert_rule_test": [case]}
    (tmp_path / "test.yml").write_text(safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    result = run("promtool", "test", "rules", tmp_path / "test.yml")
    assert 0 == result.returncode, result.stdout + result.stderr


def test_a_job_that_looks_like_a_regular_expression_is_refused_and_named_by_flag() -> None:
    for job in ("a|b", "salon.*", "^a", "(a)", "[a]", "a+", "a?"):
        with pytest.raises(ConfigError, match="is a regular expression, and a job is named"):
            Options(jobs=(job,))
    assert 'job="portals.eu"' == Options(jobs=("portals.eu",)).of_jobs


# The objective.


@pytest.mark.parametrize(
    ("slo", "shown", "objective"), [(0.9999999, "0.9999999", "99.99999"), (0.00001, "0.00001", "0.001"), (0.5, "0.5", "50")]
)
def test_an_objective_is_written_with_all_of_its_digits(slo: float, shown: str, objective: str) -> None:
    bundle = files(Options(slo=slo))
    burns = [rule["expr"] for rule in rules_in(bundle) if "(1 - " in rule["expr"]]
    assert {shown} == {number for expression in burns for number in re.findall(r"\* \(1 - ([^)]+)\)", expression)}
    assert f"The objective is {objective} %." in bundle["dashboards/fleet.json"]
    for board in BOARDS:
        for steps in re.findall(r'"steps": \[(.*?)\]', bundle[board], re.DOTALL):
            values = [float(value) for value in re.findall(r'"value": ([\d.e-]+)', steps)]
            assert sorted(values) == values


@pytest.mark.parametrize(("slo", "silent"), [(0.9306, ""), (0.93, "1h"), (0.8, "1h, 6h"), (0.5, "1h, 6h, 1d")])
def test_a_burn_rate_that_an_objective_cannot_reach_is_said(slo: float, silent: str, tmp_path: Path) -> None:
    off = frozenset({"BookingSyncErrorBudgetBurn"})
    assert "never comes" not in "".join(render(Options(slo=slo, off=off), tmp_path).notes)
    notes = render(Options(slo=slo), tmp_path).notes
    said = [found for note in notes for found in re.findall(r"over (.*?) never comes", note)]
    assert ([silent] if silent else []) == said
    rules = safe_load((tmp_path / ALERTING).read_text())["groups"]
    for rule in (rule for group in rules for rule in group["rules"] if rule.get("alert") == "BookingSyncErrorBudgetBurn"):
        factor, budget = re.findall(r"> ([\d.]+) \* \(1 - ([\d.]+)\)", rule["expr"])[0]
        # The average is a share of the connections, and never more than all of them.
        reachable = float(factor) * (1 - float(budget)) < 1
        assert reachable == (rule["labels"]["long"] not in silent.split(", "))


# Labels.


def test_the_label_of_clusters_has_its_other_name_wherever_it_is_a_label(tmp_path: Path) -> None:
    default, other = files(Options()), bundle_of(tmp_path, "cluster_label: datacenter\n")
    for name, text in other.items():
        assert not re.search(r"\bcluster\b", text), name
        assert len(re.findall(r"\bcluster\b", default[name])) == len(re.findall(r"\bdatacenter\b", text)), name
        assert re.sub(r"\bdatacenter\b", "cluster", text) == default[name]
    assert 100 < sum(len(re.findall(r"\bdatacenter\b", text)) for text in other.values())


def test_what_a_user_calls_cluster_keeps_its_name(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        "cluster_label: datacenter\naddresses: {board: https://cluster.example.org/cluster}\nrule_labels: {team: cluster}\n"
        "jobs: [cluster]\nnamespace: cluster\n",
    )
    assert 'up{job="cluster"}' in bundle[ALERTING]
    assert "team: cluster\n" in bundle[ALERTING]
    assert "board: https://cluster.example.org/cluster/#" in bundle[ALERTING]
    assert "namespace: cluster\n" in bundle["config/kubernetes/kustomization.yaml"]


def test_labels_of_ones_own_are_on_every_alert_and_on_no_recorded_series(tmp_path: Path) -> None:
    for rule in rules_in(bundle_of(tmp_path, "rule_labels: {team: bookings}\n")):
        assert ("bookings" if "alert" in rule else None) == rule.get("labels", {}).get("team")


def test_labels_of_manifests_are_on_every_manifest_and_in_no_selector(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, "manifest_labels: {release: kube-prometheus-stack}\nnamespace: salons\nimage: r.example/e:1\n")
    manifests = {name: safe_load(text) for name, text in bundle.items() if name.startswith("config/kubernetes/")}
    for name, manifest in manifests.items():
        if manifest["kind"] != "Kustomization":
            labels = manifest["metadata"]["labels"]
            assert "kube-prometheus-stack" == labels["release"], name
            assert {"name", "component", "part-of"} == {key.removeprefix("app.kubernetes.io/") for key in labels} - {"release"}
        assert "release" not in json.dumps(manifest.get("spec", {}))
        assert "part-of" not in json.dumps(manifest.get("spec", {}))
        # An anchor is harmless and ugly in `kubectl diff`.
        assert not re.search(r"(^|\s)[&*]id\d+", bundle[name]), name
    assert "salons" == manifests["config/kubernetes/kustomization.yaml"]["namespace"]
    assert (
        "r.example/e:1" == manifests["config/kubernetes/deployment.yaml"]["spec"]["template"]["spec"]["containers"][0]["image"]
    )
    assert "release: kube-prometheus-stack" in bundle["dashboards/kustomization.yaml"]


# Alerts that nobody wants.


@pytest.mark.parametrize("part", range(7))
def test_alerts_that_are_switched_off_are_nowhere_and_keep_nothing_back(part: int) -> None:
    names = sorted(ALERT_NAMES - NEEDED.keys())[part::7]  # a render for each alert would take a minute
    bundle = files(Options(off=frozenset(names)))
    named = safe_load(bundle[ROUTING])["inhibit_rules"]
    matchers = [one for rule in named for one in (*rule["source_matchers"], *rule["target_matchers"])]
    told = re.findall(r"\w+", re.sub(r"alertname!~\S+", "", _recorded(bundle, "told:booking_sync_health:code")))
    pages = "".join(text for page, text in bundle.items() if page.startswith("docs/runbooks/"))
    for name in names:
        assert name not in {rule.get("alert") for rule in rules_in(bundle)}
        assert f"docs/runbooks/{name.lower()}.md" not in bundle
        assert f"({name.lower()}.md)" not in pages
        assert not any(re.search(rf'"(.*\|)?{name}(\|.*)?"', matcher) for matcher in matchers if " != " not in matcher)
        assert name not in told


def _recorded(bundle: dict[str, str], part: str) -> str:
    return "".join(rule["expr"] for rule in rules_in(bundle) if part in rule.get("record", ""))


def test_what_a_switched_off_alert_kept_back_is_said_where_it_is_looked_for() -> None:
    bundle = files(Options(off=frozenset({"BookingSyncPlatformDown"})))
    said = "# BookingSyncPlatformDown is switched off, so this is sent: BookingSyncDataExpired, BookingSyncAccessDenied.\n"
    assert said in bundle[ROUTING]
    assert "is switched off" not in files(Options(off=frozenset({"BookingSyncScrapeGrew"})))[ROUTING]


def test_the_alerts_that_cannot_be_switched_off_are_alerts() -> None:
    names = {alert.name for group in alert_groups(Options()) for alert in group.alerts}
    assert NEEDED.keys() <= names


# Names in Grafana, addresses, times.


def test_uids_have_the_prefix_and_links_between_boards_and_from_alerts_follow(tmp_path: Path) -> None:
    text = f"grafana: {{uid_prefix: {'p' * 30}, folder: Salons}}\naddresses: {{grafana: https://g.example.org}}\n"
    bundle = bundle_of(tmp_path, text)
    uids = {json.loads(bundle[name])["uid"] for name in BOARDS}
    assert {f"{'p' * 30}-{name}" for name in ("fleet", "target", "internals")} == uids
    assert all(len(uid) <= 40 for uid in uids)
    linked = {uid for text in bundle.values() for uid in re.findall(r"/d/([\w-]+)", text)}
    assert linked == uids
    provider = safe_load(bundle["config/grafana/provisioning/dashboards/booking-sync.yml"])["providers"][0]
    assert ("Salons", "p" * 30) == (provider["folder"], provider["folderUid"])
    assert "grafana_folder: Salons" in bundle["dashboards/kustomization.yaml"]


def _as_grafana_reads(value: object) -> object:
    """Return a value of a provisioning file as Grafana has it: two dollars are one, one begins a variable."""
    if isinstance(value, dict):
        return {key: _as_grafana_reads(inside) for key, inside in value.items() if key != "secureJsonData"}
    if isinstance(value, list):
        return [_as_grafana_reads(one) for one in value]
    if not isinstance(value, str):
        return value
    return "$".join(re.sub(r"\$(\w+|\{[^}]*\})", "", part) for part in value.split("$$"))


@pytest.mark.parametrize("folder", ["$HOME", "${HOME} & $$", "a$", "$$$PATH", "$__env{HOME}", "$__file{x}"])
def test_grafana_expands_nothing_that_a_user_wrote(folder: str, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, f"grafana: {{folder: '{folder}'}}\n")
    (provider,) = safe_load(bundle["config/grafana/provisioning/dashboards/booking-sync.yml"])["providers"]
    assert folder == _as_grafana_reads(provider["folder"])
    # Kubernetes and the side car expand nothing.
    assert folder in bundle["dashboards/kustomization.yaml"]


def test_servers_reach_each_other_by_the_addresses_that_are_given(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        "addresses: {prometheus: 'https://p.example.org:9443/prom/', alertmanager: https://a.example.org/am}\n"
        "scrape_interval: 15s\nexporters: {booking-sync-exporter: ['e1:1', 'e2:2']}\n",
    )
    config = safe_load(bundle[SCRAPING])
    told = config["alerting"]["alertmanagers"][0]
    assert ("https", "/am", ["a.example.org:443"]) == (
        told["scheme"],
        told["path_prefix"],
        told["static_configs"][0]["targets"],
    )
    assert "/am/metrics" == config["scrape_configs"][-1]["metrics_path"]
    assert ["e1:1", "e2:2"] == config["scrape_configs"][0]["static_configs"][0]["targets"]
    sources = safe_load(bundle["config/grafana/provisioning/datasources/prometheus.yml"])["datasources"]
    assert ["https://p.example.org:9443/prom", "https://a.example.org/am"] == [source["url"] for source in sources]
    assert "15s" == config["global"]["scrape_interval"] == sources[0]["jsonData"]["timeInterval"]
    assert "15s" == safe_load(bundle["config/kubernetes/servicemonitor.yaml"])["spec"]["endpoints"][0]["interval"]


@pytest.mark.parametrize("file", ["", "secrets/password", "/etc/prometheus/password"])
def test_servers_are_signed_in_to_with_the_password_that_is_named_or_with_none(file: str, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, f'password_file: "{file}"\n')
    config = safe_load(bundle[SCRAPING])
    servers = [*config["alerting"]["alertmanagers"], *(one for one in config["scrape_configs"] if "alert" in one["job_name"])]
    servers += [one for one in config["scrape_configs"] if one["job_name"] == "prometheus"]
    login = {"username": "monitoring", "password_file": file} if file else None
    assert [login] * 3 == [server.get("basic_auth") for server in servers]
    for source in safe_load(bundle["config/grafana/provisioning/datasources/prometheus.yml"])["datasources"]:
        assert bool(file) == source.get("basicAuth", False)
        kept = source.get("secureJsonData", {}).get("basicAuthPassword")
        assert (f"$__file{{{file}}}" if file else None) == kept
    assert not any("/run/monitoring/password" in text for name, text in bundle.items() if not name.startswith("docs/"))


@pytest.mark.parametrize(
    ("address", "there", "path"),
    [
        ("http://127.0.0.1:19090", "127.0.0.1:19090", None),
        ("https://p.example.org/prom", "p.example.org:443", "/prom/metrics"),
        ("http://prometheus:9090", "localhost:9090", None),
    ],
)
def test_prometheus_scrapes_itself_where_it_is(address: str, there: str, path: str | None, tmp_path: Path) -> None:
    config = safe_load(bundle_of(tmp_path, f"addresses: {{prometheus: '{address}'}}\n")[SCRAPING])
    (itself,) = (one for one in config["scrape_configs"] if one["job_name"] == "prometheus")
    assert [{"targets": [there]}] == itself["static_configs"]
    assert path == itself.get("metrics_path")


def test_schema_and_table_are_made_from_the_models() -> None:
    page = (ROOT / "docs" / "monitoring-file.md").read_text()
    assert with_monitoring(page) == page, "run: make generate"
    assert json_schema(Settings) == (ROOT / "config" / "monitoring.schema.json").read_text(), "run: make generate"
