"""`monitoring check` on an Alertmanager whose tree has the bundle's routes, and whose pages nevertheless reach nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.monitoring import Options
from exporter.monitoring.check.arrival import leaves
from exporter.monitoring.check.moments import moment
from exporter.monitoring.check.rules import wanted_groups
from exporter.monitoring.check.sent_alerts import sent_alerts
from exporter.monitoring.delivery import Delivery, OfficeHours
from exporter.monitoring.matchers import Labels, Unknown, Value, fits, matchers_of
from tests.monitoring.answering import Answer, answering, as_json
from tests.monitoring.bundle import ALERTS, PROMETHEUS
from tests.monitoring.inboxes import send
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import alertmanager, wait_for
from tests.monitoring.stacks import Stack, not_ok

Json = dict[str, Any]
Change = Callable[[Json], object]
_FILE = "config/alertmanager/alertmanager.yml"
_NONE = as_json({"status": "success", "data": {"resultType": "vector", "result": []}})
_METRICS = 'alertmanager_notifications_total{integration="webhook"} 5\n'
_SATURDAY = "2026-11-28T22:00:00Z"
_WATCHDOG = {"alertname": "Watchdog", "severity": "none", "fixed_by": "exporter operator"}
_WANTED = files(Options())
_SENT = sent_alerts(wanted_groups((PROMETHEUS / "alerting.rules.yml").read_text()), Options().jobs)


def _alert(labels: Mapping[str, str], receiver: str = "pager") -> Json:
    return {"labels": dict(labels), "receivers": [{"name": receiver}], "status": {"state": "active"}}


def _asked(
    change: Change = lambda _: None,
    *,
    options: Options | None = None,
    alerts: Sequence[Json] = (_alert(_WATCHDOG, "heartbeat"),),
    silences: Sequence[Json] = (),
    began: str = "2026-11-01T00:00:00Z",
    sent: int = 5,
) -> dict[str, str]:
    """Return what is said of an Alertmanager that runs the rendered configuration after a ``change``, on a Saturday night."""
    wanted = files(options) if options else _WANTED
    config = yaml.load(wanted[_FILE].replace("example.org", "salon.invalid"), yaml.CSafeLoader)
    change(config)
    answers = {
        "/api/v2/status": as_json({"config": {"original": safe_dump(config)}, "uptime": began}),
        "/api/v2/alerts": as_json(list(alerts)),
        "/api/v2/silences": as_json(list(silences)),
        "/metrics": Answer(_METRICS.replace("5", str(sent)).encode()),
    }
    with answering(answers, _NONE) as asked:
        stack = Stack(alertmanager=asked.address, wanted=dict(wanted))
        return not_ok(stack.checks(options=options, now=lambda: moment(_SATURDAY) or 0))


def _route(**parts: object) -> Change:
    """Put a route before the bundle's, and its receiver beside the others."""

    def change(config: Json) -> None:
        config["route"]["routes"].insert(0, {"receiver": "theirs", **parts})
        config["receivers"].append({"name": "theirs"})

    return change


def _with_receiver(change: Change) -> Change:
    def both(config: Json) -> None:
        change(config)
        config["receivers"][-1]["webhook_configs"] = [{"url": "http://theirs.invalid"}]

    return both


def _inside(position: int, **parts: object) -> Change:
    """Put a route into the bundle's subtree."""

    def change(config: Json) -> None:
        config["route"]["routes"][0]["routes"].insert(position, {"receiver": "nobody", **parts})

    return change


def _nobody_behind(name: str) -> Change:
    def change(config: Json) -> None:
        config["receivers"] = [{"name": name} if one["name"] == name else one for one in config["receivers"]]

    return change


