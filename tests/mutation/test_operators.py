"""Which faults are made of what a module says, and that each is one change of it."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.operators import mutants


def changes(source: str) -> list[str]:
    return [one.name for one in mutants(ast.parse(source))]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("return a < b", "a < b -> return a <= b"),
        ("return a < b", "a < b -> return a >= b"),
        ("return a <= b < c", "a <= b < c -> return a <= b <= c"),
        ("return a in b", "a in b -> return a not in b"),
        ("return a and b", "a and b -> return a or b"),
        ("return a and b", "a and b -> return b"),
        ("return not a", "not a -> return a"),
        ("return a + 60", "a + 60 -> return a - 60"),
        ("return a + 60", "a + 60 -> return a + 61"),
        ("return a + 60", "a + 60 -> return a + 59"),
        ("return f(a, b=True)", "f(a, b=True) -> return f(a, b=False)"),
        ("return min(a)", "min(a) -> return max(a)"),
        ("return math.floor(a)", "math.floor(a) -> return math.ceil(a)"),
        ("return f(x for x in a if x)", "f((x for x in a if x)) -> return f((x for x in a))"),
        ("return f(a)", "f(a) -> return"),
        ("return a if b else c", "a if b else c -> return a if not b else c"),
        ("return Verdict.OK", "Verdict.OK -> return Verdict.WARNING"),
    ],
)
def test_a_fault_is_made_of_each_thing_that_an_expression_says(code: str, change: str) -> None:
    assert f"f: return {change}" in changes(f"def f(a, b, c): {code}")


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("a.b = 1", "a.b = 1 -> pass"),
        ("a += 1", "a += 1 -> a -= 1"),
        ("a.append(1)", "a.append(1) -> pass"),
        ("raise a", "raise a -> pass"),
        ("for b in a: continue", "continue -> break"),
        ("while a: break", "break -> continue"),
        ("while a: pass", "a -> not a"),
    ],
)
def test_a_fault_is_made_of_each_thing_that_a_statement_does(code: str, change: str) -> None:
    assert f"f: {change}" in changes(f"def f(a):\n    {code}")


def test_what_the_import_runs_is_changed_as_well() -> None:
    assert ["module: A: Final = 5.0 -> A: Final = 6.0", "module: A: Final = 5.0 -> A: Final = 4.0"] == changes("A: Final = 5.0")
    assert ["module: A = {b, c} -> A = {c}", "module: A = {b, c} -> A = {b}"] == changes("A = {b, c}")
    assert "C.f: 2 -> 3" in changes("class C:\n    def f(self, a=2): ...")


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        "from a import b",
        '__all__ = ["a", "b"]',
        "def f(a: Annotated[int, 5]) -> Literal[3]: ...",
        "@cache(maxsize=5)\ndef f(): ...",
        'def f(): log.info("said", times=3)',
        'def f(a): raise\n"{a + 1}"',
    ],
)
def test_texts_logs_annotations_and_decorators_are_left_alone(source: str) -> None:
    assert [] == [change for change in changes(source) if change != "f: raise -> pass"]


def test_equal_faults_of_one_function_are_told_apart() -> None:
    assert ["f: a.b() -> pass", "f: a.b() -> pass (the 2.)"] == changes("def f(a):\n    a.b()\n    a.b()")


def test_a_fault_changes_one_place_and_can_be_compiled() -> None:
    source = (
        "class C:\n    def f(self, a=(1, 2)):\n        return [x for x in a if x and not self.b] or self.c[-1] if a else None\n"
    )
    for place in range(len(changes(source))):
        tree = ast.parse(source)
        mutants(tree)[place].put_in()
        assert ast.unparse(tree) != ast.unparse(ast.parse(source))
        compile(ast.fix_missing_locations(tree), "c.py", "exec")
