"""`monitoring check` on servers that answer what no healthy one does: each is told as what it is, and ends in time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.monitoring import Options
from exporter.monitoring.check import Timeouts
from exporter.monitoring.check.needs import LOOK_BACKS
from tests.monitoring.answering import Answer, answering, as_json
from tests.monitoring.bundle import ALERT_GROUPS, RECORDING_GROUPS, ROOT
from tests.monitoring.fleet_day import looked_back
from tests.monitoring.rendered_files import files
from tests.monitoring.stacks import Stack, not_ok

LONGEST_DAYS = 31
SHORT = Timeouts(request=0.3, server=1.0)  # for servers that answer nothing: all others get the time that the product gives
_SECRET = "s3cret-Pa55word-of-nobody"

HOSTILE = {
    "hangs": (Answer(hangs=True), "gives no whole answer within 0.3 s"),
    "HTML": (Answer(b"<html><body>Welcome</body></html>", headers={"Content-Type": "text/html"}), "answers what"),
    "garbage": (Answer(b"\x00\xff\xfe{"), "answers what"),
    "another shape": (as_json([1]), "answers what"),
    "nested without end": (Answer(b'{"data":' + b"[" * 100_000), "answers what"),
    "nothing": (Answer(b""), "answers what"),
    "login page": (Answer(status=302, headers={"Location": f"https://u:{_SECRET}@evil.invalid/"}), "redirects to another addr"),
    "401": (Answer(b"Unauthorized", 401), "requires a login (401)"),
    "403": (Answer(b"no", 403), "refuses access (403)"),
    "404": (Answer(b"404 page not found", 404), "does not know the request (404)"),
    "500": (Answer(f"oops api_key={_SECRET}\x1b[31m".encode(), 500), "answers 500: oops"),
    "endless": (Answer(b" " * 2**20, times=80), "answers more than 64 MiB"),
    "cut short": (Answer(b"{", headers={"Content-Length": "100"}), "cannot be reached"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_answer_is_said_in_one_line_for_each_server(name: str) -> None:
    answer, told = HOSTILE[name]
    timeouts = SHORT if name == "hangs" else Timeouts()
    with answering({}, answer) as asked:
        begin = time.monotonic()
        found = Stack(asked.address, asked.address, asked.address).checks(timeouts=timeouts)
        assert time.monotonic() - begin < 30
    assert ["Prometheus answers", "Alertmanager answers", "Grafana answers"] == list(found)
    for check in found.values():
        assert "MISSING" == check.state
        assert told in check.seen
        assert check.fix
        assert _SECRET not in f"{check.seen}{check.fix}"
        assert "\x1b" not in check.seen


def test_a_server_that_is_not_there_is_told() -> None:
    found = Stack("http://127.0.0.1:1").checks()
    assert ["Prometheus answers"] == list(found)
    assert found["Prometheus answers"].seen.startswith("cannot be reached")


_NOW = as_json({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1000"]}]}})
_NONE = as_json({"status": "success", "data": {"resultType": "vector", "result": []}})


def test_a_server_that_becomes_slow_costs_no_more_than_its_time() -> None:
    build = as_json({"status": "success", "data": {"version": "3.5.0"}})
    with answering({"vector(time())": _NOW, "/api/v1/status/buildinfo": build}, Answer(hangs=True)) as asked:
        stack = Stack(asked.address)  # renders the bundle, which costs no server's time
        begin = time.monotonic()
        found = stack.checks(timeouts=Timeouts(request=1.5, server=3.0))
        assert time.monotonic() - begin < 12
    assert 18 == len(found)
    assert {"MISSING"} == {check.state for name, check in found.items() if name != "Prometheus answers"}
    assert "was not asked: all other answers took 3 s" in {check.seen for check in found.values()}


def test_what_a_server_of_another_kind_does_not_tell_is_unknown() -> None:
    """A store that only answers queries, as Thanos' and Mimir's do."""
    with answering({"vector(time())": _NOW, "/api/v1/query": _NONE}) as asked:
        found = Stack(asked.address).checks()
    assert {
        "rules loaded",
        "rules equal",
        "rules healthy",
        "rules evaluated",
        "retention",
        "scraped once",
        "families kept",
        "Watchdog fires",
        "knows Alertmanager",
        "changes no alert",
    } == {name.removeprefix("Prometheus ") for name, check in found.items() if check.state == "UNKNOWN"} - {
        "Prometheus delivers alerts"
    } - {"delivers alerts"}


def _vector(number: float, **metric: str) -> Answer:
    return as_json(
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": metric, "value": [1, str(number)]}]}}
    )


def _prometheus(path: str, data: object, name: str, options: Options | None = None) -> tuple[str, str]:
    answers = {"vector(time())": _NOW, "/api/v1/status/runtimeinfo": Answer(status=404), path: as_json({"data": data})}
    with answering(answers, _NONE) as asked:
        check = Stack(asked.address).checks(options=options, changed=files(options) if options else None)[f"Prometheus {name}"]
        return check.state, check.seen


@pytest.mark.parametrize(
    ("kept", "state", "told"),
    [
        ("15d", "MISSING", "15d is too short for BookingSyncIntakeSilent, the average of 30 days"),
        ("7d", "MISSING", "7d is too short for comparisons with last week, BookingSyncIntakeSilent, the average of 30 days"),
        ("30d", "MISSING", "30d is too short for the average of 30 days"),
        ("4w3d", "ok", "4w3d"),
        ("1y", "ok", "1y"),
        ("1y or 10GiB", "UNKNOWN", "1y or 10GiB: the size decides"),
        ("15d or 10GiB", "MISSING", "15d or 10GiB is too short for BookingSyncIntakeSilent, the average of 30 days"),
        ("10GiB", "UNKNOWN", "10GiB: the size decides"),
    ],
)
def test_retention_is_compared_with_what_is_looked_back_over(kept: str, state: str, told: str) -> None:
    runtime = {"startTime": "2026-01-01T00:00:00Z", "storageRetention": kept}
    assert (state, told) == _prometheus("/api/v1/status/runtimeinfo", runtime, "retention")


@pytest.mark.parametrize(
    ("hurry", "kept", "state"),
    [
        (60, "12h24m", "ok"),
        (60, "12h23m", "MISSING"),
        (120, "6h12m", "ok"),
        (120, "6h11m", "MISSING"),
        (1, "31d", "ok"),
        (1, "30d23h", "MISSING"),
    ],
)
def test_a_rehearsal_needs_its_share_of_the_retention(hurry: int, kept: str, state: str) -> None:
    runtime = {"startTime": "2026-01-01T00:00:00Z", "storageRetention": kept}
    found, told = _prometheus("/api/v1/status/runtimeinfo", runtime, "retention", Options(hurry=hurry))
    assert state == found
    assert (state == "ok") == ("the average of 30 days" not in told)


def test_an_alert_that_is_switched_off_needs_no_retention() -> None:
    runtime = {"startTime": "2026-01-01T00:00:00Z", "storageRetention": "15d"}
    options = Options(off=frozenset({"BookingSyncIntakeSilent"}))
    told = "15d is too short for the average of 30 days"
    assert ("MISSING", told) == _prometheus("/api/v1/status/runtimeinfo", runtime, "retention", options)


@pytest.mark.parametrize(
    ("hurry", "interval", "state"), [(60, "1s", "ok"), (60, "1s500ms", "MISSING"), (120, "500ms", "ok"), (120, "1s", "MISSING")]
)
def test_a_rehearsal_is_scraped_as_often_as_its_ranges_need(hurry: int, interval: str, state: str) -> None:
    data = {"activeTargets": [_target(interval=interval)]}
    assert state == _prometheus("/api/v1/targets", data, "job scraped", Options(hurry=hurry))[0]


def test_the_label_that_tells_clusters_apart_has_its_own_name_in_what_is_asked_and_told() -> None:
    options = Options(cluster_label="datacenter")
    target = _target()
    target["labels"] |= {"datacenter": "ffm", "cluster": "of somebody else"}
    said = _prometheus("/api/v1/targets", {"activeTargets": [target]}, "job scraped", options)
    assert ("ok", "1 up (datacenter=ffm, namespace=salon)") == said
    wanted = f"max by (datacenter, namespace, job) (booking_sync_shards{_J}}})"
    present = f"count by (datacenter, namespace, job, shard) (booking_sync_shard_info{_J}}})"
    two = [({"datacenter": "ffm"}, 2), ({"datacenter": "ber"}, 2)]
    # Three of ffm and one of ber are four in all, and one of ber is missing.
    there = [({"datacenter": "ffm", "shard": shard}, 1) for shard in "012"] + [({"datacenter": "ber", "shard": "0"}, 1)]
    with answering({"vector(time())": _NOW, wanted: _vectors(two), present: _vectors(there)}, _NONE) as asked:
        check = Stack(asked.address).checks(options=options)["Prometheus shards complete"]
    assert ("MISSING", "3 of 4 answer") == (check.state, check.seen)


def _vectors(rows: Sequence[tuple[Mapping[str, str], float]]) -> Answer:
    result = [{"metric": metric, "value": [1, str(number)]} for metric, number in rows]
    return as_json({"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.mark.parametrize(("began", "state"), [("1970-01-01T00:12:41Z", "UNKNOWN"), ("1970-01-01T00:12:39Z", "MISSING")])
def test_alerts_may_be_unwritten_for_four_minutes_after_a_start(began: str, state: str) -> None:
    runtime = {"startTime": began, "storageRetention": "31d"}
    assert state == _prometheus("/api/v1/status/runtimeinfo", runtime, "ALERTS written")[0]


def _target(health: str = "up", interval: str = "30s", error: str = "") -> dict[str, Any]:
    labels = {"job": "booking-sync-exporter", "instance": "a:1", "namespace": "salon"}
    return {"labels": labels, "health": health, "lastError": error, "scrapeInterval": interval}


@pytest.mark.parametrize(
    ("targets", "state", "told"),
    [
        ([_target()], "ok", "1 up (namespace=salon)"),
        ([_target(), _target("down", error="refused")], "MISSING", "1 of 2 are down, a:1: refused"),
        ([_target(interval="1m")], "ok", "1 up (namespace=salon)"),
        ([_target(interval="2m")], "MISSING", "less often than every 60 s: a:1"),
        ([], "MISSING", "no target in job booking-sync-exporter"),
    ],
)
def test_a_job_is_scraped_when_all_is_up_and_asked_every_minute(targets: list[Any], state: str, told: str) -> None:
    assert (state, told) == _prometheus("/api/v1/targets", {"activeTargets": targets}, "job scraped")


def _group(**more: object) -> dict[str, Any]:
    rule = {"name": "Watchdog", "query": "vector(1)", "type": "alerting", "health": "ok", "state": "firing"}
    group = {
        "name": "booking-sync-process-alerts",
        "interval": 60,
        "evaluationTime": 0.1,
        "lastEvaluation": "1970-01-01T00:16:00.5Z",
    }
    rule |= {key: str(more.pop(key)) for key in ("health", "lastError", "state") if key in more}
    return {**group, "rules": [rule], **more}


@pytest.mark.parametrize(
    ("groups", "name", "told"),
    [
        ([_group(lastEvaluation="1970-01-01T00:10:00Z")], "rules evaluated", "long ago or never: booking-sync-process-alerts"),
        ([_group(lastEvaluation="0001-01-01T00:00:00Z")], "rules evaluated", "long ago or never: booking-sync-process-alerts"),
        ([_group(evaluationTime=61)], "rules evaluated", "longer than their interval: booking-sync-process-alerts (61 s)"),
        ([_group(health="err", lastError="many-to-many")], "rules healthy", "1 of 1 fail, Watchdog: many-to-many"),
        ([_group(state="inactive")], "Watchdog fires", "it is not firing"),
        ([_group(), _group()], "rules loaded", "groups are not loaded"),
    ],
)
def test_rules_that_are_there_and_do_not_work_are_told(groups: list[Any], name: str, told: str) -> None:
    state, seen = _prometheus("/api/v1/rules", {"groups": groups}, name)
    assert "MISSING" == state
    assert told in seen


def test_a_bundle_that_is_loaded_twice_is_told() -> None:
    stack = Stack()
    stack.wanted["config/prometheus/recording.rules.yml"] = "groups: []"
    stack.wanted["config/prometheus/alerting.rules.yml"] = (
        "groups: [{name: booking-sync-process-alerts, interval: 1m, rules: [{alert: Watchdog, expr: vector(1)}]}]"
    )
    groups = as_json({"status": "success", "data": {"groups": [_group(), _group()]}})
    with answering({"vector(time())": _NOW, "/api/v1/rules": groups}, _NONE) as asked:
        stack.prometheus = asked.address
        assert "loaded more than once: booking-sync-process-alerts" == stack.checks()["Prometheus rules loaded"].seen


_J = '{job="booking-sync-exporter"'


@pytest.mark.parametrize(
    ("query", "name", "told"),
    [
        (
            f'count(booking_sync_collector_up{_J},exported_target!=""}})',
            "labels kept",
            "took the place of the exporter's target",
        ),
        (f"max by (cluster, namespace, job) (booking_sync_shards{_J}}})", "shards complete", "0 of 3 answer"),
        (f'max(booking_sync_config_warnings{_J},kind="window_missing"}})', "windows", "3 targets read bookings without"),
    ],
)
def test_what_the_series_say_is_told(query: str, name: str, told: str) -> None:
    with answering({"vector(time())": _NOW, query: _vector(3)}, _NONE) as asked:
        check = Stack(asked.address).checks()[f"Prometheus {name}"]
    assert "MISSING" == check.state
    assert told in check.seen


_LOST, _SENT = (f"sum(increase(prometheus_notifications_{name}_total[5m]))" for name in ("dropped", "sent"))


@pytest.mark.parametrize(
    ("lost", "sent", "share", "alertmanagers", "told"),
    [
        (0, 20, 0.0, 1, "ok: within 5 minutes 20, none lost"),
        (1, 5, 0.2, 1, "ok: within 5 minutes 5, 1 of them lost"),
        (5, 5, 1.0, 1, "MISSING: within 5 minutes 5 of 5 went to no Alertmanager"),
        (5, 10, 1.0, 2, "MISSING: within 5 minutes 5 of 5 went to no Alertmanager"),
        (3, 0, 0.0, 1, "MISSING: within 5 minutes 3 of 3 went to no Alertmanager"),
        (0, 10, 0.6, 2, "MISSING: within 5 minutes one Alertmanager did not take 60% of its messages"),
        (0, 0, float("nan"), 1, "ok: within 5 minutes 0, none lost"),
    ],
)
def test_alerts_are_delivered_unless_half_of_them_are_lost(
    lost: int, sent: int, share: float, alertmanagers: int, told: str
) -> None:
    errors = (
        "max(sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m]))"
        " / sum by (alertmanager) (increase(prometheus_notifications_sent_total[5m])))"
    )
    answers = {
        "vector(time())": _NOW,
        _LOST: _vector(lost),
        _SENT: _vector(sent),
        errors: _vector(share),
        "/api/v1/alertmanagers": as_json({"data": {"activeAlertmanagers": [{}] * alertmanagers}}),
    }
    with answering(answers, _NONE) as asked:
        check = Stack(asked.address).checks()["Prometheus delivers alerts"]
    assert told == f"{check.state.value}: {check.seen}"


def _alertmanager(sent: int, failed: int, *, lately: float | None = None, alerts: list[Any] | None = None) -> dict[str, str]:
    config = files(Options())["config/alertmanager/alertmanager.yml"].replace("example.org", "salon.invalid")
    metrics = (
        f'alertmanager_notifications_total{{integration="webhook"}} {sent}\n'
        f'alertmanager_notifications_failed_total{{integration="webhook",reason="other"}} {failed}\n'
    )
    answers = {
        "/api/v2/status": as_json({"config": {"original": config}, "versionInfo": {"version": "0.25.0"}}),
        "/api/v2/alerts": as_json(alerts or []),
        "/api/v2/silences": as_json([]),
        "/metrics": Answer(metrics.encode()),
        "vector(time())": _NOW,
        "sum by (integration) (increase(alertmanager_notifications_failed_total[10m]))": _NONE
        if lately is None
        else _vector(lately, integration="webhook"),
    }
    with answering(answers, _NONE) as asked:
        found = Stack(asked.address, asked.address).checks()
    return {name: f"{check.state.value}: {check.seen}" for name, check in found.items()}


@pytest.mark.parametrize(
    ("sent", "failed", "lately", "told"),
    [
        (0, 0, None, "MISSING: none was sent by webhook"),
        (5, 0, None, "ok: 5 sent by webhook, none failed"),
        (5, 5, None, "MISSING: 5 of 5 by webhook failed since its start"),
        (5, 2, None, "UNKNOWN: 2 of 5 by webhook failed since its start"),
        (5, 2, 0.0, "ok: none by webhook failed within 10 minutes"),
        (5, 2, 2.0, "MISSING: 2 by webhook failed within 10 minutes"),
    ],
)
def test_a_heartbeat_is_delivered_when_none_has_failed_lately(sent: int, failed: int, lately: float | None, told: str) -> None:
    assert told == _alertmanager(sent, failed, lately=lately)["Alertmanager heartbeat delivered"]


@pytest.mark.parametrize(
    ("state", "receiver", "told"),
    [
        ("active", "heartbeat", "ok: goes to heartbeat"),
        ("active", "nobody", "MISSING: it goes to nobody, which reaches nobody"),
        ("suppressed", "heartbeat", "MISSING: it is silenced or inhibited"),
    ],
)
def test_the_watchdog_has_arrived_where_somebody_is_told(state: str, receiver: str, told: str) -> None:
    labels = {"alertname": "Watchdog", "fixed_by": "exporter operator"}
    alert = {"labels": labels, "receivers": [{"name": receiver}], "status": {"state": state}}
    assert told == _alertmanager(1, 0, alerts=[alert])["Alertmanager Watchdog arrived"]


def test_addresses_and_files_that_cannot_be_used_are_all_told_at_once(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app,
        [
            *("monitoring", "check", "--prometheus-url", f"https://u:{_SECRET}@p.invalid", "--alertmanager-url", "ftp://a"),
            *("--password-file", str(tmp_path / "absent"), "--ca-file", str(tmp_path)),
        ],
    )
    assert 2 == result.exit_code
    lines = result.stderr.splitlines()
    assert ["--password-file", "--ca-file", "--prometheus-url", "--alertmanager-url"] == [
        line.split()[1].strip(":") for line in lines
    ]
    assert all("(fix: " in line for line in lines)
    assert _SECRET not in result.output + result.stderr


def test_nobody_to_ask_is_bad_usage() -> None:
    result = CliRunner().invoke(app, ["monitoring", "check"])
    assert 2 == result.exit_code
    assert "no server is named" in result.stderr


@pytest.mark.parametrize("url", ["http://prometheus.salon.example", "http://192.0.2.1"])
def test_a_password_is_sent_to_no_host_that_others_could_listen_to(tmp_path: Path, url: str) -> None:
    (tmp_path / "password").write_text(_SECRET)
    result = CliRunner().invoke(
        app, ["monitoring", "check", "--prometheus-url", url, "--password-file", str(tmp_path / "password")]
    )
    assert 2 == result.exit_code
    assert "a credential is sent over https:// only" in result.stderr


def test_each_server_gets_its_own_credential_and_no_output_has_one(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{_SECRET}\n")
    (tmp_path / "token").write_text("glsa_token\n")
    with answering({}, Answer(b"no", 401)) as prometheus, answering({}, Answer(b"no", 401)) as grafana:
        result = CliRunner().invoke(
            app,
            [
                "monitoring",
                "check",
                "--prometheus-url",
                prometheus.address,
                "--grafana-url",
                grafana.address,
                "--output",
                "json",
                "--password-file",
                str(tmp_path / "password"),
                "--grafana-token-file",
                str(tmp_path / "token"),
            ],
        )
    assert 1 == result.exit_code
    assert [("Prometheus", "MISSING"), ("Grafana", "MISSING")] == [
        (one["server"], one["state"]) for one in json.loads(result.output)
    ]
    assert all(one.startswith("Basic ") for one in prometheus.authorizations)
    assert ["Bearer glsa_token"] == grafana.authorizations
    assert _SECRET not in result.output
    assert "glsa_token" not in result.output


def shipped() -> dict[str, Any]:
    """Return the shipped boards by uid."""
    found = [json.loads(path.read_text()) for path in sorted((ROOT / "dashboards").glob("*.json"))]
    return {board["uid"]: board for board in found}


Json = dict[str, Any]
_SOURCE: Json = {"id": 1, "uid": "prom", "name": "Prom", "type": "prometheus"}


def _grafana(
    *,
    version: str = "11.6.1",
    sources: Sequence[Json] = (_SOURCE,),
    query: Answer | None = None,
    folder: str = "Booking sync",
    boards: Mapping[str, Json] | None = None,
) -> dict[str, str]:
    answers = {
        "/api/health": as_json({"commit": "dd90a2f", "database": "ok", "version": version}),
        "/api/datasources": as_json(sources),
        "/api/datasources/proxy/uid/prom/api/v1/query": query or _vector(1),
    }
    for uid, board in (shipped() if boards is None else boards).items():
        kept = {"dashboard": {**board, "id": 7, "version": 3}, "meta": {"folderTitle": folder}}
        answers[f"/api/dashboards/uid/{uid}"] = as_json(kept)
    with answering(answers) as asked:
        return not_ok(Stack(grafana=asked.address).checks())


def _changed(change: Callable[[list[Json]], object]) -> dict[str, Json]:
    found = shipped()
    change(found["booking-sync-fleet"]["panels"])
    return found


def _first(panels: list[Json], **parts: object) -> None:
    next(panel for panel in panels if panel.get("targets")).update(parts)


def test_all_is_well_with_the_boards_of_this_render() -> None:
    assert {} == _grafana()


def test_defaults_that_grafana_adds_are_no_change() -> None:
    assert {} == _grafana(boards=_changed(lambda panels: _first(panels, pluginVersion="11.6.1", id=99, maxDataPoints=100)))


@pytest.mark.parametrize(
    ("changes", "name", "told"),
    [
        ({"version": "9.4.0"}, "version", "9.4.0: some panels look otherwise"),
        ({"sources": []}, "data source", "none of type prometheus"),
        ({"query": _NONE}, "data source", "Prom has no job booking-sync-exporter"),
        ({"query": Answer(b"bad gateway", 502)}, "data source", "Prom answers 502: bad gateway"),
        ({"folder": "General"}, "folder", "General, not Booking sync"),
        (
            {"boards": _changed(lambda panels: _first(panels, targets=[]))},
            "boards equal",
            "1 differ: Booking sync / Fleet: panel",
        ),
        (
            {"boards": _changed(lambda panels: _first(panels, fieldConfig={}))},
            "boards equal",
            "1 differ: Booking sync / Fleet: panel",
        ),
        ({"boards": _changed(lambda panels: panels.pop())}, "boards equal", "is gone"),
        (
            {"boards": _changed(lambda panels: panels.append({"title": "Mine"}))},
            "boards equal",
            "panel 'Mine' is not of this render",
        ),
        (
            {"boards": {uid: board for uid, board in shipped().items() if not uid.endswith("target")}},
            "boards there",
            "not there: Booking sync / Target",
        ),
    ],
    ids=["old", "no source", "no job", "source down", "folder", "query", "colours", "fewer", "more", "board"],
)
def test_each_fault_of_a_grafana_is_told_by_its_own_line(changes: Json, name: str, told: str) -> None:
    found = _grafana(**changes)
    assert [f"Grafana {name}"] == list(found)
    assert found[f"Grafana {name}"].startswith("MISSING")
    assert told in found[f"Grafana {name}"]


@pytest.mark.parametrize("given", [True, False])
def test_names_of_the_file_are_those_that_are_asked_for(given: bool, tmp_path: Path) -> None:
    """Jobs, uids and folder of ``monitoring.yml``: with the file all is well, without it nothing of that is found."""
    options = Options(jobs=("salons", "portals.eu"), uid_prefix="agency", folder="Agency", cluster_label="datacenter")
    answers = {
        "/api/health": as_json({"commit": "dd90a2f", "database": "ok", "version": "11.6.1"}),
        "/api/datasources": as_json([_SOURCE]),
        'count(up{job=~"salons|portals\\\\.eu"})': _vector(1),
        "/api/datasources/proxy/uid/prom/api/v1/query": _NONE,
    }
    for name, text in files(options).items():
        if name.startswith("dashboards/") and name.endswith(".json"):
            board = json.loads(text)
            answers[f"/api/dashboards/uid/{board['uid']}"] = as_json({"dashboard": board, "meta": {"folderTitle": "Agency"}})
    assert {"agency-fleet", "agency-target", "agency-internals"} <= {path.rpartition("/")[2] for path in answers}
    file = tmp_path / "monitoring.yml"
    written = "jobs: [salons, portals.eu]\ncluster_label: datacenter\ngrafana: {uid_prefix: agency, folder: Agency}\n"
    file.write_text(written)
    with answering(answers) as asked:
        arguments = ["--monitoring.file", str(file)] if given else []
        result = CliRunner().invoke(app, ["monitoring", "check", "--grafana-url", asked.address, *arguments])
    found = [line.split(":")[0].split() for line in result.stdout.splitlines() if line.startswith(("ok ", "MISSING "))]
    states = {" ".join(words[2:]): words[0] for words in found}
    rest = "ok" if given else "MISSING"
    parts = ("data source", "boards there", "boards equal", "folder")
    assert {"answers": "ok", "version": "ok", **dict.fromkeys(parts, rest)} == states, result.output
    assert (0 if given else 1) == result.exit_code


def test_no_rule_looks_further_back_than_the_retention_that_is_asked_for() -> None:
    expressions = [rule["expr"] for group in (*RECORDING_GROUPS, *ALERT_GROUPS) for rule in group["rules"]]
    furthest = max(looked_back(expressions).values()) / 86_400
    assert LOOK_BACKS[-1][0] == LONGEST_DAYS
    assert LONGEST_DAYS - 1 <= furthest < LONGEST_DAYS
