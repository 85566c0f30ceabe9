"""``defaults``: what many targets share. Keys that begin with ``x-`` are for anchors."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter.config import Config, config_hash, effective_config, load_config
from exporter.errors import ConfigError, ConfigProblem
from exporter.platforms.registry import PLATFORMS
from tests.harness.certificates import self_signed
from tools.config_reference import json_schema

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "bad_configs"
SITE = "7f1c2d3e-1111-4222-8333-444455556666"
ENVIRONMENT = {
    "KEY": "planted-key",
    "OTHER": "planted-other",
    "B24_WEBHOOK_URL": "https://portal.example/rest/1/planted0123456789/",
    "EMPTY": " ",
}
PROXY = "http://proxy.example:3128"


def load(folder: Path, written: object) -> Config:
    file = folder / "exporter.yml"
    file.write_text(written if isinstance(written, str) else yaml.safe_dump(written, sort_keys=False, allow_unicode=True))
    return load_config(file, ENVIRONMENT)


def problems(folder: Path, written: object) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder, written)
    return caught.value.problems


def wix(name: str = "a", **own: Any) -> dict[str, Any]:  # noqa: ANN401  YAML
    return {"name": name, "platform": "wix", "site_id": SITE.replace("6666", name.encode().hex().zfill(4)[-4:]), **own}


def shared(defaults: object, **own: Any) -> dict[str, Any]:  # noqa: ANN401  YAML
    return {"defaults": {"wix": defaults}, "targets": [wix(**own)]}


BOTH = {"connections": None, "bookings": {"conflicts": True}}

# Every key of a target, with a value that differs from its default.
SHARED: dict[str, dict[str, object]] = {
    "wix": {
        "timezone": "Europe/Vienna",
        "labels": {"team": "north"},
        "resource_aliases": {SITE: "Chair 1"},
        "base_url": "https://wix.example",
        "tls": {"ca_file": "ca.pem"},
        "proxy": PROXY,
        "accepted": [{"warning": "conflicts_off", "why": "too many requests"}],
        "closed": ["2026-12-24..2026-12-26"],
        "paused": True,
        "timeout": "20s",
        "collectors": {"bookings": {"conflicts": True}, "connections": {"interval": "2m"}},
        "api_key": {"env": "KEY"},
        "app_id": SITE,
        "app_secret": {"env": "KEY"},
        "aliases": {SITE: "Chair 1"},
    },
    "bitrix24": {
        "timezone": "Europe/Vienna",
        "labels": {"team": "north"},
        "resource_aliases": {"12": "Chair 1"},
        "base_url": "https://portal.example",
        "tls": {"ca_file": "ca.pem"},
        "proxy": PROXY,
        "accepted": [{"warning": "conflicts_off", "why": "too many requests"}],
        "closed": ["2026-12-24..2026-12-26"],
        "paused": True,
        "timeout": "20s",
        "collectors": {"bookings": {"per_resource": True}, "links": {"interval": "30m"}},
        "budget": {"burst": 5},
        "oauth": {"client_id": "local.1", "client_secret": {"env": "KEY"}, "token_file": "tokens.json"},
    },
    "calendar": {
        "timezone": "Europe/Vienna",
        "labels": {"team": "north"},
        "resource_aliases": {"7": "Chair 1"},
        "base_url": "https://calendar.example",
        "tls": {"ca_file": "ca.pem"},
        "proxy": PROXY,
        "accepted": [{"warning": "same_account", "why": "two ways to read it"}],
        "closed": ["2026-12-24..2026-12-26"],
        "paused": True,
        "timeout": "20s",
        "collectors": {"busy": {"interval": "10m"}},
    },
}
CREDENTIALS: dict[str, dict[str, object]] = {
    "wix": {"site_id": SITE, "api_key": {"env": "KEY"}},
    "bitrix24": {"webhook_url": {"env": "B24_WEBHOOK_URL"}},
    "calendar": {"caldav": {"url": "https://dav.example.org/anna/main/", "username": "anna", "password": {"env": "KEY"}}},
}
APP: dict[str, object] = {"app_id": SITE, "app_secret": {"env": "KEY"}, "instance_id": SITE}
KEYS = [(platform, key) for platform, values in SHARED.items() for key in values]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA's file, and the secrets of the broken configurations."""
    folder = tmp_path_factory.mktemp("defaults")
    shutil.copytree(BAD / "secrets", folder / "secrets")
    certificate, _ = self_signed(folder)
    (folder / "ca.pem").write_bytes(certificate.read_bytes())
    return folder


