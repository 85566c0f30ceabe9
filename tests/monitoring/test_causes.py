"""What is wrong now, as promtool sees it: one series for one cause, from the minute in which it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from exporter.errors import AuthError, NetworkError
from exporter.monitoring.causes import CAUSE, SINCE, TARGETS
from tests.monitoring.bundle import ALERT_NAMES
from tests.monitoring.outages import Outage, fleet, measured, series_of

pytestmark = pytest.mark.servers

BEGAN: Final = 60
MINUTES: Final = (BEGAN - 2, BEGAN + 3, BEGAN + 11, BEGAN + 25)
REFUSED, CUT_OFF = AuthError("refused"), NetworkError("no route")
Cause = tuple[str, str, str, str, float]
Rows = Sequence[tuple[Mapping[str, str], float]]


def _phase(at: int) -> float:
    return (at * 0.37) % 5


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int, str], Rows]:
    """Return causes, moments and numbers of four exporters, by job, minute and recorded series."""
    outage = {"network": Outage(BEGAN, 300, CUT_OFF), "key": Outage(BEGAN, 300, REFUSED)}
    series: dict[str, list[float | None]] = {}
    for job, sites in {
        "booking-sync-exporter": fleet(12, "wix", _phase),  # the job that the rules ask for
        "platform": fleet(12, "wix", _phase, outage["network"]),
        "key": fleet(12, "wix", _phase, outage["key"], hit=range(8), credential="wix.key") + fleet(12, "bitrix24", _phase),
        "one": fleet(12, "wix", _phase, outage["key"], hit=[3]),
        "part": fleet(12, "wix", _phase, outage["key"], hit=[3], collectors=["connections"]),
    }.items():
        series |= series_of(job, sites, MINUTES[-1])
    found = measured(
        series,
        MINUTES,
        tmp_path_factory.mktemp("causes"),
        '{__name__=~"cause:.+"}',
        [CAUSE, SINCE, TARGETS, *ALERT_NAMES],
    )
    kept: dict[tuple[str, int, str], list[tuple[Mapping[str, str], float]]] = {}
    for minute, series_found in found.items():
        for labels, value in series_found:
            kept.setdefault((labels["job"], minute, labels["__name__"]), []).append((labels, value))
    return dict(kept)


def _causes(rows: dict[tuple[str, int, str], Rows], job: str, minute: int) -> list[Cause]:
    """Return alert, state, target, who fixes it and severity of each cause."""
    return sorted(
        (labels["alertname"], labels["alertstate"], labels.get("target", ""), labels["fixed_by"], value)
        for labels, value in rows.get((job, minute, CAUSE), ())
    )


def test_nothing_is_wrong_in_a_calm_fleet(rows: dict[tuple[str, int, str], Rows]) -> None:
    assert [] == [
        _causes(rows, "booking-sync-exporter", minute) for minute in MINUTES if _causes(rows, "booking-sync-exporter", minute)
    ]


@pytest.mark.parametrize(
    ("job", "early", "late"),
    [
        (
            "platform",
            ("BookingSyncDataExpired", "pending", "", "exporter operator", 2.0),
            ("BookingSyncPlatformDown", "firing", "", "platform", 2.0),
        ),
        (
            "key",
            ("BookingSyncAccessDenied", "pending", "", "account administrator", 2.0),
            ("BookingSyncCredentialRefused", "firing", "", "account administrator", 2.0),
        ),
    ],
)
def test_what_many_targets_share_is_one_cause_before_and_after_its_alert(
    rows: dict[tuple[str, int, str], Rows], job: str, early: Cause, late: Cause
) -> None:
    assert [[], [early], [late], [late]] == [_causes(rows, job, minute) for minute in MINUTES]


@pytest.mark.parametrize(("job", "number"), [("platform", 12), ("key", 8), ("one", 1), ("part", 1)])
def test_a_cause_says_how_many_targets_it_concerns_and_when_it_began(
    rows: dict[tuple[str, int, str], Rows], job: str, number: int
) -> None:
    for minute in MINUTES[1:]:
        assert [number] == [value for _, value in rows[job, minute, TARGETS]]
        [(_, since)] = rows[job, minute, SINCE]
        assert 60 * BEGAN - 60 <= since <= 60 * BEGAN + 30, "the last answer before it, by the exporter's own time"


@pytest.mark.parametrize(("job", "severity"), [("one", 2.0), ("part", 1.0)])
def test_a_refused_target_waits_as_what_it_is_and_then_fires(
    rows: dict[tuple[str, int, str], Rows], job: str, severity: float
) -> None:
    def refused(state: str) -> list[Cause]:
        return [("BookingSyncAccessDenied", state, "wix-03", "account administrator", severity)]

    assert [[], refused("pending"), refused("pending"), refused("firing")] == [_causes(rows, job, minute) for minute in MINUTES]


def test_a_row_for_many_connections_began_when_those_of_its_own_reason_did(tmp_path: Path) -> None:
    own = 'job="booking-sync-exporter",instance="a"'
    series: dict[str, list[float | None]] = {f"up{{{own}}}": [1.0] * 61}
    for reason, began in (("token_revoked", 600.0), ("external_calendar_deleted", 3_000.0)):
        for number in range(6):
            connection = f'{own},target="{reason} {number}",platform="wix",connection="chair"'
            for name, labels, value in (
                ("connection_status", ',status="error"', 1.0),
                ("connection_error", f',reason="{reason}"', 1.0),
                ("connection_status_since_timestamp_seconds", "", began),
            ):
                # Seen for five minutes: no alert about a single one fires yet.
                series[f"booking_sync_{name}{{{connection}{labels}}}"] = [None] * 56 + [value] * 5
    found = measured(series, [60], tmp_path, SINCE, [CAUSE, SINCE, *ALERT_NAMES])[60]
    assert {"token_revoked": 600.0, "external_calendar_deleted": 3_000.0} == {
        labels["reason"]: since for labels, since in found if labels["alertname"] == "BookingSyncConnectionNeedsOwner"
    }
    assert 2 == len(found)
