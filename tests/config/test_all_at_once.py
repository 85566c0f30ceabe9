"""One run tells everything: of two mistakes in one value both, around a syntax error the rest, and warnings beside errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.config import load_config
from exporter.errors import ConfigError

FOLDER: Final = Path(__file__).parent.parent / "bad_configs"
SITE: Final = "7f1c2a34-0000-4000-8000-000000000001"
ENVIRONMENT: Final = {"KEY": "k" * 40, "B24_WEBHOOK_URL": "https://portal.example/rest/1/planted0123456789/"}


def error_of(tmp_path: Path, text: str) -> ConfigError:
    file = tmp_path / "exporter.yml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRONMENT)
    return caught.value


def lines_of(error: ConfigError) -> tuple[list[str], list[str]]:
    """Return problems and warnings without the name of the file; what the folder's rights bring is none of it."""
    prefix = next(problem.file for problem in error.problems) + ":"
    return (
        [str(problem).removeprefix(prefix) for problem in error.problems],
        [str(warning).removeprefix(prefix) for warning in error.warnings if warning.file],
    )


# Warnings beside errors.

HASTY: Final[dict[str, Any]] = {
    "name": "hasty",
    "platform": "wix",
    "site_id": SITE,
    "api_key": {"env": "KEY"},
    "collectors": {"connections": {"interval": "5s"}},
}


def files_with_targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(FOLDER.glob("*.yml")):
        try:
            value = yaml.safe_load(file.read_text())
        except (yaml.YAMLError, ValueError, AttributeError):
            continue
        if isinstance(value, dict) and isinstance(value.get("targets"), list) and value["targets"]:
            yield file.stem, value


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), list(files_with_targets()), ids=[name for name, _ in files_with_targets()])
def test_whatever_else_is_wrong_the_warnings_of_a_right_target_are_told(
    tmp_path: Path, name: str, value: dict[str, Any]
) -> None:
    place = len(value["targets"])
    text = yaml.safe_dump({**value, "targets": [*value["targets"], HASTY]})
    if name.startswith("key_twice"):  # YAML has kept the later of the two
        text += "nonsense: 1\n"
    told = [warning for warning in error_of(tmp_path, text).warnings if warning.path.startswith(f"targets[{place}]")]
    assert [f"targets[{place}].collectors.connections.interval"] == [warning.path for warning in told]


WIX: Final = f"  - name: a\n    platform: wix\n    site_id: {SITE}\n    api_key: {{env: KEY}}\n"
OTHER: Final = WIX.replace("name: a", "name: b").replace("0001", "0002")
SHORT: Final = "targets[0].collectors.connections.interval: 5s is short"
BESIDE: Final[tuple[tuple[str, list[str]], ...]] = (
    ("targets:\n" + WIX + "    timeout: 30\n    collectors: {connections: {interval: 5s}}\n", [SHORT]),
    ("targets:\n" + WIX + "    collectors: {connections: {interval: 5s, max_age: 1}}\n", [SHORT]),
    # What speaks of a default in the place of the mistake is not told.
    ("targets:\n" + WIX + "    collectors: {connections: {interval: 60, max_age: 40s}}\n", []),
    ("targets:\n" + WIX + "    timeout: 90m\n    collectors: {connections: {interval: 6}}\n", []),
    ("targets:\n" + WIX + "    collectors: {bookings: {conflicts: 1}}\n", []),
    ("targets:\n" + WIX + "    collectors: {bookings: {}}\n    accepted: [{warning: conflict_off, why: x}]\n", []),
    ("windows: [{name: next_24h, from: now, to: 1d}]\ntargets:\n" + WIX + "    collectors: {bookings: }\n", []),
    # One that is said of a right target is.
    (
        "targets:\n"
        + WIX
        + "    nonsense: 1\n"
        + (WIX + "    collectors: {bookings: {platform_conflicts: false}}\n")
        .replace("name: a", "name: b")
        .replace("0001", "0002"),
        ["targets[1].collectors.bookings.conflicts: double bookings are not checked"],
    ),
)


@pytest.mark.parametrize(("text", "wanted"), BESIDE)
def test_no_warning_speaks_of_what_is_wrong(tmp_path: Path, text: str, wanted: list[str]) -> None:
    problems, warnings = lines_of(error_of(tmp_path, text))
    assert problems
    starts = [warning.partition(": ")[2] for warning in warnings]
    assert len(wanted) == len(starts)
    assert all(start.startswith(beginning) for start, beginning in zip(starts, wanted, strict=True))


# Of two mistakes in one value both.

SCHEMES: Final = {"https://": "", "http://": "uses http to another machine"}
USERS: Final = {"": "", "anna:planted@": "holds a user name or password"}
PORTS: Final = {"": "", ":0": "has port 0"}
QUERIES: Final = {"": "", "?auth=planted": "has a ? or # part"}
PATHS: Final = {
    "/rest/1/planted0123456789/": "",
    "/rest/planted0123456789/": "has no user id after /rest/",
    "/rest/1/": "has no code after the user id",
    "/rest/1/planted0123456789/profile": "goes on after the code",
    "//rest/1/planted0123456789/": "has a double slash in its path",
    "/": "is not the address of an incoming webhook",
}
ADDRESSES: Final = [
    (f"{scheme}{user}portal.example{port}{path}{query}", [said for said in (one, two, three, four, five) if said])
    for (scheme, one), (user, two), (port, three), (query, four), (path, five) in itertools.product(
        SCHEMES.items(), USERS.items(), PORTS.items(), QUERIES.items(), PATHS.items()
    )
]