def test_each_key_of_a_target_is_its_own_or_can_be_shared() -> None:
    for name, platform in PLATFORMS.items():
        assert SHARED[name].keys() | platform.settings.OWN == platform.settings.model_fields.keys()
        assert not SHARED[name].keys() & platform.settings.OWN


@pytest.mark.parametrize(("platform", "key"), KEYS)
def test_a_shared_key_is_the_same_as_one_in_each_target(folder: Path, platform: str, key: str) -> None:
    credential = CREDENTIALS[platform]
    if key.startswith("app_"):
        credential = APP
    if key == "oauth":
        credential = {}
    target = {"name": "a", "platform": platform, **credential}
    value = SHARED[platform][key]
    written = load(folder, {"targets": [{**target, key: value}]})
    bare = {other: given for other, given in target.items() if other != key}
    of_many = load(folder, {"defaults": {platform: {key: value}}, "targets": [bare]})
    assert effective_config(written) == effective_config(of_many)
    assert config_hash(written) == config_hash(of_many)
    assert written.targets == of_many.targets


@pytest.mark.parametrize(
    ("platform", "key"), [(name, key) for name, each in PLATFORMS.items() for key in sorted(each.settings.OWN)]
)
def test_a_key_that_is_each_targets_own_cannot_be_shared(folder: Path, platform: str, key: str) -> None:
    target = {"name": "a", "platform": platform, **CREDENTIALS[platform]}
    (problem,) = problems(folder, {"defaults": {platform: {key: "x"}}, "targets": [target]})
    assert f"{folder}/exporter.yml:3: defaults.{platform}.{key}: cannot be shared: each target has its own" in str(problem)


