"""What a drill says of a stack: whether it can begin, how long each page took, and where one was lost."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from exporter.commands.drill import chosen, configuration, examined, hurry_of, open_business
from exporter.commands.drill_play import Business, Drill, lost
from exporter.commands.drill_stack import Alerting, Arrived, ServiceClient, Stack
from exporter.commands.last_week import BUSY, last_weeks, openmetrics
from exporter.errors import BookingSyncError, ConfigError
from exporter.fields.durations import parse_duration
from exporter.monitoring import Options
from exporter.monitoring.alerts import alert_groups
from exporter.runtime import Signals
from exporter.simulator import Simulator
from exporter.simulator.drills import INCIDENTS, Incident, demo_world
from exporter.state.thresholds import Thresholds
from exporter.support.net import parse_address
from exporter.support.remote_write import PATH
from tests.harness.clock import ManualClock

JOB, HASH = "exporters", 42.0
DOUBLE, TOKEN, INTAKE, STUCK = (
    next(one for one in INCIDENTS if one.name == name)
    for name in ("double-booking", "token-revoked", "intake-stopped", "sync-stuck")
)
ROUTES = """
route:
  receiver: nobody
  routes:
    - {receiver: heartbeat, matchers: ['alertname = "Watchdog"'], group_wait: 0s}
    - {receiver: pager, matchers: ['severity = "critical"'], group_wait: 2s}
    - {receiver: tickets, group_wait: 5s}
receivers:
  - {name: nobody}
  - {name: pager}
  - {name: tickets}
  - {name: heartbeat, webhook_configs: [{url: <secret>}]}
