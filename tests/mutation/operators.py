"""Mutation operators: the small faults that can be made in a module, each a change of one place in its syntax tree.

Comparisons (boundary and contrary), arithmetic, numbers one more and one less, booleans, ``and`` for ``or`` and a clause left
out, a ``return`` of nothing, a statement or a filter left out, ``min`` for ``max``, one element less in a fixed collection,
another verdict. Left alone are texts, log lines, annotations, imports and decorators.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_BOUNDARY: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_CONTRARY: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_WORDS: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
_VERDICTS: Final = {"OK": "WARNING", "WARNING": "CRITICAL", "CRITICAL": "WARNING", "UNKNOWN": "OK"}
_LEFT_ALONE: Final = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Pass, ast.Lambda)
_SHOWN: Final = 90
"""Characters of code around a change that are shown."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a module something stands. ``first`` and ``last`` are the lines of its statement, of a compound one the head."""

    scope: str = ""
    function: str = ""
    first: int = 0
    last: int = 0
    parents: tuple[ast.AST, ...] = ()


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault in a module. ``function`` is the outermost function around it, ``""`` where it is run by the import."""

    scope: str
    change: str
    nth: int
    function: str
    first: int
    last: int
    holder: ast.AST = field(repr=False)
    slot: str
    index: int | None
    new: ast.AST = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called: it stays the same while lines around it move."""
        return f"{self.scope or 'module'}: {self.change}" + (f" (the {self.nth + 1}.)" if self.nth else "")

    def put_in(self) -> None:
        """Change the syntax tree that the mutant was made from, for good."""
        if self.index is None:
            setattr(self.holder, self.slot, self.new)
        else:
            getattr(self.holder, self.slot)[self.index] = self.new


def mutants(tree: ast.Module) -> list[Mutant]:
    """Return all faults that can be made in ``tree``, in the order of the code."""
    found: list[Mutant] = []
    times: Counter[tuple[str, str]] = Counter()
    for place, holder, slot, index, new in _in_all(tree, Place(parents=(tree,))):
        change = _change(place, holder, slot, index, new)
        found.append(
            Mutant(
                place.scope,
                change,
                times[place.scope, change],
                place.function,
                place.first,
                place.last,
                holder,
                slot,
                index,
                new,
            )
        )
        times[place.scope, change] += 1
    return found


_Found = tuple[Place, ast.AST, str, int | None, ast.AST]


def _in_all(holder: ast.AST, place: Place) -> Iterator[_Found]:
    for slot, value in ast.iter_fields(holder):
        if slot in _SKIPPED.get(type(holder), ()):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(node, ast.AST) and not _is_left_alone(node, holder, slot):
                yield from _in_one(holder, slot, index, node, place)


_SKIPPED: Final[dict[type[ast.AST], tuple[str, ...]]] = {
    ast.FunctionDef: ("decorator_list", "returns"),
    ast.AsyncFunctionDef: ("decorator_list", "returns"),
    ast.ClassDef: ("decorator_list", "bases", "keywords"),
    ast.arg: ("annotation",),
    ast.AnnAssign: ("annotation",),
}


def _is_left_alone(node: ast.AST, holder: ast.AST, slot: str) -> bool:
    if isinstance(node, _LEFT_ALONE):
        return True
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    if isinstance(node, ast.Expr):
        said = node.value
        return isinstance(said, ast.Constant) or (isinstance(said, ast.Call) and ast.unparse(said.func).startswith("log."))
    return isinstance(node, ast.If) and slot == "body" and isinstance(holder, ast.Module)  # which Python, type checking


def _in_one(holder: ast.AST, slot: str, index: int | None, node: ast.AST, place: Place) -> Iterator[_Found]:
    if isinstance(node, _Function | ast.ClassDef):
        scope = f"{place.scope}.{node.name}" if place.scope else node.name
        if isinstance(node, _Function):
            yield from _in_all(node.args, Place(scope, place.function, node.lineno, node.body[0].lineno - 1, (node.args,)))
        function = place.function or (scope if isinstance(node, _Function) else "")
        inner = Place(scope, function, node.lineno, node.lineno, (node,))
        for at, statement in enumerate(node.body):
            if not _is_left_alone(statement, node, "body"):
                yield from _in_one(node, "body", at, statement, inner)
        return
    if isinstance(node, ast.stmt):
        head = max(
            [child.end_lineno or 0 for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)], default=node.lineno
        )
        is_compound = hasattr(node, "body")
        last = max(head, node.lineno) if is_compound else node.end_lineno or node.lineno
        place = Place(place.scope, place.function, node.lineno, last, (node,))
    else:
        place = Place(place.scope, place.function, place.first, place.last, (*place.parents, node))
    for new in _faults(node, holder, place):
        yield place, holder, slot, index, new
    yield from _in_all(node, place)


