"""What the documents name exists: files, commands, flags, metrics, alerts, and configurations that load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from exporter.cli import app
from exporter.config import load_config, load_thresholds
from exporter.metrics import FAMILIES
from exporter.monitoring import Settings, load_settings
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.state.thresholds import DEFAULTS
from exporter.web.config import WebConfig
from tests.benchmarks import fleet, rules_cpu
from tests.harness.certificates import self_signed
from tests.harness.citations import Document
from tests.harness.compose import shipped

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BY_NAME: Final = {str(path.relative_to(ROOT)): path.read_text() for path in DOCUMENTS}
DECISIONS: Final = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))

CODE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WEBHOOK: Final = "https://example.bitrix24.com/rest/1/notarealcode123/"
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
METRIC: Final = re.compile(r"(?<![\w:])booking_sync_[a-z0-9_]*[a-z0-9](?![\w:*]|_)")
# What a reader finds in our own words but not on the page: the parts of a histogram.
PARTS: Final = ("", "_bucket", "_sum", "_count")


def code(language: str) -> list[Any]:
    return [
        pytest.param(block, id=f"{name}-{number}")
        for name, text in BY_NAME.items()
        for number, (tongue, block) in enumerate(CODE.findall(text))
        if tongue == language
    ]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  typer hides the class
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


COMMANDS: Final[Mapping[tuple[str, ...], Any]] = dict(commands(get_command(app)))


def flags(path: tuple[str, ...]) -> set[str]:
    return {flag for parameter in COMMANDS[path].params for flag in parameter.opts if flag.startswith("-")}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    broken = [link for link in LINK.findall(BY_NAME[name]) if not link.startswith("https://") and not _leads(link, ROOT / name)]
    assert [] == broken


def _leads(link: str, document: Path) -> bool:
    path, _, fragment = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not fragment or fragment in Document(target.read_text()).anchors


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("x.md#shown", True),
        ("x.md", True),
        ("x.md#run", False),
        ("x.md#hidden", False),
        ("mine.md", False),
        ("#here", True),
    ],
)
def test_a_link_to_a_heading_that_is_not_there_is_noticed(
    link: str, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_docs.ROOT", tmp_path)
    (tmp_path / "x.md").write_text("# One\n\n## Shown\n\n```sh\n# run\n```\n")
    (tmp_path / "README.md").write_text("## Here\n")
    assert expected == _leads(link, tmp_path / "README.md")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_file_of_the_project_that_is_named_exists(name: str) -> None:
    named = re.findall(r"`((?:exporter|config|docs|tests|tools|dashboards)/[\w./*-]+)`", BY_NAME[name])
    # The guide for a new platform tells of one that is not there.
    assert [] == [path for path in named if "/toy/" not in path and not any(ROOT.glob(path.rstrip("/")))]


def test_the_index_names_every_document_and_every_decision() -> None:
    linked = set(LINK.findall(BY_NAME["docs/README.md"]))
    documents = {str(path.relative_to(ROOT / "docs")) for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/install/*.md")]}
    documents -= {"README.md"}
    assert {*documents, *(f"decisions/{name}" for name in DECISIONS)} <= linked


@pytest.mark.parametrize("name", DECISIONS)
def test_the_title_of_a_decision_begins_with_its_number_and_stands_in_the_index(name: str) -> None:
    title = (ROOT / "docs" / "decisions" / name).read_text().splitlines()[0]
    assert title.startswith(f"# {name[:4]}: ")
    assert f"- [{name[:4]}](decisions/{name}) {title.split(': ', 1)[1]}\n" in BY_NAME["docs/README.md"]


def statuses() -> dict[str, str]:
    """Return what stands below the title of each decision, by its number."""
    return {name[:4]: (ROOT / "docs" / "decisions" / name).read_text().splitlines()[2] for name in DECISIONS}


def named_after(words: str) -> set[tuple[str, str]]:
    """Return each decision whose status says these words, with each of those that it names there."""
    return {
        (number, other)
        for number, status in statuses().items()
        for part in re.split(r"[;:] ", status)
        if part.startswith(words)
        for other in re.findall(r"\[(\d{4})\]", part)
    }


@pytest.mark.parametrize(("number", "status"), statuses().items(), ids=statuses())
def test_a_decision_says_below_its_title_whether_it_holds_and_since_when(number: str, status: str) -> None:
    link = r"\[(\d{4})\]\(\1-[\w-]+\.md\)"
    since = r"Status: (?:accepted|superseded by LINK), (?P<date>\d{4}-\d\d-\d\d)"
    others = r"(?:; (?:in part superseded by|supersedes(?: in part)?) LINK(?:, LINK)*)*"
    found = re.fullmatch(since + others, re.sub(link, "LINK", status))
    assert found, (number, status)
    assert date(2026, 11, 21) <= date.fromisoformat(found["date"])


def test_a_decision_that_was_superseded_and_its_successor_name_each_other() -> None:
    whole = named_after("superseded by")
    assert ("0051", "0120") in whole
    assert {(new, old) for old, new in whole} == named_after("supersedes [")
    assert {(new, old) for old, new in named_after("in part superseded by")} == named_after("supersedes in part")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_metric_that_is_named_exists(name: str) -> None:
    families = {f"{family.name}{part}" for family in FAMILIES for part in (PARTS if family.type == "histogram" else ("",))}
    assert [] == sorted(set(METRIC.findall(BY_NAME[name])) - families)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_alert_that_is_named_exists(name: str) -> None:
    alerts = {alert.name for group in alert_groups(Options()) for alert in group.alerts}
    gone = set(re.findall(r"\*\*Renamed\*\*: (BookingSync[A-Z]\w+) is BookingSync", BY_NAME["CHANGELOG.md"]))
    known = alerts | gone if name == "CHANGELOG.md" else alerts
    assert [] == sorted(set(re.findall(r"\bBookingSync[A-Z]\w+", BY_NAME[name])) - known)


def typed_commands() -> list[Any]:
    """Every call of the console script in a code block or between backticks, cut into words."""
    calls = []
    for name, text in BY_NAME.items():
        joined = text.replace("\\\n", " ")
        for number, line in enumerate(re.findall(r"(?:^|[$`] ?)booking-sync-exporter((?: [^`\n#]+)?)", joined, re.MULTILINE)):
            calls.append(pytest.param(line.split(), id=f"{name}-{number}"))
    return calls


@pytest.mark.parametrize("words", typed_commands())
def test_every_call_that_is_shown_has_commands_and_flags_that_exist(words: list[str]) -> None:
    path: tuple[str, ...] = ()
    while len(path) < len(words) and (*path, words[len(path)]) in COMMANDS:
        path = (*path, words[len(path)])
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= flags(path)
    if path == ():
        assert not words[:1] or words[0].startswith("-"), "no such command"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_flag_that_is_named_exists(name: str) -> None:
    prose = CODE.sub("", BY_NAME[name])
    foreign = {"--read-only", "--profile"}  # of Docker
    foreign |= {"--enable-feature", "--disableAlertgroupLabel"}  # of Prometheus and vmalert-tool
    foreign |= {"--volume", "--publish", "--env", "--env-file", "--rm"}  # of Docker, too
    foreign |= {"--rules.alert.resend-delay", "--query.lookback-delta", "--web.enable-remote-write-receiver"}  # of Prometheus
    foreign |= {"--query.replica-label"}  # of Thanos
    foreign |= {
        flag
        for parser in (fleet.new_parser(), rules_cpu.new_parser())
        for action in parser._actions
        for flag in action.option_strings
    }
    assert [] == sorted(set(re.findall(r"`(--[a-z][\w.-]*)", prose)) - foreign - set().union(*map(flags, COMMANDS)))


def test_the_readme_names_every_command_and_every_flag_of_the_exporter() -> None:
    readme = BY_NAME["README.md"]
    missing = [" ".join(path) for path in COMMANDS if path not in ((), ("monitoring",)) and f"`{' '.join(path)}" not in readme]
    missing += [flag for flag in flags(()) - {"--help", "-h"} if f"`{flag}" not in readme]
    assert [] == missing


def test_the_readme_has_one_row_for_each_thing() -> None:
    """Two branches that change a row are merged into two rows, and the reader gets both."""
    for table in re.findall(r"(?:^\|.*\n)+", BY_NAME["README.md"], re.MULTILINE):
        rows = re.findall(r"^\| ((?:[^|\\]|\\.)+) \|", table, re.MULTILINE)
        assert len(rows) > 1
        assert sorted(set(rows)) == sorted(rows)


def test_the_example_of_the_readme_leaves_nothing_unwatched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = BY_NAME["README.md"]
    [example] = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "\ntargets:" in block]
    monkeypatch.setenv("B24_WEBHOOK_URL", "https://example.bitrix24.com/rest/1/notarealcode123/")
    path = tmp_path / "exporter.yml"
    path.write_text(example.replace("{file: /run/secrets/wix_api_key}", "IST.not-a-real-key"))
    path.chmod(0o600)
    config = load_config(path)
    assert ((), ()) == (config.warnings, config.unwatched)


def with_its_files(block: str, folder: Path) -> str:
    """Make the secrets, token files and certificates that a configuration names, and return it with their places."""
    self_signed(folder, "private-ca")
    for name in re.findall(r"(?:file: |token_file: )\S*?([\w-]+(?:\.json)?)(?=[}\s])", block):
        file = folder / name
        file.write_text({"b24_webhook_url": WEBHOOK}.get(name, "{}" if name.endswith(".json") else "IST.not-a-real-key"))
        file.chmod(0o600)
    return re.sub(r"/(?:run|var/lib)/[\w./-]*/", f"{folder}/", block).replace("private-ca.pem", "private-ca.crt")


@pytest.mark.parametrize("block", code("yaml"))
def test_every_yaml_block_parses_and_every_configuration_loads(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = yaml.safe_load(block)
    if content is None:  # a comment for the editor
        return
    path = tmp_path / "file.yml"
    if "targets" in content or "discover" in content:
        monkeypatch.setenv("B24_WEBHOOK_URL", WEBHOOK)
        monkeypatch.setenv("SALON_PROXY", "http://anna:not-a-real-password@proxy.example:3128")
        monkeypatch.setenv("WIX_API_KEY", "IST.not-a-real-key")
        monkeypatch.setenv("WIX_APP_SECRET", "not-a-real-secret")
        path.write_text(with_its_files(block, tmp_path))
        assert () == load_config(path).warnings
    elif "verdicts" in content:
        path.write_text(block)
        assert load_thresholds(path) != DEFAULTS
    elif content.keys() <= Settings.model_fields.keys():
        path.write_text(block)
        assert load_settings(path) != Settings()
    elif content.get("kind") == "Kustomization":  # applied by kubectl in tests/docs and tests/monitoring
        assert ["bundle/config/kubernetes"] == content["resources"]
    elif "services" in content:  # an override of Compose, tried in tests/docs/test_install.py
        assert content["services"].keys() <= shipped()["services"].keys()
    elif "groups" in content:
        assert [rule for group in content["groups"] for rule in group["rules"]]  # read by promtool in tests/docs/test_promql.py
    elif "basic_auth_users" in content:
        for name in ("server.crt", "server.key", "clients-ca.crt"):
            assert name in block
        path.write_text(block.replace(block[block.index("tls_server_config") : block.index("http_server_config")], ""))
        WebConfig.load(path)
    else:
        assert {"scrape_configs"} <= set(content) <= {"global", "remote_write", "rule_files", "scrape_configs"}


@pytest.mark.parametrize(
    ("file", "setting"),
    [
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
        ("config/systemd/booking-sync-exporter.service", r"TimeoutStopSec=(\d+)"),
        ("config/kubernetes/deployment.yaml", r"terminationGracePeriodSeconds: (\d+)"),
    ],
)
def test_whoever_stops_the_exporter_waits_longer_than_the_stop_takes(file: str, setting: str) -> None:
    [seconds] = re.findall(setting, (ROOT / file).read_text())
    assert 8 < int(seconds) < 30


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for text in BY_NAME.values() for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)}
    assert named <= targets


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_of_a_command_has_a_help_text(path: tuple[str, ...]) -> None:
    assert [] == [parameter.name for parameter in COMMANDS[path].params if not getattr(parameter, "help", None)]


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_a_command_fits_eighty_columns(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "80"}, terminal_width=80)
    assert 0 == shown.exit_code
    assert max(map(len, shown.output.splitlines())) <= 80


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.png")), ids=lambda path: path.name)
def test_a_picture_is_a_small_png_that_a_document_shows_and_tells_in_words(picture: Path) -> None:
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) <= 250_000
    told = [words for text in BY_NAME.values() for words in re.findall(rf"!\[([^\]]*)\]\([^)]*{picture.name}\)", text)]
    assert told
    assert [] == [words for words in told if len(words) < 80]


def test_no_document_names_a_path_of_the_machine_that_it_was_written_on() -> None:
    assert [] == [name for name, text in BY_NAME.items() if re.search(r"(?:^|[\s`(])/(?:work|tmp|root|home)/", text)]
