"""Every panel of every board in every incident, in calm, with the exporter stopped, and with many targets: Grafana's own code.

The statements hold for all panels; a panel is excepted only by name, with a reason. That each of them can fail is tested by
putting in the faults that the boards once had.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import pytest

from tests.monitoring import statements as says
from tests.monitoring.bundle import panels
from tests.monitoring.incidents import CALM, FLEETS, JOBS, PLAYED, STOPPED, began_before
from tests.monitoring.sights import ALL, ANNA, BY_STEM, PHYSIO_WIX, SALON_B24, SALON_WIX, STUDIO_B24, Place, Sights, places
from tests.monitoring.statements import GREY, STATEMENTS, UNKNOWN, Statement, columns_that_come_and_go
from tests.monitoring.text_widths import PADDING, PADDING_OF_NUMBERS, is_cut, lines_of, width_of

pytestmark = pytest.mark.servers

Json = dict[str, Any]
Plant: TypeAlias = Callable[[Json, Json], None]

EXPORTER: Final = "Exporter"
TROUBLES: Final = ("fleet", "What is broken and who fixes it")
FIRST_SCREEN: Final = 21
"""Rows of the grid that 900 pixels show below Grafana's own two bars."""
_CLOSED_LIST: Final = "a closed list that fits into the legend, the most on top; a line shows that its data is not withdrawn"
EXCEPTED: Final[Mapping[tuple[str, str], str]] = {
    ("a_legend_is_not_full_of_zeros", "Connections by status"): _CLOSED_LIST,
    ("a_legend_is_not_full_of_zeros", "Error reasons"): _CLOSED_LIST,
    (
        "a_legend_is_not_full_of_zeros",
        "Poll duration of the slowest target against interval",
    ): "a poll of these worlds takes no time while their clock stands",
}
"""(Statement, panel), with a reason."""
KNOWN_WITHOUT_THE_EXPORTER: Final = {
    EXPORTER: "it is about that",
    "Who is needed": "whoever starts it again",
    "Healthy, 30 days": "an objective over thirty days is known without the exporter",
}
EVERY_TARGET: Final = (SALON_WIX, PHYSIO_WIX, SALON_B24, STUDIO_B24, "anna-calendar", "mila-calendar")
NAMED: Final[Mapping[str, set[tuple[str, str, str]]]] = {
    "token-revoked": {(SALON_WIX, "warning", "calendar owner")},
    "sync-stuck": {(SALON_WIX, "warning", "calendar owner")},
    "provider-down": {(SALON_WIX, "warning", "platform")},
    "double-booking": {(SALON_B24, "critical", "front desk"), (PHYSIO_WIX, "critical", "front desk")},
    "lost-crm-link": {(SALON_B24, "warning", "account administrator")},
    "api-throttled": {(STUDIO_B24, "critical", "exporter operator")},
    "intake-stopped": {
        (target, "warning", "account administrator") for target in (SALON_WIX, PHYSIO_WIX, SALON_B24, STUDIO_B24)
    },
    "access-lost": {(SALON_WIX, "warning", "calendar owner")},
    "invite-expired": {(PHYSIO_WIX, "warning", "account administrator")},
    "copy-moved": {(SALON_B24, "warning", "front desk")},
    "private-event-sold": {(PHYSIO_WIX, "critical", "front desk")},
    "import-silent": {(SALON_WIX, "warning", "calendar owner")},
    "busy-time-offered": {(PHYSIO_WIX, "critical", "calendar owner")},
    "service-closed": {(SALON_WIX, "warning", "account administrator")},
    "booking-lost": {(PHYSIO_WIX, "critical", "calendar owner")},
    "cancelled-copy-stays": {(PHYSIO_WIX, "warning", "calendar owner")},
    "calendar-shifted": {(PHYSIO_WIX, "critical", "calendar owner"), (PHYSIO_WIX, "warning", "account administrator")},
    "calendar-password-changed": {(ANNA, "critical", "account administrator")},
    "stopped": {("the exporter", "critical", "exporter operator")},
    "stopped-for-long": {("the exporter", "critical", "exporter operator")},
    CALM: set(),
}
"""Who, how bad, and who acts: what the first screen of the fleet has to say, and nothing else."""
WHAT: Final[Mapping[str, str]] = {
    "token-revoked": "calendar connection .*token revoked",
    "sync-stuck": "calendar sync does not finish",
    "provider-down": "calendar provider cannot be read",
    "double-booking": "overlap",
    "lost-crm-link": "no CRM link",
    "api-throttled": "data is missing .*rate limited",
    "intake-stopped": "No new bookings",
    "access-lost": "A synced calendar cannot be read",
    "invite-expired": "take bookings without an import",
    "copy-moved": "staff's calendar differs",
    "private-event-sold": "private event does not block",
    "import-silent": "No private events",
    "busy-time-offered": "times at which the staff is busy",
    "service-closed": "no time that customers can book",
    "booking-lost": "not in their calendar",
    "cancelled-copy-stays": "Cancelled bookings are still",
    "calendar-shifted": "another time|not in their calendar",
    "calendar-password-changed": "refuses access|data is missing",
    "stopped": "exporter cannot be scraped",
    "stopped-for-long": "exporter cannot be scraped",
}


