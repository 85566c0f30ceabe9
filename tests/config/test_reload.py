"""A configuration that is loaded again is what a first load would find, whatever was edited, here or outside of the file."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config import LoadCache, config_hash, effective_config, load_config, merge
from exporter.errors import ConfigError

NOW: Final = 1_789_000_000.0
HEAD: Final = (
    "timezone: Europe/Berlin",
    "windows:",
    "- {name: next_24h, from: now, to: now+24h}",
    "- {name: next_7d, from: now, to: now+7d}",
)
ID: Final = "7f1c0c5e-2f0e-4f9c-9a55-000000000099"
# What somebody may write instead of one of these lines, or add to them.
HEADS: Final = (
    "timezone: UTC",
    "timezone: Europe/Berlinn",
    "state_file: state.json",
    "defaults: {wix: {timeout: 5s, labels: {tier: gold}}, bitrix24: {collectors: {bookings: {conflicts: true}}}}",
    "defaults: {wix: {api_key: {file: key}}}",
    "defaults: {wix: {api_key: 'IST.of-all-000000000'}}",
    "verdicts: {conflict: {soon: 15m}}",
    "site_users: {s1: [anna]}",
    "- {name: today, from: now/d, to: now+1d/d}",
    "x-shared: &shared {interval: 2m}",
    "# a comment",
    f"discover: [{{name: all, platform: wix, api_key: IST.account-0000000000, account_id: {ID}}}]",
)
FIELDS: Final = (
    "  timeout: 5s",
    "  timeout: 20m",
    "  paused: true",
    "  paused: 1",
    "  labels: {site: s1, job: x}",
    "  labels: {site: s2}",
    "  labels: {b: x, a: x}",
    "  labels: {a: x, b: x}",
    "  accepted: [{warning: conflicts_off, why: small}]",
    "  accepted: [{warning: conflicts_off, why: small, until: 2026-01-01}]",
    "  accepted: [{booking: '12', why: a pair}]",
    "  collectors: {bookings: {interval: 10s, windows: [next_24h]}}",
    "  collectors: {bookings: *shared}",
    "  collectors: {bookings: {windows: [nextweek]}}",
    "  collectors: {connections: {max_age: 10s}}",
    "  resource_aliases: {chair: Chair}",
    "  timezone: Asia/Tokyo",
    "  name: t1",
    "  note: \u201cquoted\u201d",
    "  timeout: \u201c5s\u201d",
    "  tls: {ca_file: ca.pem}",
    "  proxy: http://anna:planted-secret@proxy.example:3128",
    "# a comment",
    "",
    "- name: t1",
    "  bad",
)


def wix(number: int, key: str = "IST.key-00000000000") -> list[str]:
    return [f"- name: t{number}", "  platform: wix", f"  site_id: 7f1c0c5e-2f0e-4f9c-9a55-{number:012}", f"  api_key: {key}"]


def bitrix(number: int, code: str = "abcdefgh12345678") -> list[str]:
    return [f"- name: t{number}", "  platform: bitrix24", f"  webhook_url: https://p{number}.example/rest/1/{code}/"]


def oauth(number: int) -> list[str]:
    secret = f"{{client_id: local.1, client_secret: secret-00000000{number}, token_file: tokens-{number}.json}}"
    return [f"- name: t{number}", "  platform: bitrix24", "  base_url: https://portal.example", f"  oauth: {secret}"]


numbers = st.integers(1, 4)
target = st.one_of(
    numbers.map(wix),
    numbers.map(bitrix),
    numbers.map(oauth),
    numbers.map(lambda number: wix(number, "{file: key}")),
    numbers.map(lambda number: wix(number, "{env: WIX_KEY}")),
    numbers.map(lambda number: wix(number)[:3]),
)
fields = st.lists(st.sampled_from(FIELDS), max_size=2)
element = st.tuples(target, fields).map(lambda parts: [*parts[0], *parts[1]])
listed = st.lists(element, min_size=1, max_size=5, unique_by=lambda rows: rows[0])
head = st.lists(st.sampled_from(HEADS), max_size=1)
Step = Callable[["State"], None]


class State:
    """The lines of a file, by what they belong to, and what lies outside of it."""

    def __init__(self, head: list[str], targets: list[list[str]]) -> None:
        self.head, self.targets = [*HEAD, *head], [[*rows] for rows in targets]
        self.files = {"key": "IST.from-a-file-0000", "ca.pem": ""}
        self.environ = {"WIX_KEY": "IST.from-a-variable-0"}

    def write(self, folder: Path) -> Path:
        for name, content in self.files.items():
            (folder / name).write_text(content)
        file = folder / "exporter.yml"
        file.write_text("\n".join([*self.head, "targets:", *(row for rows in self.targets for row in rows), ""]))
        return file


@st.composite
def steps(draw: st.DrawFn) -> Step:
    where, rows, row = draw(st.integers(0, 9)), draw(element), draw(st.sampled_from(FIELDS))
    line, value = draw(st.sampled_from(HEADS)), draw(st.sampled_from(["IST.new-000000000000", "IST.from-a-file-0000", ""]))

    def position(state: State) -> int:
        return where % max(1, len(state.targets))

    def remove_field(state: State) -> None:
        if state.targets and len(state.targets[position(state)]) > 1:
            state.targets[position(state)].pop(-1)

    def swap(state: State) -> None:
        state.targets[position(state) :] = reversed(state.targets[position(state) :])

    known: Mapping[str, Step] = {
        "nothing": lambda _: None,
        "replace": lambda state: state.targets.__setitem__(slice(position(state), position(state) + 1), [rows]),
        "add": lambda state: state.targets.insert(position(state), rows),
        "remove": lambda state: state.targets.__delitem__(slice(position(state), position(state) + 1)),
        "field": lambda state: state.targets[position(state)].append(row) if state.targets else None,
        "remove field": remove_field,
        "reorder": swap,
        "head": lambda state: state.head.append(line),
        "head again": lambda state: state.head.__delitem__(slice(len(HEAD), None)),
        "file": lambda state: state.files.__setitem__("key", value),
        "variable": lambda state: state.environ.__setitem__("WIX_KEY", value),
    }
    return known[draw(st.sampled_from([*known]))]


def loaded(file: Path, environ: Mapping[str, str], remembered: LoadCache | None) -> tuple[object, ...]:
    """Return all that a load says, in order."""
    try:
        config = load_config(file, environ, lambda: NOW, remembered=remembered)
    except ConfigError as error:
        return error.problems, error.warnings
    told = (config.warnings, config.gaps, config.unwatched, config.secrets, config.files, config.names, config.unopened)
    return config, told, config_hash(config), effective_config(config)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=head, targets=listed, edits=st.lists(steps(), min_size=1, max_size=4))
def test_a_reload_finds_what_a_first_load_does(
    tmp_path: Path, head: list[str], targets: list[list[str]], edits: list[Step]
) -> None:
    state, remembered = State(head, targets), LoadCache()
    for number in range(len(edits) + 1):
        file = state.write(tmp_path)
        assert loaded(file, state.environ, remembered) == loaded(file, state.environ, None)
        if number < len(edits):
            edits[number](state)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the targets that are put together to be validated, in order."""
    names: list[str] = []

    def noted(target: Mapping[str, object], shared: Mapping[str, object], windows: Sequence[str]) -> object:
        names.append(str(target.get("name")))
        return put_together(target, shared, windows)

    put_together = merge._target
    monkeypatch.setattr(merge, "_target", noted)
    return names


