"""Reads what comments, docstrings and documents cite, and looks for it in the documents of the repository.

A citation is the name of a document, of a decision or of a runbook, or the number or the heading of a section. What is cited
with no document beside it ("section 3.4", "trap 11") is the fact sheet of the platform in whose folder the file lies.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

SHEETS: Final = "docs/platforms/"
CONTRACT: Final = "docs/contract.md"

_NUMBER: Final = r"\d+(?:\.\d+)?[a-z]?(?![\w%])"
_NUMBERS: Final = rf"{_NUMBER}(?:(?:,[ ]and[ ]|,[ ]|[ ]and[ ]|[ ]to[ ]|-){_NUMBER})*"
_DECISIONS: Final = r"\d{4}(?:-[a-z]+[\w-]*)?(?:(?:,[ ]and[ ]|,[ ]|[ ]and[ ]|[ ]to[ ])\d{4}(?!\w))*"
_BLOCK: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PATH: Final = r"(?<![\w./*{}-])[\w./*{}-]*[\w*}-]\.md\b(?!\w)"
_QUOTED: Final = r"""["\u201c](?P<%s>[^"\u201d]{2,80})["\u201d]"""

# One pass from left to right: "section 3" after the name of a document is that document's, and after an RFC it is not ours.
_CITED: Final = re.compile(
    rf"""(?P<elsewhere>\bRFC[ ]?\d+(?:,?[ ](?:sections?[ ])?{_NUMBERS})?
        |https?://[^\s"'`)]*|\b[\w.-]+/[\w.-]+\#\d+)
    |{_QUOTED % "before"}[ ](?:of|in)[ ]`*(?P<holder>{_PATH})
    |(?P<path>{_PATH})(?:\#(?P<anchor>[\w-]+))?`*
        (?:[,:]?[ ]\(?(?P<word>sections?|checklists?|traps?)?[ ]?(?P<numbers>{_NUMBERS}))?
        (?:[,:]?(?:[ ](?:at|under|the|section|heading))*[ ]\(?{_QUOTED % "heading"}(?![ ](?:of|in)[ ]))?
    |\b[Ff]act[ ]sheets?(?:[ ](?:of[ ]|for[ ])?(?!section|trap)(?P<sheet>[a-z][a-z0-9]*)(?=,?[ ](?:sections?[ ]|traps?[ ])?\d))?
        ,?[ ](?:sections?[ ]|traps?[ ])?(?P<sheet_numbers>{_NUMBERS})
    |\b(?P<bare>[Ss]ections?|[Cc]hecklists?|[Tt]raps?)[ ](?P<bare_numbers>{_NUMBERS})(?:,?[ ]{_QUOTED % "bare_heading"})?
    |(?P<folder>\bdocs/decisions/?)(?P<decisions>{_DECISIONS})?
    |\b[Dd]ecisions?[ ](?P<named_decisions>{_DECISIONS})
    |(?<![\w./-])(?P<file>docs/\w[\w.-]*(?:/[\w.-]+)*)
    |(?<![\w./-])(?P<code>(?:exporter|tests|tools|config|dashboards)/[\w./-]*\w\.[a-z]{{2,5}}\b)
    |\b[Rr]unbooks?[ ]`*(?P<runbook>(?:BookingSync[A-Z]\w+|Watchdog)\b)
    |(?P<paper>\b[Dd]esign(?:,?[ ](?:section[ ])?§?\d|[ ]document|[ ]paper)
        |\b(?:[Ff]inding|[Ii]ssue)[ ]\#?\d+|§[ ]?\d)
    |\b(?P<contract>[Cc]ontract)\b""",
    re.VERBOSE,
)

_LIKELY: Final = re.compile(
    r"\.md\b|\b(?:docs|exporter|tests|tools|config|dashboards)/|§|(?i:section|checklist|trap|decision|runbook|design|finding|issue|contract)"
)


@dataclass(frozen=True)
class Citation:
    """What a text cites, and why nobody finds it there: ``problem`` is "" when it is found."""

    kind: str
    words: str
    problem: str = ""


@dataclass(frozen=True)
class Document:
    """A document in Markdown, by what others can name in it."""

    text: str

    @cached_property
    def _prose(self) -> str:
        return _BLOCK.sub("", self.text)

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The headings as they are written, without those that only look so inside of a block of code."""
        return tuple(re.findall(r"^#+ (.+)$", self._prose, re.MULTILINE))

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What a link may have behind the ``#``: as GitHub makes it, with a number behind a heading that came before."""
        found: dict[str, int] = {}
        for heading in self.headings:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            found[name] = found.get(name, 0) + 1
        return frozenset(f"{name}-{number}" if number else name for name, many in found.items() for number in range(many))

    def section(self, number: str) -> str | None:
        """Return the text of a numbered section with what lies below it, or the row of a section's numbered list."""
        starts = re.search(rf"^(?P<marks>##+) {re.escape(number)}(?:\.? ).*$", self._prose, re.MULTILINE)
        if starts is not None:
            rest = self._prose[starts.end() :]
            ends = re.search(rf"^#{{2,{len(starts['marks'])}}} ", rest, re.MULTILINE)
            return starts[0] + (rest[: ends.start()] if ends else rest)
        if re.search(rf"^\*\*{re.escape(number)}\b", self._prose, re.MULTILINE):
            return number
        whole, _, row = number.partition(".")
        listed = self.section(whole) if row else None
        found = re.search(rf"^{row}\. .*$", listed, re.MULTILINE) if listed else None
        return found[0] if found else None

    def has_trap(self, number: str) -> bool:
        """Return whether the section about traps has a row of the number."""
        traps = re.search(r"^## (\d+)\. Traps", self._prose, re.MULTILINE)
        return traps is not None and self.section(f"{traps[1]}.{number}") is not None

    def has_heading(self, heading: str, within: str | None = None) -> bool:
        """Return whether a heading, or a line that is alone between blank ones, says ``heading``; in the section ``within``."""
        plain = re.sub(r"[`*]", "", heading).removesuffix(".")
        text = self._prose if within is None else self.section(within) or ""
        lines = re.findall(r"^#+ (?:\d+(?:\.\d+)?\.? )?(.+)$", text, re.MULTILINE)
        lines += re.findall(r"(?<=\n\n)([^\n|#-][^\n]*)(?=\n\n)", text)
        return plain in {re.sub(r"[`*]", "", line) for line in lines}


@dataclass(frozen=True)
class Library:
    """The documents of a repository, by their path."""

    texts: Mapping[str, str]
    files: frozenset[str] = frozenset()
    """The paths of what is in the repository besides."""
    foreign: re.Pattern[str] = re.compile(r"(?!)")
    """Names of documents of other projects, and of those that a test makes up."""

    @cached_property
    def documents(self) -> Mapping[str, Document]:
        return {path: Document(text) for path, text in self.texts.items()}

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        names = {PurePosixPath(path).name for path in self.texts}
        return {name: tuple(path for path in self.texts if PurePosixPath(path).name == name) for name in names}

    def find(self, name: str, file: str) -> Document | None:
        """Return the document that ``file`` calls ``name``: beside it, from the top, or by a name that only one has."""
        beside = _normal(PurePosixPath(file).parent / name)
        for path in (beside, name, f"docs/{name}", f"{SHEETS}{name}", f"docs/runbooks/{name.lower()}"):
            if path in self.documents:
                return self.documents[path]
        named = self._by_name.get(name, ())
        return self.documents[named[0]] if len(named) == 1 else None

    def sheet_of(self, file: str) -> Document | None:
        """Return the fact sheet of the platform in whose folder ``file`` lies, or of the page itself."""
        for part in reversed(PurePosixPath(file).with_suffix("").parts):
            if found := self.documents.get(f"{SHEETS}{part}.md"):
                return found
        return self.documents.get(file)

    def cited(self, text: str, file: str) -> Iterator[Citation]:
        """Yield each citation of a text that stands in ``file``: a comment, a docstring, a document."""
        last: Document | None = None
        for match in _CITED.finditer(text):
            if name := match["path"] or match["holder"]:
                # A name that begins with "/" is the end of a path that is put together at run time.
                if not re.match(r"/|.*[*{]", name) and not self.foreign.search(name):
                    last = self.find(name, file)
                    yield from _in_document(last, match)
            elif match["sheet_numbers"]:
                sheet = self.documents.get(f"{SHEETS}{match['sheet']}.md") if match["sheet"] else last or self.sheet_of(file)
                yield from _numbered(sheet, match["sheet_numbers"], match[0], "section")
            elif match["bare"]:
                yield from _of_the_sheet(last or self.sheet_of(file), match)
            else:
                yield from self._by_a_word(match, file)

    def _by_a_word(self, match: re.Match[str], file: str) -> Iterator[Citation]:
        """Yield what is cited by no name of a document: a decision, a runbook, a file, a paper, the contract."""
        if said := match["decisions"] or match["named_decisions"]:
            yield from self._decisions(said, match[0])
        elif match["folder"] and file.endswith(".py"):
            yield Citation("decision", match[0], "names the folder and no decision")
        elif match["file"] or (match["code"] and file.startswith("exporter/")):  # tests make some up
            yield from self._file(match["file"] or match["code"])
        elif match["runbook"]:
            known = f"docs/runbooks/{match['runbook'].lower()}.md" in self.documents
            yield Citation("runbook", match[0], "" if known else "no such runbook")
        elif match["paper"]:
            yield Citation("paper", match[0], "a paper that only its authors have")
        elif match["contract"] and file.endswith(".py"):
            near = "contract.md" in match.string[match.start() : match.end() + 40]
            yield Citation("contract", match[0], "" if near else f"says contract and not where: {CONTRACT}")

    def _decisions(self, said: str, words: str) -> Iterator[Citation]:
        for number in [said] if re.match(r"\d{4}-[a-z]", said) else re.findall(r"\d{4}", said):
            known = any(path.startswith(f"docs/decisions/{number}") for path in self.documents)
            yield Citation("decision", words, "" if known else f"no decision {number}")

    def _file(self, name: str) -> Iterator[Citation]:
        path = name.rstrip(".")
        if not self.foreign.search(path):
            known = any(other == path or other.startswith(f"{path}/") for other in (*self.files, *self.texts))
            yield Citation("file", path, "" if known else "no such file or folder")


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _in_document(document: Document | None, match: re.Match[str]) -> Iterator[Citation]:
    if document is None:
        yield Citation("document", match[0], "no such document")
        return
    yield Citation("document", match[0])
    if match["anchor"]:
        yield Citation("anchor", match[0], "" if match["anchor"] in document.anchors else "no such heading")
    if match["numbers"]:
        yield from _numbered(document, match["numbers"], match[0], match["word"] or "section")
    if heading := match["heading"] or match["before"]:
        within = re.findall(_NUMBER, match["numbers"])[-1] if match["numbers"] else None
        yield Citation("heading", match[0], "" if document.has_heading(heading, within) else f"no heading {heading}")


def _of_the_sheet(document: Document | None, match: re.Match[str]) -> Iterator[Citation]:
    yield from _numbered(document, match["bare_numbers"], match[0], match["bare"].lower())
    if document is not None and match["bare_heading"]:
        within = re.findall(_NUMBER, match["bare_numbers"])[-1]
        found = document.has_heading(match["bare_heading"], within)
        yield Citation("heading", match[0], "" if found else f"no heading {match['bare_heading']}")


def _numbered(document: Document | None, numbers: str, words: str, kind: str) -> Iterator[Citation]:
    kind = "trap" if kind.startswith("trap") else "section"
    if document is None:
        yield Citation(kind, words, "names no document")
        return
    for number in re.findall(_NUMBER, numbers):
        found = document.has_trap(number) if kind == "trap" else document.section(number) is not None
        yield Citation(kind, words, "" if found else f"no {kind} {number}")


def prose(file: str, text: str) -> Iterator[str]:
    """Yield the texts of a file in which somebody may cite something: of Python its comments and strings, else all of it.

    Lines that are one sentence are one line: a comment or a docstring may break in the middle of a citation.
    """
    if file.endswith(".md"):  # a block of code shows what a program prints
        yield from (_joined(block) for block in re.split(r"\n\s*\n", _BLOCK.sub("", text)))
        return
    if not file.endswith(".py"):
        yield _joined(text)
        return
    if not _LIKELY.search(text):  # most files cite nothing, and parsing is what takes the time
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _joined(node.value)
    yield from _comments(text)


def _comments(text: str) -> Iterator[str]:
    block: list[str] = []
    row = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != row + 1:
                yield _joined(" ".join(block))
                block = []
            block.append(token.string.lstrip("#"))
            row = token.start[0]
    if block:
        yield _joined(" ".join(block))


def _joined(text: str) -> str:
    return re.sub(r"\s*\n\s*(?:#+(?!#* ?\w+\.md))?\s*", " ", text)