@pytest.mark.parametrize(
    ("default", "own", "result"),
    [
        ({"labels": {"a": "1", "b": "1"}}, {"labels": {"b": "2"}}, {"labels": {"a": "1", "b": "2"}}),
        ({"labels": {"env": "x"}}, {"labels": {"file": "y"}}, {"labels": {"env": "x", "file": "y"}}),  # no forms of a secret
        ({"closed": ["2026-12-24"]}, {"closed": ["2026-12-31"]}, {"closed": ["2026-12-31"]}),  # a list is one value
        ({"closed": ["2026-12-24"]}, {"closed": []}, {}),
        ({"timeout": "20s"}, {"timeout": "40s"}, {"timeout": "40s"}),
        ({"paused": True}, {"paused": False}, {}),
        ({"proxy": PROXY}, {"proxy": None}, {}),  # nothing is a value, too, where a target may do without
        ({"tls": {"ca_file": "ca.pem"}}, {"tls": None}, {}),
        ({"base_url": "https://wix.example"}, {"base_url": None}, {}),
        # One way to sign in, and a target that goes another one.
        ({"api_key": {"env": "KEY"}}, {"api_key": None, "site_id": None, **APP}, {**APP, "site_id": None}),
        # A secret is one value, whatever its form.
        ({"api_key": {"env": "OTHER"}}, {"api_key": {"env": "KEY"}}, {"api_key": {"env": "KEY"}}),
        ({"api_key": {"file": "secrets/api_key"}}, {"api_key": {"env": "KEY"}}, {"api_key": {"env": "KEY"}}),
        # Collectors: the target says which run, the defaults how.
        ({"collectors": {"bookings": {"conflicts": True}}}, {}, {"collectors": BOTH}),
        ({"collectors": {"bookings": {"conflicts": True}}}, {"collectors": None}, {"collectors": BOTH}),
        ({"collectors": {"bookings": None}}, {}, {}),
        ({"collectors": None}, {"collectors": {"bookings": None}}, {"collectors": {"bookings": None}}),
        ({"collectors": BOTH}, {"collectors": {"connections": None}}, {"collectors": {"connections": None}}),
        (
            {"collectors": {"bookings": {"conflicts": True, "interval": "2m"}}},
            {"collectors": {"bookings": {"interval": "3m"}}},
            {"collectors": {"bookings": {"conflicts": True, "interval": "3m"}}},
        ),
        (
            {"collectors": {"bookings": {"conflicts": True}, "connections": {"interval": "2m"}}},
            {"collectors": {"bookings": None}},  # named without a value: as the defaults say
            {"collectors": {"bookings": {"conflicts": True}}},
        ),
        ({"collectors": {"bookings": {"windows": ["today"]}}}, {"collectors": {"bookings": {"windows": ["next_7d"]}}},
         {"collectors": {"bookings": {"windows": ["next_7d"]}}}),
        ({}, {}, {}),
        (None, {}, {}),
    ],
)  # fmt: skip
def test_a_target_says_it_otherwise(
    folder: Path, default: dict[str, object], own: dict[str, object], result: dict[str, object]
) -> None:
    # What the target is without a default counts where the table says nothing.
    signed: dict[str, Any] = {"api_key": {"env": "KEY"}} if "app_id" not in result and "api_key" not in (default or {}) else {}
    expected = load(folder, {"targets": [wix(**{**signed, **result})]})
    filled = load(folder, shared(default, **{**signed, **own}))
    assert effective_config(expected) == effective_config(filled)
    assert expected.targets == filled.targets


def test_the_zone_of_a_platform_stands_between_that_of_the_file_and_that_of_a_target(folder: Path) -> None:
    signed = {"api_key": {"env": "KEY"}}
    written = {"timezone": "Europe/Berlin", "defaults": {"wix": {"timezone": "Europe/Vienna"}}}
    targets = [wix("a", **signed), wix("b", timezone="Europe/Zurich", **signed)]
    hook = {"name": "c", "platform": "bitrix24", "webhook_url": {"env": "B24_WEBHOOK_URL"}}
    config = load(folder, {**written, "targets": [*targets, hook]})
    assert ["Europe/Vienna", "Europe/Zurich", "Europe/Berlin"] == [str(target.timezone) for target in config.targets]


# Mistakes: all of the table of broken configurations that stand in a target and could stand in defaults as well.


def movable() -> list[Any]:
    """Return each broken file whose mistakes all stand in keys of the first target that can be shared."""
    found = []
    for file in sorted(BAD.glob("*.txt")):
        rows = [line.split(": ", 2)[1:] for line in file.read_text().splitlines() if line.count(": ") > 1]
        places = [re.match(r"targets\[0\]\.([a-z_]+)", path) for path, _ in rows]
        if not rows or not all(places):
            continue
        try:
            top = yaml.safe_load(file.with_suffix(".yml").read_text())
        except yaml.YAMLError:
            continue
        target = top["targets"][0]
        platform = PLATFORMS.get(str(target.get("platform")))
        keys = {place[1] for place in places if place} & target.keys()
        is_read_twice = "the key is there twice" in file.read_text()  # which YAML says of the text
        if (
            platform is not None
            and not is_read_twice
            and len(top["targets"]) == 1
            and keys
            and not keys & platform.settings.OWN
        ):
            found.append(pytest.param(top, platform.name, keys, id=file.stem))
    return found


MOVABLE = movable()


def test_many_mistakes_are_moved() -> None:
    assert len(MOVABLE) >= 90