FIXES: Final[Mapping[str, str]] = {
    "token-revoked": "The calendar's owner signs in again: Wix dashboard -> Bookings calendar",
    "sync-stuck": "The calendar's owner disconnects and reconnects it",
    "provider-down": "Wait for the provider; nobody else can fix it.",
    "double-booking": "The status board names the bookings, the resource and the time.",
    "lost-crm-link": "A portal administrator repairs the automation that creates the links",
    "api-throttled": "The exporter's operator lowers `budget.requests_per_second` or raises the intervals.",
    "intake-stopped": "An administrator of the account makes a test booking as a customer would",
    "access-lost": "The calendar's owner connects it again: Wix dashboard -> Bookings calendar",
    "invite-expired": "An administrator of the account invites the staff member again",
    "copy-moved": "The status board names the bookings, how each differs and the time.",
    "private-event-sold": "The status board names the booking, the schedule and the time.",
    "import-silent": "The calendar's owner looks whether the calendar has events",
    "busy-time-offered": "The calendar's owner reconnects the calendar",
    "service-closed": "A site manager looks at the service",
    "stopped-for-long": "The exporter's operator starts it again",
}
"""How the fix begins: for the platform and the reason, as the message has it."""


@pytest.mark.parametrize("stem", BY_STEM)
@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
def test_of_every_panel_in_every_incident(sights: Sights, statement: Statement, stem: str) -> None:
    looked_at = [place for place in places() if place.stem == stem and (statement.__name__, place.title) not in EXCEPTED]
    faults = [f"{place}: {fault}" for place in looked_at for fault in statement(place.panel, sights.see(place))]
    assert len(looked_at) >= len(JOBS) * len(panels(BY_STEM[stem]))
    assert [] == faults


def test_no_column_of_a_table_comes_or_goes(sights: Sights) -> None:
    tables: dict[tuple[str, str], dict[str, Json]] = defaultdict(dict)
    for place in places():
        if place.panel["type"] == "table":
            tables[place.stem, place.title][str(place)] = sights.see(place)
    faults = {table: columns_that_come_and_go(worlds) for table, worlds in tables.items()}
    assert len(tables) >= 4
    assert {} == {table: worlds for table, worlds in faults.items() if worlds}


def test_nothing_is_red_or_orange_while_all_is_well(sights: Sights) -> None:
    assert [] == [
        f"{place}: {shown['text']}"
        for place in places([CALM])
        for shown in _painted(sights.see(place))
        if shown["color"] in {"red", "orange"}
    ]


@pytest.mark.parametrize("job", STOPPED)
def test_nothing_is_green_and_no_tile_knows_anything_while_the_exporter_is_stopped(sights: Sights, job: str) -> None:
    unaware = [place for place in places([job]) if place.title not in KNOWN_WITHOUT_THE_EXPORTER]
    shown = {str(place): sights.see(place) for place in unaware}
    assert [] == [name for name, seen in shown.items() for one in _painted(seen) if one["color"] == "green"]
    tiles = {(tile["text"], tile["color"]) for seen in shown.values() for tile in seen.get("tiles", [])}
    assert {(UNKNOWN, GREY)} == tiles


