"""An edit by hand survives the next render, and what is no part of the bundle any more goes, unless somebody edited it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.errors import BookingSyncError, ConfigError
from exporter.monitoring import Options, render
from exporter.monitoring.rendered import RECORD, digest
from exporter.monitoring.writing import alone_in
from tests.monitoring.rendered_files import files
from tests.monitoring.servers import run

OTHER = Options(jobs=("bookings",))
ANY = sorted(files(Options()))
KINDS = (
    "dashboards/fleet.json",
    "config/alertmanager/alertmanager.yml",
    "docs/runbooks/README.md",
    "config/alertmanager/templates/booking-sync.tmpl",
)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path: Path) -> str:
    """Add something to a file and return what it says now."""
    path.write_text(path.read_text() + "\n# mine\n")
    return path.read_text()


def test_rendering_twice_changes_nothing_and_other_options_replace_what_nobody_edited(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    once = content(tmp_path)
    assert {*files(Options()), RECORD} == once.keys()
    assert [] == list(render(Options(), tmp_path).notes)
    assert once == content(tmp_path)
    render(OTHER, tmp_path)
    assert files(OTHER) == {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("options", [Options(), OTHER], ids=["same", "other"])
def test_an_edited_file_stops_the_render_before_anything_is_written(name: str, options: Options, tmp_path: Path) -> None:
    render(Options(), tmp_path)
    edit(tmp_path / name)
    before = content(tmp_path)
    with pytest.raises(ConfigError) as caught:
        render(options, tmp_path)
    (line,) = map(str, caught.value.problems)
    assert line.startswith(f"{tmp_path / name}: was edited since it was rendered; nothing is written (fix: ")
    assert "--force" in line
    assert before == content(tmp_path)


def test_every_edited_file_is_named_at_once_and_force_replaces_them(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    for name in KINDS:
        edit(tmp_path / name)
    with pytest.raises(ConfigError) as caught:
        render(OTHER, tmp_path)
    assert sorted(str(tmp_path / name) for name in KINDS) == sorted(problem.file for problem in caught.value.problems)
    render(OTHER, tmp_path, force=True)
    assert files(OTHER) == {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}


def test_an_edit_that_says_what_is_rendered_now_is_none_and_neither_are_other_line_ends(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    rules = "config/prometheus/alerting.rules.yml"
    (tmp_path / rules).write_text(files(OTHER)[rules])
    boards = tmp_path / "dashboards" / "fleet.json"
    boards.write_bytes(boards.read_bytes().replace(b"\n", b"\r\n"))
    render(OTHER, tmp_path)


def test_files_without_a_record_are_replaced_where_they_are_as_shipped_and_count_as_edited_elsewhere(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    (tmp_path / RECORD).unlink()
    render(OTHER, tmp_path)  # a checkout of this version
    (tmp_path / RECORD).unlink()
    with pytest.raises(ConfigError, match="was edited"):
        render(Options(), tmp_path)


@pytest.mark.parametrize("record", ["", "[]", "null", '{"files": []}', '{"files": {"dashboards/fleet.json": 5}}', "[" * 5000])
def test_a_record_that_cannot_be_read_is_none(record: str, tmp_path: Path) -> None:
    render(Options(), tmp_path)
    (tmp_path / RECORD).write_text(record)
    render(Options(), tmp_path)
    (tmp_path / RECORD).write_text(record)
    edit(tmp_path / "dashboards" / "fleet.json")
    with pytest.raises(ConfigError, match="was edited"):
        render(OTHER, tmp_path)


def test_files_of_the_user_are_never_touched(tmp_path: Path) -> None:
    own = ("config/prometheus/own/mine.yml", "dashboards/mine.json", "docs/runbooks/mine.md", "notes.txt")
    for name in own:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    render(Options(), tmp_path)
    render(OTHER, tmp_path, force=True)
    assert {"mine"} == {(tmp_path / name).read_text() for name in own}


OFF = Options(off=frozenset({"BookingSyncScrapeGrew", "BookingSyncPollsLate"}))
GREW, LATE = "docs/runbooks/bookingsyncscrapegrew.md", "docs/runbooks/bookingsyncpollslate.md"


def gone(options: Options, folder: Path) -> list[str]:
    """Render and return what is said of files that are no part of the bundle any more."""
    return [note for note in render(options, folder, force=True).notes if "no part of the bundle" in note]


def test_a_page_of_an_alert_that_is_switched_off_is_removed_and_an_edited_one_stays_and_both_are_said(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    kept = edit(tmp_path / LATE)
    told = [f"note: {tmp_path / LATE} is no part of the bundle any more; it was edited, so it stays"]
    grew = f"note: {tmp_path / GREW} is no part of the bundle any more; it had no edits and was removed"
    assert [*told, grew] == [
        note.partition(":  ")[0].removesuffix(": remove it when you need it no longer") for note in gone(OFF, tmp_path)
    ]
    assert not (tmp_path / GREW).exists()
    assert kept == (tmp_path / LATE).read_text()


def test_an_edited_file_that_is_no_part_of_the_bundle_any_more_is_told_at_each_render_until_it_is_removed(
    tmp_path: Path,
) -> None:
    render(Options(), tmp_path)
    edit(tmp_path / LATE)
    gone(OFF, tmp_path)
    for options in (OFF, OFF, replace(OFF, jobs=("salons",))):
        (told,) = gone(options, tmp_path)
        assert str(tmp_path / LATE) in told
    (tmp_path / LATE).unlink()
    assert [] == gone(OFF, tmp_path) == gone(OFF, tmp_path)
    assert LATE not in json.loads((tmp_path / RECORD).read_text())["files"]


def test_an_edit_that_is_taken_back_lets_the_file_be_removed_and_one_that_is_in_the_bundle_again_is_refused(
    tmp_path: Path,
) -> None:
    render(Options(), tmp_path)
    whole = (tmp_path / LATE).read_text()
    edit(tmp_path / LATE)
    gone(OFF, tmp_path)
    with pytest.raises(ConfigError, match="was edited"):
        render(Options(), tmp_path)
    (tmp_path / LATE).write_text(whole)
    assert 1 == len(gone(OFF, tmp_path))
    assert not (tmp_path / LATE).exists()


OWN = ("dashboards/mine.json", "config/prometheus/own/mine.yml", "config/exporter.yml", "docs/mine.md", "docs/runbooks/mine.md")


def _recorded(folder: Path, names: Mapping[str, str]) -> None:
    record = json.loads((folder / RECORD).read_text())
    record["files"] |= {name: digest(text) for name, text in names.items()}
    (folder / RECORD).write_text(json.dumps(record))


@pytest.mark.parametrize("options", [Options(), OFF], ids=["same", "less"])
def test_no_record_makes_a_render_remove_what_the_user_wrote_inside_of_the_folder_either(
    options: Options, tmp_path: Path
) -> None:
    render(Options(), tmp_path)
    for name in OWN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine\n")
    _recorded(tmp_path, dict.fromkeys(OWN, "mine\n"))
    assert [] == [note for note in gone(options, tmp_path) if "mine" in note]
    assert {"mine\n"} == {(tmp_path / name).read_text() for name in OWN}
    assert set() == set(OWN) & json.loads((tmp_path / RECORD).read_text())["files"].keys()


@pytest.mark.parametrize("link", [GREW, "docs/runbooks", "docs"])
def test_nothing_behind_a_link_is_removed_and_it_is_told(link: str, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    render(Options(), out)
    (out / link).rename(elsewhere)
    (out / link).symlink_to(elsewhere)
    for _ in range(2):
        (told,) = (note for note in gone(OFF, out) if GREW in note)
        assert told.endswith("a link leads to it, so it stays: remove it when you need it no longer")
        assert (out / GREW).is_file()


def test_a_record_that_is_a_link_is_refused_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RECORD).symlink_to(tmp_path / "mine")
    with pytest.raises(BookingSyncError, match=r"\.rendered\.json is a link"):
        render(Options(), tmp_path / "out")
    assert "mine" == (tmp_path / "mine").read_text()
    assert [RECORD] == [path.name for path in (tmp_path / "out").iterdir()]


def test_a_file_of_an_older_version_is_removed_where_it_says_that_it_was_rendered(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    old = "config/prometheus/older.rules.yml"
    text = (tmp_path / "config/prometheus/alerting.rules.yml").read_text()
    (tmp_path / old).write_text(text)
    _recorded(tmp_path, {old: text})
    assert 1 == len(gone(Options(), tmp_path))
    assert not (tmp_path / old).exists()


_NO_NAMES = (
    "",
    ".",
    "docs",
    "docs/",
    f"docs/{'a' * 300}",
    "docs/a\0b",
    "docs//x.md",
    "./docs/x.md",
    "docs/\udc80",
    "/docs/x.md",
)


def test_a_record_with_names_that_are_none_changes_nothing(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    before = content(tmp_path)
    _recorded(tmp_path, dict.fromkeys(_NO_NAMES, "x"))
    assert [] == gone(Options(), tmp_path)
    assert before == content(tmp_path)


@pytest.mark.parametrize("name", ["../victim.txt", "/{}/victim.txt", "config/../../victim.txt", "victim.txt", "etc/victim.txt"])
def test_a_record_of_somebody_else_removes_no_file_outside_of_the_bundle(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render(Options(), out)
    for victim in (tmp_path / "victim.txt", out / "victim.txt", out / "etc" / "victim.txt"):
        victim.parent.mkdir(exist_ok=True)
        victim.write_text("x")
    record = json.loads((out / RECORD).read_text())
    record["files"][name.format(str(tmp_path)[1:])] = digest("x")
    (out / RECORD).write_text(json.dumps(record))
    render(Options(), out)
    assert [True] * 3 == [one.exists() for one in (tmp_path / "victim.txt", out / "victim.txt", out / "etc" / "victim.txt")]


def test_a_render_that_was_cut_off_can_be_done_again(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    for name in ANY[:20]:  # the record is written last
        (tmp_path / name).write_text(files(OTHER)[name])
    render(OTHER, tmp_path)


THIRD = Options(jobs=("salons",), slo=0.95)


def test_a_render_that_was_cut_off_is_no_edit_whatever_is_rendered_next(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    last = "docs/runbooks/watchdog.md"
    (tmp_path / last).unlink()
    (tmp_path / last).mkdir()
    for options in (OTHER, Options(jobs=("more",))):  # cut off twice, each at this file
        with pytest.raises(BookingSyncError, match=r"^cannot write .*watchdog\.md: "):
            render(options, tmp_path)
    (tmp_path / last).rmdir()
    mine = "dashboards/fleet.json"
    whole = (tmp_path / mine).read_text()
    edit(tmp_path / mine)
    with pytest.raises(ConfigError, match=r"fleet\.json: was edited"):
        render(THIRD, tmp_path)
    (tmp_path / mine).write_text(whole)
    render(THIRD, tmp_path)
    assert files(THIRD) == {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}


_FULL = """
import resource, sys
from pathlib import Path
from exporter.monitoring import Options, render
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    render(Options(jobs=("bookings",)), Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_is_full_leaves_each_file_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    said = run(sys.executable, "-c", _FULL, tmp_path)
    assert said.stdout.startswith("BookingSyncError cannot write "), said.stdout + said.stderr
    assert 1 == len(said.stdout.splitlines())
    found = {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}
    old, new = files(Options()), files(OTHER)
    assert old.keys() == found.keys()
    assert [] == [name for name, text in found.items() if text not in {old[name], new[name]}]
    render(THIRD, tmp_path)


def test_two_renders_at_once_never_mix(tmp_path: Path) -> None:
    both = (OTHER, THIRD)

    def many(options: Options) -> int:
        done = 0
        for _ in range(4):
            try:
                render(options, tmp_path)
                done += 1
            except BookingSyncError as error:
                assert str(error).startswith("another render writes to "), error  # noqa: PT017  the other one may win
        return done

    with ThreadPoolExecutor(2) as pool:
        assert 0 < sum(pool.map(many, both))
    found = {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}
    assert found in [files(options) for options in both]
    render(Options(), tmp_path)  # nothing counts as edited


def test_a_second_render_says_so_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        code, said = _command("render", "--out", tmp_path)
        assert (1, 1) == (code, len(said)), said
        assert f"another render writes to {tmp_path} at the moment; try again when it is done" in said[0]
        assert {} == content(tmp_path)
    assert 0 == _command("render", "--out", tmp_path)[0]


@pytest.mark.parametrize("options", [Options(), OTHER], ids=["same", "other"])
def test_a_file_that_somebody_deleted_is_written_again(options: Options, tmp_path: Path) -> None:
    render(Options(), tmp_path)
    for name in KINDS:
        (tmp_path / name).unlink()
    render(options, tmp_path)
    assert files(options) == {name: text.decode() for name, text in content(tmp_path).items() if name != RECORD}


def test_other_line_ends_are_no_edit_and_an_edit_with_them_is_one(tmp_path: Path) -> None:
    render(Options(), tmp_path)
    for path in (tmp_path / name for name in ANY):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    rules = tmp_path / "config/prometheus/alerting.rules.yml"
    rules.write_bytes(rules.read_bytes() + b"# mine\r\n")
    with pytest.raises(ConfigError) as caught:
        render(OTHER, tmp_path)
    assert [str(rules)] == [problem.file for problem in caught.value.problems]


def test_nothing_is_written_outside_of_the_folder_and_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "grafana"
    elsewhere.mkdir()
    out.mkdir()
    (out / "dashboards").symlink_to(elsewhere)
    (tmp_path / "routes.yml").write_text(files(Options())["config/alertmanager/alertmanager.yml"])
    (out / "config/alertmanager").mkdir(parents=True)
    (out / "config/alertmanager/alertmanager.yml").symlink_to(tmp_path / "routes.yml")
    render(OTHER, out)
    assert {"out", "grafana", "routes.yml"} == {path.name for path in tmp_path.iterdir()}
    assert (out / "config/alertmanager/alertmanager.yml").is_symlink()
    assert files(OTHER)["config/alertmanager/alertmanager.yml"] == (tmp_path / "routes.yml").read_text()
    assert {"fleet.json", "target.json", "internals.json", "kustomization.yaml"} == {path.name for path in elsewhere.iterdir()}


def test_who_else_may_read_a_file_stays_as_it_was_and_servers_may_read_a_new_one(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        render(Options(), tmp_path)
        (tmp_path / KINDS[0]).chmod(0o640)
        render(OTHER, tmp_path)
    finally:
        os.umask(before)
    assert [0o640, 0o644, 0o644] == [(tmp_path / name).stat().st_mode & 0o777 for name in KINDS[:3]]


@pytest.mark.parametrize("command", ["render", "password"])
@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("", "names no folder (fix: name one, or write . for this one)"),
        (" \t", "names no folder (fix: name one, or write . for this one)"),
        ("bundle ", "begins or ends with a blank"),
        ("bun\u200bdle", "holds an invisible character"),
        ("a\nb", "holds an invisible character"),
        ("--force", "is followed by a flag and no folder (fix: name a folder, or write ./--force for that one)"),
        ("/", "is the root of the file system (fix: name a folder below it)"),
        ("/usr/..", "is the root of the file system (fix: name a folder below it)"),
    ],
)
def test_a_folder_that_nobody_means_is_refused_in_one_line_and_nothing_is_written(
    command: str, out: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["monitoring", command, "--out", out])
    assert (2, 1) == (result.exit_code, len(result.stderr.splitlines())), result.stderr
    assert result.stderr.startswith("error: --out: ")
    assert told in result.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("out", [".", "new/one", "./--force", "Über alles"])