def _faults(node: ast.AST, holder: ast.AST, place: Place) -> Iterator[ast.AST]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node, place)
    elif isinstance(node, ast.comprehension):
        for at in range(len(node.ifs)):
            yield ast.comprehension(node.target, node.iter, [*node.ifs[:at], *node.ifs[at + 1 :]], node.is_async)
    elif isinstance(node, ast.expr):
        yield from _of_expression(node, place)
        if _is_asked(node, holder) and not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
            yield ast.UnaryOp(ast.Not(), node)


def _of_expression(node: ast.expr, place: Place) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for at in range(len(node.values)):
            rest = [*node.values[:at], *node.values[at + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC and not isinstance(node.left, ast.JoinedStr):
        yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    else:
        yield from _of_word(node, place)


def _is_asked(node: ast.AST, holder: ast.AST) -> bool:
    """Return whether only the truth of ``node`` counts."""
    return getattr(holder, "test", None) is node or (isinstance(holder, ast.comprehension) and node in holder.ifs)


def _of_statement(node: ast.stmt, place: Place) -> Iterator[ast.stmt]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_plain(value):
            yield ast.Return(None)
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.Delete() | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]) | ast.AnnAssign(target=ast.Attribute()) if (
            place.function
        ):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case _:
            pass
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)


def _is_plain(value: ast.expr) -> bool:
    """Return whether another fault already returns the like of ``None`` in its place."""
    return isinstance(value, ast.Compare | ast.BoolOp) or (
        isinstance(value, ast.Constant) and value.value in {None, True, False}
    )


def _of_comparison(node: ast.Compare) -> Iterator[ast.Compare]:
    for table in (_BOUNDARY, _CONTRARY):
        for at, operator in enumerate(node.ops):
            if type(operator) in table and (table is _BOUNDARY or len(node.ops) == 1):
                yield ast.Compare(node.left, [*node.ops[:at], table[type(operator)](), *node.ops[at + 1 :]], node.comparators)


def _of_constant(node: ast.Constant) -> Iterator[ast.Constant]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)


def _of_word(node: ast.expr, place: Place) -> Iterator[ast.expr]:
    match node:
        case ast.Name(id=word, ctx=ast.Load()) if word in _WORDS:
            yield ast.Name(_WORDS[word], ast.Load())
        case ast.Attribute(value=ast.Name(id="math") as of, attr=word) if word in _WORDS:
            yield ast.Attribute(of, _WORDS[word], ast.Load())
        case ast.Attribute(value=ast.Name(id="Verdict") as of, attr=word):
            yield ast.Attribute(of, _VERDICTS[word], ast.Load())
        case ast.Tuple(elts=all_of_them) | ast.List(elts=all_of_them) | ast.Set(elts=all_of_them) if not place.function:
            if len(all_of_them) > 1 and all(isinstance(one, ast.Name | ast.Attribute) for one in all_of_them):
                for at in range(len(all_of_them)):
                    less = [*all_of_them[:at], *all_of_them[at + 1 :]]
                    yield ast.Set(less) if isinstance(node, ast.Set) else ast.Tuple(less, ast.Load())
        case _:
            pass


def _change(place: Place, holder: ast.AST, slot: str, index: int | None, new: ast.AST) -> str:
    """Return what is changed, with as much of the code around it as is easily read."""
    old = getattr(holder, slot) if index is None else getattr(holder, slot)[index]
    around: ast.AST = old
    for parent in reversed(place.parents):
        is_whole = isinstance(parent, ast.expr) or (isinstance(parent, ast.stmt) and not hasattr(parent, "body"))
        if is_whole and len(ast.unparse(parent)) <= _SHOWN:
            around = parent
        elif is_whole:
            break
    before = ast.unparse(around)
    if isinstance(new, ast.stmt) and around is old:
        return f"{_short(before)} -> {ast.unparse(new)}"
    if around is old:
        return f"{_short(before)} -> {_short(ast.unparse(new))}"
    _set(holder, slot, index, new)
    after = ast.unparse(around)
    _set(holder, slot, index, old)
    return f"{before} -> {after}"


def _set(holder: ast.AST, slot: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, slot, node)
    else:
        getattr(holder, slot)[index] = node


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}..{text[-_SHOWN // 2 :]}"