@pytest.mark.parametrize("job", [*PLAYED, "stopped-for-long"])
def test_a_graph_of_the_exporter_is_empty_where_the_exporter_is_stopped_and_nowhere_else(sights: Sights, job: str) -> None:
    """A fault that was not found is told by a line at 0: no line at all is what a stopped exporter looks like."""
    charts = [place for place in places([job]) if place.stem == "internals" and place.panel["type"] == "timeseries"]
    drawn = {place.title for place in charts if _drawn_lately(sights.see(place), sights.now)}
    assert len(charts) >= 16
    assert (set() if job in STOPPED else {place.title for place in charts}) == drawn


@pytest.mark.parametrize("job", STOPPED)
@pytest.mark.parametrize("stem", BY_STEM)
def test_the_first_tile_of_a_board_says_that_the_exporter_is_stopped(sights: Sights, stem: str, job: str) -> None:
    (tile,) = sights.see(Place(job, stem, SALON_WIX if stem == "target" else ALL, EXPORTER))["tiles"]
    assert ("DOWN, nothing below is known", "red") == (tile["text"], tile["color"])


@pytest.mark.parametrize("job", JOBS)
def test_the_first_screen_says_who_is_broken_how_badly_and_who_acts(sights: Sights, job: str) -> None:
    rows = _troubles(sights, job)
    assert NAMED[job] == {(row["Who"], row["Severity"], row["Fixed by"]) for row in rows}
    assert len(NAMED[job]) == len(rows)


@pytest.mark.parametrize("job", WHAT)
def test_the_first_screen_says_what_it_is_and_why(sights: Sights, job: str) -> None:
    for row in _troubles(sights, job):
        assert re.search(WHAT[job], " ".join((row["What"], row.get("Where", ""), row.get("Why", ""))))


@pytest.mark.parametrize("job", [job for job in WHAT if job in PLAYED])
def test_the_first_screen_says_since_when(sights: Sights, job: str) -> None:
    for row in _troubles(sights, job):
        since = datetime.strptime(row["Since"], "%d %b %H:%M").replace(tzinfo=UTC)
        began = datetime.fromtimestamp(sights.now - began_before(job), UTC)
        # A throttled portal: since its last good poll.
        assert abs((since.replace(year=began.year) - began).total_seconds()) <= 5 * 60


_SAYS_WHY: Final[Mapping[str, str]] = {
    "token-revoked": "token revoked",
    "sync-stuck": "sync in progress",
    "provider-down": "no answer",
    "double-booking": r"\d+ overlap",
    "lost-crm-link": r"\d+ % without",
    "api-throttled": "rate limited",
    "intake-stopped": "unlike last week",
    "access-lost": "cannot be read",
    "invite-expired": "invite expired",
    "copy-moved": "within 24 h",
    "private-event-sold": r"\d+ not blocked",
    "import-silent": "silent",
    "busy-time-offered": "staff is busy",
    "service-closed": "none for 7 days",
    "booking-lost": "within 24 h",
    "cancelled-copy-stays": "still busy",
    "calendar-shifted": "within 24 h|wrong time",
    "calendar-password-changed": "auth.*",
    "stopped": "scrapes fail",
    "stopped-for-long": "scrapes fail",
}


@pytest.mark.parametrize("job", _SAYS_WHY)
def test_every_row_says_why(sights: Sights, job: str) -> None:
    """A reason, a status, a number, or what is measured."""
    tables = [place for place in places([job]) if "Why" in _columns(place) and "What" in _columns(place)]
    rows = [row for place in tables for row in sights.see(place)["rows"]]
    assert len(tables) >= 3
    assert len(rows) >= 2
    for row in rows:
        assert re.fullmatch(_SAYS_WHY[job], row["Why"]["text"])


@pytest.mark.parametrize("job", FLEETS)
def test_every_row_of_a_fleet_says_why(sights: Sights, job: str) -> None:
    whys = [row["Why"] for row in _troubles(sights, job)]
    assert whys
    assert [] == [why for why in whys if why in {"", "-"} or "BookingSync" in why]


