"""Rules that are rendered for a user's ``verdicts:`` follow them: each row just below and just above its threshold.

What is recorded of the health of targets does, too, without the wait of an alert.

The same views as those by which board, API and ``probe`` are held against them (``tests/test_chosen_verdicts.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from exporter.fields.durations import parse_duration
from exporter.model import ConnectionStatus
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, recording_rules
from exporter.monitoring.rules.health import FINDINGS, HEALTH
from exporter.state import verdict
from exporter.state.findings import findings, verdicts
from exporter.state.snapshot import View
from exporter.state.thresholds import Thresholds
from exporter.state.verdict_row import Kind, Verdict, VerdictRow
from tests.harness import views
from tests.harness.chosen_verdicts import EDGES, judged_by, thresholds_of
from tests.harness.verdict_scenes import SCENES, SITE, connected, went_down
from tests.monitoring.cases import standing_on
from tests.monitoring.libyaml import safe_load
from tests.monitoring.outages import measured
from tests.monitoring.shown import series_of

SHIPPED: Final[dict[str, dict[str, Any]]] = {
    "conflict": {"soon": "24h", "later": "warning"},
    "external_conflict": {"soon": "24h", "later": "warning"},
    "connections_down": {"least": 2, "within": "24h"},
    "provider_failing": {"severity": "warning"},
    "connection_error": {"severity": "warning"},
    "connection_disconnected": {"within": "24h", "severity": "warning"},
    "connection_stuck": {"after": "1h", "severity": "warning"},
    "connection_unclear": {"after": "1h", "severity": "warning"},
    "budget_spent": {"severity": "warning"},
    "credential_expiry": {"within": "14d", "severity": "warning"},
    "unlinked_bookings": {"share": 0.2, "least": 10, "severity": "warning"},
    "intake_silent": {"least": 10, "severity": "warning"},
    "window_incomplete": {"severity": "warning"},
    "links_unverified": {"share": 0.5, "severity": "warning"},
    "poll_overdue": {"intervals": 1.0, "severity": "warning"},
}
OTHER: Final[dict[str, dict[str, Any]]] = {
    "conflict": {"soon": "48h", "later": "ok"},
    "external_conflict": {"soon": "48h", "later": "ok"},
    "connections_down": {"least": 4, "within": "3h"},
    "provider_failing": {"severity": "ok"},
    "connection_error": {"severity": "critical"},
    "connection_disconnected": {"within": "2h", "severity": "critical"},
    "connection_stuck": {"after": "20m", "severity": "critical"},
    "connection_unclear": {"after": "2h", "severity": "warning"},
    "budget_spent": {"severity": "ok"},
    "credential_expiry": {"within": "36h", "severity": "critical"},
    "unlinked_bookings": {"share": 0.4, "least": 25, "severity": "critical"},
    "intake_silent": {"least": 20, "severity": "ok"},
    "window_incomplete": {"severity": "critical"},
    "links_unverified": {"share": 0.3, "severity": "warning"},
    "poll_overdue": {"intervals": 3.0, "severity": "warning"},
}
SETS: Final = {"shipped": SHIPPED, "other": OTHER}
LONG: Final = 240
"""Minutes: longer than any wait of an alert about a target, and than what another set remembers."""

ALERTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: tuple(sorted({alert for row in verdict.TABLE if row.kind is kind for alert in row.alerts})) for kind in Kind
}
# Longer than the hold and the keep of the alert, and than the series about a loss stays.
_SETTLED: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What is shown, minute by minute, and how bad the alerts of ``kind`` are at some of them (``None``: none fires).

    ``waits`` tells a case that is about how long an alert waits, and ``at_once`` one that no alert can tell so soon.
    """

    name: str
    kind: Kind
    phases: tuple[tuple[View, int], ...]
    expected: Mapping[int, str | None]
    waits: bool = False
    at_once: bool = False


def _severity(found: Verdict) -> str | None:
    return {Verdict.CRITICAL: "critical", Verdict.WARNING: "warning"}.get(found)


def _edges(written: dict[str, dict[str, Any]], thresholds: Thresholds) -> Iterator[Case]:
    """Yield a case for either side of each threshold that a page shows which does not change."""
    moving = {(Kind.CONNECTIONS_DOWN, "least"), (Kind.CONNECTIONS_DOWN, "within"), (Kind.CONNECTION_DISCONNECTED, "within")}
    for edge in EDGES:
        number = written[edge.kind][edge.key]
        if (edge.kind, edge.key) in moving:
            continue
        scaled = parse_duration(number) if edge.unit == "s" else number * 100 if edge.unit == "%" else number
        for (shown, found), side in zip(edge.sides(written, round(scaled)), ("below", "above"), strict=True):
            if found is not Verdict.OK and (edge.kind not in {Kind.CONFLICT, Kind.EXTERNAL_CONFLICT} or found is edge.good):
                bad = thresholds.severity(edge.kind)
            else:
                bad = _severity(found) or "ok"
            name = f"{edge.kind}-{edge.key}-{side}"
            yield Case(name, edge.kind, ((shown, LONG + 1),), {LONG: None if bad == "ok" else bad}, at_once=edge.key == "after")


def _severities(thresholds: Thresholds) -> Iterator[Case]:
    rows: tuple[VerdictRow, ...] = (
        verdict.CONNECTION_ERROR,
        verdict.PROVIDER_FAILING,
        verdict.WINDOW_INCOMPLETE,
        verdict.BUDGET_SPENT,
    )
    for row in rows:
        severity = thresholds.severity(row.kind)
        yield Case(
            f"{row.kind}-{severity}",
            row.kind,
            ((judged_by(SCENES[row], thresholds), LONG + 1),),
            {LONG: None if severity == "ok" else severity},
        )


