"""The fenced blocks of the documents, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SHELL: Final = {"sh", "console"}

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"\s+#\s.*$|^#.*$")
_HERE: Final = re.compile(r"<<'?(\w+)'?")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, its text."""

    document: str
    language: str
    text: str

    def commands(self) -> tuple[str, ...]:
        """Return the commands of a shell block, each in one line, without prompt and comment; a here-document stays whole."""
        lines = iter(self.text.replace("\\\n", " ").splitlines())
        found = []
        for line in lines:
            if self.language == "console" and not line.startswith("$ "):
                continue  # what is printed
            command = re.sub(r"\s{2,}", " ", _COMMENT.sub("", line.removeprefix("$ ")).strip())
            if here := _HERE.search(command):
                command += "".join(f"\n{inside}" for inside in _until(lines, here[1]))
            if command:
                found.append(command)
        return tuple(found)


def _until(lines: Iterator[str], word: str) -> Iterator[str]:
    for line in lines:
        yield line
        if line == word:
            return


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a document in their order."""
    name = str(path.relative_to(ROOT))
    return [Block(name, language, text) for language, text in _FENCE.findall(path.read_text())]


def blocks_of(name: str, language: str) -> list[str]:
    """Return the texts of the blocks of one language in a document, which is named from the root."""
    return [block.text for block in blocks(ROOT / name) if block.language == language]


def inline(path: Path) -> tuple[str, ...]:
    """Return what stands between single back quotes in a document, outside of its fenced blocks."""
    return tuple(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _FENCE.sub("", path.read_text())))
