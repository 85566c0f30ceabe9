"""What is true of any panel, whatever it shows: a statement takes a panel and what people see, and says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final, TypeAlias

Json = dict[str, Any]
Statement: TypeAlias = Callable[[Json, Json], Iterator[str]]

GREY: Final = "#808080"
UNKNOWN: Final = "unknown"
COLOURLESS: Final = frozenset({GREY, "text", "transparent"})
SAYS_NOTHING: Final = frozenset({"", "-", UNKNOWN})
DURATIONS: Final = frozenset({"s", "ms", "m", "h", "d", "dtdurations", "dtdurationms", "clocks", "clockms", "dthms", "dtdhms"})
_NO_TEXT: Final = re.compile(r"\b(NaN|undefined|null|Infinity|Invalid date)\b|\[object|∞")
MAX_ZEROS: Final = 4
"""As many windows as there are by default: more lines of zeros push out of a legend what is not zero."""
_A_STATE: Final = "undefined"
"""A platform has a status and a reason of this name."""
_COLUMN_PIXELS: Final = (1_440 - 32) / 24
_PADDING, _SIGN_PIXELS, _LETTER_PIXELS, _NUMBER_PIXELS = 16, 28, 5.2, 68
"""Of a legend at 12 px as a browser draws it, on a screen of 1,440 px."""
_HALVES: Final = frozenset({"", "-"})


def a_tile_without_a_value_is_grey_and_says_unknown(_panel: Json, shown: Json) -> Iterator[str]:
    """Green, or a word of its own, would be read as the news that all is well."""
    for tile in shown.get("tiles", []):
        if not tile["known"] and (tile["text"], tile["color"]) != (UNKNOWN, GREY):
            yield f"nobody knows it, and the tile says {tile['text']!r} in {tile['color']}"


def a_cell_without_a_value_is_empty(_panel: Json, shown: Json) -> Iterator[str]:
    """In the row of what is broken, the words of an empty table would say that it is not."""
    for name, cell in _cells(shown):
        if not cell["known"] and (
            cell["text"] not in SAYS_NOTHING or (cell["painted"] and cell["text"] and cell["color"] not in COLOURLESS)
        ):
            yield f"{name} has no value, and says {cell['text']!r} in {cell['color']}"


def a_chart_says_nothing_of_moments_without_a_value(_panel: Json, shown: Json) -> Iterator[str]:
    """The words for an empty chart would stand in its tooltip and its legend, besides series that have values."""
    for line in shown.get("series", []):
        said = {seen["text"] for _, value, seen in line["points"] if value is None}
        if words := {text for text in said if text not in SAYS_NOTHING and not _NO_TEXT.search(text)}:
            yield f"{line['name']} says {sorted(words)} where it has no value"


def no_text_is_that_of_a_computer(_panel: Json, shown: Json) -> Iterator[str]:
    """NaN, undefined, infinity and the like: divisions by nothing, and words that a mapping lacks."""
    for name, text in _texts(shown):
        if _NO_TEXT.search(text) and text != _A_STATE:
            yield f"{name} says {text!r}"


def no_duration_is_negative(panel: Json, shown: Json) -> Iterator[str]:
    """What was due a moment ago is due, not due in minus three seconds."""
    units = {panel["fieldConfig"]["defaults"].get("unit")}
    units |= {one["value"] for over in panel["fieldConfig"]["overrides"] for one in over["properties"] if one["id"] == "unit"}
    if units & DURATIONS:
        for name, text in _texts(shown):
            if re.match(r"-\d", text) or re.fullmatch(r"[\d :d]+ ago", text):
                yield f"{name} says {text!r}"


def a_state_is_one_of_the_words(panel: Json, shown: Json) -> Iterator[str]:
    """A state timeline shows the mappings' words in their colours; by thresholds it would show ranges."""
    if panel["type"] != "state-timeline":
        return
    if panel["fieldConfig"]["defaults"]["color"]["mode"] == "thresholds":
        yield "by thresholds, the ranges replace the words"
    words = {
        (result["text"], result["color"])
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]
        if mapping["type"] == "value"
        for result in mapping["options"].values()
    }
    for line in shown["series"]:
        for _, value, seen in line["points"]:
            if value is not None and (seen["text"], seen["color"]) not in words:
                yield f"{line['name']} says {seen['text']!r} in {seen['color']}"


