"""How assertions are written: what a test expects stands on the left (docs/testing.md, "Where a test is")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _is_literal(operand)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(map(_is_literal, elements))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and _is_literal(key) for key in keys) and all(map(_is_literal, values))
        case _:
            return False


def _turned_round(source: str) -> Iterator[int]:
    """Yield the lines on which an assertion has a literal on the right and none on the left."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            parts = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
            for part in parts:
                match part:
                    case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                        if _is_literal(right) and not _is_literal(left):
                            yield part.lineno


@pytest.mark.slow
def test_the_expected_value_of_an_assertion_stands_on_the_left() -> None:
    found = [f"{path.relative_to(TESTS)}:{line}" for path in TESTS.rglob("*.py") for line in _turned_round(path.read_text())]
    assert [] == found


def test_an_assertion_that_is_turned_round_is_found_in_all_its_parts() -> None:
    source = (
        "assert f(1) == 2\nassert 2 == f(1)\nassert x and f(1) == [-1, 'a']\nassert f(1) == g(2)\nassert a == {'b': (1,)}\n"
    )
    assert [1, 3, 5] == list(_turned_round(source))
