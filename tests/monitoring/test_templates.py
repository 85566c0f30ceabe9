"""What the messages' templates make of groups of every kind, as amtool renders them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.bundle import ALERTMANAGER
from tests.monitoring.servers import run

pytestmark = pytest.mark.servers

KINDS = ["pager", "chat", "email.text", "email.html"]


def _alert(name: str = "BookingSyncDataExpired", status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "fixed_by": "exporter operator", "job": "j", **labels},
        "annotations": {
            "summary": f"{name} is the matter.",
            "description": f"{name} of {labels.get('target', 'all')}.",
            "fix": "Mend it.",
        },
        "startsAt": "2026-11-20T23:00:00Z",
        "endsAt": "2026-11-21T01:30:00Z",
    }


def _common(alerts: list[dict[str, Any]], part: str) -> dict[str, str]:
    first: dict[str, str] = alerts[0][part]
    return {name: value for name, value in first.items() if all(alert[part].get(name) == value for alert in alerts)}


def _rendered(kind: str, directory: Path, *alerts: dict[str, Any]) -> str:
    data = {
        "receiver": "r",
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": _common(list(alerts), "labels"),
        "commonAnnotations": _common(list(alerts), "annotations"),
        "externalURL": "https://alertmanager.example",
    }
    file = directory / "data.json"
    file.write_text(json.dumps(data))
    result = run(
        "amtool",
        "template",
        "render",
        f"--template.glob={ALERTMANAGER / 'templates' / '*.tmpl'}",
        f"--template.data={file}",
        f"--template.type={'html' if kind.endswith('html') else 'text'}",
        f'--template.text={{{{ template "booking_sync.{kind}" . }}}}',
    )
    assert 0 == result.returncode, result.stderr
    assert "<no value>" not in result.stdout
    return result.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("alerts", "title"),
    [
        ([{"target": "salon"}], "[critical] salon: BookingSyncDataExpired is the matter"),
        ([{"target": "salon", "site": "berlin"}], "[critical] salon: BookingSyncDataExpired is the matter"),
        ([{"site": "berlin"}], "[critical] berlin: BookingSyncDataExpired is the matter"),
        ([{"platform": "wix"}], "[critical] wix: BookingSyncDataExpired is the matter"),
        ([{}], "[critical] j: BookingSyncDataExpired is the matter"),
        ([{"target": "salon", "cluster": "eu"}], "[critical] salon (eu): BookingSyncDataExpired is the matter"),
        ([{"target": "salon", "namespace": "x"}], "[critical] salon (x): BookingSyncDataExpired is the matter"),
        (
            [{"platform": "wix", "cluster": "eu", "namespace": "x"}],
            "[critical] wix (eu, x): BookingSyncDataExpired is the matter",
        ),
        ([{"target": "a"}, {"target": "b"}], "[critical] several targets: BookingSyncDataExpired is the matter"),
        ([{"target": "a", "site": "c"}, {"target": "b", "site": "c"}], "[critical] c: BookingSyncDataExpired is the matter"),
        (
            [{"target": "salon"}, {"target": "salon", "name": "BookingSyncDoubleBooking"}],
            "[critical] salon: BookingSyncDataExpired is the matter (+1)",
        ),
        (
            [{"target": "salon"}, {"target": "salon", "name": "BookingSyncDoubleBooking", "status": "resolved"}],
            "[critical] salon: BookingSyncDataExpired is the matter",
        ),
    ],
)
def test_the_title_says_how_bad_where_and_what(alerts: list[dict[str, str]], title: str, tmp_path: Path) -> None:
    assert title == _rendered("title", tmp_path, *(_alert(**alert) for alert in alerts))
    assert title == _rendered("chat.title", tmp_path, *(_alert(**alert) for alert in alerts))


def test_the_title_is_the_same_when_it_is_over(tmp_path: Path) -> None:
    firing, over = (_rendered("title", tmp_path, _alert(status=status, target="salon")) for status in ("firing", "resolved"))
    assert firing == over


@pytest.mark.parametrize("kind", KINDS)
def test_one_alert_is_not_counted(kind: str, tmp_path: Path) -> None:
    for status in ("firing", "resolved"):
        text = _rendered(kind, tmp_path, _alert(status=status, target="salon"))
        assert "more" not in text
        assert not any(part in text for part in ("FIRING:", "RESOLVED:", "1 alerts", "(+"))


@pytest.mark.parametrize("kind", ["chat", "email.text", "email.html"])
def test_a_message_says_how_many_fire_and_how_many_are_over(kind: str, tmp_path: Path) -> None:
    alerts = [_alert(target="a"), _alert(target="b"), _alert(status="resolved", target="c")]
    assert "FIRING: 2, over: 1" in _rendered(kind, tmp_path, *alerts)
    assert "RESOLVED: 2" in _rendered(kind, tmp_path, *(_alert(status="resolved", target=name) for name in "ab"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_over_says_so_and_asks_nobody_for_anything(kind: str, tmp_path: Path) -> None:
    text = _rendered(kind, tmp_path, _alert(status="resolved", target="salon"))
    assert "Over at 01:30 UTC. What was wrong: BookingSyncDataExpired of salon." in text
    assert "Mend it." not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_firing_since_where_no_series_tells_the_true_beginning(kind: str, tmp_path: Path) -> None:
    assert "Firing since Fri 20 Nov 23:00 UTC" in _rendered(kind, tmp_path, _alert(target="salon"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fix_that_all_alerts_share_is_said_once_and_others_each_below_theirs(kind: str, tmp_path: Path) -> None:
    one, other = _alert(target="a"), _alert(target="b")
    assert 1 == _rendered(kind, tmp_path, one, other).count("Mend it.")
    other["annotations"]["fix"] = "Replace it."
    text = _rendered(kind, tmp_path, one, other)
    places = [text.index(part) for part in ("of a.", "Mend it.", "of b.", "Replace it.")]
    assert sorted(places) == places


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_steps_stand_in_the_message_where_the_alert_brings_them(kind: str, tmp_path: Path) -> None:
    alert = _alert()
    alert["annotations"]["first_steps"] = "1. Look. 2. Start it. 3. Ask."
    assert "1. Look. 2. Start it. 3. Ask." in _rendered(kind, tmp_path, alert)
    assert "irst steps" not in _rendered(kind, tmp_path, _alert())


@pytest.mark.parametrize("kind", KINDS)
def test_ten_are_named_one_by_one_and_the_eleventh_is_counted(kind: str, tmp_path: Path) -> None:
    ten = [_alert(target=f"t{number:02}") for number in range(10)]
    assert "more" not in _rendered(kind, tmp_path, *ten)
    text = _rendered(kind, tmp_path, *ten, _alert(target="t10"))
    assert "and 1 more" in text
    assert "of t10." not in text
