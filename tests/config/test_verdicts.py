"""The block ``verdicts:``: what is written is what is judged by, and who renders rules reads nothing else of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import effective_config, load_config, load_thresholds
from exporter.config.verdicts import Verdicts
from exporter.errors import ConfigError
from exporter.fields.durations import format_duration, parse_duration
from exporter.state.thresholds import DEFAULTS, Thresholds
from exporter.state.verdict import MOVABLE

TARGET = "targets: [{name: a, platform: wix, site_id: 7f1c2a34-0000-4000-8000-000000000001, api_key: {env: KEY}}]\n"
WRITTEN = """\
verdicts:
  conflict: {soon: 2h, later: ok}
  connections_down: {least: 3, within: 2d}
  provider_failing: {severity: critical}
  connection_error: {severity: critical}
  connection_disconnected: {within: 3d, severity: ok}
  connection_stuck: {after: 10m, severity: critical}
  connection_unclear: {after: 20m, severity: ok}
  budget_spent: {severity: ok}
  credential_expiry: {within: 30d, severity: critical}
  unlinked_bookings: {share: 0.3, least: 20, severity: critical}
  intake_silent: {least: 5, severity: critical}
  window_incomplete: {severity: ok}
  links_unverified: {share: 0.6, severity: ok}
  poll_overdue: {intervals: 2, severity: ok}
