"""What is installed is declared, locked with hashes and updated by a bot; what builds and tests it is named by digest."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME: Final = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
FEEDS: Final = [Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["ics"]]
DEVELOPMENT: Final = [Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["dev"]]


def listed(file: str) -> list[Requirement]:
    """Return what a file of requirements asks for."""
    return [Requirement(line) for line in (ROOT / file).read_text().splitlines() if not line.startswith("#")]


BUILD: Final = listed("requirements-build.in")
BENCH: Final = listed("requirements-bench.in")
CALENDARS: Final = listed("requirements-calendars.in")
RELEASE: Final = listed("requirements-release.in")
LOCKS: Final = {
    "requirements.lock": [*RUNTIME, *FEEDS],
    "requirements-dev.lock": [*RUNTIME, *FEEDS, *DEVELOPMENT, *BUILD],
    "requirements-build.lock": BUILD,
    "requirements-bench.lock": BENCH,
    "requirements-calendars.lock": CALENDARS,
    "requirements-release.lock": RELEASE,
}
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# Nothing of ours imports them, and they are needed.
USED_BY_OTHERS: Final = {"aiodns": "aiohttp's AsyncResolver asks it", "tzdata": "zoneinfo reads it where the host has no zones"}

# The first version without the fault, for what strangers' bytes reach (parsers of HTTP, names, templates, certificates) and for
# what no command starts with.
SAFE: Final = {
    "aiohttp": "3.14.3",  # CVE-2026-69243, -69244: smuggled requests, a parser that does not end
    "certifi": "2024.7.4",  # CVE-2024-39689: a CA that is trusted no longer
    "h11": "0.16",  # CVE-2025-43859: chunks without line ends, a smuggled request
    "idna": "3.7",  # CVE-2024-3651: quadratic time
    "jinja2": "3.1.6",  # CVE-2025-27516, CVE-2024-56201, -56326
    "pyyaml": "5.4",  # CVE-2020-14343
    "starlette": "1.3.1",  # CVE-2026-54283, CVE-2026-48710, CVE-2025-62727
    "typer": "0.16",  # 0.15 takes any click, and with a new one none of our defaults is one of our choices
}


def imported(folder: str) -> set[str]:
    """Return the distributions that the modules below ``folder`` import."""
    owners = packages_distributions()
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"exporter"}
            found |= {canonicalize_name(owners[top][0]) for top in tops}
    return found


def pins(lock: str) -> Iterator[tuple[str, Version, list[str]]]:
    """Yield name, version and hashes of everything in a lock."""
    for entry in re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)):
        found = re.match(r"([\w.-]+)==([\w.]+)", entry)
        assert found, entry
        yield canonicalize_name(found[1]), Version(found[2]), re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)


def test_what_the_exporter_imports_is_declared_and_what_is_declared_is_imported() -> None:
    declared = {canonicalize_name(one.name) for one in (*RUNTIME, *FEEDS)}
    assert declared - USED_BY_OTHERS.keys() == imported("exporter")


def test_only_what_reads_feeds_imports_what_an_installation_may_lack() -> None:
    optional = {one.name.replace("-", "_") for one in FEEDS}
    pattern = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(sorted(optional))})\b", re.MULTILINE)
    modules = [path for path in (ROOT / "exporter").rglob("*.py") if pattern.search(path.read_text())]
    assert [ROOT / "exporter" / "ics" / "expansion.py"] == modules


def judged(folder: Path, *imports: str) -> list[str]:
    """Return what deptry, as it is configured here, says of a package with these imports."""
    folder.mkdir()
    (folder / "module.py").write_text("".join(f"import {name}\n" for name in imports))
    words = (
        sys.executable,
        "-m",
        "deptry",
        folder.name,
        "--config",
        ROOT / "pyproject.toml",
        "--ignore",
        "DEP002",
        "--no-ansi",
    )
    done = subprocess.run(words, cwd=folder.parent, capture_output=True, text=True, check=False, timeout=60)
    return re.findall(r"(DEP\d+ '\w+')", done.stderr)


def test_make_lint_refuses_imports_that_are_undeclared_or_declared_for_development_only(tmp_path: Path) -> None:
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert "$(BIN)/deptry exporter" in lint
    assert ["DEP004 'cryptography'", "DEP003 'click'"] == judged(tmp_path / "bad", "cryptography", "markupsafe", "click")
    assert [] == judged(tmp_path / "good", "markupsafe", "httpx", "exporter.model")


def test_a_dependency_that_nobody_imports_has_the_same_reason_for_deptry_and_here() -> None:
    assert USED_BY_OTHERS.keys() == set(PROJECT["tool"]["deptry"]["per_rule_ignores"]["DEP002"])


@pytest.mark.parametrize("name", SAFE)
def test_the_oldest_version_that_may_be_installed_has_no_known_fault(name: str) -> None:
    floor = next(one.specifier for one in RUNTIME if one.name == name)
    assert all(not floor.contains(older) for older in (f"{SAFE[name]}.dev0", f"{SAFE[name]}rc1"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_asked_for_each_with_its_hashes(lock: str) -> None:
    locked = {name: version for name, version, _ in pins(lock)}
    asked = {canonicalize_name(one.name): one.specifier for one in LOCKS[lock]}
    assert [] == [name for name, wanted in asked.items() if name not in locked or locked[name] not in wanted], "run: make lock"
    assert [] == [name for name, _, hashes in pins(lock) if not hashes]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_other_source(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if "://" in line or "@" in line or line.startswith("--")]
    assert [] == lines


def test_the_locks_agree_with_each_other() -> None:
    development = {name: version for name, version, _ in pins("requirements-dev.lock")}
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert {name: version for name, version, _ in pins(lock)}.items() <= development.items(), "run: make lock"
    beside = {name: version for name, version, _ in pins("requirements-bench.lock")}
    assert [] == [name for name in beside.keys() & development.keys() if beside[name] != development[name]], "run: make lock"


def test_what_a_figure_is_held_against_is_one_version() -> None:
    assert [] == [one.name for one in (*BENCH, *CALENDARS) if [sign.operator for sign in one.specifier] != ["=="]]


def test_the_build_backend_is_locked() -> None:
    backend = [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    assert set(map(str, backend)) <= set(map(str, BUILD))


def test_the_image_and_the_development_environment_install_from_the_locks_only() -> None:
    for file in ("Dockerfile", "Makefile"):
        text = (ROOT / file).read_text().replace("\\\n", " ").replace("$(PIP)", "pip install")
        installs = [line for line in re.split(r"\n|&&", text) if re.search(r"pip\S* (install|wheel)\b.*-", line)]
        installs = [line for line in installs if not line.startswith("PIP ")]
        assert installs, file
        assert [] == [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line]
        assert [] == [line for line in installs if "--no-index" not in line and "--no-deps" in line and "isolation" not in line]


def test_the_base_image_is_named_by_its_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert 2 == len(bases)
    assert 1 == len(set(bases))
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base) for base in bases)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_rights_its_jobs_may_read_and_use_actions_and_images_by_hash(path: Path) -> None:
    text = path.read_text()
    workflow = yaml.safe_load(text)
    assert {} == workflow["permissions"]
    for job in workflow["jobs"].values():
        assert {"contents": "read"} == job["permissions"]
        assert 0 < job["timeout-minutes"] <= 150
        assert "@sha256:" in job.get("container", {"image": "@sha256:"})["image"]
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert not step["with"]["persist-credentials"]
    used = re.findall(r"uses: (.+)", text)
    assert used
    assert [] == [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


def test_one_action_has_one_version_and_one_image_one_digest() -> None:
    texts = "\n".join(path.read_text() for path in WORKFLOWS)
    used = set(re.findall(r"uses: (\S+)", texts))
    assert sorted({name.partition("@")[0] for name in used}) == sorted(name.partition("@")[0] for name in used)
    assert 1 == len(set(re.findall(r"image: (\S+)", texts)))


def test_ci_runs_on_every_python_that_is_declared_and_tests_the_wheel_there() -> None:
    declared = [
        found[1] for line in PROJECT["project"]["classifiers"] if (found := re.fullmatch(r".*:: Python :: (3\.\d+)", line))
    ]
    assert "3.11" == declared[0]
    assert [f"3.{11 + number}" for number in range(len(declared))] == declared
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert {"ci": declared, "wheel-test": declared} == {
        name: job["strategy"]["matrix"]["python"] for name, job in jobs.items() if "strategy" in job
    }
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert "bash .ci/run" == runs["ci"][-1]
    assert ["make servers coverage"] == runs["coverage"]
    assert ["make wheel", 'make sbom WHEEL="$(echo dist/*.whl)"'] == runs["wheel"]
    assert "wheel" == jobs["wheel-test"]["needs"]
    assert runs["wheel-test"][-1].startswith("make wheel-test WHEEL=")
    assert {
        Version(step["with"]["version"]) for job in jobs.values() for step in job["steps"] if "uv@" in step.get("uses", "")
    } == {version for name, version, _ in pins("requirements-dev.lock") if name == "uv"}, (
        "the uv of the workflows is the one of the lock"
    )


def test_coverage_counts_branches_of_the_whole_exporter_and_its_gate_never_falls_below_98_percent() -> None:
    coverage = PROJECT["tool"]["coverage"]
    assert (True, ["exporter"]) == (coverage["run"]["branch"], coverage["run"]["source"])
    assert not {"omit", "include"} & (coverage["run"].keys() | coverage["report"].keys())
    assert 98 <= coverage["report"]["fail_under"]


def test_a_hook_is_a_program_of_the_lock_or_is_named_by_the_hash_of_a_commit() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    programs = {one.name: one.dist for one in entry_points(group="console_scripts")} | {
        "ruff": None,
        "zizmor": None,
        "deptry": None,
    }
    locked = {name: version for name, version, _ in pins("requirements-dev.lock")}
    hooks = []
    for repository in yaml.safe_load(text)["repos"]:
        if repository["repo"] != "local":
            assert re.search(rf"rev: {repository['rev']} # v\d", text)
            assert re.fullmatch(r"[0-9a-f]{40}", repository["rev"])
            assert "ruff" not in repository["repo"], "make lint and the hooks have one ruff"
            continue
        hooks += repository["hooks"]
    assert {"ruff-check", "ruff-format", "deptry", "zizmor"} <= {hook["id"] for hook in hooks}
    for hook in hooks:
        folder, _, program = hook["entry"].split()[0].rpartition("/")
        assert (".venv/bin", "system") == (folder, hook["language"]), hook["id"]
        owner = programs[program]
        assert (canonicalize_name(owner.name) if owner else program) in locked, hook["id"]


def test_the_workflows_run_what_contributors_run_and_audit_every_lock() -> None:
    ci, audit = (yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text()) for name in ("ci", "audit"))
    assert "bash .ci/run" in {step.get("run") for step in ci["jobs"]["ci"]["steps"]}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)) <= targets
    steps = [step for step in audit["jobs"]["pip-audit"]["steps"] if "pip-audit" in step["uses"]]
    assert set(LOCKS) == set(steps[0]["with"]["inputs"].split())
    assert [{"cron": "17 5 * * 1"}] == audit[True]["schedule"]  # YAML reads `on` as true


def test_the_update_bot_knows_every_lock() -> None:
    bot = json.loads((ROOT / ".github" / "renovate.json").read_text())
    patterns = [re.compile(one.strip("/")) for one in bot["pip-compile"]["managerFilePatterns"]]
    assert set(LOCKS) == {path.name for path in ROOT.glob("*.lock")}
    assert [] == [lock for lock in LOCKS if not any(pattern.search(lock) for pattern in patterns)]


@pytest.mark.parametrize("lock", LOCKS)
def test_the_update_bot_can_run_the_command_of_a_lock(lock: str) -> None:
    """Renovate skips a lock with another option, one whose value has no equals sign before it, or one made of no file."""
    head = re.match(r"(?:#.*\n)+?# {4}uv pip compile (.*)\n", (ROOT / lock).read_text())
    assert head
    words = head[1].split()
    options = {word.partition("=")[0]: "=" in word for word in words if word.startswith("-")}
    known = {"--universal": False, "--generate-hashes": False, "--python-version": True, "--extra": True, "--constraint": True}
    assert options.items() <= {**known, "--output-file": True}.items()
    assert f"--output-file={lock}" in words
    read = {"pyproject.toml", *(f"requirements-{name}.in" for name in ("build", "bench", "calendars", "release"))}
    assert [] != [word for word in words if word in read]
