"""Each way of ``monitoring.yml`` to somebody, as a real Alertmanager goes it with the shipped texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.monitoring import Options, Settings, render
from exporter.monitoring.alerts import Alert, AlertSeverity, Choice, alert_groups
from exporter.monitoring.delivery import Way
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import MOVABLE
from exporter.state.verdict_row import Kind
from tests.monitoring.inboxes import Inboxes, mailbox, send, text_of, web
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.rendered_files import files
from tests.monitoring.rendered_messages import alert_of, rendered
from tests.monitoring.routes import every_route, way
from tests.monitoring.servers import alertmanager, run, wait_for
from tests.monitoring.test_settings import bundle_of, settings_of

MAX_TELEGRAM = 4096
"""Letters of a message of Telegram; Alertmanager cuts what is longer."""

WAYS = """
mail: {smarthost: "127.0.0.1:@MAIL", from: sync@salon.invalid, require_tls: false}
receivers:
  pager:
    - pagerduty: {routing_key_file: @DIR/key}
  tickets:
    - mail: {to: team@salon.invalid}
    - slack: {api_url_file: @DIR/slack, channel: "#bookings"}
    - webhook: {url: "http://127.0.0.1:@WEB/hook"}
  heartbeat:
    - webhook: {url: "http://127.0.0.1:@WEB/heartbeat"}
"""
TELEGRAM = "    - telegram: {bot_token_file: @DIR/token, chat_id: -1001234567890}\n"
ROUTES = """
routes:
  - fixed_by: front desk
    site: 'salon "Berlin" \\ Mitte'
    to: [{webhook: {url: "http://127.0.0.1:@WEB/hook"}}]
  - {fixed_by: calendar owner, severity: warning, to: [{mail: {to: calendars@salon.invalid}}]}
office_hours: {timezone: Europe/Berlin, weekdays: ["monday:friday", sunday], from: "09:00"}
"""
TELEGRAM_TO_ALL = """
routes:
  - {fixed_by: account administrator, to: [{telegram: {bot_token_file: @DIR/token, chat_id: 5}}]}
