"""Whatever document a comment, a string or a document names is in the repository, and so is the section that it names."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from exporter.platforms.registry import PLATFORMS
from tests.harness.citations import Citation, Library, prose
from tools.platform_statements import group_of, written

ROOT: Final = Path(__file__).parents[1]
FILES: Final = frozenset(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
)
# They quote what is cited wrongly, on purpose.
THESE: Final = {"tests/test_citations.py", "tests/harness/citations.py"}
# Bytes, words of other people, and lists that only name files.
UNREAD: Final = re.compile(r"\.(?:lock|png|mo|der|pem)$|(?:^|/)(?:LICENSE|package-lock\.json|public-surface\.txt)$")
# Of other repositories, which the same comment or row names, and those that a test writes itself.
FOREIGN: Final = re.compile(
    r"(?:^|/)(?:create-appointment-service|booking-v1-[\w-]+|recipes|issues|query-sites)\.md$"
    r"|(?:^|/)(?:mine|x|x\.md|bookingsyncnew)\.md$|^docs/a$"
)
LIBRARY: Final = Library(
    {name: (ROOT / name).read_text() for name in sorted(FILES) if name.endswith(".md") and (ROOT / name).is_file()},
    FILES,
    FOREIGN,
)
SHEETS: Final = {platform: LIBRARY.documents[f"docs/platforms/{platform}.md"] for platform in PLATFORMS}


@cache
def citations() -> tuple[tuple[str, Citation], ...]:
    """Return each citation of the repository with the file that has it."""
    read = [name for name in sorted(FILES - THESE) if not UNREAD.search(name) and (ROOT / name).is_file()]
    texts = [(name, (ROOT / name).read_text(errors="replace")) for name in read]
    return tuple((name, one) for name, text in texts for block in prose(name, text) for one in LIBRARY.cited(block, name))


def test_whatever_is_cited_is_there() -> None:
    assert [] == [(name, one.words, one.problem) for name, one in citations() if one.problem]


def test_the_citations_of_the_repository_are_seen() -> None:
    """A pattern that finds nothing more would find nothing wrong, either."""
    found = Counter(one.kind for _, one in citations())
    expected = {
        "document": 1000,
        "section": 200,
        "anchor": 60,
        "file": 40,
        "decision": 20,
        "heading": 5,
        "trap": 5,
        "runbook": 2,
    }
    assert {} == {kind: found[kind] for kind, least in expected.items() if found[kind] < least}


def test_links_to_files_that_are_committed_stay_in_the_repository() -> None:
    links = [name for name in sorted(FILES) if (ROOT / name).is_symlink()]
    assert [] == [name for name in links if not (ROOT / name).resolve().is_relative_to(ROOT) or not (ROOT / name).exists()]


WIX: Final = """\
# Wix

## 3. Lists

### 3.4 `status`

## 12. Traps

1. **One.**
2. Two

## 13. Shown

Auth

