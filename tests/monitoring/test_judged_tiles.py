"""Tiles have the colour of the verdict that a user chose: promtool evaluates rules and queries, Grafana's own code the panels.

What they count does not move with it: what is no problem is there all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from exporter.model import ConnectionStatus
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, recording_rules
from exporter.monitoring.rules.health import HEALTH
from exporter.state import verdict
from exporter.state.snapshot import View
from tests.harness import views
from tests.harness.chosen_verdicts import thresholds_of
from tests.harness.verdict_scenes import SCENES, SITE, connected, overlapping, went_down
from tests.harness.views import NOW
from tests.monitoring.bundle import panels
from tests.monitoring.cases import standing_on, words_in
from tests.monitoring.grafana import RANGE, STEP, Panel, filled, grafana
from tests.monitoring.libyaml import safe_load
from tests.monitoring.outages import measured
from tests.monitoring.shown import series_of

pytestmark = pytest.mark.servers

Json = dict[str, Any]
Look = tuple[str, str]

GREY, RED, ORANGE, GREEN = "#808080", "red", "orange", "green"
HOUR: Final = 3_600.0
MINUTES: Final = 30
"""After ten of them an incident begins; no alert has to wait until its end."""
SHIPPED: Final[Json] = {}
QUIET: Final[Json] = {
    "connection_error": {"severity": "ok"},
    "connection_disconnected": {"severity": "ok"},
    "conflict": {"soon": "1h", "later": "ok"},
    "poll_overdue": {"severity": "ok"},
}
STRICT: Final[Json] = {
    "connection_error": {"severity": "critical"},
    "connection_disconnected": {"severity": "critical"},
    "conflict": {"soon": "48h", "later": "warning"},
}
CHOICES: Final = {"shipped": SHIPPED, "quiet": QUIET, "strict": STRICT}

_WELL: Final = connected(views.connection("a"), views.connection("b"))
_CUT: Final = connected(went_down("a"), views.connection("b"))
_BROKEN: Final = connected(views.connection("a", ConnectionStatus.ERROR), views.connection("b"))
_ONLY_ONE: Final = connected(views.connection("a", ConnectionStatus.ERROR))
_LATE: Final = SCENES[verdict.POLL_OVERDUE]
_ACCEPTED: Final = SCENES[verdict.CONFLICT_ACCEPTED]
SEEN: Final[Mapping[str, tuple[tuple[View, int], ...]]] = {
    "well": ((_WELL, MINUTES + 1),),
    "broken": ((_BROKEN, MINUTES + 1),),
    "only-one": ((_ONLY_ONE, MINUTES + 1),),
    "cut": ((_WELL, 10), (_CUT, MINUTES - 9)),
    "cut-before": ((_CUT, MINUTES + 1),),
    "overlap-in-2h": ((overlapping(NOW + 2 * HOUR), MINUTES + 1),),
    "overlap-in-30h": ((overlapping(NOW + 30 * HOUR), MINUTES + 1),),
    "overlap-in-60h": ((overlapping(NOW + 60 * HOUR), MINUTES + 1),),
    "overlap-accepted": ((_ACCEPTED, MINUTES + 1),),
    "late": ((_LATE, MINUTES + 1),),
    "no-data": ((SCENES[verdict.DATA_EXPIRED], MINUTES + 1),),
    "no-data-at-all": ((SCENES[verdict.TARGET_EXPIRED], MINUTES + 1),),
}
"""What the page shows, by the name of the job."""

NUMBER: Final[Mapping[tuple[str, str], str]] = {
    ("In error", "well"): "0",
    ("In error", "broken"): "1",
    ("Disconnected", "well"): "0",
    ("Disconnected", "cut"): "1",
    ("Disconnected", "cut-before"): "1",
    ("Overlapping bookings, 7 d", "overlap-in-2h"): "2",
    ("Overlapping bookings, 7 d", "overlap-in-30h"): "2",
    ("Overlapping bookings, 7 d", "overlap-in-60h"): "2",
    ("Overlapping bookings, 7 d", "overlap-accepted"): "0",
    ("Next double booking", "overlap-in-2h"): "21 Sep 16:13",
    ("Next double booking", "overlap-in-30h"): "22 Sep 20:13",
    ("Next double booking", "overlap-in-60h"): "24 Sep 02:13",
    ("Next double booking", "overlap-accepted"): "none",
    ("Connections healthy of a target", "well"): "100%",
    ("Connections healthy of a target", "broken"): "50%",
    ("Connections healthy of a target", "only-one"): "0%",
    ("Polls overdue", "late"): "1",
    ("Collectors without data", "no-data"): "1",
    ("Collectors without data", "no-data-at-all"): "1",
    ("Polls failing", "no-data"): "1",
    ("Polls failing", "no-data-at-all"): "1",
}
"""What a tile says, whatever a user chose."""

_BAD: Final = {"shipped": ORANGE, "quiet": GREY, "strict": RED}
_ALWAYS: Final = dict.fromkeys(CHOICES, GREEN)
COLOUR: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("In error", "well"): _ALWAYS,
    ("In error", "broken"): _BAD,
    ("Disconnected", "well"): _ALWAYS,
    ("Disconnected", "cut"): _BAD,
    ("Disconnected", "cut-before"): dict.fromkeys(CHOICES, GREY),
    ("Overlapping bookings, 7 d", "overlap-in-2h"): {"shipped": RED, "quiet": GREY, "strict": RED},
    ("Overlapping bookings, 7 d", "overlap-in-30h"): {"shipped": ORANGE, "quiet": GREY, "strict": RED},
    ("Overlapping bookings, 7 d", "overlap-in-60h"): {"shipped": ORANGE, "quiet": GREY, "strict": ORANGE},
    ("Overlapping bookings, 7 d", "overlap-accepted"): _ALWAYS,
    ("Next double booking", "overlap-in-2h"): {"shipped": RED, "quiet": GREY, "strict": RED},
    ("Next double booking", "overlap-in-30h"): {"shipped": ORANGE, "quiet": GREY, "strict": RED},
    ("Next double booking", "overlap-in-60h"): {"shipped": ORANGE, "quiet": GREY, "strict": ORANGE},
    ("Next double booking", "overlap-accepted"): _ALWAYS,
    ("Connections healthy of a target", "well"): _ALWAYS,
    ("Connections healthy of a target", "broken"): _BAD,
    ("Connections healthy of a target", "only-one"): _BAD,
    ("Polls overdue", "late"): {"shipped": ORANGE, "quiet": GREY, "strict": ORANGE},
    ("Collectors without data", "no-data"): dict.fromkeys(CHOICES, ORANGE),
    ("Collectors without data", "no-data-at-all"): dict.fromkeys(CHOICES, RED),
    ("Polls failing", "no-data"): dict.fromkeys(CHOICES, ORANGE),
    ("Polls failing", "no-data-at-all"): dict.fromkeys(CHOICES, RED),
}
"""The colour of a tile by what a user chose."""
_BOARDS: Final = {"Next double booking": target, "Connections healthy of a target": target, "Polls overdue": internals}


@pytest.fixture(scope="module")
def ask() -> Iterator[Panel]:
    with grafana() as asked:
        yield asked


@pytest.fixture(scope="module", params=list(CHOICES))
def choice(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Rows = list[tuple[dict[str, str], float]]


@pytest.fixture(scope="module")
def rows(choice: str, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return what every query gives in the end, with the tile and the page that it is about, and the recorded health."""
    options = Options(thresholds=thresholds_of(CHOICES[choice]))
    rules = [group for text in (recording_rules(options), alerting_rules(options)) for group in safe_load(text)["groups"]]
    series = {name: values for job, phases in SEEN.items() for name, values in series_of(job, *phases).items()}
    series |= {f'up{{job="{job}",instance="a:10888"}}': [1.0] * (MINUTES + 1) for job in SEEN}
    queries = [
        f'label_replace(label_replace({_expression(options, title, job)}, "tile", "{title}", "", ""), "page", "{job}", "", "")'
        for title, job in NUMBER
    ]
    asked = "\nor ".join((*queries, HEALTH))
    bundle = standing_on(words_in(asked), rules)
    return measured(series, [MINUTES], tmp_path_factory.mktemp(choice), asked, (), bundle=bundle)[MINUTES]