"""
HAS_TELEGRAM = 26
"""The first Alertmanager 0.x that reads the token of a bot from a file."""


def version() -> int:
    """Return the x of the version 0.x of the Alertmanager that is tried."""
    found = re.search(r"version 0\.(\d+)", (said := run("amtool", "--version")).stdout + said.stderr)
    assert found
    return int(found[1])


@contextmanager
def delivering(directory: Path, text: str) -> Iterator[tuple[httpx.Client, Inboxes]]:
    """Run the Alertmanager of a ``monitoring.yml``; only addresses that the world has once are ours, and no group waits."""
    found = Inboxes()
    with web(found) as port, mailbox(found) as mail:
        (directory / "slack").write_text(f"http://127.0.0.1:{port}/slack")
        (directory / "key").write_text("0123456789abcdef0123456789abcdef")
        (directory / "token").write_text("123456:token\n")
        written = text.replace("@MAIL", str(mail)).replace("@WEB", str(port)).replace("@DIR", str(directory))
        render(settings_of(directory, written).options(), directory / "bundle")
        file = directory / "bundle" / "config" / "alertmanager" / "alertmanager.yml"
        config = safe_load(file.read_text())
        config["global"] |= {"pagerduty_url": f"http://127.0.0.1:{port}/pagerduty"}
        if "telegram" in text:
            config["global"] |= {"telegram_api_url": f"http://127.0.0.1:{port}"}
        for route in every_route(config):
            route |= {"group_wait": "200ms", "group_interval": "500ms"}
            route.pop("active_time_intervals", None)
        file.write_text(safe_dump(config))
        with alertmanager(directory, file) as client:
            yield client, found


def _labels(name: str, severity: str, **more: str) -> Mapping[str, str]:
    return {
        "alertname": name,
        "severity": severity,
        "fixed_by": "account administrator",
        "job": "j",
        "target": "s <&> 'é'",
        **more,
    }


TEXTS = {"summary": "It is wrong.", "description": "<b>Both</b> & _more_ *of* [it](x).", "fix": "Mend <it>."}


@pytest.mark.servers
def test_each_way_delivers_the_shipped_texts(tmp_path: Path) -> None:
    with delivering(tmp_path, WAYS) as (client, found):
        send(
            client,
            [(_labels("BookingSyncDataExpired", "critical"), TEXTS), (_labels("BookingSyncScrapeGrew", "warning"), TEXTS)],
        )
        send(client, [({"alertname": "Watchdog", "severity": "none", "fixed_by": "exporter operator", "job": "j"}, TEXTS)])
        wait_for("all", lambda: found.pages and found.mails and found.chats and found.hooks and found.heartbeats)
    assert "critical" == found.pages[0]["payload"]["severity"]
    assert "Mend <it>." in found.pages[0]["payload"]["custom_details"]["what to do"]
    assert "team@salon.invalid" == found.mails[0]["To"]
    assert "<b>Both</b> & _more_ *of* [it](x)." in text_of(found.mails[0])
    assert "&lt;b&gt;Both&lt;/b&gt; &amp; _more_" in found.chats[0]["attachments"][0]["text"]
    assert "BookingSyncScrapeGrew" == found.hooks[0]["commonLabels"]["alertname"]


@pytest.mark.servers
def test_telegram_gets_plain_text_as_people_wrote_it_and_older_servers_are_named_in_the_file(tmp_path: Path) -> None:
    text = WAYS.replace("  tickets:\n", f"{TELEGRAM}  tickets:\n{TELEGRAM}")
    said = bundle_of(tmp_path, text.replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets"))[
        "config/alertmanager/alertmanager.yml"
    ]
    assert "# Runs on Alertmanager 0.26 and newer, because of telegram.\n" in said
    if version() < HAS_TELEGRAM:
        (tmp_path / "alertmanager.yml").write_text(said)
        refused = run("amtool", "check-config", tmp_path / "alertmanager.yml")
        assert 1 == refused.returncode
        assert "bot_token_file not found" in refused.stdout + refused.stderr
        return
    with delivering(tmp_path, text) as (client, found):
        labels = _labels("BookingSyncDataExpired", "critical")
        send(client, [(labels, TEXTS)])
        wait_for("a message", lambda: found.telegrams)
        send(client, [(labels, TEXTS)], resolved=True)
        wait_for("the all-clear", lambda: len(found.telegrams) > 1)
    first, last = found.telegrams[0], found.telegrams[-1]
    assert "-1001234567890" == str(first["chat_id"])
    assert not first.get("parse_mode")
    assert first["text"].startswith("[critical] s <&> 'é': It is wrong\nFIRING\n\n* <b>Both</b> & _more_ *of* [it](x).\n")
    assert "What to do: Mend <it>." in first["text"]
    assert "RESOLVED" in last["text"]


@pytest.mark.servers
def test_routes_of_ones_own_take_what_they_name_and_nothing_else(tmp_path: Path) -> None:
    with delivering(tmp_path, WAYS + ROUTES) as (client, found):
        desk = {"fixed_by": "front desk", "site": 'salon "Berlin" \\ Mitte'}
        send(client, [(_labels("BookingSyncDoubleBooking", "critical", **desk), TEXTS)])
        wait_for("the desk", lambda: found.hooks)
        send(client, [(_labels("BookingSyncConnectionStuck", "warning", fixed_by="calendar owner"), TEXTS)])
        wait_for("the owner", lambda: found.mails)
        send(client, [(_labels("BookingSyncDoubleBooking", "critical", fixed_by="front desk", site="salon"), TEXTS)])
        wait_for("the pager", lambda: found.pages)
    assert desk["site"] == found.hooks[0]["commonLabels"]["site"]
    assert ["calendars@salon.invalid"] == [mail["To"] for mail in found.mails]
    assert (1, 1) == (len(found.hooks), len(found.pages))


@pytest.mark.servers
@pytest.mark.parametrize("routes", ["", ROUTES])
def test_alertmanager_accepts_every_way_and_route(routes: str, tmp_path: Path) -> None:
    text = (WAYS + routes).replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")
    render(settings_of(tmp_path, text).options(), tmp_path / "bundle")
    for name in ("alertmanager.yml", "alertmanager.demo.yml"):
        result = run("amtool", "check-config", tmp_path / "bundle/config/alertmanager" / name)
        assert 0 == result.returncode, result.stdout + result.stderr


# Every alert as critical as `verdicts:` can make it, and as shipped.
_CHOSEN: tuple[dict[str, str], ...] = (
    {},
    {str(row.kind): "critical" for row in MOVABLE if row.kind not in {Kind.CONFLICT, Kind.EXTERNAL_CONFLICT}},
)


@pytest.mark.parametrize("severities", _CHOSEN, ids=["shipped", "critical"])
@pytest.mark.parametrize("text", [WAYS, WAYS + TELEGRAM_TO_ALL, WAYS + ROUTES], ids=["shipped", "telegram", "routes"])
def test_no_alert_that_forgets_is_told_to_be_over_and_every_other_one_is(
    severities: Mapping[str, str], text: str, tmp_path: Path
) -> None:
    written = text.replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")
    written = written.replace("""'salon "Berlin" \\ Mitte'""", "berlin")
    options = replace(settings_of(tmp_path, written).options(), thresholds=Thresholds(severities=severities))
    config = safe_load(files(options)["config/alertmanager/alertmanager.yml"])
    told = {receiver["name"]: _all_clears(receiver) for receiver in config["receivers"]}
    forgetting = set()
    for alert in (alert for group in alert_groups(options) for alert in group.alerts):
        for target, site in (("t", ""), ("t", "berlin"), ("", "")):
            labels = {"alertname": alert.name, **alert.all_labels(), "target": target, "site": site}
            for route in way(config, labels):
                forgets = alert.all_labels().get("forgets") == "yes"
                if told[route["receiver"]] and alert.name != "Watchdog":
                    assert {not forgets} == told[route["receiver"]], (labels, route["receiver"])
                if forgets:
                    forgetting.add((alert.name, alert.severity.value))
    assert {"warning", "critical"} >= {severity for _, severity in forgetting}
    assert ("critical" if severities else "warning") == dict(forgetting)["BookingSyncConnectionDisconnected"]
    assert 5 <= len({name for name, _ in forgetting})


def test_a_page_that_forgets_wakes_like_every_other_page(tmp_path: Path) -> None:
    written = WAYS.replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")
    config = safe_load(bundle_of(tmp_path, written)["config/alertmanager/alertmanager.yml"])
    for target in ("t", ""):
        labels = {"alertname": "BookingSyncIntakeSilent", "severity": "critical", "fixed_by": "platform", "target": target}
        (page,), (forgets,) = way(config, labels), way(config, {**labels, "forgets": "yes"})
        assert ("pager", "pager-without-all-clear") == (page.pop("receiver"), forgets.pop("receiver"))
        assert page == forgets
    one, other = (receiver for receiver in config["receivers"] if receiver["name"].startswith("pager"))
    assert [{**way, "send_resolved": False} for way in one["pagerduty_configs"]] == other["pagerduty_configs"]
    assert {"critical"} == {way["severity"] for way in other["pagerduty_configs"]}


EVERY_WAY_TO_THE_PAGER = """
mail: {smarthost: "127.0.0.1:@MAIL", from: sync@salon.invalid, require_tls: false}
receivers:
  pager:
    - pagerduty: {routing_key_file: @DIR/key}
    - mail: {to: team@salon.invalid}
    - slack: {api_url_file: @DIR/slack, channel: "#bookings"}
    - webhook: {url: "http://127.0.0.1:@WEB/hook"}