"""
CHOSEN = Thresholds(
    conflict_soon=7_200,
    connections_down_least=3,
    connections_down_within=172_800,
    connection_disconnected_within=259_200,
    connection_stuck_after=600,
    connection_unclear_after=1_200,
    credential_expiry_within=2_592_000,
    unlinked_bookings_share=0.3,
    unlinked_bookings_least=20,
    links_unverified_share=0.6,
    intake_silent_least=5,
    poll_overdue_intervals=2,
    severities={
        "conflict": "ok",
        "provider_failing": "critical",
        "connection_error": "critical",
        "connection_disconnected": "ok",
        "connection_stuck": "critical",
        "connection_unclear": "ok",
        "budget_spent": "ok",
        "credential_expiry": "critical",
        "unlinked_bookings": "critical",
        "intake_silent": "critical",
        "window_incomplete": "ok",
        "links_unverified": "ok",
        "poll_overdue": "ok",
    },
)


def file(folder: Path, text: str) -> Path:
    path = folder / "exporter.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "expected"), [(WRITTEN, CHOSEN), ("", DEFAULTS), ("verdicts:\n", DEFAULTS)])
def test_what_is_written_is_what_the_exporter_and_the_rules_judge_by(tmp_path: Path, text: str, expected: Thresholds) -> None:
    path = file(tmp_path, text + TARGET)
    assert expected == load_config(path, {"KEY": "k" * 40}).verdicts.thresholds
    assert expected == load_thresholds(path)


def test_every_severity_that_may_move_has_a_key() -> None:
    assert {row.kind for row in MOVABLE} | {"connections_down"} == set(Verdicts.model_fields)


def test_the_effective_configuration_says_by_what_is_judged(tmp_path: Path) -> None:
    shown = effective_config(load_config(file(tmp_path, WRITTEN + TARGET), {"KEY": "k" * 40}))
    again = load_thresholds(file(tmp_path, shown))
    assert CHOSEN == again
    assert 'within: "1d"' in effective_config(load_config(file(tmp_path, TARGET), {"KEY": "k" * 40}))


@pytest.mark.parametrize(
    "rest",
    [
        "targets: [{name: a, platform: wix, api_key: {env: NOT_THERE}}]\n",
        "targets: [{name: a, platform: wix, api_key: {file: /not/there}}]\n",
        "targets: []\nno_such_key: 1\n",
        "targets: nothing\nwindows: 7\n",
    ],
)
def test_who_renders_rules_needs_no_secret_and_no_right_target(tmp_path: Path, rest: str) -> None:
    path = file(tmp_path, WRITTEN + rest)
    assert CHOSEN == load_thresholds(path)
    with pytest.raises(ConfigError):
        load_config(path, {})


def test_who_renders_rules_is_told_what_is_wrong_in_the_block_and_where(tmp_path: Path) -> None:
    path = file(tmp_path, "targets: nothing\nverdicts:\n  conflict: {soon: 9d}\n  poll_overdu: {}\n")
    with pytest.raises(ConfigError) as caught:
        load_thresholds(path)
    assert [
        f"{path}:3: verdicts.conflict.soon: is longer than its alert looks (fix: write 7d or less)",
        f"{path}:4: verdicts.poll_overdu: unknown key (fix: did you mean poll_overdue?)",
    ] == [str(problem) for problem in caught.value.problems]


ANOTHER = ": is no configuration of the exporter (fix: name the file that the exporter runs with)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "jobs: [salons]\nslo: 0.9\n",
            ANOTHER,
        ),
        ("- a\n", ANOTHER),
        ("", ANOTHER),
        ("targets: []\nverdict: {}\n", ":2: verdict: unknown key (fix: did you mean verdicts?)"),
    ],
)
def test_who_renders_rules_of_another_file_is_told_so(tmp_path: Path, text: str, said: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_thresholds(path)
    assert [f"{path}{said}"] == [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("text", ["verdicts: [", None])
def test_who_renders_rules_of_a_file_that_cannot_be_read_is_told_so(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "absent.yml" if text is None else file(tmp_path, text)
    with pytest.raises(ConfigError):
        load_thresholds(path)


SOON = "is too short: its alert takes up to {}, and the same time must remain to act"
ONCE = "is too short: a state that only one poll saw would be a problem"
TIMES = (
    ("conflict", "soon", "40m", SOON.format("18m"), "7d"),
    ("external_conflict", "soon", "50m", SOON.format("23m"), "7d"),
    ("connections_down", "within", "30m", SOON.format("14m"), "7d"),
    ("connection_disconnected", "within", "40m", SOON.format("19m"), "7d"),
    ("connection_stuck", "after", "5m", ONCE, "1d"),
    ("connection_unclear", "after", "5m", ONCE, "1d"),
    ("credential_expiry", "within", "40m", SOON.format("18m"), "365d"),
)


@pytest.mark.parametrize("row", TIMES, ids=lambda row: row[0])
def test_a_time_has_the_bounds_in_which_its_alert_is_of_use(tmp_path: Path, row: tuple[str, ...]) -> None:
    kind, key, least, why, most = row

    def read(value: str) -> Thresholds:
        return load_thresholds(file(tmp_path, f"verdicts: {{{kind}: {{{key}: {value}}}}}\n"))

    read(least), read(most)
    for value, said in (
        (format_duration(parse_duration(least) - 1), f"{why} (fix: write {least} or more)"),
        (f"{most}1s", f"is longer than its alert looks (fix: write {most} or less)"),
    ):
        with pytest.raises(ConfigError) as caught:
            read(value)
        assert [f"{tmp_path}/exporter.yml:1: verdicts.{kind}.{key}: {said}"] == [str(one) for one in caught.value.problems]


def test_every_time_is_in_the_table_of_bounds() -> None:
    written = {
        (kind, key) for kind, row in Verdicts().model_dump().items() for key in row if key in ("soon", "within", "after")
    }
    assert written == {(kind, key) for kind, key, *_ in TIMES}


SELDOM = """\
verdicts: {{conflict: {{soon: {soon}}}, connection_stuck: {{after: {after}}}}}
targets:
  - {{name: a, platform: wix, site_id: 7f1c2a34-0000-4000-8000-000000000001, api_key: {{env: KEY}},
     collectors: {{connections: {{interval: 30m}}, bookings: {{interval: 1h, conflicts: true}}}}}}
"""


@pytest.mark.parametrize(
    ("soon", "after", "said"),
    [
        ("2h30m", "35m", []),
        ("2h20m", "35m", ["conflict.soon: 2h20m is short for bookings that are polled every 1h: a", "2h30m"]),
        ("3h", "30m", ["connection_stuck.after: 30m is short for connections that are polled every 30m: a", "35m"]),
    ],
)
def test_a_time_that_is_short_for_the_polls_of_a_target_is_a_warning(
    tmp_path: Path, soon: str, after: str, said: list[str]
) -> None:
    path = file(tmp_path, SELDOM.format(soon=soon, after=after))
    found = [str(one) for one in load_config(path, {"KEY": "k" * 40}).warnings if one.path.startswith("verdicts")]
    what, enough = said or ("", "")
    assert ([f"{path}:1: verdicts.{what} (fix: poll more often, or write {enough} or more)"] if said else []) == found
