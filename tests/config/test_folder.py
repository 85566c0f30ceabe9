"""A folder of configuration files: merged, each problem with its file, and noticed when any of them changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from exporter.config import Config, config_hash, effective_config, load_config, load_thresholds
from exporter.config.files import _named, read_parts, seen_from
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.credentials import SECRET_SCHEMA
from exporter.fields.kinds import NAMES_A_FILE
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.settings import models_in
from exporter.platforms.wix.settings import WixTarget
from exporter.support.files import stamps
from tests.config.test_bad_configs import ENVIRONMENT
from tests.harness.certificates import self_signed

BAD = Path(__file__).parent.parent / "bad_configs"
HOOK = "https://{}.example/rest/1/planted0123456789/"


def portal(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "platform": "bitrix24", "webhook_url": HOOK.format(name), **more}


def put(path: Path, written: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written if isinstance(written, str) else yaml.safe_dump(written, sort_keys=False))
    return path


def problems(file: Path | None, folder: Path | None = None) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRONMENT, folder=folder)
    return caught.value.problems


def names(config: Config) -> list[str]:
    return [target.name for target in config.targets]


def test_the_yaml_files_of_a_folder_are_read_by_name_and_no_others(tmp_path: Path) -> None:
    for name in (
        "b.yml",
        "a.yaml",
        "10.yml",
        "C.yml",
        ".hidden.yml",
        "a.yml~",
        "notes.txt",
        "deeper/d.yml",
        ".yml",
        "e.yml.bak",
    ):
        put(tmp_path / name, {"targets": [portal(name.partition(".")[0].replace("/", "-") or "hidden")]})
    assert ["10", "C", "a", "b"] == names(load_config(None, {}, folder=tmp_path))


def test_a_file_comes_before_the_folder_and_brings_what_stands_once(tmp_path: Path) -> None:
    whole = {"timezone": "Europe/Vienna", "defaults": {"bitrix24": {"timeout": "20s"}}, "targets": [portal("z")]}
    file = put(tmp_path / "exporter.yml", whole)
    put(tmp_path / "conf.d" / "b.yml", {"targets": [portal("b", timeout="30s")]})
    put(tmp_path / "conf.d" / "a.yml", {"targets": [portal("a")]})
    config = load_config(file, {}, folder=tmp_path / "conf.d")
    assert ["z", "a", "b"] == names(config)
    assert ["Europe/Vienna"] * 3 == [str(target.timezone) for target in config.targets]
    assert [20, 20, 30] == [target.timeout for target in config.targets]


def test_files_that_say_nothing_are_allowed(tmp_path: Path) -> None:
    put(tmp_path / "a.yml", "# nothing yet\n")
    put(tmp_path / "b.yml", "targets:\n")
    put(tmp_path / "c.yml", {"targets": [portal("c")]})
    put(tmp_path / "d.yml", "targets: []\n")
    put(tmp_path / "e.yml", "x-only: for anchors\n")
    assert ["c"] == names(load_config(None, {}, folder=tmp_path))


def test_several_files_are_the_same_configuration_as_one(tmp_path: Path) -> None:
    top = {"timezone": "Europe/Vienna", "windows": [{"name": "next_7d", "from": "now", "to": "now+7d"}]}
    targets = [portal(f"t{number}", labels={"site": f"s{number}"}) for number in range(4)]
    one = load_config(put(tmp_path / "one.yml", {**top, "targets": targets}), {})
    put(tmp_path / "conf.d" / "0.yml", top)
    for number, target in enumerate(targets):
        put(tmp_path / "conf.d" / f"{number + 1}.yml", {"targets": [target]})
    several = load_config(None, {}, folder=tmp_path / "conf.d")
    assert one.targets == several.targets
    assert config_hash(one) == config_hash(several)
    assert 6 == len({config_hash(several), *(config_hash(without(tmp_path, number)) for number in range(5))})


def without(tmp_path: Path, number: int) -> Config:
    """Return what the folder says without one of its files."""
    copy = tmp_path / f"without-{number}"
    shutil.copytree(tmp_path / "conf.d", copy)
    (copy / f"{number}.yml").unlink()
    return load_config(None, {}, folder=copy)


@pytest.mark.parametrize("key", sorted(Config.model_fields.keys() - {"targets", "discover"}))
def test_what_stands_once_for_all_is_told_with_both_places(tmp_path: Path, key: str) -> None:
    first = put(tmp_path / "a.yml", f"targets: [{{name: a, platform: bitrix24, webhook_url: '{HOOK.format('a')}'}}]\n{key}:\n")
    second = put(tmp_path / "b.yml", f"\n\n{key}:\n")
    found = [str(problem) for problem in problems(None, tmp_path)]
    assert f"{second}:3: {key}: is also in {first}:2 (fix: keep one of them)" in found


def test_two_targets_of_one_name_are_told_with_both_files(tmp_path: Path) -> None:
    first = put(tmp_path / "a.yml", {"targets": [portal("other"), portal("salon")]})
    second = put(tmp_path / "b.yml", {"targets": [portal("salon")]})
    (problem,) = problems(None, tmp_path)
    assert str(problem) == (
        f"{second}:2: targets[0].name: 'salon' is also targets[1].name of {first} (fix: give each target its own name)"
    )


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(BAD.glob("*.yml")), ids=lambda file: file.stem)
def test_a_broken_file_is_told_between_good_ones_as_it_is_alone(tmp_path: Path, file: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    for beside in ("secrets", "certificates"):
        (tmp_path / "conf.d" / beside).symlink_to(BAD / beside)
    broken = tmp_path / "conf.d" / "m.yml"
    shutil.copy(file, broken)
    alone = problems(broken)
    put(tmp_path / "conf.d" / "a.yml", {"targets": [portal("good-1")]})
    put(tmp_path / "conf.d" / "z.yml", {"targets": [portal("good-2")]})
    try:
        load_config(None, ENVIRONMENT, folder=tmp_path / "conf.d")
    except ConfigError as error:
        found = error.problems
    else:
        found = ()
    assert {str(broken)} >= {problem.file for problem in found}
    left_to_others = {"there are no targets"}  # which there are then
    assert [problem for problem in alone if problem.message not in left_to_others] == list(found)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("nothing"), "does not exist"),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not UTF-8 text"),
        (lambda path: path.symlink_to(path.name), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_the_only_problem_and_nothing_is_loaded(tmp_path: Path, make: Any, message: str) -> None:  # noqa: ANN401
    put(tmp_path / "a.yml", {"targets": [portal("a", collectors={"bookings": {"windows": ["of-the-other-file"]}})]})
    make(tmp_path / "b.yml")
    (problem,) = problems(None, tmp_path)
    assert str(tmp_path / "b.yml") == problem.file
    assert message in problem.message


def test_what_is_no_yaml_is_told_of_each_file_and_targets_are_not_said_to_lack_it(tmp_path: Path) -> None:
    put(tmp_path / "a.yml", "windows: [{name: x, from: now, to: now+1d}\n")
    put(tmp_path / "b.yml", "\t\n")
    put(tmp_path / "c.yml", {"targets": [portal("a", collectors={"bookings": {"windows": ["x"]}})]})
    found = problems(None, tmp_path)
    assert {str(tmp_path / "a.yml"), str(tmp_path / "b.yml")} == {problem.file for problem in found}
    assert all("not valid YAML" in problem.message for problem in found)


@pytest.mark.parametrize(
    ("folder", "message"),
    [("empty", "holds no file that ends in .yml or .yaml"), ("nothing", "does not exist"), ("file", "is not a folder")],
)
def test_a_folder_without_files_is_a_problem(tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    (tmp_path / "file").touch()
    (problem,) = problems(None, tmp_path / folder)
    assert str(tmp_path / folder) == problem.file
    assert message in problem.message
    assert "--config.dir" in problem.fix


def test_a_folder_without_targets_is_a_problem_of_the_folder(tmp_path: Path) -> None:
    put(tmp_path / "a.yml", "timezone: UTC\n")
    assert [f"{tmp_path}: targets: there are no targets (fix: add targets: with at least one target)"] == list(
        map(str, problems(None, tmp_path))
    )


def test_config_says_from_which_file_a_target_comes(tmp_path: Path) -> None:
    put(tmp_path / "conf.d" / "a.yml", {"targets": [portal("one"), portal("two")]})
    put(tmp_path / "conf.d" / "b\nname: x.yml", {"targets": [portal("three")]})
    shown = effective_config(load_config(None, {}, folder=tmp_path / "conf.d"))
    lines = shown.splitlines()
    above = {
        line.removeprefix("  - name: "): lines[number - 1] for number, line in enumerate(lines) if line.startswith("  - name: ")
    }
    assert f"  # {tmp_path}/conf.d/a.yml" == above["one"] == above["two"]
    assert f"  # {tmp_path}/conf.d/b\\nname: x.yml" == above["three"]
    assert "three" == yaml.safe_load(shown)["targets"][2]["name"]
    (tmp_path / "conf.d" / "a.yml").rename(tmp_path / "one.yml")
    assert "#" not in effective_config(load_config(tmp_path / "one.yml", {}))


def test_a_warning_has_its_file(tmp_path: Path) -> None:
    put(tmp_path / "a.yml", {"targets": [portal("a")]})
    file = put(tmp_path / "b.yml", {"targets": [portal("b", collectors={"bookings": {"interval": "5s"}})]})
    places = [(warning.file, warning.line) for warning in load_config(None, {}, folder=tmp_path).warnings if warning.path]
    assert [(str(file), 7)] == places


# Names of further files.


def kinds(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield each key that takes a secret or names a file."""
    for name, field in model.model_fields.items():
        text = repr(field.annotation) + repr(field.metadata)
        if repr(SECRET_SCHEMA) in text or repr(NAMES_A_FILE) in text:
            yield (*path, name)
        for inner in models_in(field.annotation):
            if inner not in [platform.settings for platform in PLATFORMS.values()]:
                yield from kinds(inner, (*path, name))


