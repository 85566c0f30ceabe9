"""For every key and every enumerated value of the models: a slip of the pen, or another place, leads to the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import pytest
import yaml

from exporter.config import Config, load_config
from exporter.config.keys import Home, homes
from exporter.errors import ConfigError, ConfigProblem
from exporter.monitoring.settings import Settings, load_settings
from exporter.platforms.registry import PLATFORMS
from exporter.platforms.wix.settings import STATUSES
from exporter.support.yaml_source import showable_key

_LISTS: Final = ("windows", "accepted", "discover", "heartbeats", "services", "pairs")
KEYS: Final = [(name, home) for name, places in homes(Config).items() for home in places]
PLACES: Final = sorted({home for _, home in KEYS} | {Home(platform, ()) for platform in PLATFORMS})


def camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.title() for word in others)


SLIPS: Final[Mapping[str, Callable[[str], str]]] = {
    "capitals": str.upper,
    "a capital": str.capitalize,
    "camel case": camel,
    "dashes": lambda key: key.replace("_", "-"),
    "run together": lambda key: key.replace("_", ""),
    "one s more or less": lambda key: key.removesuffix("s") if key.endswith("s") else f"{key}s",
    "a letter dropped": lambda key: key[:2] + key[3:] if len(key) > 4 else key,
    "two letters exchanged": lambda key: key[:1] + key[2] + key[1] + key[3:] if len(key) > 4 else key,
    "a letter doubled": lambda key: key[:1] + key,
}


def holder(file: dict[str, Any], home: Home) -> dict[str, Any]:
    """Return the mapping at ``home`` of a file that has one target for each platform."""
    place: Any = file
    if home.platform:
        place = file["targets"][list(PLATFORMS).index(home.platform)]
    for name in home.inside:
        place = place.setdefault(name, [{}])[0] if name in _LISTS else place.setdefault(name, {})
    assert isinstance(place, dict)
    return place


def shown_at(home: Home) -> str:
    """Return ``home`` as a problem's path begins."""
    start = f"targets[{list(PLATFORMS).index(home.platform)}]" if home.platform else ""
    inside = ".".join(f"{name}[0]" if name in _LISTS else name for name in home.inside)
    return ".".join(part for part in (start, inside) if part)


def new_file() -> dict[str, Any]:
    rules = [{"name": "found", "platform": "wix", "target": {}}]
    return {"targets": [{"name": name, "platform": name} for name in PLATFORMS], "discover": rules}


