"""Tables of documents whose rows name the tests that show them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent.parent
PROJECT: Final = TESTS.parent


def numbered_rows(page: Path) -> list[list[str]]:
    """Return the cells of every row of ``page`` that begins with a letter and a number."""
    lines = page.read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if re.match(r"\| [A-Z]\d", line)]


def names_a_test(cell: str) -> bool:
    """Return whether `` `file.py::test_name` ``, the file under ``tests/``, names a test that there is."""
    path, _, name = cell.strip("`").partition("::")
    return name in _tests_of(TESTS / path)


@cache
def _tests_of(file: Path) -> frozenset[str]:
    body = ast.parse(file.read_text()).body if file.is_file() else ()
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
