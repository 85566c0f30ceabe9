"""The docstrings of the public side of the package: there is one, it begins with a sentence, it names errors and units."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import pytest

PACKAGE: Final = Path(__file__).parents[1] / "exporter"
TREES: Final = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
# Their members and their place in the tree of errors say all.
SPEAKING_BASES: Final = {"Enum", "StrEnum", "IntEnum", "PollError", "NetworkError"}
# Not errors that a caller handles: a bug, an abstract method, the end of a command.
NOT_TO_BE_NAMED: Final = {"AssertionError", "NotImplementedError", "BadParameter", "SystemExit"}
UNIT: Final = re.compile(
    r"second|byte|unix|utc|share|hour|minute|day|\bMiB|\bKiB|ratio|letter|number|count|how many|unit", re.IGNORECASE
)

# It begins with a capital, or with a name that has none.
FIRST_LINE: Final = re.compile(r"(?:[A-Z0-9`\"]|gzip |aiohttp|pydantic|booking-sync-exporter: )\S* .*[.:?!]|[A-Z]\w+\.")


class Public(NamedTuple):
    """A public module, class or function of the package."""

    place: str
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    owner: ast.ClassDef | None = None

    @property
    def text(self) -> str:
        return ast.get_docstring(self.node) or ""


def public() -> Iterator[Public]:
    for path, tree in TREES.items():
        yield Public(path, tree)
        yield from _below(path, tree.body, None)


def _below(place: str, body: list[ast.stmt], owner: ast.ClassDef | None) -> Iterator[Public]:
    for node in body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and not node.name.startswith("_"):
            yield Public(f"{place}:{node.name}", node, owner)
            if isinstance(node, ast.ClassDef):
                yield from _below(f"{place}:{node.name}", node.body, node)


PUBLIC: Final = tuple(public())
DOCUMENTED_METHODS: Final = {one.node.name for one in PUBLIC if one.owner and one.text and not isinstance(one.node, ast.Module)}


def speaks_for_itself(one: Public) -> bool:
    """Whether another place says what it is: the interface that it implements, the library that calls it, its base."""
    if isinstance(one.node, ast.ClassDef):
        return any(ast.unparse(base).rpartition(".")[2] in SPEAKING_BASES for base in one.node.bases)
    if isinstance(one.node, FUNCTIONS) and one.owner is not None:
        return one.node.name in DOCUMENTED_METHODS or bool(one.owner.bases)
    return False


def raised(body: list[ast.stmt]) -> set[str]:
    """Return the names of the errors that a body raises itself, not in functions and classes within it."""
    found = set()
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.ClassDef, ast.Lambda, *FUNCTIONS)):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(error).rpartition(".")[2]
            if name == "field_error" or (name[:1].isupper() and name not in NOT_TO_BE_NAMED):
                found.add(name)
        waiting += ast.iter_child_nodes(node)
    return found


def without_unit(function: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> Iterator[str]:
    """Yield the parameters, and ``return``, that are numbers whose unit is neither in their name nor in ``text``."""
    if UNIT.search(text):
        return
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    for name, kind in ((one.arg, one.annotation) for one in arguments):
        if kind is not None and re.search(r"\bfloat\b", ast.unparse(kind)) and not UNIT.search(name):
            yield name
    if (
        function.returns is not None
        and re.search(r"\bfloat\b", ast.unparse(function.returns))
        and not UNIT.search(function.name)
    ):
        yield "return"


def test_all_that_is_public_has_a_docstring() -> None:
    assert [] == [one.place for one in PUBLIC if not one.text and not speaks_for_itself(one)]


def test_the_first_line_is_a_sentence() -> None:
    firsts = {one.place: one.text.partition("\n")[0] for one in PUBLIC if one.text}
    assert {} == {place: line for place, line in firsts.items() if not re.fullmatch(FIRST_LINE, line)}


def test_the_errors_that_a_body_raises_are_named() -> None:
    functions = [one for one in PUBLIC if isinstance(one.node, FUNCTIONS) and (one.text or not speaks_for_itself(one))]
    unnamed = {one.place: [error for error in sorted(raised(one.node.body)) if error not in one.text] for one in functions}
    assert {} == {place: errors for place, errors in unnamed.items() if errors}


def test_numbers_have_a_unit_in_their_name_or_in_a_docstring() -> None:
    missing = {}
    for one in PUBLIC:
        if not isinstance(one.node, FUNCTIONS) or not one.text:
            continue
        module = ast.get_docstring(TREES[one.place.partition(":")[0]]) or ""
        owner = ast.get_docstring(one.owner) if one.owner else None
        if found := list(without_unit(one.node, f"{one.text} {owner} {module}")):
            missing[one.place] = found
    assert {} == missing


ROLE: Final = re.compile(r":(?:mod|data|func|class|meth|attr|exc):`~?([\w.]+)`")


def names_in(place: str, text: str) -> Iterator[str]:
    """Yield each name that a docstring or comment of the module ``place`` marks as one, and that nobody finds there."""
    module = "exporter." + place.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    local = dir_of(module)
    for name in ROLE.findall(text):
        if name.startswith("exporter."):
            if not is_there(name):
                yield name
        elif name.partition(".")[0] not in local and not hasattr(builtins, name):
            yield name


def dir_of(module: str) -> set[str]:
    """Return what a module and its classes have, instance attributes that are declared or set included."""
    tree = TREES.get(f"{module.removeprefix('exporter.').replace('.', '/')}.py") or ast.Module([], [])
    defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, *FUNCTIONS))}
    defined |= {ast.unparse(node.target) for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)}
    return defined | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {*dir(import_module(module))}


def is_there(name: str) -> bool:
    """Tell whether a dotted name leads to a module, or to something in one, also to what only instances have."""
    with contextlib.suppress(ImportError):
        import_module(name)
        return True
    owner, _, last = name.rpartition(".")
    with contextlib.suppress(ImportError):
        return last in dir(import_module(owner))
    module, _, kind = owner.rpartition(".")
    found = getattr(import_module(module), kind, None)
    return last in dir(found) or last in getattr(found, "__annotations__", {})


@pytest.mark.parametrize("place", [place for place in TREES if ROLE.search((PACKAGE / place).read_text())])
def test_what_a_docstring_marks_as_a_name_is_one(place: str) -> None:
    assert [] == list(names_in(place, (PACKAGE / place).read_text()))


def test_a_marked_name_that_is_gone_is_found() -> None:
    text = (
        ":class:`~exporter.errors.ConfigError` :data:`~exporter.limits.GONE` :mod:`exporter.gone` :func:`gone` :class:`OSError`"
    )
    assert ["exporter.limits.GONE", "exporter.gone", "gone"] == list(names_in("limits.py", text))


@pytest.mark.parametrize(
    ("source", "errors"),
    [
        ("raise ConfigError([])", {"ConfigError"}),
        ("raise errors.ConfigError([]) from None", {"ConfigError"}),
        ("raise field_error('is odd', 'write another')", {"field_error"}),
        ("raise", set()),
        ("raise error", set()),
        ("def inner():\n    raise ConfigError([])", set()),
    ],
)
def test_an_error_counts_where_it_is_raised(source: str, errors: set[str]) -> None:
    assert errors == raised(ast.parse(source).body)


def test_a_number_without_a_unit_is_found() -> None:
    function = ast.parse("def wait(until: float, max_seconds: float) -> float: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ["until", "return"] == list(without_unit(function, "Wait."))
    assert [] == list(without_unit(function, "Return how long it took. All are Unix seconds."))