def _tile(options: Options, title: str) -> Json:
    board = json.loads(_BOARDS.get(title, fleet)(options))
    return next(panel for panel in panels(board) if panel["title"] == title.removesuffix(" of a target"))


def _expression(options: Options, title: str, job: str) -> str:
    [query] = _tile(options, title)["targets"]
    variables = {"job": job, "target": SITE, "connection": ".+", "platform": ".+", "instance": ".+"}
    return f"({filled(query['expr'], variables)})"


def _look(ask: Panel, choice: str, rows: Rows, title: str, job: str) -> Look:
    panel = _tile(Options(thresholds=thresholds_of(CHOICES[choice])), title)
    found = [
        {"metric": {label: word for label, word in labels.items() if label not in {"tile", "page"}}, "value": [NOW, str(value)]}
        for labels, value in rows
        if (labels.get("tile"), labels.get("page")) == (title, job)
    ]
    request = {"panel": panel, "results": {"A": {"result": found}}, "from": NOW - RANGE, "to": NOW, "step": STEP}
    [tile] = ask(request)["tiles"]
    return tile["text"], tile["color"]


def test_a_tile_has_the_colour_of_the_verdict_and_counts_what_is_there(ask: Panel, choice: str, rows: Rows) -> None:
    looks = {case: _look(ask, choice, rows, *case) for case in NUMBER}
    assert {case: (NUMBER[case], COLOUR[case][choice]) for case in NUMBER} == looks


def test_a_tile_is_never_worse_than_the_recorded_health_of_the_only_target(ask: Panel, choice: str, rows: Rows) -> None:
    worst = {GREEN: 0, GREY: 0, ORANGE: 1, RED: 2}
    health = {labels["job"]: value for labels, value in rows if labels.get("__name__") == HEALTH}
    assert health.keys() == SEEN.keys()
    assert [] == [case for case in NUMBER if worst[_look(ask, choice, rows, *case)[1]] > health[case[1]]]