def _pages_are(**parts: object) -> Change:
    """Change the routes of pages, and define when it is night."""

    def change(config: Json) -> None:
        night = {"times": [{"start_time": "21:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "06:00"}]}
        config["time_intervals"] = [
            {"name": "night", "time_intervals": [night]},
            {"name": "week", "time_intervals": [{"weekdays": ["monday:friday"], "location": "Europe/Berlin"}]},
            {"name": "never", "time_intervals": [{"years": ["2020:2021"]}]},
            {"name": "always", "time_intervals": [{}]},
            {"name": "holiday", "time_intervals": [{"months": ["december"], "days_of_month": ["-7:-6"]}]},
        ]
        for route in config["route"]["routes"][0]["routes"]:
            if route["receiver"] == "pager":
                route.update(parts)

    return change


def test_all_arrives_with_the_rendered_configuration() -> None:
    assert {} == _asked()


@pytest.mark.parametrize("hours", [None, OfficeHours.model_validate({"timezone": "Europe/Berlin"})])
def test_office_hours_of_the_render_are_no_fault(hours: OfficeHours | None) -> None:
    assert {} == _asked(options=Options(delivery=Delivery(office_hours=hours)))


PAGES = "Alertmanager pages arrive"
TICKETS = "Alertmanager tickets arrive"


@pytest.mark.parametrize(
    ("change", "red", "told"),
    [
        (_route(matchers=['severity="critical"']), {PAGES}, "severity=critical leads to theirs, which reaches nobody"),
        (_route(match={"severity": "critical"}), {PAGES}, "severity=critical leads to theirs, which reaches nobody"),
        (_route(match_re={"alertname": "Booking.*Down"}), {PAGES, TICKETS}, "alertname=~Booking.*Down leads to theirs"),
        (_route(matchers=['alertname=~"Booking.+"', "severity!=info"]), {PAGES, TICKETS}, "which reaches nobody"),
        (_route(), {PAGES, TICKETS}, "the one of all leads to theirs, which reaches nobody"),
        (
            _with_receiver(_route(matchers=['severity="critical"'])),
            {PAGES},
            "severity=critical leads to theirs, not to pager",
        ),
        (_inside(0, matchers=['severity="critical"']), {PAGES}, "severity=critical leads to nobody, which reaches nobody"),
        (
            _inside(0, matchers=['fixed_by="front desk"']),
            {PAGES, TICKETS},
            "(BookingSyncDoubleBooking, BookingSyncExternalConflict)",
        ),
        (_nobody_behind("pager"), {PAGES}, "nobody is behind pager"),
        (_nobody_behind("tickets"), {TICKETS}, "nobody is behind tickets"),
        (_pages_are(mute_time_intervals=["night"]), {PAGES}, "pager is mute now by night"),
        (
            _pages_are(mute_time_intervals=["never", "holiday"]),
            {PAGES},
            "pager is mute from 2026-12-25 00:00 UTC on by never, ",
        ),
        (_pages_are(active_time_intervals=["week"]), {PAGES}, "pager is mute now by week"),
    ],
    ids=[
        *("critical", "old form", "old regex", "two matchers", "all", "somebody else", "inside", "one alert"),
        *("null pager", "null tickets", "mute now", "mute one day", "active in the week"),
    ],
)
def test_what_keeps_a_page_or_a_ticket_from_arriving_is_told(change: Change, red: set[str], told: str) -> None:
    found = _asked(change)
    assert red == found.keys() & {PAGES, TICKETS}
    for name in red:
        assert found[name].startswith("MISSING: "), found[name]
    assert told in " ".join(found.values())


@pytest.mark.parametrize(
    "change",
    [
        _route(matchers=['severity="critical"'], **{"continue": True}),
        _route(matchers=['alertname="BookingSync"']),
        _route(matchers=['team="infra"', 'severity="critical"']),
        _route(match_re={"alertname": "Down"}),
        _inside(0, matchers=['severity="info"']),
        _inside(99, matchers=[]),
        _pages_are(mute_time_intervals=["never"]),
        _pages_are(active_time_intervals=["always"]),
    ],
    ids=["goes on", "anchored name", "perhaps", "anchored regex", "displayed", "last", "never mute", "always active"],
)
def test_what_keeps_nothing_back_is_no_fault(change: Change) -> None:
    assert {} == _asked(change)


def test_a_label_that_prometheus_adds_is_known_from_what_arrived() -> None:
    change = _route(matchers=['cluster="ffm"'])
    assert {} == _asked(change)
    with_cluster = [_alert({**_WATCHDOG, "cluster": "ffm"}, "heartbeat")]
    assert {PAGES, TICKETS} == _asked(change, alerts=with_cluster).keys()
    assert {} == _asked(change, alerts=[*with_cluster, _alert({**_WATCHDOG, "cluster": "ber"}, "heartbeat")])


def test_tickets_that_are_mute_for_a_time_are_unknown_and_not_missing() -> None:
    def change(config: Json) -> None:
        config["time_intervals"] = [
            {"name": "evening", "time_intervals": [{"times": [{"start_time": "20:00", "end_time": "23:00"}]}]}
        ]
        for route in config["route"]["routes"][0]["routes"]:
            if route["receiver"].startswith("tickets"):
                route["mute_time_intervals"] = ["evening"]

    found = _asked(change)
    assert [TICKETS] == [*found]
    assert found[TICKETS].startswith("UNKNOWN: tickets is mute now by evening (")


_KEEPS_BACK: Json = {
    "source_matchers": ['alertname="Maintenance"'],
    "target_matchers": ['severity="critical"'],
    "equal": ["job"],
}


@pytest.mark.parametrize(
    ("rule", "firing", "state"),
    [
        (_KEEPS_BACK, {}, "UNKNOWN"),
        ({"source_match": {"alertname": "Maintenance"}, "target_match_re": {"alertname": "Booking.*"}}, {}, "UNKNOWN"),
        (_KEEPS_BACK, {"alertname": "Maintenance", "job": "booking-sync-exporter"}, "MISSING"),
        (_KEEPS_BACK, {"alertname": "Maintenance", "job": "another"}, "UNKNOWN"),
        ({**_KEEPS_BACK, "equal": []}, {"alertname": "Maintenance"}, "MISSING"),
        ({**_KEEPS_BACK, "equal": ["target"]}, {"alertname": "Maintenance", "target": "salon"}, "UNKNOWN"),
        ({**_KEEPS_BACK, "target_matchers": ['severity="none"']}, {"alertname": "Maintenance"}, "MISSING"),
        ({**_KEEPS_BACK, "target_matchers": ['severity="info"']}, {"alertname": "Maintenance"}, ""),
        ({**_KEEPS_BACK, "target_matchers": ['alertname="NodeDown"']}, {"alertname": "Maintenance"}, ""),
    ],
    ids=["quiet", "old form", "fires", "another job", "no equal", "one target", "Watchdog", "displayed", "theirs"],
)
def test_inhibitions_of_others_that_keep_ours_back_are_told(rule: Json, firing: dict[str, str], state: str) -> None:
    alerts = [_alert(_WATCHDOG, "heartbeat"), *([_alert(firing)] if firing else [])]
    found = _asked(lambda config: config["inhibit_rules"].append(rule), alerts=alerts)
    assert ([] if not state else ["Alertmanager other inhibitions"]) == [*found]
    assert all(text.startswith(f"{state}: ") for text in found.values())


def _silence(*matchers: tuple[str, str, bool, bool], state: str = "active") -> Json:
    return {
        "id": "5c1e",
        "comment": "the whole weekend",
        "endsAt": "2026-11-30T08:00:00.000Z",
        "status": {"state": state},
        "matchers": [
            {"name": name, "value": value, "isRegex": regex, "isEqual": equal} for name, value, regex, equal in matchers
        ],
    }


@pytest.mark.parametrize(
    ("silence", "is_told"),
    [
        (_silence(("severity", "critical", False, True)), True),
        (_silence(("alertname", "BookingSync.*", True, True)), True),
        (_silence(("alertname", "Watchdog", False, True)), True),
        (_silence(("team", "nobody", False, False), ("severity", "critical", False, True)), False),
        (_silence(("severity", "critical", False, True), state="expired"), False),
        (_silence(("severity", "critical", False, True), state="pending"), False),
        (_silence(("severity", "warning", False, True)), False),
        (_silence(("target", "salon", False, True)), False),
        (_silence(("target", ".+", True, True), ("severity", "critical", False, True)), True),
        (_silence(("alertname", "NodeDown", False, True)), False),
    ],
)
def test_a_silence_of_pages_is_told_with_its_end_and_why(silence: Json, is_told: bool) -> None:
    found = _asked(silences=[silence])
    assert (["Alertmanager silences"] if is_told else []) == [*found]
    for text in found.values():
        assert text.startswith("MISSING: 5c1e until 2026-11-30T08:00 (the whole weekend) silences ")


@pytest.mark.parametrize(
    ("began", "state"), [("2026-11-28T21:57:10.123Z", "UNKNOWN"), ("2026-11-28T21:56:50.123Z", "MISSING"), ("", "MISSING")]
)
def test_nothing_has_come_yet_so_soon_after_a_start(began: str, state: str) -> None:
    found = _asked(alerts=[], sent=0, began=began)
    assert ["Alertmanager Watchdog arrived", "Alertmanager heartbeat delivered"] == [*found]
    assert all(text.startswith(state) for text in found.values())


_OTHERS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_ODD: Sequence[Json] = (
    {"receiver": "one", "matchers": ['team="", alertname=~"BookingSync(Poll|Data).*"'], "continue": True},
    {"receiver": "two", "match": {"severity": "critical"}, "match_re": {"target": "sal.n"}, "continue": True},
    {"receiver": "three", "matchers": ['{alertname!~"BookingSync.+|Watchdog"}']},
    {"receiver": "four", "match_re": {"alertname": "Down"}},
    {
        "receiver": "five",
        "matchers": ['fixed_by="front desk"'],
        "routes": [{"matchers": ["severity=critical"], "receiver": "six"}],
    },
    {"matchers": ['reason="a \\"b\\", c"'], "receiver": "seven"},
    {"matchers": ['alertname=~"BookingSync.*Unsteady"'], "routes": [{"matchers": ['job!=""'], "receiver": "eight"}]},
)


@pytest.mark.servers
def test_alerts_are_routed_as_alertmanager_routes_them(tmp_path: Path) -> None:
    config = safe_load(_WANTED[_FILE])
    config["route"]["routes"] = [*_ODD, *config["route"]["routes"]]
    names = {"nobody", *(one["name"] for one in config["receivers"]), *_OTHERS}
    del config["templates"]
    config["receivers"] = [{"name": name} for name in sorted(names)]
    file = tmp_path / "alertmanager.yml"
    file.write_text(safe_dump(config))
    with alertmanager(tmp_path, file) as client:
        loaded = safe_load(client.get("/api/v2/status").json()["config"]["original"])
        sent = [
            {**{k: "salon" if isinstance(v, Unknown) else v for k, v in alert.labels.named.items() if v}, "number": str(number)}
            for number, alert in enumerate(_SENT)
        ]
        send(client, [(labels, {}) for labels in sent])
        there = client.get("/api/v2/alerts").json()
    assert len(_SENT) == len(there)
    by_number = {one["labels"]["number"]: sorted(receiver["name"] for receiver in one["receivers"]) for one in there}
    assert by_number == {labels["number"]: sorted(leaf.receiver for leaf in leaves(loaded, Labels(labels))) for labels in sent}
    assert len({tuple(names) for names in by_number.values()}) >= 7


@pytest.mark.parametrize(
    ("matchers", "value", "expected"),
    [
        (['a="x"'], "x", True),
        (['a="x"'], Unknown.SOME, None),
        (['a=""'], "", True),
        (['a=""'], Unknown.SOME, False),
        (['a=""'], Unknown.ANY, None),
        (['a!=""'], Unknown.SOME, True),
        (['a=~".+"'], Unknown.SOME, True),
        (['a=~".*"'], Unknown.ANY, True),
        (['a=~".+"'], Unknown.ANY, None),
        (['a!~".+"'], "x", False),
        (['a=~"x|y"'], "xy", False),
        (['a="x", b=""'], "x", True),
        (['{a="x",b!=""}'], "x", False),
        (['"a" = "x"'], "x", True),
        (['a="x\\"y"'], 'x"y', True),
        (['a=~"[[:alpha:]]"'], "x", None),
        (['a=~"[[x]"'], "x", None),
        (['a=~"(x+)+y"'], "x" * 60, None),
        (['a=~"x+)("'], "x", None),
        (["what is this"], "x", None),
        ([], "x", True),
    ],
)
def test_a_matcher_fits_surely_or_not_or_nobody_knows(matchers: list[str], value: Value, expected: bool | None) -> None:
    assert expected is fits(Labels({"a": value}), matchers_of({"matchers": matchers}))


def test_every_alert_that_fires_for_a_target_is_known_to_have_one() -> None:
    """The walk takes it from the texts; the expressions say the same."""
    expected = [(rule["alert"], "target" in labels_of_expression(rule["expr"])) for rule in ALERTS]
    assert expected == [(alert.name, alert.labels["target"] != "") for alert in _SENT]


def test_no_label_that_a_rule_takes_from_its_series_is_taken_for_its_template() -> None:
    assert [] == [
        alert.name for alert in _SENT for value in alert.labels.named.values() if isinstance(value, str) and "{{" in value
    ]


@pytest.mark.servers
def test_what_a_real_alertmanager_keeps_back_is_told(tmp_path: Path) -> None:
    """An inhibition, a silence and a mute time as that Alertmanager tells them, and what it says of the alerts itself."""
    config = safe_load(_WANTED[_FILE].replace("example.org", "salon.invalid"))
    always = {"days_of_month": ["1:-1"], "months": ["january:december"], "weekdays": ["sunday:saturday"], "location": "UTC"}
    _pages_are(active_time_intervals=["never"], mute_time_intervals=["all"])(config)
    config["time_intervals"].append({"name": "all", "time_intervals": [{**always, "years": ["2020:2099"]}]})
    rule = {
        "source_match": {"alertname": "Maintenance"},
        "target_match_re": {"alertname": "BookingSync.*Down"},
        "equal": ["job"],
    }
    config["inhibit_rules"].append(rule)
    del config["templates"]
    file = tmp_path / "alertmanager.yml"
    file.write_text(safe_dump(config))
    (tmp_path / "secret").write_text("http://127.0.0.1:1")
    file.write_text(re.sub(r"(_file): .*", rf"\1: {tmp_path / 'secret'}", file.read_text()))
    page = next(alert for alert in _SENT if alert.name == "BookingSyncExporterDown")
    labels = {name: value for name, value in page.labels.named.items() if isinstance(value, str) and value}
    silence = {
        "matchers": [{"name": "alertname", "value": "BookingSyncPlatform.*", "isRegex": True, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "somebody",
        "comment": "as in spring",
    }
    with alertmanager(tmp_path, file) as client:
        assert client.post("/api/v2/silences", json=silence).is_success
        send(client, [(labels, {}), ({"alertname": "Maintenance", "job": labels["job"]}, {})])
        found = not_ok(Stack(alertmanager=str(client.base_url), wanted=dict(_WANTED)).checks())

        def states() -> dict[str, str]:
            return {one["labels"]["alertname"]: one["status"]["state"] for one in client.get("/api/v2/alerts").json()}

        wait_for("an inhibition", lambda: states().get("BookingSyncExporterDown") == "suppressed")
    assert "MISSING: pager is mute now by all, never (BookingSyncE" in found[PAGES]
    assert TICKETS not in found
    keeps_back = "alertname=Maintenance inhibits alertname=~BookingSync.*Down"
    expected = f"MISSING: {keeps_back}: now BookingSyncExporterDown, BookingSyncPlatformDown"
    assert expected == found["Alertmanager other inhibitions"]
    assert "until 2099-01-01T00:00 (as in spring) silences BookingSyncPlatformDown" in found["Alertmanager silences"]