def change_field(state: State) -> None:
    state.targets[7].append("  timeout: 5s")


@pytest.mark.parametrize(
    ("edit", "anew"),
    [
        (lambda _: None, set()),
        (change_field, {"t7"}),
        (lambda state: state.targets.pop(3), set()),
        (lambda state: state.targets.insert(3, wix(99)), {"t99"}),
        (lambda state: state.targets.reverse(), set()),
        (lambda state: state.head.append("defaults: {wix: {timeout: 5s}}"), {f"t{number}" for number in range(20)}),
    ],
)
def test_only_targets_that_are_new_are_built_and_the_others_are_the_same_objects(
    tmp_path: Path, built: list[str], edit: Step, anew: set[str]
) -> None:
    state, remembered = State([], [bitrix(number) if number % 2 else wix(number) for number in range(20)]), LoadCache()
    before = {target.name: target for target in load_config(state.write(tmp_path), {}, remembered=remembered).targets}
    edit(state)
    built.clear()
    after = load_config(state.write(tmp_path), {}, remembered=remembered).targets
    assert {*built} - {"None"} == anew  # defaults are judged as a target without a name
    assert {target.name for target in after if target is not before.get(target.name)} == anew


def test_a_credential_from_elsewhere_is_read_at_each_load_and_an_equal_target_is_the_same_object(
    tmp_path: Path,
) -> None:
    state, remembered = State([], [wix(1, "{file: key}"), wix(2, "{env: WIX_KEY}"), wix(3)]), LoadCache()
    file = state.write(tmp_path)
    first = load_config(file, state.environ, remembered=remembered).targets
    assert all(map(operator.is_, load_config(file, state.environ, remembered=remembered).targets, first))
    (tmp_path / "key").write_text("IST.rotated-00000000")
    second = load_config(file, state.environ, remembered=remembered)
    assert [False, True, True] == [new is old for new, old in zip(second.targets, first, strict=True)]
    third = load_config(file, {"WIX_KEY": "IST.rotated-too-0000"}, remembered=remembered)
    assert [True, False, True] == [new is old for new, old in zip(third.targets, second.targets, strict=True)]
    assert {"IST.rotated-00000000", "IST.rotated-too-0000"} < {*third.secrets}


def test_a_load_that_found_something_wrong_is_not_remembered(tmp_path: Path) -> None:
    state, remembered = State([], [wix(1), wix(2)]), LoadCache()
    first = load_config(state.write(tmp_path), {}, remembered=remembered).targets
    state.targets[0].append("  bad: 1")
    with pytest.raises(ConfigError, match="unknown key"):
        load_config(state.write(tmp_path), {}, remembered=remembered)
    state.targets[0].pop()
    assert all(map(operator.is_, load_config(state.write(tmp_path), {}, remembered=remembered).targets, first))


def test_nothing_is_remembered_of_targets_that_are_gone(tmp_path: Path) -> None:
    state, remembered = State([], [wix(number) for number in range(9)]), LoadCache()
    config = load_config(state.write(tmp_path), {}, remembered=remembered)
    config_hash(config)
    gone = weakref.ref(config.targets[4])
    del config, state.targets[4]
    load_config(state.write(tmp_path), {}, remembered=remembered)
    assert gone() is None


def test_what_is_remembered_tells_no_secret_when_it_is_printed(tmp_path: Path) -> None:
    state, remembered = State([], [wix(1, "IST.secret-00000000"), bitrix(2, "secret-code-0000")]), LoadCache()
    load_config(state.write(tmp_path), {}, remembered=remembered)
    last = remembered.last
    values = [remembered, last, last.facts, *last.texts.values(), *last.made.values()]
    assert 6 == len(values)
    assert [] == [text for text in map(repr, values) if "secret-" in text]
