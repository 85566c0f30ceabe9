"""The closed list of environment variables: it is what the libraries read, what the document tells, and what is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from exporter.support.environment import VARIABLES, forget_unused

DOCUMENT = Path(__file__).parents[2] / "docs" / "environment.md"
# Read by code that this exporter never runs: for other frameworks, platforms and shells, prompts, pagers.
NOT_HERE = {
    "COMP_CWORD",  # completion of a shell, which is switched off
    "COMP_WORDS",
    "BABEL_PYPROJECT_TOML",  # of its commands
    "DATABRICKS_RUNTIME_VERSION",  # a notebook
    "JUPYTER_COLUMNS",
    "JUPYTER_LINES",
    "LESS",  # a pager
    "PAGER",
    "XDG_CONFIG_HOME",
    "REQUEST_METHOD",  # CGI and WSGI
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "QUERY_STRING",
    "PATH_INFO",
    "SERVER_NAME",
    "SERVER_PORT",
    "REMOTE_ADDR",
    "TYPER_USE_RICH",
    "GITHUB_ACTIONS",  # how wide and coloured a usage error is
    "PY_COLORS",
    "PYDANTIC_DISABLE_PLUGINS",  # of pydantic's own
    "PYTHONASYNCIODEBUG",  # Python's own
    "FOO",  # an example in a docstring
    "HOME",  # pygments, for its plug-ins' cache
    "SHELL",
    "PYDANTIC_PRIVATE_ALLOW_UNHANDLED_SCHEMA_TYPES",
    "TYPER_STANDARD_TRACEBACK",
}
READ = re.compile(r"""(?:environ(?:\.get\(|\[|\.setdefault\(|\.pop\()|getenv\()\s*["']([A-Za-z]\w*)["']""")
ASKED_FOR = re.compile(r"""["']([A-Za-z]\w*)["'] (?:not )?in os\.environ""")


def required(name: str, seen: set[str]) -> Iterator[str]:
    """Yield the distributions that ``name`` needs to run, itself included."""
    if name in seen:
        return
    seen.add(name)
    yield name
    for requirement in distribution(name).requires or []:
        if ";" not in requirement:
            yield from required(re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower(), seen)


def variables_of_libraries() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in required("booking-sync-exporter", set()):
        for file in distribution(name).files or []:
            if name == "booking-sync-exporter" or file.suffix != ".py" or "test" in file.name:
                continue
            text = Path(str(file.locate())).read_text(encoding="utf-8")
            for variable in (*READ.findall(text), *ASKED_FOR.findall(text)):
                found.setdefault(variable, set()).add(name)
    return found


def variables_of_the_exporter() -> set[str]:
    package = Path(__file__).parents[2] / "exporter"
    text = "\n".join(path.read_text() for path in package.rglob("*.py"))
    return set(READ.findall(text)) | set(re.findall(r'"([A-Z0-9_]+)" not in os\.environ', text))


@pytest.mark.slow
def test_every_variable_that_a_library_reads_is_in_the_list() -> None:
    read = variables_of_libraries()
    assert {"SSL_CERT_FILE", "PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY", "COLUMNS", "NETRC"} <= read.keys()
    assert {} == {name: by for name, by in read.items() if name not in VARIABLES and name not in NOT_HERE and name[0] != "_"}


def test_every_variable_that_the_exporter_reads_is_in_the_list() -> None:
    assert set() == variables_of_the_exporter() - VARIABLES.keys()


def rows() -> dict[str, tuple[str, str]]:
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            for name in re.findall(r"`(\w+)`", cells[0]):
                found[name] = (cells[1], cells[2])
    return found


def test_the_document_tells_of_every_variable_and_who_reads_it() -> None:
    told = rows()
    assert list(VARIABLES) == list(told)
    assert {name: variable.read_by for name, variable in VARIABLES.items()} == {name: by for name, (by, _) in told.items()}


@pytest.mark.parametrize("name", VARIABLES)
def test_what_the_document_says_to_have_no_effect_is_forgotten_and_nothing_else(name: str) -> None:
    environ = {name: "nonsense", "PATH": "/bin"}
    forget_unused(environ)
    is_told = rows()[name][1].startswith(("no effect", "a number"))
    assert is_told is (name not in environ)
    assert "/bin" == environ["PATH"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        *((value, True) for value in ("80", "1", "10000")),
        *((value, False) for value in ("0", "-5", "", "²", "٣", "1e3", " 80", "10001", "9" * 5000)),
    ],
)
@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_a_terminal_is_as_large_as_a_plain_number_says(name: str, value: str, *, kept: bool) -> None:
    environ = {name: value}
    forget_unused(environ)
    assert kept is (name in environ)