_WRAPS: Final[Mapping[tuple[str, str], tuple[int, str]]] = {
    ("target", "What"): (2, "what to do wants the room"),
    ("internals", "What"): (2, "what to do wants the room"),
    ("target", "What to do"): (12, "what to check one after the other is longest"),
    ("internals", "What to do"): (12, "what to check one after the other is longest"),
    ("fleet", "Where"): (3, "a connection with its kind of calendar and its site"),
    ("target", "Where"): (3, "a connection with its kind of calendar and its site"),
}
"""Columns of the tables of causes in which a text may have so many lines, by board, and why: cells wrap since Grafana 11."""
_NUMBERS: Final = {"Severity", "Targets", "Since", "For"}
_OF_MANY: Final = "What"
"""What befalls many targets at once is said in more words."""
_LONG: Final = {"busy-time-offered", "service-closed"}
"""What is said of slots takes two lines."""
WIDE: Final = 1_389
"""Pixels that a table has on a screen of 1,440."""


def _columns(place: Place) -> dict[str, float]:
    """Return the widths of the columns that are shown; one without a width takes what the others leave."""
    if place.panel["type"] != "table":
        return {}
    headings = place.panel["transformations"][2]["options"]["renameByName"]
    found = {}
    for over in place.panel["fieldConfig"]["overrides"]:
        properties = {one["id"]: one["value"] for one in over["properties"]}
        if not properties.get("custom.hidden") and over["matcher"]["options"] in headings:
            found[headings[over["matcher"]["options"]]] = properties.get("custom.width", 0)
    left = WIDE - sum(found.values())
    return {name: width or left for name, width in found.items()}


@pytest.mark.parametrize("job", [*NAMED, *FLEETS])
def test_no_text_of_a_cause_is_cut_at_1440_pixels(sights: Sights, job: str) -> None:
    cut = []
    for place in places([job]):
        columns = _columns(place)
        if "What" not in columns:
            continue
        assert sum(columns.values()) <= WIDE
        cut += [(place.stem, name) for name, width in columns.items() if width_of(name) > width - PADDING_OF_NUMBERS]
        for row in sights.see(place)["rows"]:
            for name, width in columns.items():
                text = row[name]["text"]
                many = (job in FLEETS or job in _LONG) and name == _OF_MANY
                lines, _ = _WRAPS.get((place.stem, name), (2 if many else 1, ""))
                room = width - (PADDING_OF_NUMBERS if name in _NUMBERS else PADDING)
                if lines_of(text, room) > lines or is_cut(text, room):
                    cut.append((place.stem, f"{name}: {text} ({width:.0f} px)"))
    assert [] == sorted(set(cut))


def _target_rows(sights: Sights, job: str, target: str) -> list[dict[str, str]]:
    place = Place(job, "target", target, "What is wrong and what to do")
    assert place.panel["gridPos"]["y"] + place.panel["gridPos"]["h"] <= FIRST_SCREEN
    return [{name: cell["text"] for name, cell in row.items()} for row in sights.see(place)["rows"]]


def _looked_at(job: str) -> set[str]:
    return {place.target for place in places([job]) if place.stem == "target"}


@pytest.mark.parametrize("job", NAMED)
def test_the_first_screen_of_a_target_has_the_rows_of_the_fleet_that_concern_it_and_no_others(sights: Sights, job: str) -> None:
    said = ("Severity", "What", "Where", "Why", "Since", "Fixed by", "Alert")
    for target in _looked_at(job):
        concern = [row for row in _troubles(sights, job) if row["Who"] in {target, "the exporter"}]
        told = [[row[name] for name in said] for row in _target_rows(sights, job, target)]
        assert [[row[name] for name in said] for row in concern] == told


@pytest.mark.parametrize("job", FIXES)
def test_the_first_screen_of_a_target_says_what_to_do(sights: Sights, job: str) -> None:
    rows = [row for target in _looked_at(job) for row in _target_rows(sights, job, target)]
    assert rows
    assert {FIXES[job]} == {row["What to do"][: len(FIXES[job])] for row in rows}


@pytest.mark.parametrize("job", NAMED)
def test_the_state_of_a_target_is_that_of_its_worst_row(sights: Sights, job: str) -> None:
    for target in _looked_at(job):
        (tile,) = sights.see(Place(job, "target", target, "State"))["tiles"]
        severities = [row["Severity"] for row in _target_rows(sights, job, target)]
        expected = UNKNOWN if job in STOPPED else "critical" if "critical" in severities else "warning" if severities else "ok"
        assert expected == tile["text"]