@pytest.mark.slow
def test_of_all_that_is_wrong_with_an_address_each_is_told(tmp_path: Path) -> None:
    rows = [(address, said) for address, said in ADDRESSES if said]
    assert len(rows) == 2 * 2 * 2 * 2 * 6 - 1
    targets = [{"name": f"b{n}", "platform": "bitrix24", "webhook_url": address} for n, (address, _) in enumerate(rows)]
    error = error_of(tmp_path, yaml.safe_dump({"targets": targets}))
    for number, (address, said) in enumerate(rows):
        told = [problem.message for problem in error.problems if problem.path == f"targets[{number}].webhook_url"]
        assert len(said) == len(told), address
        assert all(any(message.startswith(start) for message in told) for start in said), address
    assert "planted" not in str(error)


# Around a syntax error the rest.

SLIPS: Final = {
    "a tab": "    labels:\n\t  site: x\n",
    "too little indentation": "   labels: {site: x}\n",
    "too much indentation": "      labels: {site: x}\n",
    "an open brace": "    labels: {site: x\n",
    "an open bracket": "    schedule_ids: [x\n",
    "an open quote": '    labels: {site: "x}\n',
    "a second colon": "    labels: site: x\n",
    "a key without a colon": "    labels {site x}\n",
    "a variable in braces": "    proxy: {env: ${PROXY}}\n",
    "a variable of Windows": "    proxy: %PROXY%\n",
    "an at sign": "    proxy: @proxy\n",
    "an alias of nothing": "    labels: *common\n",
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("at", range(3))
def test_a_syntax_error_in_one_target_hides_nothing_of_the_others(tmp_path: Path, slip: str, at: int) -> None:
    """Each target has an unknown key; it is told of the two that can be read, at its line, and of the third nothing else."""
    text, lines = "timezone: Europe/Berln\ntargets:\n", []
    for number in range(3):
        if number == at:
            text += (WIX + SLIPS[slip]).replace("name: a", f"name: t{number}") + "    lables: {site: x}\n"
        else:
            lines.append((number, text.count("\n") + 5))
            text += (WIX + "    lables: {site: x}\n").replace("name: a", f"name: t{number}")
    problems, warnings = lines_of(error_of(tmp_path, text))
    near = "(fix: did you mean Europe/Berlin?)"
    assert f"1: timezone: 'Europe/Berln' is not an IANA time zone {near}" == problems[0]
    wanted = [f"{line}: targets[{number}].lables: unknown key (fix: did you mean labels?)" for number, line in lines]
    assert [problem for problem in problems if "targets[" in problem] == wanted
    syntax = [problem for problem in problems if "not valid YAML" in problem]
    assert 1 == len(syntax)
    assert 4 == len(problems)
    first = text[: text.index(f"name: t{at}")].count("\n") + 1
    unread = "was not checked, because it is not valid YAML (fix: correct that, and check again)"
    assert f"{first}: targets[{at}]: {unread}" in warnings


TOP_SLIPS: Final = ("windows: [{name: x, from: now\n", "windows:\n\t- x\n", 'windows: "x\n', "windows: a: b\n")


@pytest.mark.parametrize("slip", TOP_SLIPS)
def test_what_cannot_be_read_is_missed_by_nobody(tmp_path: Path, slip: str) -> None:
    """A collector names a window, and a site its label, that may stand in what cannot be read."""
    targets = "targets:\n" + WIX + "    collectors: {bookings: {windows: [mine]}}\n    nonsense: 1\n"
    problems, _ = lines_of(error_of(tmp_path, slip + targets))
    assert 2 == len(problems)
    assert 1 == ["nonsense" in problem for problem in problems].count(True)
    sites = "site_users: {berlin: [anna]}\ntargets:\n" + WIX + "    labels: {site: berlin\n"
    problems, _ = lines_of(error_of(tmp_path, sites))
    assert 1 == len(problems)


def test_where_the_parts_cannot_be_told_apart_one_line_says_that_nothing_else_was_checked(tmp_path: Path) -> None:
    for text in ("targets [\n- x: {\n", "{targets: [", "a: 1\n---\nb: [\n", "? [x\n: y\n"):
        problems, warnings = lines_of(error_of(tmp_path, text))
        assert 1 == len(problems)
        assert ["was not checked"] == [one.partition("was not checked")[1] for one in warnings]


def test_a_file_with_a_slip_in_each_target_is_answered_within_a_few_readings(tmp_path: Path) -> None:
    text = "targets:\n" + "".join((WIX + SLIPS["an open brace"]).replace("name: a", f"name: t{n}") for n in range(50))
    problems, _ = lines_of(error_of(tmp_path, text))
    assert len(problems) <= 4