@pytest.mark.slow
@pytest.mark.parametrize(("top", "platform", "keys"), MOVABLE)
def test_a_mistake_in_defaults_is_told_once_at_its_own_line(
    folder: Path, top: dict[str, Any], platform: str, keys: set[str]
) -> None:
    first, place = "targets[0]", f"defaults.{platform}"
    in_targets = {
        (problem.path.replace(first, place), problem.message.replace(first, place), problem.fix)
        for problem in problems(folder, top)
    }
    target = top["targets"][0]
    default = {key: target[key] for key in keys}
    rest = {key: value for key, value in target.items() if key not in keys}
    written = {**top, "defaults": {platform: default}, "targets": [{**rest, "name": f"t{n}"} for n in range(3)]}
    found = problems(folder, written)
    assert in_targets == {(problem.path, problem.message, problem.fix) for problem in found}
    text = (folder / "exporter.yml").read_text().splitlines()
    begin, end = text.index("defaults:") + 1, next((n for n, line in enumerate(text, 1) if line == "targets:"))
    assert len({(problem.path, problem.message) for problem in found}) == len(found)
    assert all(problem.line and (begin < problem.line < end or end < begin < problem.line) for problem in found)


@pytest.mark.parametrize(
    ("platform", "key", "value"), [(platform, key, value) for platform, key in KEYS for value in (42.5, "\u200b", ["x", {}])]
)
def test_what_no_target_uses_is_checked_as_well(folder: Path, platform: str, key: str, value: object) -> None:
    other = "bitrix24" if platform == "wix" else "wix"
    target = {"name": "a", "platform": other, **CREDENTIALS[other]}
    found = problems(folder, {"defaults": {platform: {key: value}}, "targets": [target]})
    lines = 3 + (len(value) if isinstance(value, list) else 0)
    for problem in found:
        assert problem.path.startswith(f"defaults.{platform}.{key}")
        assert 3 <= (problem.line or 0) <= lines


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"defaults": []}, "defaults: must be a mapping, not a list"),
        ({"defaults": "x"}, "defaults: must be a mapping, not text"),
        ({"defaults": {"wix": []}}, "defaults.wix: must be a mapping, not a list"),
        ({"defaults": {"wix": "x"}}, "defaults.wix: must be a mapping, not text"),
        ({"defaults": {"wx": {}}}, "defaults.wx: unknown key (fix: did you mean wix?)"),
        ({"defaults": {"timeout": "5s"}}, "defaults.timeout: unknown key (fix: move it to defaults.<platform>)"),
        ({"default": {}}, "default: unknown key (fix: did you mean defaults?)"),
    ],
)
def test_the_form_of_defaults_is_told(folder: Path, written: dict[str, object], message: str) -> None:
    (problem,) = problems(folder, {**written, "targets": [wix(api_key={"env": "KEY"})]})
    assert message in str(problem)


@pytest.mark.parametrize(
    "block",
    [
        "{wix: {api_key: {env: KEY}}",
        "\n  wix: !x\n    api_key: k",
        "!x {}",
        '\n  wix: {api_key: "k}',
    ],
)
def test_targets_are_not_said_to_lack_what_cannot_be_read(folder: Path, block: str) -> None:
    found = problems(folder, f"defaults: {block}\ntargets:\n  - {{name: a, platform: wix, site_id: {SITE}}}\n")
    assert all("is missing" not in problem.message and "credential" not in problem.message for problem in found)
    assert found


def test_defaults_that_nobody_has_are_a_warning(folder: Path) -> None:
    config = load(folder, {"defaults": {"bitrix24": {"timeout": "5s"}}, "targets": [wix(api_key={"env": "KEY"})]})
    (warning,) = [warning for warning in config.warnings if warning.path]
    assert "exporter.yml:2: defaults.bitrix24: has no effect: there are no targets of platform bitrix24" in str(warning)


