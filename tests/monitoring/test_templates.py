"""What the messages' templates make of groups of every kind, as amtool renders them."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tests.monitoring.rendered_messages import alert_of, rendered

pytestmark = pytest.mark.servers

KINDS = ["pager", "chat", "email.text", "email.html"]


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
        (
            [
                {"target": "salon", "status": "resolved"},
                {"target": "salon", "name": "BookingSyncDoubleBooking", "status": "resolved"},
            ],
            "[critical] salon: BookingSyncDataExpired is the matter (+1)",
        ),
        ([{}, {"severity": "warning"}], "j: BookingSyncDataExpired is the matter"),
    ],
)
def test_the_title_says_how_bad_where_and_what(alerts: list[dict[str, str]], title: str, tmp_path: Path) -> None:
    assert title == rendered("title", tmp_path, *(alert_of(**alert) for alert in alerts))
    assert title == rendered("chat.title", tmp_path, *(alert_of(**alert) for alert in alerts))


def test_the_title_is_the_same_when_it_is_over(tmp_path: Path) -> None:
    firing, over = (rendered("title", tmp_path, alert_of(status=status, target="salon")) for status in ("firing", "resolved"))
    assert firing == over


@pytest.mark.parametrize("kind", KINDS)
def test_one_alert_is_not_counted(kind: str, tmp_path: Path) -> None:
    for status in ("firing", "resolved"):
        text = rendered(kind, tmp_path, alert_of(status=status, target="salon"))
        assert "more" not in text
        assert not any(part in text for part in ("FIRING:", "RESOLVED:", "1 alerts", "(+"))


@pytest.mark.parametrize("kind", ["chat", "email.text", "email.html"])
def test_a_message_says_how_many_fire_and_how_many_are_over(kind: str, tmp_path: Path) -> None:
    assert "FIRING: 2" in rendered(kind, tmp_path, alert_of(target="a"), alert_of(target="b"))
    alerts = [alert_of(target="a"), alert_of(target="b"), alert_of(status="resolved", target="c")]
    assert "FIRING: 2, over: 1" in rendered(kind, tmp_path, *alerts)
    assert "RESOLVED: 2" in rendered(kind, tmp_path, *(alert_of(status="resolved", target=name) for name in "ab"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_over_says_so_and_asks_nobody_for_anything(kind: str, tmp_path: Path) -> None:
    text = rendered(kind, tmp_path, alert_of(status="resolved", target="salon"))
    assert "Over at 01:30 UTC. What was wrong: BookingSyncDataExpired of salon." in text
    assert "Mend it." not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_firing_since_where_no_series_tells_the_true_beginning(kind: str, tmp_path: Path) -> None:
    assert "Firing since Fri 20 Nov 23:00 UTC" in rendered(kind, tmp_path, alert_of(target="salon"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fix_that_all_alerts_share_is_said_once_and_others_each_below_theirs(kind: str, tmp_path: Path) -> None:
    one, other = alert_of(target="a"), alert_of(target="b")
    assert 1 == rendered(kind, tmp_path, one, other).count("Mend it.")
    other["annotations"]["fix"] = "Replace it."
    text = rendered(kind, tmp_path, one, other)
    places = [text.index(part) for part in ("of a.", "Mend it.", "of b.", "Replace it.")]
    assert sorted(places) == places


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_steps_stand_in_the_message_where_the_alert_brings_them(kind: str, tmp_path: Path) -> None:
    alert = alert_of()
    alert["annotations"]["first_steps"] = "1. Look. 2. Start it. 3. Ask."
    assert "1. Look. 2. Start it. 3. Ask." in rendered(kind, tmp_path, alert)
    assert "irst steps" not in rendered(kind, tmp_path, alert_of())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("status", "rest"), [("firing", "and {} more"), ("resolved", "and {} more over")])
def test_ten_are_named_one_by_one_and_the_others_are_counted(kind: str, status: str, rest: str, tmp_path: Path) -> None:
    for number in (10, 11, 1000):
        alerts = [alert_of(status=status, target=f"t{at:04}") for at in range(number)]
        text = rendered(kind, tmp_path, *alerts)
        assert [f"t{at:04}" for at in range(10)] == re.findall(r"of (t\d{4})\.", text)
        assert 10 == number or rest.format(number - 10) in text
        assert ("more" in text, "over" in text.replace("overflow", "")) == (number > 10, status == "resolved" and number > 10)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_alertmanagers_own_clock(kind: str, tmp_path: Path) -> None:
    firing, over = (rendered(kind, tmp_path, alert_of(status=one), zone="Europe/Berlin") for one in ("firing", "resolved"))
    assert "Firing since Sat 21 Nov 00:00 CET" in firing
    assert "Over at 02:30 CET." in over


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_beginning_stands_in_the_place_of_the_one_of_thealert_of(kind: str, tmp_path: Path) -> None:
    alert = alert_of()
    alert["annotations"]["since"] = "Fri 20 Nov 22:40 UTC"
    text = rendered(kind, tmp_path, alert)
    assert "Since Fri 20 Nov 22:40 UTC" in text
    assert "Firing since" not in text


@pytest.mark.parametrize(("severity", "colour"), [("critical", "#b3261e"), ("warning", "#8a5000")])
def test_a_mail_has_the_colour_of_its_severity_and_green_when_it_is_over(severity: str, colour: str, tmp_path: Path) -> None:
    firing, over = (alert_of(status=status, severity=severity) for status in ("firing", "resolved"))
    for alerts, expected in (([firing], colour), ([firing, over], colour), ([over], "#1a7f37")):
        text = rendered("email.html", tmp_path, *alerts)
        assert expected == re.findall(r"font-weight: bold; color: (#\w+)", text)[0]
        bars = ["#b3261e" if severity == "critical" else "#b26a00"] * (firing in alerts) + ["#1a7f37"] * (over in alerts)
        assert bars == re.findall(r"border-left: 4px solid (#\w+)", text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False], ids=["one fix", "two fixes"])
def test_every_link_and_the_consequence_stand_at_each_alert_that_has_them(kind: str, shared: bool, tmp_path: Path) -> None:
    alerts = [alert_of(target="a"), alert_of(target="b")]
    for name, alert in zip("ab", alerts, strict=True):
        alert["annotations"] |= {
            "board": f"https://sync.example/#{name}",
            "dashboard_url": f"https://grafana.example/d/x?t={name}",
        }
        other = "" if shared else name
        alert["annotations"] |= {
            "fix": f"Mend it{other}.",
            "until_morning": f"It rains{other}.",
            "runbook_url": f"https://sync.example/runbooks/X{other}",
            "first_steps": f"1. Look{other}.",
        }
    text = html.unescape(rendered(kind, tmp_path, *alerts))
    for name in "ab":
        assert (1, 1) == (text.count(f"https://sync.example/#{name}"), text.count(f"https://grafana.example/d/x?t={name}"))
    for other in [""] if shared else "ab":
        for part in (f"Mend it{other}.", f"It rains{other}.", f"runbooks/X{other}", f"1. Look{other}."):
            assert 1 == text.count(part), part
    assert (1 if shared else 2) == text.count("exporter operator")


@pytest.mark.parametrize("kind", KINDS)
def test_no_annotation_can_write_what_it_likes_into_a_message(kind: str, tmp_path: Path) -> None:
    alert = alert_of(target="salon")
    odd = """</p><script>{{ .Foo }}</script> <!channel> & "x" 'y' """ + "x" * 300
    for name in ("description", "fix", "until_morning", "first_steps"):
        alert["annotations"][name] = odd
    for status in ("firing", "resolved"):
        text = rendered(kind, tmp_path, alert | {"status": status})
        said = text if kind in {"pager", "email.text"} else html.unescape(text)
        assert (4 if status == "firing" else 1) == said.count(odd)
        if kind not in {"pager", "email.text"}:
            assert "<script" not in text
            assert "<!channel" not in text


@pytest.mark.parametrize("label", ["target", "site", "platform", "job", "cluster", "namespace"])
def test_no_name_in_the_title_of_a_chat_message_calls_anybody(label: str, tmp_path: Path) -> None:
    alert = alert_of(**{label: "<!channel> & >"})
    assert "&lt;!channel&gt; &amp; &gt;" in rendered("chat.title", tmp_path, alert)
    assert "<!channel> & >" in rendered("title", tmp_path, alert)