"""
WITH_ADDRESSES = ROUTES.replace("{name: pager}", "{name: pager, pagerduty_configs: [{routing_key: <secret>}]}").replace(
    "{name: tickets}", "{name: tickets, email_configs: [{to: a@example.org}], slack_configs: [{channel: '#a'}]}"
)


@dataclass
class FakeStack:
    """Prometheus and Alertmanager as they answer over HTTP: what fires begins some seconds after its incident, and so on."""

    simulator: Simulator
    clock: ManualClock
    hurry: float = 60.0
    fires_after: float = 12.0
    ends_after: float = 8.0
    scraped: bool = True
    reaches: bool = True
    inhibited: bool = False
    routes: str = ROUTES
    failures: int = 0
    counted: httpx.Response | None = None
    scrape_url: str = "http://n:9100/metrics"
    scrape_error: str = ""
    takes_the_past: bool = True
    unloaded: str = ""
    options: Options = field(default_factory=Options)
    alertmanagers: Sequence[str] = ("http://a:9093/api/v2/alerts",)
    written: list[bytes] = field(default_factory=list)
    _since: float | None = None
    _until: float | None = -1.0
    _paged: bool = False
    _alert: str = ""

    def stack(self) -> Stack:
        transport = httpx.MockTransport(self.answer)
        return Stack(
            ServiceClient("Prometheus", "--prometheus-url", "http://p:9090", transport=transport),
            ServiceClient("Alertmanager", "--alertmanager-url", "http://a:9093", transport=transport),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        where = (request.url.host, request.url.path)
        if where == ("p", PATH):
            self.written.append(request.content)
            return httpx.Response(204) if self.takes_the_past else httpx.Response(404, text="remote write receiver off")
        if where == ("a", "/metrics"):
            if self.counted:
                return self.counted
            failed = (
                f'alertmanager_notification_requests_failed_total{{integration="slack"}} {self.failures if self._paged else 0}'
            )
            return httpx.Response(200, text=failed)
        answers: dict[tuple[str, str], Callable[[httpx.QueryParams], object]] = {
            ("p", "/api/v1/rules"): lambda _: {"groups": [{"rules": self._rules()}]},
            ("p", "/api/v1/alerts"): lambda _: {"alerts": self._alerting()},
            ("p", "/api/v1/query"): lambda asked: {"result": self._query(asked["query"])},
            ("p", "/api/v1/targets"): lambda _: {
                "activeTargets": [
                    {"labels": {"job": "node"}, "scrapeUrl": self.scrape_url, "lastError": self.scrape_error},
                ]
            },
            ("p", "/api/v1/alertmanagers"): lambda _: {"activeAlertmanagers": [{"url": url} for url in self.alertmanagers]},
        }
        if where in answers:
            return httpx.Response(200, json={"data": answers[where](request.url.params)})
        if where == ("a", "/api/v2/status"):
            return httpx.Response(200, json={"config": {"original": self.routes}})
        return httpx.Response(200, json=self._arrived())

    def _rules(self) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "duration": parse_duration(one.hold or "0s") / self.hurry, "labels": {"severity": one.severity}}
            for group in alert_groups(self.options)
            for one in group.alerts
            if one.name != self.unloaded
        ]

    def _fires(self) -> bool:
        now = self.clock.monotonic()
        if self.simulator.incidents.active:
            self._since = now if self._since is None else self._since
            self._until = None
        else:
            self._until = now + self.ends_after if self._until is None else self._until
            if now >= self._until:
                self._since = None
        fires = self._since is not None and now - self._since >= self.fires_after
        self._paged |= fires
        return fires

    def _labels(self) -> dict[str, str]:
        active = [incident for incident in INCIDENTS if incident.name in self.simulator.incidents.active]
        self._alert = active[0].alert if active else self._alert
        return {"alertname": self._alert, "job": JOB, "target": "salon-berlin-b24", "severity": "critical"}

    def _alerting(self) -> list[dict[str, Any]]:
        firing = self._fires()
        return [{"labels": self._labels(), "state": "firing" if firing else "pending"}] if self._since is not None else []

    def _arrived(self) -> list[dict[str, Any]]:
        status: dict[str, Any] = {"inhibitedBy": ["f2"] if self.inhibited else [], "silencedBy": []}
        one = {"fingerprint": "f1", "labels": self._labels(), "receivers": [{"name": "pager"}], "status": status}
        other = {
            "fingerprint": "f2",
            "labels": {"alertname": "BookingSyncExporterDown", "job": JOB},
            "receivers": [{"name": "pager"}],
            "status": {"inhibitedBy": [], "silencedBy": []},
        }
        return [one, *([other] if self.inhibited else [])] if self._fires() and self.reaches else []

    def _query(self, expression: str) -> list[dict[str, Any]]:
        if "config_hash" in expression:
            return [{"metric": {"job": JOB}, "value": [0, str(HASH)]}] if self.scraped else []
        if "offset" in expression:
            return [{"metric": {}, "value": [0, "12"]}] if self.written and self.takes_the_past else []
        return [{"metric": {"__name__": "up", "collector": "bookings", "job": JOB, "target": "t"}, "value": [0, "1"]}]


@dataclass(frozen=True, slots=True)
class KnownBusiness(Business):
    async def config_hash(self) -> float:
        return HASH


async def drilled(*incidents: Incident, **kinds: Any) -> tuple[bool, list[str]]:  # noqa: ANN401  what FakeStack takes
    """Play incidents on a fake stack; return whether all went well, and what was said."""
    clock, said = ManualClock(auto=True), list[str]()
    simulator = Simulator(clock, build=demo_world.build)
    fake = FakeStack(simulator, clock, **kinds)

    async def play() -> bool:
        stack = fake.stack()
        try:
            hurry = await examined(stack, incidents, said.append, page=True)
            return await Drill(stack, KnownBusiness(simulator, "127.0.0.1:10888", ""), hurry, said.append, clock).play(
                incidents
            )
        finally:
            await stack.close()

    return await play(), said


async def test_a_page_is_told_with_its_time_in_life_its_receiver_and_its_all_clear() -> None:
    good, said = await drilled(DOUBLE)
    assert good
    way = "BookingSyncDoubleBooking of salon-berlin-b24 -> pager (no address)"
    assert said[-3:] == [
        f"double-booking: paged after 14 s (14 min in life): {way}",
        "double-booking: all-clear after 8 s",
        "1 of 1 arrived and were cleared.",
    ]
    assert "The rules are hurried: a minute is 1 s. This takes about" in said[1]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (
            {"fires_after": 1e9},
            "BookingSyncDoubleBooking is only pending in Prometheus: its `for` is not over",
        ),
        (
            {"inhibited": True},
            "BookingSyncDoubleBooking is in Alertmanager, and suppressed: inhibited by BookingSyncExporterDown",
        ),
        ({"reaches": False, "alertmanagers": ()}, "fires in Prometheus, which sends its alerts to no Alertmanager"),
        ({"reaches": False}, "did not reach this Alertmanager; Prometheus sends to http://a:9093/api/v2/alerts"),
        ({"ends_after": 1e9}, "NO ALL-CLEAR within "),
        ({"failures": 3}, "NOT DELIVERED: Alertmanager failed 3 times, its log says why"),
    ],
)
async def test_what_did_not_arrive_is_told_with_where_it_was_lost(kinds: dict[str, Any], words: str) -> None:
    good, said = await drilled(DOUBLE, **kinds)
    assert not good
    assert words in "\n".join(said[-3:])
    assert "0 of 1 arrived and were cleared." == said[-1]


async def test_an_exporter_that_nobody_scrapes_ends_the_drill_with_what_to_add() -> None:
    with pytest.raises(BookingSyncError) as refused:
        await drilled(DOUBLE, scraped=False)
    assert (
        "not scraped: no job of Prometheus asks 127.0.0.1:10888: "
        "add `static_configs: [{targets: ['127.0.0.1:10888']}]` to one, or take --listen"
    ) == str(refused.value)


async def test_an_address_that_an_exporter_has_already_is_told_with_what_to_do() -> None:
    async def begin(address: str) -> None:
        async with open_business(Signals(asyncio.get_running_loop()), address, 60.0):
            raise AssertionError("it listens where somebody else does")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BookingSyncError) as caught:
            await begin(address)
    fix = "stop the exporter that is there, or give --listen another address that a job of Prometheus scrapes"
    assert f"cannot listen on {address}: Address already in use; {fix}" == str(caught.value)


@pytest.mark.parametrize("name", ["node", "https"])
async def test_a_credential_that_prometheus_scrapes_with_is_not_told(name: str) -> None:
    secret = "Pa55word-of-nobody"
    url = f"http://{name}:{secret}@127.0.0.1:10888/metrics?access_token={secret}"
    with pytest.raises(BookingSyncError) as refused:
        await drilled(DOUBLE, scraped=False, scrape_url=url, scrape_error=f'Get "{url}": connection refused')
    assert "connection refused" in str(refused.value)
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "counted", [httpx.Response(404, text="not found"), httpx.Response(200, text="# a page without this counter\nup 1\n")]
)
async def test_failures_that_nobody_counts_are_not_taken_for_none(counted: httpx.Response) -> None:
    with pytest.raises(BookingSyncError) as refused:
        await drilled(DOUBLE, counted=counted)
    assert (f"Alertmanager at a:9093 does not say at /metrics what it could not deliver ({counted.status_code})") == str(
        refused.value
    )


async def test_a_silent_intake_is_not_played_where_prometheus_takes_no_past() -> None:
    good, said = await drilled(INTAKE, takes_the_past=False)
    assert not good
    assert said[-2].startswith(
        "intake-stopped: NOT PLAYED: Prometheus knows no last week and takes none (404: remote write receiver off)"
    )


async def test_rules_that_are_not_hurried_are_played_and_told_to_take_hours() -> None:
    good, said = await drilled(DOUBLE, hurry=1.0)
    assert good
    assert said[1].startswith("The rules are not hurried: this takes about ")
    assert said[1].endswith(' min. Rules of "monitoring render --hurry 60" take minutes.')
    assert "in life" not in said[-3]


async def test_nobody_is_paged_who_was_not_to_be() -> None:
    clock = ManualClock(auto=True)
    fake = FakeStack(Simulator(clock, build=demo_world.build), clock, routes=WITH_ADDRESSES)

    async def begin(*, page: bool) -> list[str]:
        said: list[str] = []
        stack = fake.stack()
        try:
            await examined(stack, [DOUBLE], said.append, page=page)
        finally:
            await stack.close()
        return said

    with pytest.raises(ConfigError) as refused:
        await begin(page=False)
    (problem,) = refused.value.problems
    assert (
        "drill: Alertmanager at a:9093 would notify pager (pagerduty), tickets (email, slack) (fix: warn these people and add "
        "--page, or load alertmanager.demo.yml, which reaches nobody)"
    ) == str(problem)
    assert "Alertmanager at a:9093 notifies pager (pagerduty), tickets (email, slack)." == (await begin(page=True))[0]


ALERT = "BookingSyncDoubleBooking"
FIRING, PENDING = Alerting(ALERT, {}, firing=True), Alerting(ALERT, {}, firing=False)


@pytest.mark.parametrize(
    ("alerting", "arrived", "words"),
    [
        ([], [], "is not even pending"),
        ([PENDING], [], "only pending"),
        ([FIRING], [Arrived(ALERT, {}, ["pager"])], "was in Alertmanager before this incident began"),
        ([FIRING], [Arrived(ALERT, {}, ["pager"], silenced_by=["a1"])], "suppressed: silenced by a1"),
        ([FIRING], [Arrived(ALERT, {}, ["pager"], muted_by=["office-hours"])], "suppressed: muted by office-hours"),
    ],
)
def test_each_station_has_its_words(alerting: list[Alerting], arrived: list[Arrived], words: str) -> None:
    assert words in lost(ALERT, alerting, arrived, alertmanagers=["http://a"])


async def test_an_incident_whose_rule_is_not_loaded_is_not_played() -> None:
    good, said = await drilled(DOUBLE, unloaded=DOUBLE.alert)
    assert not good
    assert said[-2].startswith("double-booking: NOT PLAYED: Prometheus has no rule BookingSyncDoubleBooking: ")


async def test_what_never_arrives_is_given_up_after_twice_its_time_and_a_minute() -> None:
    _, said = await drilled(DOUBLE, fires_after=1e9)
    found = re.search(r"LOST after (\d+) s", said[-2])
    assert found
    assert 60 <= float(found[1]) <= 2 * DOUBLE.pages_after / 60 + 61


async def test_a_page_that_verdicts_put_off_is_waited_for() -> None:
    patient = Options(thresholds=Thresholds(connection_stuck_after=6 * 3600.0))
    good, said = await drilled(STUCK, fires_after=6 * 60 + 8, options=patient)
    assert good, said
    assert "sync-stuck: paged after 370 s (6.17 h in life): BookingSyncConnectionStuck" in said[-3]


async def test_what_pages_at_its_usual_time_is_not_waited_for_any_longer() -> None:
    _, said = await drilled(STUCK, fires_after=1e9)
    found = re.search(r"LOST after (\d+) s", said[-2])
    assert found
    assert 60 + 2 * 68 <= float(found[1]) <= 60 + 2 * 68 + 1


@pytest.mark.parametrize("by", [1, 7, 60, 120])
def test_the_hurry_of_loaded_rules_is_read_from_them(by: int) -> None:
    loaded = {
        (one.name, one.severity.value): parse_duration(one.hold or "0s")
        for group in alert_groups(Options(hurry=by))
        for one in group.alerts
    }
    assert hurry_of(loaded) == pytest.approx(by, rel=0.01)
    assert hurry_of({}) is None
    assert hurry_of({("HostDown", "critical"): 60.0}) is None


def test_a_drill_polls_in_divided_time_as_far_as_the_platforms_let_it() -> None:
    def intervals(hurry: float) -> dict[str, str]:
        return {
            f"{target['platform']} {name}": one["interval"]
            for target in configuration("http://127.0.0.1:1", hurry)["targets"]
            for name, one in target["collectors"].items()
        }

    assert {
        "wix connections": "60.000s",
        "wix bookings": "300.000s",
        "wix events": "600.000s",
        "wix slots": "1800.000s",
        "bitrix24 bookings": "300.000s",
        "bitrix24 links": "900.000s",
        "calendar busy": "300.000s",
    } == intervals(1)
    assert {
        "wix connections": "1.000s",
        "wix bookings": "5.000s",
        "wix events": "10.000s",
        "wix slots": "15.000s",
        "bitrix24 bookings": "5.000s",
        "bitrix24 links": "15.000s",
        "calendar busy": "5.000s",
    } == intervals(120)


def test_a_drill_checks_connections_and_staff_in_divided_time() -> None:
    def checked(hurry: float) -> set[str]:
        targets = configuration("http://127.0.0.1:1", hurry)["targets"]
        return {one["collectors"]["connections"]["check_interval"] for one in targets if one["platform"] == "wix"}

    assert [{"3600.000s"}, {"60.000s"}, {"15.000s"}] == [checked(hurry) for hurry in (1, 60, 600)]


def test_all_incidents_are_played_when_none_is_named_and_each_once() -> None:
    assert chosen([]) == list(INCIDENTS)
    assert chosen(["token-revoked", "double-booking", "token-revoked"]) == [TOKEN, DOUBLE]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: parse_address("23889", "--listen"), "--listen: '23889' is not an address (fix: write :23889 "),
        (lambda: chosen(["quiet"]), "INCIDENT: there is no 'quiet' (fix: one of token-revoked, "),
        (
            lambda: ServiceClient("Prometheus", "--prometheus-url", "localhost:9090"),
            "--prometheus-url: is no http(s) address (fix: ",
        ),
        (
            lambda: ServiceClient("Alertmanager", "--alertmanager-url", "http://a:secret@example.org"),
            "--alertmanager-url: sends a password over http:// (fix: take https://, or an address of this machine)",
        ),
    ],
)
def test_each_refused_input_has_one_line(make: Callable[[], object], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    (problem,) = refused.value.problems
    assert str(problem).startswith(line)
    assert "\n" not in str(problem)
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (httpx.Response(200, text="<html>"), "p:9090 answers /api/v1/rules with no JSON: is it Prometheus?"),
        (httpx.Response(200, json=[]), "p:9090 answers /api/v1/rules as no Prometheus does: is it one?"),
        (httpx.Response(401, text="Unauthorized\n"), "Prometheus at p:9090 answers /api/v1/rules with 401: Unauthorized"),
        (httpx.ConnectError("refused"), "no answer of Prometheus at p:9090: refused; start it, or correct --prometheus-url"),
        (
            httpx.Response(200, json={"data": {"groups": []}}),
            'Prometheus at p:9090 has no rules of this bundle: load the files of "monitoring render --hurry 60"',
        ),
    ],
)
async def test_a_stack_that_is_none_is_told_in_one_line(answer: httpx.Response | Exception, line: str) -> None:
    def reply(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(reply)
    stack = Stack(
        ServiceClient("Prometheus", "--prometheus-url", "http://p:9090", transport=transport),
        ServiceClient("Alertmanager", "--alertmanager-url", "http://a:9093", transport=transport),
    )
    with pytest.raises(BookingSyncError) as refused:
        await examined(stack, [DOUBLE], print, page=False)
    assert str(refused.value) == line


def test_the_weeks_before_are_busy_at_each_moment_that_is_compared() -> None:
    now, hurry = 1_790_000_000.0, 60.0
    series = dict(last_weeks([{"job": JOB, "target": 'a "b"'}], now=now, lasts=86_400.0, hurry=hurry))
    assert len(series) == len(BUSY)
    for samples in series.values():
        moments = [moment for moment, _ in samples]
        assert moments == sorted(set(moments))
        assert max(moments) < now
        for ago in (0.0, 600.0, 1_200.0):
            for weeks in (1, 2, 3):
                at = now + ago - weeks * 604_800.0 / hurry
                assert any(0 <= at - moment <= 1.0 for moment in moments)
    text = openmetrics(series.items())
    assert text.endswith("# EOF\n")
    assert f'target:booking_sync_discovered_bookings:increase4h{{job="{JOB}",target="a \\"b\\""}} 12 ' in text


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_no_incident_is_said_to_page_before_its_rule_and_its_group_have_waited(incident: Incident) -> None:
    """How long it takes besides (polls, ranges, what a rule counts itself) is measured on real servers."""
    group_waits = {"critical": 30.0, "warning": 300.0}
    waits = [
        parse_duration(one.hold) + group_waits[one.severity]
        for group in alert_groups(Options())
        for one in group.alerts
        if one.name == incident.alert
    ]
    assert min(waits) <= incident.pages_after