WRITTEN = """
state_file: &p NAME
targets:
  - {name: key, platform: wix, api_key: {file: NAME}, proxy: {file: NAME}, tls: {ca_file: NAME}, labels: {file: NAME}}
  - {name: app, platform: wix, app_secret: {file: NAME}, proxy: {file: NAME}, tls: {ca_file: *p}, aliases: {file: NAME}}
  - {name: hook, platform: bitrix24, webhook_url: {file: NAME}, tls: {ca_file: *p}, proxy: {file: NAME}}
  - name: oauth
    platform: bitrix24
    oauth: {client_id: local.1, client_secret: {file: NAME}, token_file: NAME}
    tls: {ca_file: *p}
    proxy: {file: NAME}
  - name: anna-cal
    platform: calendar
    caldav: {url: https://dav.example.org/anna/main/, username: anna, password: {file: NAME}}
    tls: {ca_file: *p}
    proxy: {file: NAME}
  - {name: ben-cal, platform: calendar, ics_url: {file: NAME}, tls: {ca_file: *p}, proxy: {file: NAME}}
defaults:
  wix: {api_key: {file: NAME}, labels: {file: NAME}}
  bitrix24: {oauth: {token_file: NAME}}
"""


def test_each_key_that_names_a_file_is_found_and_no_other() -> None:
    whole = yaml.safe_load(WRITTEN)
    found = {(id(each.holder), each.key): each for each in _named(whole, [Config])}
    written = {id(whole["targets"][0]["labels"]), id(whole["targets"][1]["aliases"]), id(whole["defaults"]["wix"]["labels"])}
    assert not written & {holder for holder, _ in found}
    assert len(found) == WRITTEN.count("NAME") + WRITTEN.count("*p") - len(written)
    for name, platform in PLATFORMS.items():
        rows = [target for target in whole["targets"] if target["platform"] == name]
        for path in kinds(platform.settings):
            assert any(_at(row, path) for row in rows), path


