"""Whatever document a comment or a docstring names is in the repository, and so is the section that it names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from exporter.platforms.registry import PLATFORMS
from tools.platform_statements import group_of, written

ROOT: Final = Path(__file__).parents[1]
FILES: Final = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
DOCUMENTS: Final = {str(path.relative_to(ROOT)) for path in FILES if path.suffix == ".md"}
BY_NAME: Final = {Path(name).name for name in DOCUMENTS}
READ: Final = [path for path in FILES if path.suffix == ".py" and path.is_file() and path != Path(__file__)]
PAGES: Final = {path.stem: path.read_text() for path in (ROOT / "docs" / "platforms").glob("*.md") if path.stem != "README"}

# Of other repositories, which the same comment names with their address.
THEIRS: Final = re.compile(r"create-appointment-service\.md|booking-v1-[\w-]+\.md|CHANGELOG\.md")

_SECTIONS: Final = r"\d+(?:\.\d+)?[a-z]?"
CITATION: Final = re.compile(rf"\b(wix|bitrix24|calendar)\.md((?:(?:,| and| to|-| sections?)? ?{_SECTIONS})+)")
TRAPS: Final = re.compile(r"\b(wix)\.md traps? (\d+)(?: and (\d+))?")


def joined(text: str) -> str:
    """Return ``text`` with comments and docstrings that are broken into lines as one line."""
    return re.sub(r"\s*\n\s*#?\s*", " ", text)


def citations() -> Iterator[tuple[str, str, str]]:
    """Yield file, page and section or row of each citation of a page of docs/platforms."""
    for path in READ:
        text = joined(path.read_text())
        for page, sections in CITATION.findall(text):
            for section in re.findall(_SECTIONS, sections):
                yield str(path.relative_to(ROOT)), page, section
        for page, *rows in TRAPS.findall(text):
            for row in filter(None, rows):
                yield str(path.relative_to(ROOT)), page, f"12.{row}"


def has(page: str, section: str) -> bool:
    """Return whether ``page`` has the section, or the row of a section's numbered list."""
    text = PAGES[page]
    if re.search(rf"^##+ {re.escape(section)}(?:\.| )|^\*\*{re.escape(section)}\*\*", text, re.MULTILINE):
        return True
    whole, _, row = section.partition(".")
    found = re.search(rf"^## {whole}\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return bool(row and found and re.search(rf"^{row}\. ", found[0], re.MULTILINE))


def test_every_section_of_a_fact_sheet_that_is_cited_is_there() -> None:
    cited = list(citations())
    assert len(cited) > 100
    assert [one for one in cited if not has(one[1], one[2])] == []


@pytest.mark.parametrize(("page", "section"), [("wix", "17"), ("wix", "3.9"), ("wix", "12.20"), ("bitrix24", "18")])
def test_a_section_that_is_not_there_is_noticed(page: str, section: str) -> None:
    assert not has(page, section)


def test_no_comment_names_a_document_that_is_not_in_the_repository() -> None:
    named = [
        (str(path.relative_to(ROOT)), name)
        for path in READ
        if path.parts[len(ROOT.parts)] == "exporter"
        for name in re.findall(r"[\w./-]*\w\.md\b", path.read_text())
        if not THEIRS.search(name)
    ]
    gone = [(file, name) for file, name in named if name not in DOCUMENTS and Path(name).name not in BY_NAME]
    assert gone == []


def test_nothing_cites_papers_that_only_their_authors_have() -> None:
    papers = re.compile(
        r"\b[Dd]esign \d|\bthe contract \(|\b(?:house|design|design-proof|newcomer|field)\.md\b|\.\./shared|\bfinding \d"
    )
    found = [
        (str(path.relative_to(ROOT)), match[0])
        for path in FILES
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml"} and path.is_file() and path != Path(__file__)
        for match in papers.finditer(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_page_of_a_platform_has_the_statements_that_are_asked_about(platform: str) -> None:
    assert written(PAGES[platform], platform) == PAGES[platform]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_group_of_statements_has_a_section_with_its_evidence(platform: str) -> None:
    stated = PLATFORMS[platform].conformance
    assert {group_of(one.id) for one in stated.statements} == stated.sections.keys()
    assert [section for section in stated.sections.values() if not has(platform, section)] == []


def test_each_id_of_a_statement_that_a_page_names_is_one() -> None:
    ids = {one.id for platform in PLATFORMS.values() for one in platform.conformance.statements}
    named = {match for page in PAGES.values() for match in re.findall(r"`([WB]-[A-Z]+-[A-Z]?\d+)`", page)}
    assert named == ids
    assert len(ids) == sum(len(platform.conformance.statements) for platform in PLATFORMS.values())