- a
"""
SMALL: Final = Library(
    {
        "docs/contract.md": "# Contract\n\n## HTTP\n\n### Pages\n\n```sh\n# Not a heading\n```\n\n## HTTP\n",
        "docs/platforms/wix.md": WIX,
        "docs/platforms/bitrix24.md": "# Bitrix24\n\n## 5. Batch\n\n**5.1** A list.\n",
        "docs/decisions/0123-a-poll-waits.md": "# 0123: A poll waits\n",
        "docs/runbooks/bookingsyncdatastale.md": "# BookingSyncDataStale\n",
        "docs/install/README.md": "# One\n",
        "README.md": "# Other\n\n## Words\n",
    },
    frozenset({"docs/board.png", "exporter/model.py"}),
)


def problems(text: str, file: str = "exporter/polling/poll.py") -> list[str]:
    return [one.problem for block in prose("x.txt", text) for one in SMALL.cited(block, file) if one.problem]


@pytest.mark.parametrize(
    "text",
    [
        "see docs/contract.md",
        '(docs/contract.md, "HTTP")',
        'the contract (docs/contract.md "Pages")',
        "docs/contract.md#http-1",
        '"Words" of README.md',
        "fact sheet wix.md section 3",
        "the fact sheet wix section 3.4",
        "(wix.md 3, 3.4 and 12)",
        "wix.md 3-3.4",
        "wix.md sections 3 and\n    # 12",
        "wix.md traps 1 and 2",
        'wix.md 3; checklist 13 "Auth"',
        "docs/platforms/bitrix24.md 5.1",
        "RFC 9110, 12.5.3 and RFC 4791 section 7.10",
        "docs/decisions/0123",
        "decision 0123",
        "docs/decisions/0123-a-poll-waits.md",
        "the runbook BookingSyncDataStale",
        "docs/board.png, exporter/model.py",
        "which statements of the fact sheet hold",
        "https://example.org/other.md#nowhere 99",
        "owner/name#484",
    ],
)
def test_what_is_there_is_found(text: str) -> None:
    assert [] == problems(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see docs/nowhere.md", "no such document"),
        ("see nowhere.md 3", "no such document"),
        ("docs/contract.md#not-a-heading", "no such heading"),
        ("docs/contract.md#http-2", "no such heading"),
        ('docs/contract.md, "Gopher"', "no heading Gopher"),
        ('docs/contract.md, "Not a heading"', "no heading Not a heading"),
        ("docs/contract.md 4.2", "no section 4.2"),
        ('docs/contract.md ("Gopher")', "no heading Gopher"),
        ('docs/contract.md, section "Gopher"', "no heading Gopher"),
        ('docs/contract.md under the heading "Gopher"', "no heading Gopher"),
        ("docs/contract.md: 4.2", "no section 4.2"),
        ("docs/contract.md (4.2)", "no section 4.2"),
        ('"Gopher" of README.md', "no heading Gopher"),
        ("fact sheet wix.md section 17", "no section 17"),
        ("the fact sheet wix section 3.9", "no section 3.9"),
        ("fact sheet section 3", "names no document"),
        ("the fact sheet of wix, 17", "no section 17"),
        ("fact sheet outlook section 3", "names no document"),
        ("wix.md 3, 3.4 and 9", "no section 9"),
        ("wix.md 3-9", "no section 9"),
        ("wix.md sections 3\n    # and 9", "no section 9"),
        ("wix.md 12.3", "no section 12.3"),
        ("wix.md traps 1 and 3", "no trap 3"),
        ('wix.md 3; checklist 13 "Limits"', "no heading Limits"),
        ('wix.md section 3, "Auth"', "no heading Auth"),
        ("as section 3 says", "names no document"),
        ("(trap 4)", "names no document"),
        ("docs/decisions/0124", "no decision 0124"),
        ("decisions 0123 and 0124", "no decision 0124"),
        ("docs/decisions/0123-another-name", "no decision 0123-another-name"),
        ("a reason (docs/decisions)", "names the folder and no decision"),
        ("the runbook BookingSyncNothing", "no such runbook"),
        ("docs/nothing.png", "no such file or folder"),
        ("a table of ``exporter/nothing.py``", "no such file or folder"),
        ("design 4.2", "a paper that only its authors have"),
        ("Design, section 4.2", "a paper that only its authors have"),
        ("finding 12", "a paper that only its authors have"),
        ("issue #19", "a paper that only its authors have"),
        ("§ 4", "a paper that only its authors have"),
        ("it is 0 by contract", "says contract and not where: docs/contract.md"),
    ],
)
def test_what_is_not_there_is_noticed(text: str, expected: str) -> None:
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("file", "expected"), [("exporter/platforms/wix/api.py", []), ("tests/simulator/bitrix24/test_api.py", ["no section 3.4"])]
)
def test_a_section_alone_is_one_of_the_platform_in_whose_folder_the_file_lies(file: str, expected: list[str]) -> None:
    assert problems("a word of section 3.4", file) == expected


def test_a_name_that_two_documents_have_is_the_one_beside_the_file() -> None:
    assert ["no heading Words"] == problems('"Words" of README.md', "docs/install/first.md")
    assert [] == problems('"Words" of ../../README.md', "docs/install/first.md")


def test_of_python_comments_docstrings_and_strings_are_read_and_names_are_not() -> None:
    text = '"""A docstring of\n    wix.md 3."""\ncontract = "a string"  # one\n# comment in\n# two lines\n\n# another\n'
    assert [" another", " one  comment in  two lines", "A docstring of wix.md 3.", "a string"] == sorted(prose("a.py", text))


@pytest.mark.parametrize("file", ["Dockerfile", "Makefile", ".github/workflows/ci.yml", "config/exporter.yml", "board.css"])
def test_of_any_other_file_all_is_read_and_a_comment_may_break_where_it_likes(file: str) -> None:
    [read] = prose(file, 'one: 1\n  # as docs/contract.md,\n  # "Gopher" says, and docs/nowhere.md\n')
    assert ["no heading Gopher", "no such document"] == [one.problem for one in SMALL.cited(read, file) if one.problem]


def test_of_a_document_the_blocks_of_code_are_not_read() -> None:
    assert ["One two", ""] == list(prose("a.md", "One\ntwo\n\n```sh\nnowhere.md\n```\n"))


@pytest.mark.parametrize("platform", [name for name, platform in PLATFORMS.items() if platform.conformance.statements])
def test_the_page_of_a_platform_has_the_statements_that_are_asked_about(platform: str) -> None:
    assert written(SHEETS[platform].text, platform) == SHEETS[platform].text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_group_of_statements_has_a_section_with_its_evidence(platform: str) -> None:
    stated = PLATFORMS[platform].conformance
    assert {group_of(one.id) for one in stated.statements} == stated.sections.keys()
    assert [] == [section for section in stated.sections.values() if SHEETS[platform].section(section) is None]


def test_each_id_of_a_statement_that_a_page_names_is_one() -> None:
    ids = {one.id for platform in PLATFORMS.values() for one in platform.conformance.statements}
    named = {match for sheet in SHEETS.values() for match in re.findall(r"`([WB]-[A-Z]+-[A-Z]?\d+)`", sheet.text)}
    assert named == ids
    assert len(ids) == sum(len(platform.conformance.statements) for platform in PLATFORMS.values())