def test_a_folder_that_somebody_means_is_taken(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["monitoring", "password", "--out", out])
    assert 0 == result.exit_code, result.stderr
    assert (tmp_path / out / "password").is_file()


@pytest.mark.parametrize("place", ["/proc/bundle", "/dev/null/bundle"])
def test_a_folder_that_cannot_be_written_is_one_line(place: str) -> None:
    code, said = _command("render", "--out", place)
    assert (1, 1) == (code, len(said)), said
    assert f"cannot write {place}: " in said[0]
    assert said[0].endswith("give --out a folder that can be written")


def test_what_cannot_be_read_or_is_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dashboards" / "fleet.json").mkdir(parents=True)
    with pytest.raises(BookingSyncError, match=r"^cannot write .*fleet\.json: "):
        render(Options(), tmp_path)


def _command(*arguments: str | Path) -> tuple[int, list[str]]:
    result = run(sys.executable, "-m", "exporter", "monitoring", *arguments)
    return result.returncode, result.stderr.splitlines()


def test_the_command_refuses_an_edit_in_one_line_and_takes_the_file_and_the_flags_that_win(tmp_path: Path) -> None:
    file, out = tmp_path / "monitoring.yml", tmp_path / "out"
    file.write_text("jobs: [salons]\nslo: 0.9999999\nalerts: {disabled: [BookingSyncPlatformDown]}\n")
    code, said = _command("render", "--monitoring.file", file, "--slo", "0.95", "--out", out)
    assert (0, 1) == (code, len(said)), said
    assert said[0].startswith("note: BookingSyncPlatformDown is switched off, so these are sent: ")
    rules = (out / "config/prometheus/alerting.rules.yml").read_text()
    assert 'up{job="salons"}' in rules
    assert "(1 - 0.95)" in rules
    edit(out / "dashboards/fleet.json")
    code, said = _command("render", "--job", "a", "--job", "b", "--out", out)
    assert (2, 1) == (code, len(said)), said
    assert said[0].startswith(
        f"error: {out}/dashboards/fleet.json: was edited since it was rendered; nothing is written (fix: "
    )
    code, _ = _command("render", "--job", "a", "--job", "b", "--out", out, "--force")
    assert 0 == code
    assert 'up{job=~"a|b"}' in (out / "config/prometheus/alerting.rules.yml").read_text()


@pytest.mark.parametrize("command", ["render", "check"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("slo: 2\n", ":1: slo: 2.0 is not between 0 and 1 (fix: write 0.02 for 2 %)"),
        (None, ": does not exist (fix: name another file with --monitoring.file)"),
    ],
)
def test_the_commands_say_what_is_wrong_with_the_file_in_one_line(
    command: str, text: str | None, line: str, tmp_path: Path
) -> None:
    file = tmp_path / "monitoring.yml"
    if text is not None:
        file.write_text(text)
    where = ["--out", str(tmp_path)] if command == "render" else ["--prometheus-url", "http://127.0.0.1:1"]
    assert (2, [f"error: {file}{line}"]) == _command(command, "--monitoring.file", file, *where)