@pytest.mark.parametrize("job", NAMED)
def test_no_tile_of_a_target_looks_worse_than_its_state(sights: Sights, job: str) -> None:
    gravity = {"red": 2, "orange": 1}
    for place in places([job]):
        if place.stem == "target" and place.panel["type"] == "stat" and place.title != EXPORTER:
            (state,) = sights.see(Place(job, "target", place.target, "State"))["tiles"]
            for tile in sights.see(place)["tiles"]:
                assert gravity.get(tile["color"], 0) <= gravity.get(state["color"], 0), f"{place}: {tile['text']}"


@pytest.mark.parametrize("job", PLAYED)
def test_the_exporter_keeps_up_whatever_befalls_the_targets(sights: Sights, job: str) -> None:
    (tile,) = sights.see(Place(job, "internals", ALL, "Does it keep up"))["tiles"]
    assert ("keeps up", "green") == (tile["text"], tile["color"])


@pytest.mark.parametrize("job", JOBS)
def test_the_exporters_board_has_the_row_of_a_stopped_exporter_and_what_to_do(sights: Sights, job: str) -> None:
    rows = sights.see(Place(job, "internals", ALL, "What is wrong with it and what to do"))["rows"]
    told = [(row["Severity"]["text"], row["What to do"]["text"].split(",")[0]) for row in rows]
    assert ([("critical", "The exporter's operator starts it again")] if job in STOPPED else []) == told


# What once was wrong on a board, or would be, each put into a panel or into an answer of Prometheus: a statement sees it.
def _no_value(panel: Json, _: Json) -> None:
    panel["fieldConfig"]["defaults"]["noValue"] = "Nothing is broken"


def _unmapped(panel: Json, _: Json) -> None:
    panel["fieldConfig"]["defaults"]["mappings"] = []


def _said_instead(panel: Json, results: Json) -> None:
    _unmapped(panel, results)
    _no_value(panel, results)