"""


@pytest.mark.servers
def test_a_page_whose_cause_is_forgotten_is_told_to_be_over_by_no_way_to_the_pager(tmp_path: Path) -> None:
    telegram = TELEGRAM if version() >= HAS_TELEGRAM else ""
    forgotten = _labels("BookingSyncConnectionDisconnected", "critical", forgets="yes", target="cut")
    mended = _labels("BookingSyncDataExpired", "critical", target="mended")
    with delivering(tmp_path, EVERY_WAY_TO_THE_PAGER + telegram) as (client, found):
        send(client, [(forgotten, TEXTS), (mended, TEXTS)])
        wait_for("both by every way", lambda: 2 == min(map(len, _by_way(found, telegram))))
        send(client, [(forgotten, TEXTS), (mended, TEXTS)], resolved=True)
        # What forgets was over first: an all-clear of its own would be there, too.
        wait_for("the all-clear of what was mended", lambda: 3 <= min(map(len, _by_way(found, telegram))))
        wait_for("an Alertmanager that has nothing left", lambda: not client.get("/api/v2/alerts").json())
        again = _labels("BookingSyncDataExpired", "critical", target="later")
        send(client, [(again, TEXTS)])
        wait_for("one more by every way", lambda: 4 <= min(map(len, _by_way(found, telegram))))
    assert {4} == {len(messages) for messages in _by_way(found, telegram)}
    assert ["trigger"] * 2 + ["resolve", "trigger"] == [page["event_action"] for page in found.pages]
    (over,) = (hook for hook in found.hooks if hook["status"] == "resolved")
    assert "mended" == over["commonLabels"]["target"]


def _by_way(found: Inboxes, telegram: str) -> list[list[Any]]:
    return [found.pages, found.mails, found.chats, found.hooks, *([found.telegrams] if telegram else [])]


def _all_clears(receiver: Mapping[str, Any]) -> set[bool]:
    return {one.get("send_resolved", True) for key, ways in receiver.items() if key.endswith("_configs") for one in ways}


def test_tickets_wait_for_office_hours_and_pages_do_not(tmp_path: Path) -> None:
    text = (WAYS + ROUTES).replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")
    config = safe_load(bundle_of(tmp_path, text)["config/alertmanager/alertmanager.yml"])
    (hours,) = config["time_intervals"]
    week = {
        "weekdays": ["monday:friday", "sunday"],
        "times": [{"start_time": "09:00", "end_time": "18:00"}],
        "location": "Europe/Berlin",
    }
    assert {"name": "office-hours", "time_intervals": [week]} == hours
    waiting = [route for route in every_route(config) if route.get("active_time_intervals")]
    assert 6 == len(waiting)
    assert all(route["matchers"] in (['forgets = "yes"'], ['severity = "warning"']) for route in waiting)


def test_pages_on_routes_of_ones_own_come_at_any_time_and_again_every_four_hours(tmp_path: Path) -> None:
    """Those that end because they forget, too: a user may have made them critical."""
    text = (WAYS + ROUTES).replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")
    config = safe_load(bundle_of(tmp_path, text)["config/alertmanager/alertmanager.yml"])
    own = [route for route in every_route(config) if str(route.get("receiver")).startswith("route-") and "routes" in route]
    assert 2 == len(own)
    for route in own:
        assert ("30s", "5m", "4h") == tuple(route[name] for name in ("group_wait", "group_interval", "repeat_interval"))
        first = route["routes"][0]
        assert ['forgets = "yes"', 'severity = "critical"'] == first["matchers"]
        assert {"matchers", "receiver"} == first.keys(), "the waits are those of the page"


def test_no_value_that_may_be_a_secret_can_be_written_anywhere() -> None:
    secret = {
        name for kind in Way.model_fields.values() for name in _names(kind.annotation) if "key" in name or "token" in name
    }
    assert {"routing_key_file", "bot_token_file"} == secret
    rendered_text = "".join(files(Options(delivery=Settings().delivery)).values())
    assert not re.search(r"(?:routing_key|bot_token|api_url|auth_password):", rendered_text)


def _names(annotation: Any) -> set[str]:  # noqa: ANN401  of typing
    return {name for one in annotation.__args__ for name in getattr(one, "model_fields", ())}


@pytest.mark.servers
@pytest.mark.parametrize("language", ["en", "de", "ru"])
def test_two_alerts_with_the_longest_texts_and_names_fit_into_a_message_of_telegram(language: str, tmp_path: Path) -> None:
    options = Options(language=language, board_url="https://sync.salon.example", grafana_url="https://grafana.salon.example")
    calling = [
        alert
        for group in alert_groups(options)
        for alert in group.alerts
        if alert.severity in {AlertSeverity.CRITICAL, AlertSeverity.WARNING}
    ]
    written = [{key: _filled(text) for key, text in _longest(alert).annotations(options).items()} for alert in calling]
    longest = sorted(written, key=lambda texts: sum(map(len, texts.values())))[-2:]
    alerts = [{**alert_of(target="t" * 40), "annotations": texts} for texts in longest]
    text = rendered("telegram", tmp_path, *alerts, *(alert_of(target=f"more{n}") for n in range(40)), language=language)
    assert len(text) <= MAX_TELEGRAM
    assert re.search(r"\b40\b", text)


def _longest(alert: Alert) -> Alert:
    """Return the same where its texts depend on no label any more: each is the longest that it may be."""
    fix, description = (
        max(text.cases().values(), key=len) if isinstance(text, Choice) else text for text in (alert.fix, alert.description)
    )
    return replace(alert, fix=fix, description=description)


def _filled(template: str) -> str:
    """Return a text with names of 40 letters where a template prints one; of a plural the last form."""
    one_form = re.sub(r"{{ (?:else )?if match .*?}}.*?(?={{ else)", "", template)
    shown = re.sub(r"{{ (?:\$labels\.\w+|\.)[^}]*}}", "n" * 40, one_form)
    return re.sub(r"{{[^}]*}}", "12", re.sub(r"{{ (?:if|else|end|with|range)[^}]*}}", "", shown))
