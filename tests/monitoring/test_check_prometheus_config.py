"""`monitoring check` on a Prometheus whose configuration changes alerts or series, and on one that has just started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.monitoring import Options
from exporter.monitoring.check.prometheus_config import families
from exporter.monitoring.check.relabelling import relabelled
from exporter.monitoring.check.rules import wanted_groups
from tests.monitoring.answering import Answer, answering, as_json
from tests.monitoring.bundle import ALERT_NAMES, DECLARED
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.pages import pages
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import prometheus, wait_for
from tests.monitoring.stacks import JOB, RULES, Stack, exporter_page, scrape

Json = dict[str, Any]
_WANTED = files(Options())
_GROUPS = wanted_groups(*(_WANTED[name] for name in RULES))
_NOW = as_json({"data": {"result": [{"metric": {}, "value": [1_000, "1000"]}]}})
_NONE = as_json({"data": {"result": []}})
_AGO = {"startTime": "1970-01-01T00:00:01Z", "storageRetention": "31d"}


def _target(job: str = JOB, pool: str = "exporters", address: str = "a:10888", health: str = "up") -> Json:
    url = f"http://{address}/metrics"
    labels = {"job": job, "instance": address}
    return {"labels": labels, "health": health, "scrapeInterval": "30s", "scrapePool": pool, "scrapeUrl": url}


def _asked(
    config: Json | None = None,
    *,
    targets: Sequence[Json] = (_target(),),
    groups: Sequence[Json] = (),
    runtime: Json | None = None,
    alertmanagers: int = 1,
) -> dict[str, str]:
    """Return what is said of a Prometheus, by the name of the check."""
    answers = {
        "vector(time())": _NOW,
        "/api/v1/query": _NONE,
        "/api/v1/status/config": as_json({"data": {"yaml": safe_dump(config or {})}}),
        "/api/v1/status/runtimeinfo": as_json({"data": runtime or _AGO}),
        "/api/v1/targets": as_json({"data": {"activeTargets": list(targets)}}),
        "/api/v1/rules": as_json({"data": {"groups": list(groups)}}),
        "/api/v1/alertmanagers": as_json({"data": {"activeAlertmanagers": [{}] * alertmanagers}}),
    }
    with answering(answers, Answer(status=404)) as asked:
        found = Stack(asked.address, wanted=dict(_WANTED)).checks()
    return {name.removeprefix("Prometheus "): f"{check.state.value}: {check.seen}" for name, check in found.items()}


def _alerting(*steps: Json, external: Mapping[str, str] | None = None, inside: bool = False) -> Json:
    one = {"static_configs": [{"targets": ["alertmanager:9093"]}]}
    key = "alert_relabel_configs"
    alerting = {"alertmanagers": [{**one, key: list(steps)}]} if inside else {key: list(steps), "alertmanagers": [one]}
    return {"global": {"external_labels": dict(external or {})}, "alerting": alerting}


_CRITICAL = {"source_labels": ["severity"], "regex": "critical"}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (_alerting({**_CRITICAL, "action": "drop"}), "dropped (BookingSyncExporterDown, "),
        (_alerting({**_CRITICAL, "action": "drop"}, inside=True), "dropped (BookingSyncExporterDown, "),
        (_alerting({**_CRITICAL, "action": "keep"}), "dropped (Watchdog, "),
        (
            _alerting({"source_labels": ["alertname"], "regex": "Watchdog|Info.+", "action": "drop"}),
            "dropped (Watchdog)",
        ),
        (_alerting({**_CRITICAL, "target_label": "severity", "replacement": "page"}), "severity is changed (BookingSyncE"),
        (_alerting({"regex": "fixed_by|extent", "action": "labeldrop"}), "fixed_by is lost (Watchdog, "),
        (_alerting({"regex": "alertname|severity|job", "action": "labelkeep"}), "target is lost (BookingSyncA"),
        (_alerting({"source_labels": ["severity"], "target_label": "severity", "action": "uppercase"}), "severity is changed"),
        (_alerting({"target_label": "job", "replacement": "all"}), "job is changed"),
        (
            _alerting(
                {"source_labels": ["alertname"], "regex": "BookingSync(.+)", "target_label": "__tmp", "replacement": "$1"},
                {"source_labels": ["__tmp"], "regex": "DoubleBooking", "action": "drop"},
            ),
            "dropped (BookingSyncDoubleBooking)",
        ),
        (
            _alerting({"source_labels": ["cluster"], "regex": "ffm", "action": "drop"}, external={"cluster": "ffm"}),
            "dropped (Watchdog, ",
        ),
    ],
    ids=[
        *("drops pages", "inside", "keeps pages", "heartbeat", "another severity", "labeldrop", "labelkeep", "upper case"),
        *("another job", "two steps", "external label"),
    ],
)
def test_alerts_that_change_on_their_way_are_told(config: Json, told: str) -> None:
    said = _asked(config)["changes no alert"]
    assert said.startswith("MISSING: ")
    assert told in said


@pytest.mark.parametrize(
    "config",
    [
        {},
        _alerting(),
        _alerting({"regex": "replica|prometheus_replica", "action": "labeldrop"}, external={"replica": "0", "cluster": "x"}),
        _alerting({"target_label": "team", "replacement": "salons"}),
        _alerting({"source_labels": ["target"], "regex": "test-salon", "action": "drop"}),
        _alerting({"source_labels": ["namespace"], "regex": "production", "action": "keep"}),
        _alerting({"source_labels": ["alertname"], "regex": "Watchdo", "action": "drop"}),
        _alerting({"source_labels": ["alertname"], "regex": "(x+)+y", "action": "keep"}),
        _alerting({"source_labels": True, "regex": "x", "action": "drop"}),
    ],
    ids=[
        "no alerting",
        "no step",
        "replica",
        "one label more",
        "one target",
        "one namespace",
        "anchored",
        "not ours to read",
        "odd",
    ],
)
def test_steps_that_surely_change_nothing_of_ours_are_no_fault(config: Json) -> None:
    assert f"ok: none of {len(ALERT_NAMES)}" == _asked(config)["changes no alert"]


def _metrics(*steps: Json, job: str = "exporters") -> Json:
    return {"scrape_configs": [{"job_name": job, "metric_relabel_configs": list(steps)}]}


_NAME = {"source_labels": ["__name__"]}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (_metrics({**_NAME, "regex": "booking_sync_connection_.*", "action": "drop"}), "MISSING: metric_relabel_configs drop "),
        (_metrics({**_NAME, "regex": "go_.*", "action": "keep"}), "MISSING: metric_relabel_configs drop "),
        (_metrics({**_NAME, "regex": "booking_(.*)", "target_label": "__name__"}), "MISSING: metric_relabel_configs drop "),
        (_metrics({**_NAME, "regex": "go_.*", "action": "drop"}), "ok: none of "),
        (_metrics({"source_labels": ["target"], "regex": "salon", "action": "keep"}), "ok: none of "),
        (_metrics({**_NAME, "regex": "booking_sync.*", "action": "drop"}, job="another"), "ok: none of "),
    ],
)
def test_families_that_rules_read_and_a_job_drops_are_told(config: Json, told: str) -> None:
    assert told in _asked(config)["families kept"]


def test_families_that_rules_read_are_those_of_the_exporter() -> None:
    suffixes = ("_bucket", "_sum", "_count", "")
    unknown = {name for name in families(_GROUPS) if not any(name.removesuffix(suffix) in DECLARED for suffix in suffixes)}
    assert set() == unknown
    assert len(families(_GROUPS)) > 40


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([_target(), _target("again", "by-pod")], "MISSING: 1 of 1 are scraped more than once, http://a:10888/metrics by "),
        ([_target(), _target(pool="by-pod")], "by-pod, exporters"),
        ([_target(), _target(address="b:10888")], "ok: each of 2"),
        ([_target(), *[_target("others", "others", "c:1")] * 2], "ok: each of 1"),
    ],
)
def test_an_exporter_that_two_jobs_scrape_is_told(targets: list[Json], told: str) -> None:
    assert told in _asked(targets=targets)["scraped once"]


def test_no_credential_that_a_prometheus_scrapes_with_is_told() -> None:
    secret = "Pa55word-of-nobody"
    url = f"http://anna:{secret}@a:10888/metrics?token={secret}&target={secret}"
    twice = [{**_target(pool=pool), "scrapeUrl": url} for pool in ("exporters", "again")]
    refused = f'Get "http://a:10888/metrics?token={secret}": connection refused'
    ill = {**_target(health="down"), "scrapeUrl": url, "lastError": refused}
    said = [*_asked(targets=twice).values(), *_asked(targets=[ill]).values()]
    assert [line for line in said if "scraped more than once, http://" in line]
    assert [line for line in said if "connection refused" in line]
    assert [] == [line for line in said if secret in line]


def _unevaluated() -> list[Json]:
    return [
        {
            "name": group.name,
            "interval": group.interval,
            "lastEvaluation": "0001-01-01T00:00:00Z",
            "rules": [
                {"name": rule.name, "query": rule.expr, "type": rule.type, "health": "unknown", "state": "inactive"}
                for rule in group.rules
            ],
        }
        for group in _GROUPS
    ]


_SOON = ("rules healthy", "rules evaluated", "job scraped", "labels kept", "shards complete", "windows")
_LATER = ("ALERTS written", "Watchdog fires", "scrapes itself", "knows Alertmanager", "delivers alerts")


def test_what_a_prometheus_cannot_know_yet_is_unknown() -> None:
    runtime = {**_AGO, "startTime": "1970-01-01T00:16:35Z"}  # five seconds ago
    found = _asked(targets=[_target(health="unknown")], groups=_unevaluated(), runtime=runtime, alertmanagers=0)
    assert {*_SOON, *_LATER} == {name for name, said in found.items() if said.startswith("UNKNOWN")}
    assert all("yet" in found[name] for name in (*_SOON, *_LATER[:4]))


def test_a_job_without_a_target_is_judged_when_targets_have_been_looked_for() -> None:
    said = {began: _asked(targets=[], runtime={**_AGO, "startTime": f"1970-01-01T00:{began}Z"}) for began in ("16:35", "10:00")}
    assert "UNKNOWN: not yet, so soon after a start or a reload: no target in job" in said["16:35"]["job scraped"]
    assert said["10:00"]["job scraped"].startswith("MISSING: no target in job")
    for found in said.values():
        assert "UNKNOWN: no target of the job is known" == found["scraped once"] == found["families kept"]


def test_what_a_prometheus_should_know_by_now_is_missing() -> None:
    found = _asked(targets=[_target()], groups=_unevaluated(), alertmanagers=0)
    late = {"rules evaluated", *_SOON[3:], "ALERTS written", "Watchdog fires", "scrapes itself", "knows Alertmanager"}
    assert late <= {name for name, said in found.items() if said.startswith("MISSING")}


def test_groups_of_others_are_not_counted_as_ours() -> None:
    others = [{"name": "node", "rules": []}]
    expected = f"ok: {sum(len(group.rules) for group in _GROUPS)} rules in {len(_GROUPS)} groups"
    assert expected == _asked(groups=[*_unevaluated(), *others])["rules loaded"]


def _odd_page(_: str) -> bytes:
    return b'odd_metric{a="xy",b="zz"} 1\n'


_STEPS: Mapping[str, list[Json]] = {
    "replace": [
        {"source_labels": ["a", "b"], "regex": "(.+);(?P<rest>.+)", "target_label": "c", "replacement": "${rest}-$1$$"}
    ],
    "no match": [{"source_labels": ["a"], "regex": "x", "target_label": "a", "replacement": "y"}],
    "emptied": [{"source_labels": ["a"], "target_label": "b", "regex": "xy()", "replacement": "$1"}],
    "separated": [{"source_labels": ["a", "b"], "separator": "/", "regex": "xy/z.", "target_label": "c", "replacement": "is"}],
    "fixed": [{"target_label": "c", "replacement": "always"}],
    "upper": [{"source_labels": ["a"], "target_label": "c", "action": "uppercase"}],
    "labelmap": [{"regex": "(a|b)", "replacement": "new_$1", "action": "labelmap"}],
    "labeldrop": [{"regex": "a|c.*", "action": "labeldrop"}],
    "labelkeep": [{"regex": "__name__|job|instance|b", "action": "labelkeep"}],
    "dropped": [{"source_labels": ["b"], "regex": "z.", "action": "drop"}],
    "kept": [{"source_labels": ["b"], "regex": "z", "action": "keep"}],
    "two": [
        {"source_labels": ["a"], "target_label": "__tmp"},
        {"source_labels": ["__tmp"], "regex": "x(.)", "target_label": "c", "replacement": "$1"},
    ],
    "renamed": [{"source_labels": ["__name__"], "regex": "odd_(.+)", "target_label": "__name__", "replacement": "even_$1"}],
}


@pytest.mark.servers
def test_steps_are_taken_as_prometheus_takes_them(tmp_path: Path) -> None:
    with pages(_odd_page) as page:
        jobs = [{**scrape(name, page), "metric_relabel_configs": steps} for name, steps in _STEPS.items()]
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
        with prometheus(tmp_path, safe_dump(config)) as client:

            def ask(query: str) -> list[Json]:
                result: list[Json] = client.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
                return [one["metric"] for one in result]

            wait_for("all jobs", lambda: len(ask("up == 1")) == len(_STEPS), 60)
            series = ask('{__name__=~"(odd|even)_metric"}')
    before = {"__name__": "odd_metric", "a": "xy", "b": "zz", "instance": page}
    expected = [relabelled({**before, "job": name}, steps) for name, steps in _STEPS.items()]
    seen = {one["job"]: one for one in series}
    assert expected == [seen.get(name) for name in _STEPS]
    assert 2 == expected.count(None)


@pytest.mark.servers
def test_a_configuration_that_a_prometheus_runs_is_read_as_it_tells_it(tmp_path: Path) -> None:
    with pages(exporter_page) as page:
        config = {
            "global": {"scrape_interval": "1s", "external_labels": {"replica": "a"}},
            **_alerting({**_CRITICAL, "action": "drop"}),
            "scrape_configs": [
                {**scrape(JOB, page), "metric_relabel_configs": [{**_NAME, "regex": "booking_sync_re.*", "action": "drop"}]},
                scrape("again", page),
            ],
        }
        with prometheus(tmp_path, safe_dump(config)) as client:
            stack = Stack(str(client.base_url), wanted=dict(_WANTED))
            wait_for("two targets", lambda: stack.checks()["Prometheus scraped once"].state == "MISSING", 60)
            found = stack.checks()
    assert found["Prometheus scraped once"].seen.endswith(f"by again, {JOB}")
    assert "dropped (BookingSyncExporterDown, " in found["Prometheus changes no alert"].seen
    assert "that rules read: booking_sync_re" in found["Prometheus families kept"].seen