def problems_of(tmp_path: Path, file: dict[str, Any]) -> dict[str, ConfigProblem]:
    path = tmp_path / "exporter.yml"
    path.write_text(yaml.safe_dump(file, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    return {problem.path: problem for problem in caught.value.problems if problem.message.startswith(("unknown", "not a c"))}


@pytest.mark.slow
def test_the_walk_finds_what_the_schema_has() -> None:
    """A key that the walk missed would be tested by nobody."""
    in_schema = {
        key
        for model in Config.model_json_schema()["$defs"].values()
        for key in model.get("properties", {})
        if "properties" in model
    } | set(Config.model_json_schema()["properties"])
    assert in_schema - {"file", "env"} == set(homes(Config))
    assert len(KEYS) > 100


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS)
def test_each_key_is_found_from_a_slip_of_the_pen(tmp_path: Path, slip: str) -> None:
    file, wanted = new_file(), {}
    siblings: dict[Home, set[str]] = {}
    for key, home in KEYS:
        siblings.setdefault(home, set()).add(key)
    for key, home in KEYS:
        if (written := SLIPS[slip](key)) not in siblings[home] and key not in ("name", "platform"):
            holder(file, home).setdefault(written, 1)
            wanted[f"{shown_at(home)}.{written}".lstrip(".")] = key
    problems = problems_of(tmp_path, file)
    assert len(wanted) > 30
    assert {path: f"did you mean {key}?" for path, key in wanted.items()} == {path: problems[path].fix for path in wanted}


@pytest.mark.parametrize("slip", SLIPS)
def test_each_key_of_the_bundle_is_found_from_a_slip_of_the_pen(tmp_path: Path, slip: str) -> None:
    top = {key for key, places in homes(Settings).items() if Home("", ()) in places}
    wanted = {written: key for key in top if (written := SLIPS[slip](key)) not in top}
    path = tmp_path / "monitoring.yml"
    path.write_text("".join(f"{written}: 1\n" for written in wanted))
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert len(wanted) > 5 or slip in ("camel case", "dashes", "run together")
    assert {written: f"did you mean {key}?" for written, key in wanted.items()} == {
        problem.path: problem.fix for problem in caught.value.problems
    }


@pytest.mark.slow
def test_each_key_in_a_wrong_place_is_told_where_it_belongs(tmp_path: Path) -> None:
    file, wanted = new_file(), {}
    for key in homes(Config):
        for home in PLACES:
            place = holder(file, home)
            if home not in homes(Config)[key] and key not in place and home.inside not in (("labels",), ("aliases",)):
                place[key] = 1
                wanted[f"{shown_at(home)}.{key}".lstrip(".")] = key
    problems = problems_of(tmp_path, file)
    assert len(wanted) > 1500
    lost = [path for path in wanted if path not in problems or problems[path].fix.startswith("use one of")]
    assert [] == lost
    for path, key in wanted.items():
        fix = problems[path].fix
        insides = {part for home in homes(Config)[key] for part in home.inside}
        meant = {platform.misnomers[key] for platform in PLATFORMS.values() if key in platform.misnomers}
        words = ("top level of the file", "target itself", f"targets[].{key}", "of platform", "did you mean", "write ", "<")
        assert fix in meant or any(word in fix for word in (*words, *insides)), (path, fix)


# Enumerated values.


def choices(model: Any, inside: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:  # noqa: ANN401  a model or an annotation
    """Yield each place with a closed list of words, and the words."""
    for name, field in getattr(model, "model_fields", {}).items():
        stack = [field.annotation, *field.metadata]
        while stack:
            each = stack.pop()
            if get_origin(each) is Literal and len(get_args(each)) > 1:
                yield (*inside, name), get_args(each)
            elif hasattr(each, "model_fields"):
                yield from choices(each, (*inside, name))
            else:
                stack += get_args(each)


CHOICES: Final = [("", *row) for row in choices(Config) if row[0][0] == "verdicts"] + [
    (platform.name, *row) for platform in PLATFORMS.values() for row in choices(platform.settings)
]


def slips_of(word: str) -> set[str]:
    return {word.upper(), word.capitalize(), word[:1] + word, word[:2] + word[3:]} - {word} if len(word) > 2 else set()


@pytest.mark.slow
def test_each_enumerated_value_is_found_from_a_slip_of_the_pen(tmp_path: Path) -> None:
    assert len(CHOICES) > 15
    wanted = [
        (platform, inside, written, word)
        for platform, inside, words in CHOICES
        for word in words
        for written in sorted(slips_of(word) - set(words))
    ]
    targets = []
    verdicts = [row for row in wanted if not row[0]]
    in_targets = [row for row in wanted if row[0]]
    for number, (platform, inside, written, _) in enumerate(in_targets):
        target: dict[str, Any] = {"name": f"t{number}", "platform": platform}
        holder({"targets": [target] * len(PLATFORMS)}, Home(platform, inside[:-1]))[inside[-1]] = written
        targets.append(target)
    path = tmp_path / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": targets}))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    told = {problem.path: problem for problem in caught.value.problems if "is not allowed" in problem.message}
    assert len(told) == len(in_targets)
    for number, (_, _, written, word) in enumerate(in_targets):
        (problem,) = (each for place, each in told.items() if place.startswith(f"targets[{number}]."))
        assert problem.fix == f"did you mean {word}?", written
    assert len(verdicts) > 80
    while verdicts:
        file: dict[str, Any] = {"targets": [{"name": "a", "platform": "wix"}]}
        now = {inside: (written, word) for _, inside, written, word in verdicts}
        for inside, (written, _) in now.items():
            holder(file, Home("", inside[:-1]))[inside[-1]] = written
        verdicts = [row for row in verdicts if now[row[1]][0] != row[2]]
        path.write_text(yaml.safe_dump(file))
        with pytest.raises(ConfigError) as caught:
            load_config(path, {})
        fixes = {problem.path: problem.fix for problem in caught.value.problems}
        assert {".".join(inside): f"did you mean {word}?" for inside, (_, word) in now.items()} == {
            ".".join(inside): fixes.get(".".join(inside)) for inside in now
        }


OTHERS: Final = (
    *((f"platform: {written}", "targets[0]", f"did you mean {name}?") for name in PLATFORMS for written in slips_of(name)),
    *(
        (f"platform: wix, collectors: {{bookings: {{statuses: [{written}]}}}}", "statuses[0]", f"write {status}")
        for status in STATUSES
        for written in {status.lower(), status.title(), status[:2] + status[3:], status.replace("_", " ")} - {status}
    ),
    *(
        (f"platform: wix, collectors: {{bookings: {{windows: [{written}]}}}}", "windows[0]", f"did you mean {window}?")
        for window in ("last_24h", "today", "next_24h", "next_7d")
        for written in {window.upper(), window.replace("_", "-"), window[:1] + window[2:], window[:2] + window[3:]} - {window}
    ),
)


def test_each_word_that_is_no_literal_is_found_from_a_slip_of_the_pen(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("targets:\n" + "".join(f"  - {{name: t{number}, {text}}}\n" for number, (text, _, _) in enumerate(OTHERS)))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert len(OTHERS) > 40
    for number, (text, place, fix) in enumerate(OTHERS):
        path_of_it = f"targets[{number}]" + ("" if place == "targets[0]" else ".collectors.bookings." + place)
        told = [problem.fix for problem in caught.value.problems if problem.path == path_of_it and problem.fix.startswith(fix)]
        assert told == [fix], (text, [str(problem) for problem in caught.value.problems if problem.path == path_of_it])


def test_a_key_that_may_be_a_credential_leads_nowhere(tmp_path: Path) -> None:
    key = "planted0123456789abcdefplanted"
    assert showable_key(key) is None
    path = tmp_path / "exporter.yml"
    path.write_text(f"{key}: 1\ntargets: [{{name: a, platform: wix, {key}: 1}}]\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert "planted" not in str(caught.value)