def _at(value: Any, path: tuple[str, ...]) -> object:  # noqa: ANN401  YAML
    for key in path:
        value = value.get(key, {})
    return value


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    """A file, and folders in it and beside it, each with a certificate of its own name."""
    for folder in (tmp_path / "etc", tmp_path / "etc" / "conf.d", tmp_path / "other"):
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets" / "key").write_text(f"planted-{folder.name}")
        certificate, _ = self_signed(folder)
        certificate.rename(folder / "ca.pem")
    put(tmp_path / "etc" / "exporter.yml", {"defaults": {"wix": {"api_key": {"file": "secrets/key"}}}})
    return tmp_path


@pytest.mark.parametrize("place", ["etc/conf.d", "other"])
@pytest.mark.parametrize("is_relative", [True, False])
def test_names_of_files_start_at_the_folder_of_the_file_that_has_them(
    two_folders: Path, place: str, *, is_relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = two_folders / place
    target = {"name": "own", "platform": "wix", "site_id": "7f1c2d3e-1111-4222-8333-444455556666"}
    own = {"api_key": {"file": "secrets/key"}, "tls": {"ca_file": "ca.pem"}, "labels": {"file": "secrets/key"}}
    put(folder / "a.yml", {"state_file": "state.json", "targets": [{**target, **own}]})
    put(folder / "b.yml", {"targets": [{**target, "name": "shared", "site_id": "7f1c2d3e-1111-4222-8333-444455556667"}]})
    base = two_folders
    if is_relative:
        monkeypatch.chdir(two_folders)
        base, folder = Path(), Path(place)
    config = load_config(base / "etc" / "exporter.yml", {}, folder=folder)
    one, other = (target for target in config.targets if isinstance(target, WixTarget))
    assert one.api_key is not None
    assert other.api_key is not None
    assert one.ca_file is not None
    assert f"planted-{folder.name}" == one.api_key.reveal()
    assert "planted-etc" == other.api_key.reveal()
    assert two_folders / place / "ca.pem" == one.ca_file.path
    assert two_folders / place / "state.json" == config.state_file
    assert {"file": "secrets/key"} == one.labels
    assert one.credential_source != other.credential_source
    assert "secrets/key" == other.credential_source
    assert two_folders / place / "secrets" / "key" in config.files


def test_only_files_that_hold_a_secret_are_private(tmp_path: Path) -> None:
    holds = put(tmp_path / "a.yml", {"targets": [portal("a")]})
    put(tmp_path / "b.yml", {"targets": [{**portal("b"), "webhook_url": {"env": "B24_WEBHOOK_URL"}}]})
    also = put(tmp_path / "c.yml", {"defaults": {"wix": {"api_key": "planted"}}})
    put(tmp_path / "d.yml", {"x-key": "planted", "targets": [portal("d", webhook_url={"file": "secret"})]})
    assert [holds, also] == seen_from(tmp_path, read_parts(None, tmp_path)[0])


# The watch.


def test_a_change_of_the_folder_is_noticed_whatever_makes_it(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    for name in "abc":
        put(folder / f"{name}.yml", {"targets": [portal(name)]})
    config = load_config(None, {}, folder=folder)
    seen = [stamps(config.files)]

    def look() -> None:
        seen.append(stamps(config.files))
        assert seen[-1] not in seen[:-1]

    put(folder / "b.yml", {"targets": [portal("other")]})
    look()
    put(tmp_path / "c.new", {"targets": [portal("cc")]}).rename(folder / "c.yml")  # as editors save
    look()
    put(folder / "d.yml", {"targets": [portal("d")]})
    look()
    (folder / "a.yml").unlink()
    look()
    assert ["other", "cc", "d"] == names(load_config(None, {}, folder=folder))


def test_a_configmap_that_kubernetes_replaces_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    put(folder / "..2026_01" / "a.yml", {"targets": [portal("a")]})
    (folder / "..data").symlink_to("..2026_01")
    (folder / "a.yml").symlink_to("..data/a.yml")
    config = load_config(None, {}, folder=folder)
    before = stamps(config.files)
    put(folder / "..2026_02" / "a.yml", {"targets": [portal("b")]})
    (folder / "..data_tmp").symlink_to("..2026_02")
    (folder / "..data_tmp").rename(folder / "..data")
    shutil.rmtree(folder / "..2026_01")
    assert before != stamps(config.files)
    assert ["b"] == names(load_config(None, {}, folder=folder))


# Thresholds alone, for rules.


def test_verdicts_are_found_in_any_file_and_told_where_they_stand_twice(tmp_path: Path) -> None:
    put(tmp_path / "a.yml", {"targets": [{"name": "broken"}]})
    first = put(tmp_path / "b.yml", {"verdicts": {"conflict": {"soon": "2h"}}})
    put(tmp_path / "c.yml", "x: 1\n")
    assert load_thresholds(None, tmp_path) == load_thresholds(first)
    assert load_thresholds(None, tmp_path) != load_thresholds(tmp_path / "a.yml")
    second = put(tmp_path / "d.yml", {"verdicts": {"conflict": {"soon": "3h"}}})
    with pytest.raises(ConfigError) as caught:
        load_thresholds(None, tmp_path)
    assert f"{second}:1: verdicts: is also in {first}:1 (fix: keep one of them)" == str(caught.value)


def test_a_list_that_stands_in_two_files_is_to_be_moved_and_not_to_be_lost(tmp_path: Path) -> None:
    for name in ("1.yml", "2.yml"):
        (tmp_path / name).write_text("pairs: [{name: anna, bookings: {target: salon, resource: 1}, calendar: anna-cal}]\n")
    with pytest.raises(ConfigError, match=r"pairs: is also in .*1\.yml:1 \(fix: move all of it into one of the two\)"):
        load_config(None, {}, folder=tmp_path)