def test_what_is_odd_in_defaults_is_a_warning_that_is_told_once(folder: Path) -> None:
    unchecked = {"conflicts": False, "platform_conflicts": False}
    written = shared({"api_key": {"env": "KEY"}, "collectors": {"bookings": {"interval": "5s", **unchecked}}})
    written["targets"] = [wix(name) for name in "abc"]
    config = load(folder, written)
    told = [f"{warning.path} {warning.line}" for warning in (*config.warnings, *config.gaps) if warning.path]
    assert ["defaults.wix.collectors.bookings.interval 7", "defaults.wix.collectors.bookings.conflicts 8"] == told


# Keys for anchors.

ANCHORS = f"""
x-collectors: &collectors
  connections: {{interval: 2m}}
x-site: &site {{platform: wix, api_key: {{env: KEY}}, collectors: *collectors}}
targets:
  - {{<<: *site, name: a, site_id: {SITE}}}
  - <<: *site
    name: b
    site_id: {SITE[:-1]}7
    x-note: [anything, {{goes: here}}]
defaults:
  x-more: 1
  wix:
    x-more: {{api_key: nothing}}
"""


def test_keys_for_anchors_are_not_looked_at(folder: Path) -> None:
    config = load(folder, ANCHORS)
    assert ["a", "b"] == [target.name for target in config.targets]
    assert all(
        target.collectors.connections.interval == 120 and target.collectors.bookings is None for target in config.targets
    )
    assert "x-" not in effective_config(config)


def test_an_anchor_that_is_wrong_is_told_at_its_line(folder: Path) -> None:
    found = problems(folder, ANCHORS.replace("2m", "2 m"))
    assert {("targets[0].collectors.connections.interval", 3)} <= {(problem.path, problem.line) for problem in found}


@pytest.mark.parametrize(
    "place", ["collectors: {x-a: 1}", "collectors: {bookings: {x-a: 1}}", "tls: {x-a: 1}", "x_a: 1", "X-a: 1"]
)
def test_elsewhere_they_are_unknown_keys(folder: Path, place: str) -> None:
    found = problems(folder, f"targets:\n  - {{name: a, platform: wix, site_id: {SITE}, api_key: k, {place}}}\n")
    assert any("unknown key" in problem.message or "not a collector" in problem.message for problem in found)


# What editors show.


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(json_schema()))


@pytest.mark.parametrize(("platform", "key"), KEYS)
def test_the_schema_completes_in_defaults_and_wants_nothing(
    validator: jsonschema.Draft202012Validator, platform: str, key: str
) -> None:
    rest = {"targets": [wix(api_key="k")]}
    validator.validate({"defaults": {platform: {key: SHARED[platform][key]}}, **rest})
    assert not validator.is_valid({"defaults": {platform: {key: 42.5}}, **rest})
    assert not validator.is_valid({"defaults": {platform: {f"{key}x": SHARED[platform][key]}}, **rest})


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_schema_refuses_what_is_each_targets_own(validator: jsonschema.Draft202012Validator, name: str) -> None:
    for key in PLATFORMS[name].settings.OWN:
        assert not validator.is_valid({"defaults": {name: {key: "x"}}, "targets": [wix(api_key="k")]})


def test_the_schema_knows_keys_for_anchors_and_half_of_a_sign_in(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load(ANCHORS))
    for half in ({"client_id": "local.1"}, {"client_secret": {"env": "X"}}):
        validator.validate({"defaults": {"bitrix24": {"oauth": half}}, "targets": [wix(api_key="k")]})


def test_the_two_blocks_of_the_document_are_one_configuration(folder: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    section = page.partition("\n## Many sites\n")[2].partition("\n## ")[0]
    short, long, *_ = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    secrets = {"WIX_API_KEY": "planted-key", "WIX_APP_SECRET": "planted-secret"}
    configs = []
    for number, text in enumerate((short, long)):
        file = folder / f"{number}.yml"
        file.write_text(text)
        configs.append(load_config(file, secrets))
    assert effective_config(configs[0]) == effective_config(configs[1])
    assert configs[0].targets == configs[1].targets
