"""The panels of pairs as people see them: Grafana's own code over what a real Prometheus returns for each state of a pair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest

from exporter.support.remote_write import Labels, Samples
from tests.monitoring.bundle import BOARDS, load_board, panels
from tests.monitoring.evaluated import labels_of, moments_before
from tests.monitoring.grafana import RANGE, STEP, grafana, shown
from tests.monitoring.remote_write import remote_write
from tests.monitoring.servers import prometheus

pytestmark = pytest.mark.servers

SERVED: Final = {"job": "j", "instance": "i"}
PANELS: Final = {panel["title"]: panel for path in BOARDS if path.stem == "target" for panel in panels(load_board(path))}
OF_PAIRS: Final = (
    "Pairs",
    "Bookings missing in the calendar",
    "Cancelled and still in the calendar",
    "Busy and unknown to the platform",
    "How long bookings take to arrive",
)
MANY: Final = 500

See = Callable[[str, str], dict[str, Any]]


def said(
    pair: str, target: str, state: str, *, missing: int = 0, left: int = 0, unknown: int = 0, lag: float = 0, until: float
) -> Iterator[tuple[Labels, Samples]]:
    """Yield what a pair said each minute for an hour up to ``until``; one with a ``lag`` saw a booking arrive each time."""
    moments = moments_before(until, STEP, RANGE)

    def same(name: str, value: float, **labels: str) -> tuple[Labels, Samples]:
        return labels_of(name, pair=pair, **labels, **SERVED), [(moment, value) for moment in moments]

    yield same("booking_sync_pair_info", 1.0, target=target, platform="wix", calendar=f"{pair}-cal", resource="7")
    for one in ("learning", "proved", "broken"):
        yield same("booking_sync_proof_state", float(one == state), state=one)
    yield same("booking_sync_proof_bookings", missing, window="next_7d", state="missing")
    yield same("booking_sync_proof_left_behind", left)
    yield same("booking_sync_proof_imports", unknown, state="missing")
    for bound in ("60.0", "300.0", "600.0", "+Inf"):
        counted = lag > 0 and lag <= float(bound)
        labels = labels_of("booking_sync_proof_lag_seconds_bucket", pair=pair, le=bound, **SERVED)
        yield labels, [(moment, float(number if counted else 0)) for number, moment in enumerate(moments)]


@pytest.fixture(scope="module")
def see(tmp_path_factory: pytest.TempPathFactory) -> Iterator[See]:
    """Return what a panel says of a target: the last text of each line, by pair, empty where there is none any more."""
    now = time.time()
    soon, old = now - 15, now - RANGE / 2
    series: dict[Labels, Samples] = {
        **dict(said("anna", "salon", "proved", lag=200, until=soon)),
        **dict(said("ben", "salon", "broken", missing=2, left=1, unknown=3, lag=500, until=soon)),
        **dict(said("cleo", "salon", "learning", missing=6, until=soon)),
        **dict(said("dora", "salon", "proved", until=old)),
        **dict(said("lost", "chain", "broken", missing=1, until=soon)),
    }
    for number in range(MANY):
        series |= dict(said(f"p{number}", "chain", "learning", missing=40, until=soon))
    with prometheus(tmp_path_factory.mktemp("prometheus"), "global: {}\n", "--web.enable-remote-write-receiver") as client:
        remote_write(client, series)
        with grafana() as ask:
            yield lambda title, target: _last_of_each(client, ask, title, target, now)


def _last_of_each(client: httpx.Client, ask: Callable[..., Any], title: str, target: str, now: float) -> dict[str, Any]:
    answer = shown(client, ask, PANELS[title], {"job": "j", "target": target}, now)
    return {line["name"]: line["points"][-1][2]["text"] for line in answer["series"]}


def test_the_state_of_each_pair_is_a_word_and_one_without_fresh_data_has_none(see: See) -> None:
    assert {"anna": "proved", "ben": "broken", "cleo": "learning", "dora": ""} == see("Pairs", "salon")


@pytest.mark.parametrize(
    ("title", "numbers"),
    [
        ("Bookings missing in the calendar", {"anna": "0", "ben": "2", "dora": ""}),
        ("Cancelled and still in the calendar", {"anna": "0", "ben": "1", "cleo": "0", "dora": ""}),
        ("Busy and unknown to the platform", {"anna": "0", "ben": "3", "cleo": "0", "dora": ""}),
    ],
)
def test_a_count_has_a_line_for_each_pair_and_what_a_learning_one_misses_is_none(
    see: See, title: str, numbers: dict[str, str]
) -> None:
    assert numbers == see(title, "salon")


def test_how_long_bookings_take_is_told_of_pairs_whose_bookings_were_seen_to_arrive(see: See) -> None:
    assert {"anna": "3 mins", "ben": "7.50 mins"} == see("How long bookings take to arrive", "salon")


@pytest.mark.parametrize("title", OF_PAIRS)
def test_without_pairs_a_panel_is_empty(see: See, title: str) -> None:
    assert {} == see(title, "nobody")


def test_among_hundreds_of_pairs_the_one_that_is_broken_is_shown(see: See) -> None:
    assert "broken" == see("Pairs", "chain")["lost"]
    assert {"lost": "1"} == see("Bookings missing in the calendar", "chain")
