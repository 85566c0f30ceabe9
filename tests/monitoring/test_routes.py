"""Who hears of what: the shipped routes, as amtool and a real Alertmanager read them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from exporter.fields.durations import parse_duration
from tests.monitoring.bundle import ALERTMANAGER, ALERTS
from tests.monitoring.inboxes import inboxes, send
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.routes import CONFIG_FILE, branch, every_route, sends_all_clears, way, with_the_examples
from tests.monitoring.servers import run, wait_for

CONFIG: dict[str, Any] = safe_load(CONFIG_FILE.read_text())
RECEIVER_OF = {"critical": "pager", "warning": "tickets", "info": "nobody", "none": "heartbeat"}
TENANT = {"cluster", "namespace"}
DOUBLE_BOOKING = {"alertname": "BookingSyncDoubleBooking", "fixed_by": "front desk", "job": "j", "target": "salon"}
WATCHDOG = {"alertname": "Watchdog", "severity": "none", "fixed_by": "exporter operator"}
ANNOTATIONS = {"summary": "It is so.", "description": "It is so.", "fix": "Mend it."}


def _receiver(file: Path, **labels: str) -> str:
    pairs = (f'{name}="{value}"' for name, value in labels.items())
    result = run("amtool", "config", "routes", "test", f"--config.file={file}", *pairs)
    assert 0 == result.returncode, result.stdout + result.stderr
    return result.stdout.strip()


def _written(directory: Path, text: str) -> Path:
    file = directory / "alertmanager.yml"
    file.write_text(text.replace("templates/*.tmpl", str(ALERTMANAGER / "templates" / "*.tmpl")))
    return file


@pytest.mark.servers
def test_every_alert_reaches_the_receiver_of_its_severity() -> None:
    fixed = {tuple(sorted({"alertname": alert["alert"], **alert["labels"]}.items())) for alert in ALERTS}
    for labels in (dict(one) for one in fixed):
        forgets = labels.get("forgets") == "yes"
        expected = RECEIVER_OF[labels["severity"]] + ("-without-all-clear" if forgets else "")
        assert expected == _receiver(CONFIG_FILE, **labels, job="j", target="salon"), labels


@pytest.mark.servers
@pytest.mark.parametrize("target", ["", "salon"])
def test_a_page_that_ends_because_it_forgets_goes_to_the_pager_without_an_all_clear(target: str) -> None:
    labels = {"alertname": "BookingSyncIntakeSilent", "severity": "critical", "fixed_by": "front desk", "forgets": "yes"}
    assert "pager-without-all-clear" == _receiver(CONFIG_FILE, **labels, job="j", target=target)
    pager, silent = (
        next(one for one in CONFIG["receivers"] if one["name"] == name) for name in ("pager", "pager-without-all-clear")
    )
    assert (True, False) == (sends_all_clears(pager), sends_all_clears(silent))


def test_every_severity_that_an_alert_has_is_routed_on_purpose() -> None:
    assert {alert["labels"]["severity"] for alert in ALERTS} == set(RECEIVER_OF)


@pytest.mark.servers
@pytest.mark.parametrize(
    "foreign",
    [{"alertname": "NodeDown"}, {"alertname": "Watchdog", "severity": "none"}, {"alertname": "BookingSync", "a": "b"}],
)
def test_an_alert_of_somebody_else_gets_none_of_our_messages(foreign: dict[str, str]) -> None:
    assert "nobody" == _receiver(CONFIG_FILE, **foreign)


@pytest.mark.servers
def test_the_subtree_fits_below_another_tree_and_leaves_its_alerts_alone(tmp_path: Path) -> None:
    (subtree,) = CONFIG["route"]["routes"]
    theirs = {"receiver": "their-own", "group_by": ["severity"], "routes": [{"matchers": ['a = "b"'], "receiver": "b"}]}
    theirs["routes"].append(subtree)  # type: ignore[attr-defined]
    receivers = [*({"name": one["name"]} for one in CONFIG["receivers"]), {"name": "their-own"}, {"name": "b"}]
    file = _written(tmp_path, safe_dump({"route": theirs, "receivers": receivers}))
    assert "their-own" == _receiver(file, alertname="NodeDown", severity="critical")
    assert "pager" == _receiver(file, **DOUBLE_BOOKING, severity="critical")
    assert "heartbeat" == _receiver(file, **WATCHDOG)
    assert "group_by" in subtree  # else it would take theirs
    assert {"group_wait", "group_interval", "repeat_interval"} <= set(subtree)


def test_every_group_keeps_clusters_and_namespaces_apart() -> None:
    groups = [set(route["group_by"]) for route in every_route(safe_load(with_the_examples())) if "group_by" in route]
    assert len(groups) >= 4
    assert all(TENANT <= labels for labels in groups)


def test_each_cause_that_targets_share_is_a_page_of_its_own_and_a_business_is_one() -> None:
    shared, business = (route["group_by"] for route in every_route(CONFIG) if route.get("receiver") == "pager")
    assert {"alertname", "platform", "credential"} <= set(shared)
    assert ["cluster", "namespace", "job", "target"] == business


def test_tickets_are_not_grouped_by_what_there_may_be_a_thousand_of() -> None:
    tickets = branch(CONFIG, 'alertname =~ "Watchdog|BookingSync.+"')
    assert ["alertname", "cluster", "namespace", "job"] == tickets["group_by"]


def test_a_ticket_that_ends_by_itself_ends_before_it_is_sent() -> None:
    # What is over within the wait of its group is never told. Sources of inhibitions have to keep for longer.
    sources = " ".join(matcher for rule in CONFIG["inhibit_rules"] for matcher in rule["source_matchers"])
    wait = parse_duration(branch(CONFIG, 'alertname =~ "Watchdog|BookingSync.+"')["group_wait"])
    for alert in ALERTS:
        if alert["labels"]["severity"] == "warning" and alert["alert"] not in sources:
            assert parse_duration(alert.get("keep_firing_for", "0s")) < wait, alert["alert"]


def test_tickets_that_forget_have_no_all_clear() -> None:
    receivers = {one["name"]: one for one in CONFIG["receivers"]}
    for name, all_clear in (("tickets", True), ("tickets-without-all-clear", False)):
        configs = [*receivers[name]["email_configs"], *receivers[name]["slack_configs"]]
        assert {all_clear} == {one["send_resolved"] for one in configs}


WAKES = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
UNHURRIED = {"group_wait": "5m", "group_interval": "30m", "repeat_interval": "3d"}
TICKET = {"receiver": "tickets", "group_by": ["alertname", "cluster", "namespace", "job"], **UNHURRIED}


def _promised(labels: dict[str, str]) -> dict[str, Any]:
    """Return the branch of an alert as the documents have it."""
    if labels["alertname"] == "Watchdog":
        waits = {"group_wait": "0s", "group_interval": "30s", "repeat_interval": "50s"}
        return {"receiver": "heartbeat", "group_by": ["alertname", "cluster", "namespace"], **waits}
    if labels["severity"] == "critical":
        cause = ["alertname", "cluster", "namespace", "job", "platform", "credential", "besides", "extent"]
        business = ["cluster", "namespace", "job", "target"]
        return {"receiver": "pager", "group_by": business if labels["target"] else cause, **WAKES}
    if labels["severity"] == "info":
        return TICKET | {"receiver": "nobody"}
    return TICKET | ({"receiver": "tickets-without-all-clear"} if labels.get("forgets") else {})


def _every_alert() -> list[dict[str, str]]:
    """Return the labels of each alert, with a target where its series have one."""
    return [
        {
            "alertname": alert["alert"],
            **alert["labels"],
            "target": "x" if "target" in labels_of_expression(alert["expr"]) else "",
        }
        for alert in ALERTS
    ]


def test_every_alert_is_grouped_waits_and_is_told_again_as_the_documents_have_it() -> None:
    for labels in (
        one | extra for one in _every_alert() for extra in ({}, {"site": "berlin"}, {"platform": "wix", "credential": "c"})
    ):
        assert [_promised(labels)] == [route | {"group_by": list(route["group_by"])} for route in way(CONFIG, labels)], labels


def _is_an_unread_calendar(labels: Mapping[str, str]) -> bool:
    unread = labels["alertname"] in {"BookingSyncAccessDenied", "BookingSyncDataExpired"}
    return unread and labels["platform"] == "calendar" and labels["severity"] == "critical" and labels["target"] != ""


def test_the_examples_change_nothing_but_what_they_name() -> None:
    config = safe_load(with_the_examples())
    hours = {"active_time_intervals": ["office-hours"]}
    for labels in (
        one | {"site": site, "platform": platform}
        for one in _every_alert()
        for site in ("berlin", "hamburg")
        for platform in ("wix", "calendar")
    ):
        (route,) = way(config, labels)
        promised = _promised(labels)
        if labels["fixed_by"] == "front desk" and labels["site"] == "berlin" and "forgets" not in labels:
            group = ["alertname", "cluster", "namespace", "job", "target"]
            promised = {**UNHURRIED, **{key: WAKES[key] for key in ("group_wait", "group_interval")}, "group_by": group}
            promised["receiver"] = "front-desk-berlin"
        elif labels["fixed_by"] == "calendar owner" and labels["severity"] == "warning" and "forgets" not in labels:
            promised = TICKET | {"receiver": "calendar-care"}
        elif _is_an_unread_calendar(labels):
            promised = TICKET
        elif promised["receiver"].startswith("tickets"):
            promised = promised | hours
        assert promised == route, labels


def test_every_mail_is_written_alike_and_the_end_of_a_heartbeat_is_no_heartbeat() -> None:
    receivers = {one["name"]: one for one in safe_load(with_the_examples())["receivers"]}
    (mail,) = receivers["tickets"]["email_configs"]
    assert {"Subject", "References"} == set(mail["headers"])
    for name, to in (
        ("front-desk-berlin", "desk@berlin.example.org"),
        ("calendar-care", "calendars@example.org"),
        ("tickets-without-all-clear", mail["to"]),
    ):
        all_clear = name != "tickets-without-all-clear"
        assert [mail | {"to": to, "send_resolved": all_clear}] == receivers[name]["email_configs"]
    assert [False] == [one["send_resolved"] for one in receivers["heartbeat"]["webhook_configs"]]
    assert {"nobody"} == {name for name, one in receivers.items() if set(one) == {"name"}}


@pytest.mark.servers
def test_the_examples_are_valid_and_take_what_they_name(tmp_path: Path) -> None:
    file = _written(tmp_path, with_the_examples())
    result = run("amtool", "check-config", file)
    assert 0 == result.returncode, result.stdout + result.stderr
    assert "front-desk-berlin" == _receiver(file, **DOUBLE_BOOKING, severity="critical", site="berlin")
    assert "pager" == _receiver(file, **DOUBLE_BOOKING, severity="critical", site="hamburg")
    owner = {"alertname": "BookingSyncConnectionNeedsOwner", "fixed_by": "calendar owner", "severity": "warning"}
    assert "calendar-care" == _receiver(file, **owner)
    assert "tickets-without-all-clear" == _receiver(file, **owner, forgets="yes")
    unread = {
        "alertname": "BookingSyncAccessDenied",
        "fixed_by": "account administrator",
        "severity": "critical",
        "target": "x",
    }
    assert ["tickets", "pager"] == [_receiver(file, **unread, platform=platform) for platform in ("calendar", "wix")]
    assert "heartbeat" == _receiver(file, **WATCHDOG)


@pytest.mark.servers
def test_tickets_wait_for_the_office_to_open_and_pages_do_not(tmp_path: Path) -> None:
    config = safe_load(with_the_examples())
    (hours,) = config["time_intervals"]
    assert {"weekdays", "times", "location"} == set(hours["time_intervals"][0])
    hours["time_intervals"] = [{"years": ["1999"]}]
    with inboxes(tmp_path, safe_dump(config), group_wait="100ms", group_interval="300ms") as (client, found):
        send(client, [({**DOUBLE_BOOKING, "severity": "warning"}, ANNOTATIONS)])
        wait_for("a ticket that is held back", lambda: client.get("/api/v2/alerts").json())
        send(client, [({**DOUBLE_BOOKING, "severity": "critical"}, ANNOTATIONS)])
        wait_for("the page", lambda: found.pages)
        send(client, [({**DOUBLE_BOOKING, "severity": "critical", "target": "b"}, ANNOTATIONS)])
        wait_for("a later page", lambda: len(found.pages) > 1)
    assert ([], []) == (found.mails, found.chats)


@pytest.mark.servers
def test_the_heartbeat_comes_every_minute(tmp_path: Path) -> None:
    # Twenty times as fast: 60 seconds are three.
    config = safe_load(CONFIG_FILE.read_text())
    heartbeat = branch(config, 'alertname = "Watchdog"')
    for key in ("group_interval", "repeat_interval"):
        heartbeat[key] = f"{parse_duration(heartbeat[key]) * 50:.0f}ms"
    with inboxes(tmp_path, safe_dump(config)) as (client, found):
        send(client, [(WATCHDOG, ANNOTATIONS)])
        wait_for("six heartbeats", lambda: len(found.heartbeats) > 5, 60)
    waits = [later - earlier for earlier, later in pairwise(found.heartbeats)]
    # One that is skipped makes six seconds of three; a busy machine is late once and early after it.
    assert 2 < median(waits) < 4.5, waits


@pytest.mark.servers
def test_each_cluster_has_a_heartbeat_of_its_own(tmp_path: Path) -> None:
    # One that ends must be missed, though the other goes on.
    with inboxes(tmp_path) as (client, found):
        send(client, [({**WATCHDOG, "cluster": cluster}, ANNOTATIONS) for cluster in ("eu", "us")])
        wait_for("a heartbeat of each", lambda: len(found.heartbeats) > 1)