def _waits(thresholds: Thresholds) -> Iterator[Case]:
    for kind, status, after in (
        (Kind.CONNECTION_STUCK, ConnectionStatus.SYNC_IN_PROGRESS, thresholds.connection_stuck_after),
        (Kind.CONNECTION_UNCLEAR, ConnectionStatus.UNDEFINED, thresholds.connection_unclear_after),
    ):
        minutes = round(after / 60)
        shown = connected(views.connection("a", status), views.connection("b"))
        expected = {minutes - 2: None, minutes + 4: thresholds.severity(kind)}
        yield Case(f"{kind}-waits", kind, ((shown, LONG + 1),), expected, waits=True)


def _losses(thresholds: Thresholds) -> Iterator[Case]:
    """Yield what happens after connections that worked for a while were cut."""
    kind = Kind.CONNECTIONS_DOWN
    least, within = thresholds.connections_down_least, round(thresholds.connections_down_within / 60)
    for number in (least - 1, least):
        begin = 30 + _SETTLED
        ends = 30 + within
        expected = {begin: "critical" if number >= least else None}
        if ends + _SETTLED <= LONG:
            expected |= {ends - 2: expected[begin], ends + _SETTLED: None}
        yield Case(f"{kind}-{number}", kind, _cut(number), expected)
    kind, within = Kind.CONNECTION_DISCONNECTED, round(thresholds.connection_disconnected_within / 60)
    expected = {30 + _SETTLED: thresholds.severity(kind)}
    if 30 + within + _SETTLED <= LONG:
        expected |= {30 + within - 2: thresholds.severity(kind), 30 + within + _SETTLED: None}
    yield Case(f"{kind}-within", kind, _cut(1, works=1), expected)


def _cut(number: int, works: int = 0) -> tuple[tuple[View, int], ...]:
    names = [str(index) for index in range(number)]
    others = [views.connection(f"works {index}") for index in range(works)]
    before = connected(*(views.connection(name) for name in names), *others)
    after = connected(*(went_down(name) for name in names), *others)
    return (before, 30), (after, LONG - 29)


def cases_of(written: dict[str, dict[str, Any]]) -> list[Case]:
    """Return all cases of a block ``verdicts:``."""
    thresholds = thresholds_of(written)
    return [*_edges(written, thresholds), *_severities(thresholds), *_waits(thresholds), *_losses(thresholds)]


def _rules(options: Options) -> list[dict[str, Any]]:
    return [group for text in (recording_rules(options), alerting_rules(options)) for group in safe_load(text)["groups"]]


Labels = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Run:
    """The cases of a set; what fires of its rules and what they find by the minute, and the health of targets in the end."""

    cases: list[Case]
    fired: dict[int, Labels]
    found: dict[int, Labels]
    health: dict[str, float]


@pytest.fixture(scope="module", params=list(SETS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    written = SETS[request.param]
    cases = cases_of(written)
    series = {name: values for case in cases for name, values in series_of(case.name, *case.phases).items()}
    minutes = sorted({minute for case in cases for minute in case.expected})
    names = (HEALTH, *FINDINGS)
    told = {alert for case in cases for alert in ALERTS[case.kind]}
    bundle = standing_on({*names, *told}, _rules(Options(thresholds=thresholds_of(written))))
    expression = f'ALERTS{{alertstate="firing",alertname!="Watchdog"}} or {" or ".join(names)}'
    rows = measured(series, minutes, tmp_path_factory.mktemp("chosen"), expression, (), bundle=bundle)

    def called(*names: str) -> dict[int, Labels]:
        return {minute: [labels for labels, _ in told if labels["__name__"] in names] for minute, told in rows.items()}

    health = {labels["job"]: value for labels, value in rows[LONG] if labels["__name__"] == HEALTH}
    return Run(cases, called("ALERTS"), called(*FINDINGS), health)


@pytest.mark.servers
def test_the_alerts_follow_the_thresholds_and_severities_of_a_user(run: Run) -> None:
    cases = [case for case in run.cases if not case.at_once]
    assert len(cases) >= 20
    assert {} == _wrong(cases, run.fired)


@pytest.mark.servers
def test_what_is_recorded_of_health_follows_them_at_once(run: Run) -> None:
    cases = [case for case in run.cases if not case.waits]
    assert len(cases) >= 20
    assert {} == _wrong(cases, run.found)


@pytest.mark.servers
def test_the_recorded_health_of_a_target_is_the_verdict_of_the_status_api_for_a_user(run: Run) -> None:
    shown = {case.name: case.phases[0][0] for case in run.cases if len(case.phases) == 1 and not case.waits}
    assert len(shown) >= 18
    assert {name: float(verdicts(view, findings(view))[SITE]) for name, view in shown.items()} == {
        name: run.health.get(name) for name in shown
    }


def _wrong(cases: list[Case], told: dict[int, Labels]) -> dict[tuple[str, int, str | None], str | None]:
    return {
        (case.name, minute, expected): found
        for case in cases
        for minute, expected in case.expected.items()
        if (found := _worst(case, told[minute])) != expected
    }


def _worst(case: Case, told: Labels) -> str | None:
    """Return the worst severity of what tells of the kind of ``case``: a page, else a ticket."""
    own = {labels["severity"] for labels in told if labels["job"] == case.name and labels["alertname"] in ALERTS[case.kind]}
    return next((severity for severity in ("critical", "warning") if severity in own), None)