def a_code_is_told_in_words(panel: Json, shown: Json) -> Iterator[str]:
    """Where values have words, none is shown as the number that stands for it."""
    tiles, defaults = shown.get("tiles", []), panel["fieldConfig"]["defaults"]
    words = [one for one in defaults.get("mappings", []) if one["type"] == "value" and len(one["options"]) > 1]
    if words and defaults.get("unit", "none") in {"none", "short"}:
        for tile in tiles:
            if re.fullmatch(r"-?\d+(\.\d+)?", tile["text"]):
                yield f"{tile['title']} says {tile['text']!r}"


def one_cause_is_one_row(_panel: Json, shown: Json) -> Iterator[str]:
    """Two rows that differ only where one of them is empty are halves of one, and two that do not differ are one told twice."""
    texts = [{name: cell["text"] for name, cell in row.items()} for row in shown.get("rows", [])]
    for one, other in combinations(texts, 2):
        if all(one[name] == other[name] or _HALVES & {one[name], other[name]} for name in one):
            yield f"{one} and {other} are one"


def a_legend_is_not_full_of_zeros(panel: Json, shown: Json) -> Iterator[str]:
    """What never happened is told by an empty chart; fifteen lines that say so hide the one that does not."""
    if panel["type"] != "timeseries":
        return
    known = {line["name"]: {value for _, value, _ in line["points"] if value is not None} for line in shown["series"]}
    if len(zeros := [name for name, values in known.items() if values == {0}]) > MAX_ZEROS:
        yield f"{len(zeros)} of {len(known)} lines are 0 all the time: {sorted(zeros)[:3]}"


def a_legend_leaves_room_for_its_graph(panel: Json, shown: Json) -> Iterator[str]:
    """Grafana gives a legend six tenths of the width at most, and what does not fit is behind a scroll bar."""
    if panel["type"] != "timeseries" or panel["options"]["legend"]["placement"] != "right":
        return
    room = 0.6 * (_COLUMN_PIXELS * panel["gridPos"]["w"] - 2 * _PADDING)
    for line in shown["series"]:
        needed = _SIGN_PIXELS + _LETTER_PIXELS * len(line["name"]) + _NUMBER_PIXELS * len(line["legend"])
        if needed > room:
            yield f"{line['name']} needs {needed:.0f} of {room:.0f} pixels"


STATEMENTS: Final[tuple[Statement, ...]] = (
    a_tile_without_a_value_is_grey_and_says_unknown,
    a_cell_without_a_value_is_empty,
    a_chart_says_nothing_of_moments_without_a_value,
    no_text_is_that_of_a_computer,
    no_duration_is_negative,
    a_state_is_one_of_the_words,
    a_code_is_told_in_words,
    one_cause_is_one_row,
    a_legend_is_not_full_of_zeros,
    a_legend_leaves_room_for_its_graph,
)


def columns_that_come_and_go(worlds: Mapping[str, Json]) -> list[str]:
    """Return the worlds in which a table has other columns, or another order of them, than in the first that has rows."""
    columns = {world: tuple(shown["rows"][0]) for world, shown in worlds.items() if shown.get("rows")}
    if not columns:
        return []
    first, expected = next(iter(columns.items()))
    return [f"{world} has {names}, {first} has {expected}" for world, names in columns.items() if names != expected]


def _cells(shown: Json) -> Iterator[tuple[str, Json]]:
    for row in shown.get("rows", []):
        yield from row.items()


def _texts(shown: Json) -> Iterator[tuple[str, str]]:
    for tile in shown.get("tiles", []):
        yield tile["title"], tile["text"]
    for name, cell in _cells(shown):
        yield name, cell["text"]
    for line in shown.get("series", []):
        yield "a name", line["name"]
        yield from ((f"{line['name']} ({calc})", text) for calc, text in line["legend"].items())
        yield from ((line["name"], seen["text"]) for _, value, seen in line["points"] if value is not None)
