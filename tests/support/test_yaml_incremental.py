"""A file that is read again says the same as one that is read for the first time, whatever was edited in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.support.yaml_incremental import YamlText, read_incrementally
from exporter.support.yaml_source import YamlSource, read_yaml

# Elements in forms that a parser reads on over the end of a line, and what breaks out of a list.
LINES: Final = (
    "- name: a",
    "  - name: b",
    "- name: {n}",
    "- {name: d, labels: {site: x}}",
    "  platform: wix",
    "    platform: wix",
    "  labels:",
    "    site: berlin",
    "  - 1",
    "  note: |+",
    "  note: >2",
    "      deep",
    '  quoted: "one',
    '    - two"',
    "  flow: [1,",
    "- 2]",
    "  plain: one",
    "   two # three",
    "  one: 1",
    "  one: true",
    "  when: 2026-01-01",
    "  anchor: &x 1",
    "  alias: *x",
    "  <<: *x",
    "  tag: !env A",
    "  url: https://h/?a=1&b=2",
    "  octal: 010",
    "- ~",
    "-",
    "- - 1",
    "",
    "   ",
    "# comment",
    "\t# tab",
    "---",
    "...",
    "%YAML 1.1",
    "targets:",
    "windows: [1]",
    "x-more: {a: b}",
    "  mac: a\r",
    "  odd: a\x85b",
    "  bell: \x07",
)
FIELDS: Final = tuple(line for line in LINES if line.startswith("  ") and not line.startswith("  -"))
line = st.sampled_from(LINES) | st.sampled_from(FIELDS)
element = st.integers(0, 99).map(lambda number: [f"- name: t{number}", "  platform: wix", "  labels: {a: b}"])
targets = st.lists(element, max_size=6)
Edit = tuple[float, int, list[str]]
edits = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 1, 1, 2, 4]), st.lists(line, max_size=4)), min_size=1, max_size=3
)


def edited(lines: list[str], edit: Edit) -> list[str]:
    where, removed, added = edit
    at = round(where * len(lines))
    return [*lines[:at], *added, *lines[at + removed :]]


def same(found: YamlSource, wanted: YamlSource) -> None:
    assert repr(found.value) == repr(wanted.value)  # for Python 1 is True, and for a configuration it is not
    assert found.problems == wanted.problems
    assert found.broken == wanted.broken
    assert dict(found.lines) == dict(wanted.lines)
    assert len(found.lines) == len(wanted.lines)
    assert found.size == wanted.size
    nowhere = [("targets", 99), ("targets", 0, "nothing", 1), ("nothing",), ("targets", "text"), ("targets", -1)]
    for path in [*wanted.lines, *nowhere]:
        assert found.line(path) == wanted.line(path)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(indent=st.sampled_from(["", "  "]), listed=targets, tail=st.sampled_from([[], ["timezone: UTC"]]), edits=edits)
@example("", [["- name: a", "  note: |+"], ["- name: b"]], [], [(0.75, 0, ["", "", "   x"])])
@example("", [["- name: a"], ["- name: b"]], ["timezone: UTC"], [(0.75, 0, ["..."])])
@example("", [["- name: a"], ["- name: b"]], [], [(1.0, 0, ["windows: [1]"])])
@example("", [["-", "    - name: a"]], [], [(0.75, 1, ["    - name: b"])])
def test_what_is_read_again_is_what_a_first_reading_finds(
    indent: str, listed: list[list[str]], tail: list[str], edits: list[Edit]
) -> None:
    lines = ["timezone: UTC", "targets:", *(indent + row for element in listed for row in element), *tail]
    before: YamlText | None = None
    for number in range(len(edits) + 1):
        text = "\n".join(lines)
        found, before = read_incrementally(text, "targets", before)
        same(found, read_yaml(text))
        lines = edited(lines, edits[number]) if number < len(edits) else lines


FLEET: Final = [[f"- name: t{number}", "  labels:", f"    site: s{number}", "  paused: false"] for number in range(50)]


def fleet(*, change: Callable[[list[list[str]]], object] = lambda _: None, top: str = "timezone: UTC", indent: str = "") -> str:
    rows = [list(rows) for rows in FLEET]
    change(rows)
    return "\n".join([top, "targets:", *(indent + row for element in rows for row in element), "state_file: x", ""])


def replaced(at: int, *rows: str) -> Callable[[list[list[str]]], object]:
    def change(all_rows: list[list[str]]) -> None:
        all_rows[at] = [*rows]

    return change


@pytest.mark.slow
@pytest.mark.parametrize("indent", ["", "  "])
@pytest.mark.parametrize(
    ("change", "new"),
    [
        (lambda _: None, 0),
        (replaced(0, "- name: changed"), 1),
        (replaced(25, "- name: changed", "  more: 1", "  other: 2"), 1),
        (replaced(49, "- name: changed"), 1),
        (lambda rows: rows.pop(), 0),
        (lambda rows: rows.pop(0), 0),
        (lambda rows: rows.append(["- name: new"]), 1),
        (lambda rows: rows.insert(0, ["- name: new"]), 1),
        (lambda rows: rows.insert(25, ["# a salon", "- name: new", ""]), 2),  # a comment is of the element before it
        (lambda rows: rows.reverse(), 0),
    ],
)
def test_only_what_changed_is_parsed_and_the_rest_is_the_same_objects(
    change: Callable[[list[list[str]]], object], new: int, indent: str
) -> None:
    _, before = read_incrementally(fleet(indent=indent), "targets", None)
    assert before is not None
    whole: list[str] = []

    def read(text: str) -> YamlSource:
        whole.append(text)
        return read_yaml(text)

    text = fleet(change=change, indent=indent)
    source, after = read_incrementally(text, "targets", before, read)
    assert after is not None
    assert [] == whole
    same(source, read_yaml(text))
    known = {id(element) for element in before.elements}
    assert sum(id(element) not in known for element in after.elements) == new


def test_elements_are_the_same_objects_where_what_is_above_them_changed() -> None:
    _, before = read_incrementally(fleet(), "targets", None)
    source, after = read_incrementally(
        fleet(top="timezone: Europe/Berlin", change=replaced(3, "- name: changed")), "targets", before
    )
    assert before is not None
    assert after is not None
    assert [3] == [number for number in range(50) if before.elements[number] is not after.elements[number]]
    assert "Europe/Berlin" == source.value["timezone"]  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    [
        "targets: [{name: a}]\n",
        "targets:\n- &a {name: a}\n",
        "{targets: [\n- 1\n]}",
        "- a\n",
        "",
        "targets:\n-\n  name: a\n",
        "targets: []\n",
        "targets:\n- a\r- b\n",
    ],
)
def test_what_cannot_be_taken_apart_is_read_whole_again(text: str) -> None:
    source, before = read_incrementally(text, "targets", None)
    same(source, read_yaml(text))
    assert before is None