def _by_thresholds(panel: Json, _: Json) -> None:
    panel["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}


def _half_as_wide(panel: Json, _: Json) -> None:
    panel["gridPos"]["w"] //= 2


def _named(_: Json, results: Json) -> None:
    for letter, answer in results.items():
        for row in answer["result"]:
            row["metric"]["__name__"] = f"recorded:{letter}"


def _valued(value: str) -> Plant:
    def plant(_: Json, results: Json) -> None:
        for answer in results.values():
            for row in answer["result"]:
                if "values" in row:
                    row["values"] = [[at, value] for at, _ in row["values"]]
                else:
                    row["value"] = [row["value"][0], value]

    return plant


@pytest.mark.parametrize(
    ("statement", "place", "plant"),
    [
        (says.a_tile_without_a_value_is_grey_and_says_unknown, Place("stopped", "fleet", ALL, "In error"), _unmapped),
        (
            says.a_tile_without_a_value_is_grey_and_says_unknown,
            Place("stopped", "target", SALON_WIX, "State"),
            _said_instead,
        ),
        (says.a_cell_without_a_value_is_empty, Place("api-throttled", "fleet", ALL, "All targets"), _no_value),
        (
            says.a_chart_says_nothing_of_moments_without_a_value,
            Place("stopped", "target", SALON_WIX, "Bookings by window"),
            _no_value,
        ),
        (says.no_text_is_that_of_a_computer, Place(CALM, "target", SALON_WIX, "Bookings by window"), _valued("NaN")),
        (says.no_text_is_that_of_a_computer, Place(CALM, "fleet", ALL, "Connections healthy"), _valued("+Inf")),
        (says.no_duration_is_negative, Place(CALM, "target", SALON_WIX, "Polls"), _valued("-3.6")),
        (says.a_state_is_one_of_the_words, Place(CALM, "target", SALON_WIX, "Status"), _by_thresholds),
        (says.a_state_is_one_of_the_words, Place(CALM, "target", SALON_WIX, "Status"), _valued("77")),
        (says.a_code_is_told_in_words, Place(CALM, "fleet", ALL, "Wall of targets"), _valued("77")),
        (says.one_cause_is_one_row, Place("token-revoked", TROUBLES[0], ALL, TROUBLES[1]), _named),
        (says.one_cause_is_one_row, Place(CALM, "target", SALON_WIX, "Calendar connections (Wix)"), _named),
        (says.a_legend_is_not_full_of_zeros, Place(CALM, "internals", ALL, "Since the last good poll"), _valued("0")),
        (says.a_legend_leaves_room_for_its_graph, Place(CALM, "internals", ALL, "Requests by operation"), _half_as_wide),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_a_fault_that_is_put_in_is_seen(sights: Sights, statement: Statement, place: Place, plant: Plant) -> None:
    panel, results = copy.deepcopy(place.panel), copy.deepcopy(dict(sights.answers[str(place)]))
    assert [] == list(statement(panel, sights.see(place)))
    plant(panel, results)
    assert [] != list(statement(panel, sights.see(place, panel, results)))


def test_a_column_that_goes_is_seen(sights: Sights) -> None:
    there, gone = (Place(job, TROUBLES[0], ALL, TROUBLES[1]) for job in ("token-revoked", "sync-stuck"))
    results = copy.deepcopy(dict(sights.answers[str(gone)]))
    for answer in results.values():
        for row in answer["result"]:
            del row["metric"]["fixed_by"]
    assert 1 == len(columns_that_come_and_go({"there": sights.see(there), "gone": sights.see(gone, results=results)}))


@pytest.mark.parametrize("job", FLEETS)
def test_many_targets_with_three_troubles_are_few_rows_the_worst_first(sights: Sights, job: str) -> None:
    double_bookings = FLEETS[job].portals if FLEETS[job].portals < 5 else 1  # what befalls five is one row
    severities = [row["Severity"] for row in _troubles(sights, job)]
    assert ["critical"] * double_bookings + ["warning"] * 2 == severities


@pytest.mark.parametrize("job", [CALM, *FLEETS])
def test_every_target_is_counted_once_and_has_a_tile_up_to_two_hundred(sights: Sights, job: str) -> None:
    counted, wall = (sights.see(Place(job, "fleet", ALL, title))["tiles"] for title in ("Targets", "Wall of targets"))
    counts = {tile["title"]: int(tile["text"]) for tile in counted}
    targets = FLEETS[job].sites + FLEETS[job].portals if job in FLEETS else len(EVERY_TARGET)
    assert targets == counts["watched"] == sum(counts.values()) - counts["watched"]
    assert min(200, targets) == len(wall) == len({tile["title"] for tile in wall})
    gravity = [("critical", "warning", "ok").index(tile["text"]) for tile in wall]
    assert sorted(gravity) == gravity


@pytest.mark.parametrize("job", FLEETS)
def test_what_is_accepted_as_it_is_counts_neither_as_disconnected_nor_as_in_error(sights: Sights, job: str) -> None:
    """Of each site one connection is in error, and another was cut and accepted."""
    shown = {title: sights.see(Place(job, "fleet", ALL, title))["tiles"][0] for title in ("Disconnected", "In error")}
    assert {"Disconnected": ("0", "green"), "In error": (str(FLEETS[job].sites), "orange")} == {
        title: (tile["text"], tile["color"]) for title, tile in shown.items()
    }


@pytest.mark.parametrize("job", FLEETS)
def test_a_row_for_many_connections_is_as_old_as_the_one_in_the_middle(sights: Sights, job: str) -> None:
    rows = [row for row in _troubles(sights, job) if "connection" in row["What"].lower()]
    began = datetime.fromtimestamp(sights.now - 2 * 86_400, UTC)
    assert rows
    for row in rows:
        since = datetime.strptime(row["Since"], "%d %b %H:%M").replace(tzinfo=UTC, year=began.year)
        assert abs((since - began).total_seconds()) <= 3_600


def _troubles(sights: Sights, job: str) -> list[dict[str, str]]:
    """Return the rows of the table of causes, which has to be on the first screen."""
    place = Place(job, TROUBLES[0], ALL, TROUBLES[1])
    assert place.panel["gridPos"]["y"] + place.panel["gridPos"]["h"] <= FIRST_SCREEN
    return [{name: cell["text"] for name, cell in row.items()} for row in sights.see(place)["rows"]]


def _drawn_lately(shown: Json, now: float) -> bool:
    return any(value is not None and at > now - 5 * 60 - 1 for line in shown["series"] for at, value, _ in line["points"])


def _painted(shown: Json) -> list[Json]:
    """Return what has a colour: tiles, and cells that are painted."""
    cells = [cell for row in shown.get("rows", []) for cell in row.values() if cell["painted"]]
    return [*shown.get("tiles", []), *cells]
