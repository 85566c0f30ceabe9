"""The boards as people see them: Grafana's own code over what a real Prometheus returns, in good hours and in bad ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import pytest

from exporter.monitoring.dashboards.panels import LASTING, MOMENT
from tests.monitoring.bundle import BOARDS, load_board, panels
from tests.monitoring.evaluated import labels_of, moments_before
from tests.monitoring.grafana import RANGE, STEP, ask_prometheus, filled, grafana, shown
from tests.monitoring.remote_write import remote_write
from tests.monitoring.servers import prometheus
from tests.monitoring.worlds import (
    BITRIX24,
    BROKEN,
    DAY,
    DOWN,
    HISTORY,
    INSTANCE,
    MINUTE,
    SECOND_INSTANCE,
    WITHDRAWN,
    WIX,
    WORLDS,
    write_worlds,
)

pytestmark = pytest.mark.servers

Json = dict[str, Any]
See = Callable[..., Json]

EXPORTER = "Exporter"
GREY = "#808080"
NONE = -1
TILES = {"stat", "bargauge"}
CHARTS = {"timeseries", "state-timeline"}
BY_STEM = {path.stem: load_board(path) for path in BOARDS}
# Board, target and title of every panel. The fleet and the exporter are looked at as a whole, the target board twice.
EVERY_PANEL = [
    (stem, target, panel["title"])
    for stem, board in BY_STEM.items()
    for target in ((WIX, BITRIX24) if stem == "target" else (".+",))
    for panel in panels(board)
]
EVERY_TILE = [one for one in EVERY_PANEL if next(p for p in panels(BY_STEM[one[0]]) if p["title"] == one[2])["type"] in TILES]
DEAD = {"down", "forgotten"}
SAID_OF_THE_EXPORTER = dict.fromkeys(DEAD, "DOWN, nothing below is known") | {"shard-down": "partly down"}
# An objective over thirty days is known without the exporter.
OF_THE_PAST = {"Healthy, 30 days"}
# What is drawn from bookings, links or connections of the site, as long as they are not withdrawn.
FROM_DATA = {
    ("target", "Status"),
    ("target", "Status changes per hour"),
    ("target", "Bookings by window"),
    ("target", "Appeared and vanished per hour"),
    ("target", "Overlapping bookings"),
    ("target", "Bookings by status"),
    ("fleet", "Connections by status"),
    ("fleet", "Error reasons"),
}
# Averages go on while the data is withdrawn: the alerts that they explain do, too.
OF_THE_CONFIGURED = FROM_DATA | {("fleet", "Burn rate by window")}


def _panel(stem: str, title: str) -> Json:
    return next(panel for panel in panels(BY_STEM[stem]) if panel["title"] == title)


def _variables(job: str, target: str) -> dict[str, str]:
    return {"job": job, "target": target, "connection": ".+", "instance": ".+", "platform": ".+"}


@pytest.fixture(scope="module")
def now() -> float:
    return time.time() // 60 * 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, now: float) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("prometheus")
    with prometheus(directory, "global: {}\n", "--web.enable-remote-write-receiver") as client:
        write_worlds(client, now)
        yield client


@pytest.fixture(scope="module")
def see(server: httpx.Client, now: float) -> Iterator[See]:
    """Return what a panel shows; every result is kept, because the worlds do not change."""
    kept: dict[tuple[str, str, str, str], Json] = {}
    with grafana() as ask:

        def look(job: str, stem: str, title: str, target: str = ".+") -> Json:
            key = (job, stem, title, target)
            if key not in kept:
                kept[key] = shown(server, ask, _panel(stem, title), _variables(job, target), now)
            return kept[key]

        yield look


def _ids(value: object) -> str:
    return ": ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("panel", EVERY_TILE, ids=_ids)
def test_where_there_was_no_exporter_a_tile_is_grey_and_says_unknown(see: See, panel: tuple[str, str, str]) -> None:
    stem, target, title = panel
    (tile,) = see("never-there", stem, title, target)["tiles"]
    expected = ("DOWN, nothing below is known", "red") if title == EXPORTER else ("unknown", GREY)
    assert expected == (tile["text"], tile["color"])


@pytest.mark.parametrize("panel", [one for one in EVERY_TILE if one[2] not in OF_THE_PAST], ids=_ids)
@pytest.mark.parametrize("job", sorted(DEAD))
def test_a_tile_is_grey_ten_minutes_after_the_exporter_died(see: See, job: str, panel: tuple[str, str, str]) -> None:
    stem, target, title = panel
    (tile,) = see(job, stem, title, target)["tiles"]
    expected = ("DOWN, nothing below is known", "red") if title == EXPORTER else ("unknown", GREY)
    assert expected == (tile["text"], tile["color"])


@pytest.mark.parametrize("panel", EVERY_TILE, ids=_ids)
def test_a_standby_beside_the_exporter_changes_no_tile(see: See, panel: tuple[str, str, str]) -> None:
    stem, target, title = panel
    expected, found = (
        [(tile["text"], tile["color"]) for tile in see(job, stem, title, target)["tiles"]] for job in ("healthy", "pair")
    )
    assert expected == found


@pytest.mark.parametrize("stem", BY_STEM)
def test_the_exporter_is_the_first_tile_of_a_board(see: See, stem: str) -> None:
    first = panels(BY_STEM[stem])[0]
    assert EXPORTER == first["title"]
    assert [("up", "green")] == [(tile["text"], tile["color"]) for tile in see("healthy", stem, EXPORTER, WIX)["tiles"]]


@pytest.mark.parametrize("panel", EVERY_PANEL, ids=_ids)
def test_a_healthy_fleet_has_no_red_and_no_orange(see: See, panel: tuple[str, str, str]) -> None:
    stem, target, title = panel
    seen = see("healthy", stem, title, target)
    tiles, rows = seen.get("tiles", []), seen.get("rows", [])
    cells = [*tiles, *(cell for row in rows for cell in row.values())]
    assert [] == [cell for cell in cells if cell["color"] in {"red", "orange"}]


@pytest.mark.parametrize(("whole", "missed"), [("revoked", "missed"), ("minute", "minute-missed")])
@pytest.mark.parametrize("panel", EVERY_PANEL, ids=_ids)
def test_one_failed_scrape_changes_nothing(see: See, panel: tuple[str, str, str], whole: str, missed: str) -> None:
    stem, target, title = panel
    columns = _moving_columns(_panel(stem, title)) | {"Job"}  # of a table
    kind, unit = _panel(stem, title)["type"], _panel(stem, title)["fieldConfig"]["defaults"]["unit"]

    def look(job: str) -> Any:  # noqa: ANN401  tiles, rows and series have different shapes
        seen = see(job, stem, title, target)
        if kind in TILES:
            moving = unit in {"s", "bytes"} or title in OF_THE_PAST  # a sample more or less shifts an average
            return [
                (tile["title"].replace(job, ""), "known" if moving and tile["color"] != GREY else tile["text"], tile["color"])
                for tile in seen["tiles"]
            ]
        if kind in CHARTS:
            return sorted(
                (line["name"], [at for at, value, _ in line["points"] if value is not None], bool(line["legend"].get("last")))
                for line in seen["series"]
            )
        rows: list[Json] = seen["rows"]
        return [{name: cell["known"] if name in columns else cell["text"] for name, cell in row.items()} for row in rows]

    assert look(whole) == look(missed)


def _moving_columns(panel: Json) -> set[str]:
    """Return the headings of what is another moment, or lasts longer, after each poll and each scrape."""
    headings = panel["transformations"][2]["options"]["renameByName"] if "transformations" in panel else {}
    return {
        headings[over["matcher"]["options"]]
        for over in panel["fieldConfig"]["overrides"]
        for one in over["properties"]
        if one["id"] == "unit" and one["value"] in {MOMENT, LASTING, "s", "bytes"}
    }


@pytest.mark.parametrize("around", [HISTORY, DOWN], ids=["start", "outage"])
@pytest.mark.parametrize("panel", [one for one in EVERY_TILE if one[1] != BITRIX24], ids=_ids)
def test_at_no_moment_of_a_start_or_an_outage_a_tile_says_that_there_is_none(
    server: httpx.Client, now: float, panel: tuple[str, str, str], around: float
) -> None:
    stem, target, title = panel
    moments = {"start": now - around - MINUTE, "end": now - around + 6 * MINUTE, "step": 5}
    for query in _panel(stem, title)["targets"]:
        asked = {"query": filled(query["expr"], _variables("down", target)), **moments}
        series = server.post("/api/v1/query_range", data=asked).json()["data"]["result"]
        told = [(at - now, float(value)) for one in series for at, value in one["values"]]
        assert told
        assert [] == [at for at, value in told if value == NONE]


def test_a_broken_connection_is_one_row_with_its_state_its_reason_and_its_time(see: See) -> None:
    rows = see("revoked", "fleet", "Connections needing attention")["rows"]
    told = {
        row["Connection"]["text"]: [row[name]["text"] for name in ("Target", "Reason", "Since", "Calendar", "Schedule")]
        for row in rows
    }
    assert 2 == len(rows)
    assert {
        "Chair 2": [WIX, "token_revoked", "20 minutes ago", "google", "0a1b2c3d4e5f"],
        "Chair 3": [WIX, "-", "20 minutes ago", "google", "0a1b2c3d4e5f"],
    } == told
    assert {("error", "red"), ("disconnected", "orange")} == {(row["Status"]["text"], row["Status"]["color"]) for row in rows}


def test_the_table_of_a_targets_connections_has_one_row_for_each_the_worst_first(see: See, now: float) -> None:
    rows = see("revoked", "target", "Calendar connections (Wix)", WIX)["rows"]
    named = ("Connection", "Status", "Why", "For", "Calendar", "Import", "Export")
    assert [
        ("Chair 2", "error", "token revoked", "00:20:00", "google", "on", "on"),
        ("Chair 3", "disconnected", "-", "00:20:00", "google", "on", "on"),
        ("Chair 4", "connected", "-", "1 d 00:00:25", "apple", "on", "off"),
        ("Chair 1", "synced", "-", "1 d 00:00:25", "google", "on", "on"),
    ] == [tuple(row[name]["text"] for name in named) for row in rows]
    assert {("error", "red"), ("disconnected", "orange"), ("connected", "blue"), ("synced", "green")} == {
        (row["Status"]["text"], row["Status"]["color"]) for row in rows if row["Status"]["painted"]
    }
    broke = datetime.fromtimestamp(now - BROKEN, UTC)
    assert {f"{broke:%-d %b %H:%M}"} == {row["Status since"]["text"] for row in rows[:2]}


def _polls(see: See, job: str, target: str) -> dict[str, tuple[str, ...]]:
    named = ("Last poll", "Why", "Last good", "Data", "Withdrawn")
    rows = see(job, "target", "Polls", target)["rows"]
    return {row["Collector"]["text"]: tuple(row[name]["text"] for name in named) for row in rows}


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %H:%M}"


def test_the_polls_of_a_target_say_why_they_fail_since_when_and_that_its_data_is_withdrawn(see: See, now: float) -> None:
    shown = ("good", "-", _clock(now - 25), "shown", "-")  # polled ten seconds before the scrape
    good = now - WITHDRAWN - 5 * MINUTE  # `max_age` is five minutes
    withdrawn = ("failed", "rate limited", _clock(good), "withdrawn", _clock(now - WITHDRAWN))
    assert {"connections": shown, "bookings": shown} == _polls(see, "healthy", WIX)
    assert {"connections": withdrawn, "bookings": withdrawn} == _polls(see, "withdrawn", WIX)
    assert {"bookings": shown, "links": shown} == _polls(see, "withdrawn", BITRIX24)


def test_the_polls_of_a_target_tell_one_that_never_succeeded_from_one_that_was_never_made(see: See) -> None:
    assert {("failed", "auth", "never", "never came", "-")} == set(_polls(see, "refused", WIX).values())
    assert {("not polled yet", "-", "never", "never came", "-")} == set(_polls(see, "unpolled", WIX).values())


def test_the_next_double_booking_is_a_moment_or_none_or_not_measured(see: See) -> None:
    def told(job: str, target: str) -> tuple[str, str]:
        (tile,) = see(job, "target", "Next double booking", target)["tiles"]
        return tile["text"], tile["color"]

    assert ("none", "green") == told("healthy", BITRIX24)
    assert ("not measured", GREY) == told("uncounted", BITRIX24)
    assert ("unknown", GREY) == told("withdrawn", WIX)


@pytest.mark.parametrize("title", ["What is broken and who fixes it", "Connections needing attention"])
def test_the_rows_of_what_is_broken_say_nothing_but_their_labels(see: See, title: str) -> None:
    rows = see("revoked", "fleet", title)["rows"] + see("withdrawn", "fleet", title)["rows"]
    said = {cell["text"] for row in rows for cell in row.values()}
    assert rows
    assert not [text for text in said if "Nothing" in text or "healthy" in text.lower()]


@pytest.mark.parametrize(("stem", "title"), [("fleet", "Status of the worst connections"), ("target", "Status")])
def test_a_state_timeline_shows_the_words_and_colours_of_the_states(see: See, stem: str, title: str) -> None:
    lines = {line["name"].rsplit("/ ")[-1]: line["points"] for line in see("revoked", stem, title, WIX)["series"]}
    assert {("synced", "green"), ("error", "red")} == {_look(point) for point in lines["Chair 2"] if point[1] is not None}
    assert ("disconnected", "orange") == _look(lines["Chair 3"][-1])
    # The target's board shows all of its connections, that of the fleet what was bad.
    assert {"Chair 1", "Chair 2", "Chair 3", "Chair 4"} - ({"Chair 1", "Chair 4"} if stem == "fleet" else set()) == set(lines)
    if stem == "target":
        assert ("connected", "blue") == _look(lines["Chair 4"][-1])


def _look(point: Any) -> tuple[str, str]:  # noqa: ANN401  a point is a list of three kinds
    return point[2]["text"], point[2]["color"]


@pytest.mark.parametrize(
    ("job", "panel"),
    [("withdrawn", one) for one in sorted(FROM_DATA)] + [("removed", one) for one in sorted(OF_THE_CONFIGURED)],
    ids=_ids,
)
def test_withdrawn_data_ends_where_it_ends(see: See, now: float, job: str, panel: tuple[str, str]) -> None:
    stem, title = panel
    lines = see(job, stem, title, WIX)["series"]
    assert lines
    for line in lines:
        last = max(at for at, value, _ in line["points"] if value is not None)
        if _panel(stem, title)["type"] == "state-timeline":  # a state is drawn up to the next one, or to a point without any
            last = min((at for at, _, _ in line["points"] if at > last), default=now)
        # The scrape after the withdrawal, three minutes for which a board bridges gaps, and a step of the chart.
        assert now - WITHDRAWN - STEP <= last <= now - WITHDRAWN + 30 + 180 + STEP, line["name"]
        assert [] == [text for number, text in line["legend"].items() if number != "max" and text], line["name"]


@pytest.mark.parametrize(
    ("stem", "title", "expected"),
    [
        ("target", "Connections healthy", [("unknown", GREY)]),
        ("target", "Next booking", [("unknown", GREY)]),
        ("target", "State", [("critical", "red")]),
        ("target", "Next double booking", [("unknown", GREY)]),
        ("fleet", "Connections healthy", [("unknown", GREY)]),
        ("fleet", "In error", [("unknown", GREY)]),
        ("fleet", "Disconnected", [("unknown", GREY)]),
        ("fleet", "Collectors without data", [("2", "red")]),
        ("fleet", "Polls failing", [("2", "red")]),
    ],
)
def test_a_tile_does_not_say_that_withdrawn_data_is_good(
    see: See, stem: str, title: str, expected: list[tuple[str, str]]
) -> None:
    assert expected == [(tile["text"], tile["color"]) for tile in see("withdrawn", stem, title, WIX)["tiles"]]


@pytest.mark.parametrize("job", ["shard-down", "shard-gone", "removed"])
def test_collectors_that_nobody_polls_any_more_count_as_without_data(see: See, job: str) -> None:
    tiles = see(job, "fleet", "Collectors without data")["tiles"]
    # Whether that is a shard that is gone or a target that was removed, the first tile and the alerts say.
    assert [("2", GREY)] == [(tile["text"], tile["color"]) for tile in tiles]


@pytest.mark.parametrize("title", ["Connections healthy", "Next booking", "Credential"])
def test_what_a_target_cannot_have_is_told_from_what_nobody_knows(see: See, now: float, title: str) -> None:
    next_booking = _clock(now + 30 * MINUTE)
    expected = {"Connections healthy": "none", "Next booking": next_booking, "Credential": "does not expire"}
    (tile,) = see("healthy", "target", title, BITRIX24)["tiles"]
    assert expected[title] == tile["text"]


def _values(server: httpx.Client, stem: str, name: str, variables: dict[str, str], now: float) -> list[str]:
    definition = next(one for one in BY_STEM[stem]["templating"]["list"] if one["name"] == name)["definition"]
    selector, label = definition.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
    answer = server.get(
        f"/api/v1/label/{label}/values", params={"match[]": filled(selector, variables), "start": now - RANGE, "end": now}
    )
    found: list[str] = answer.json()["data"]
    return found


def _all_jobs(server: httpx.Client, stem: str, now: float) -> str:
    # Grafana sends `allValue` for "All" where there is one, else every value that the variable has.
    job = next(one for one in BY_STEM[stem]["templating"]["list"] if one["name"] == "job")
    return job.get("allValue") or f"({'|'.join(_values(server, stem, 'job', {}, now))})"


@pytest.mark.parametrize("stem", BY_STEM)
def test_all_jobs_are_ours_even_while_an_exporter_is_down(server: httpx.Client, see: See, now: float, stem: str) -> None:
    tiles = {tile["title"]: tile["text"] for tile in see(_all_jobs(server, stem, now), stem, EXPORTER, WIX)["tiles"]}
    assert {world.name: SAID_OF_THE_EXPORTER.get(world.name, "up") for world in WORLDS} == tiles


def test_the_exporters_board_shows_no_process_of_another_job(server: httpx.Client, see: See, now: float) -> None:
    jobs = _all_jobs(server, "internals", now)
    assert [("10 ms", "green")] == [(tile["text"], tile["color"]) for tile in see(jobs, "internals", "Slowest scrape")["tiles"]]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (((0.35, 0.35), (0.1, 0.1)), ("keeps up", "green")),
        (((0.1, 1.5), (0.1, 0.1)), ("slow at the moment", "orange")),
        (((1.5, 1.5), (0.1, 0.1)), ("falls behind", "red")),
        (((0.1, 0.1), (0.1, 9.0)), ("slow at the moment", "orange")),
        (((0.1, 0.1), (9.0, 9.0)), ("falls behind", "red")),
    ],
)
def test_the_exporters_board_says_whether_it_keeps_up(
    server: httpx.Client, see: See, now: float, numbers: tuple[tuple[float, float], ...], expected: tuple[str, str]
) -> None:
    """Of lag and of scrape, what it was for ten minutes and what it is now."""
    job = str(numbers).translate(str.maketrans("(,)", "---"))
    moments = moments_before(now - 15, 30, 10 * MINUTE)
    series = partial(labels_of, job=job, instance="127.0.0.1:10888")
    names = ("booking_sync_event_loop_lag_seconds", "scrape_duration_seconds", "up")
    remote_write(
        server,
        {
            series(name): [(moment, last if moment == moments[-1] else before) for moment in moments]
            for name, (before, last) in zip(names, (*numbers, (1.0, 1.0)), strict=True)
        },
    )
    (tile,) = see(job, "internals", "Does it keep up")["tiles"]
    assert expected == (tile["text"], tile["color"])


@pytest.mark.parametrize(
    ("title", "histogram"),
    [
        ("Poll duration of the slowest target against interval", "booking_sync_collector_poll_duration_seconds"),
        ("How late polls begin, p99", "booking_sync_poll_lateness_seconds"),
        ("Request duration, p50 and p95", "booking_sync_api_request_duration_seconds"),
        ("Slowest operations, p95", "booking_sync_api_request_duration_seconds"),
    ],
)
def test_a_latency_has_no_holes_where_polls_are_five_minutes_apart(
    server: httpx.Client, see: See, now: float, title: str, histogram: str
) -> None:
    """Links are read every five minutes: in a window of two, as half a minute between scrapes makes it, are mostly none."""
    moments = moments_before(now - 15, 30, 45 * MINUTE)
    labels = {"job": title, "instance": INSTANCE, "target": BITRIX24, "platform": "bitrix24", "collector": "links"}
    polls = [(moment, (moment - moments[0]) // 300) for moment in moments]
    buckets = [labels_of(f"{histogram}_bucket", **labels, le=le) for le in ("1.0", "+Inf")]
    remote_write(
        server, dict.fromkeys([*buckets, *(labels_of(f"{histogram}_{part}", **labels) for part in ("sum", "count"))], polls)
    )
    lines = see(title, "internals", title)["series"]
    assert lines
    for line in lines:
        measured = [moment for moment, value, _ in line["points"] if value is not None]
        assert 1 == len({after - before for before, after in pairwise(measured)}), line["name"]
        assert len(measured) >= 7


def test_the_exporters_board_says_of_each_process_which_configuration_it_has_and_since_when(see: See, now: float) -> None:
    rows = see("pair", "internals", "Processes")["rows"]
    named = ("Instance", "State", "Configuration", "Read")
    read = _clock(now - 3_600)
    assert [(INSTANCE, "up", "in force", read), (SECOND_INSTANCE, "standby", "in force", read)] == [
        tuple(row[name]["text"] for name in named) for row in rows
    ]


@pytest.mark.parametrize(("job", "instance"), [("down", INSTANCE), ("shard-down", SECOND_INSTANCE)])
def test_of_a_process_that_is_down_the_exporters_board_knows_nothing_else(see: See, job: str, instance: str) -> None:
    """Prometheus measures scrapes that fail, too: a refusal within 10 ms would look like the answer of a healthy process."""
    (dead,) = (row for row in see(job, "internals", "Processes")["rows"] if row["State"]["text"] == "DOWN")
    assert instance == dead.pop("Instance")["text"]
    assert {"State": "DOWN"} == {name: cell["text"] for name, cell in dead.items() if cell["text"] != "-"}
    assert 8 == len(dead)


@pytest.mark.parametrize(
    ("firing", "expected"), [("", ("nobody", "0", "green")), ("BookingSyncDataExpired", ("unknown", "unknown", GREY))]
)
def test_nobody_is_needed_is_said_only_where_no_alert_fires(
    server: httpx.Client, see: See, now: float, firing: str, expected: tuple[str, str, str]
) -> None:
    """An alert without a cause: the group of rules that records causes fails."""
    job = f"rules-fail{firing}"
    moments = moments_before(now - 15, 30, 10 * MINUTE)
    series = partial(labels_of, job=job, target="a-wix", platform="wix")
    written = {series("target:booking_sync_health:code"): 2.0 if firing else 0.0, labels_of("up", job=job): 1.0}
    if firing:
        written[series("ALERTS", alertname=firing, alertstate="firing", severity="critical")] = 1.0
    remote_write(server, {labels: [(moment, value) for moment in moments] for labels, value in written.items()})
    (tile,) = see(job, "fleet", "Who is needed")["tiles"]
    title = "unknown" if tile["text"] == "unknown" else tile["title"]
    assert expected == (title, tile["text"], tile["color"])


def test_of_more_than_two_hundred_targets_the_wall_has_those_for_whom_somebody_is_called(
    server: httpx.Client, see: See, now: float
) -> None:
    """A fleet that has just started, or lost a shard: of most targets nothing is known yet."""
    codes = {"critical": 2.0, "warning": 1.0, "unknown": 3.0, "ok": 0.0}
    numbers = {"critical": 3, "warning": 5, "unknown": 230, "ok": 40}
    moments = moments_before(now - 15, 30, 10 * MINUTE)
    series = partial(labels_of, "target:booking_sync_health:code", job="crowd", platform="wix")
    remote_write(
        server,
        {
            series(target=f"{word} {number}"): [(moment, codes[word]) for moment in moments]
            for word, count in numbers.items()
            for number in range(count)
        },
    )
    tiles = [(tile["text"], tile["title"].split()[0]) for tile in see("crowd", "fleet", "Wall of targets")["tiles"]]
    assert [*["critical"] * 3, *["warning"] * 5, *["unknown"] * 192] == [text for text, _ in tiles]
    assert [name for _, name in tiles] == [text for text, _ in tiles]
    # The table has all of them, in the same order.
    rows = [row["State"]["text"] for row in see("crowd", "fleet", "All targets")["rows"]]
    assert [word for word, count in numbers.items() for _ in range(count)] == rows
    looks = {(tile["text"], tile["color"]) for tile in see("crowd", "fleet", "Wall of targets")["tiles"]}
    assert {("critical", "red"), ("warning", "orange"), ("unknown", GREY)} == looks


def _annotated(server: httpx.Client, board: str, name: str, variables: dict[str, str], now: float) -> list[Json]:
    (annotation,) = [one for one in BY_STEM[board]["annotations"]["list"] if one["name"] == name]
    assert annotation["useValueForTime"], "each point would be a marker, or a region"
    query = {"expr": annotation["expr"], "instant": False}
    found: list[Json] = ask_prometheus(server, query, variables, now)["result"]
    return found


def test_a_critical_alert_is_one_marker_at_its_beginning(server: httpx.Client, now: float) -> None:
    found = _annotated(server, "target", "Critical alerts", _variables("withdrawn", WIX), now)
    told = {one["metric"]["alertname"]: one["values"] for one in found}
    assert {"BookingSyncDataExpired"} == set(told)
    for values in told.values():
        (moment,) = {float(value) for _, value in values}
        assert 0 <= moment / 1000 - (now - WITHDRAWN) <= 3 * 60


def test_the_alerts_of_one_target_do_not_mark_the_board_of_another(server: httpx.Client, now: float) -> None:
    assert [] == _annotated(server, "target", "Critical alerts", _variables("withdrawn", BITRIX24), now)


def test_a_pod_in_the_place_of_another_is_a_marker_of_its_own(server: httpx.Client, now: float) -> None:
    found = _annotated(server, "internals", "Exporter restarts", _variables("shard-gone", ".+"), now)
    assert {INSTANCE, SECOND_INSTANCE} == {one["metric"]["instance"] for one in found}


def test_a_restart_is_one_marker_of_our_own_process(server: httpx.Client, now: float) -> None:
    (restart,) = _annotated(server, "internals", "Exporter restarts", _variables("healthy", ".+"), now)
    assert abs(now - next(iter({float(value) for _, value in restart["values"]})) / 1000) < DAY
