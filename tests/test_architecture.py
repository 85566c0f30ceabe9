"""The house rules that a reviewer should not have to remember."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "exporter"


def test_no_module_is_two_things() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines for path in PACKAGE.rglob("*.py") if (lines := path.read_text().count("\n")) > 400
    }
    assert {} == long


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert [] == silent


ROOMS = {
    path.stem if path.is_file() else path.name
    for path in PACKAGE.iterdir()
    if (path.is_dir() and any(path.glob("*.py"))) or (path.suffix == ".py" and not path.name.startswith("__"))
}


ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"


def rooms_in(cell: str) -> set[str]:
    return {name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`(\S+)`", cell)}


def test_the_drawing_of_the_architecture_names_the_rooms_that_there_are() -> None:
    text = ARCHITECTURE.read_text()
    table = text.partition("| room |")[2].partition("\n\n")[0].partition("|---|\n")[2]
    told = {
        name.removesuffix("/").removesuffix(".py") for row in table.splitlines() for name in re.findall(r"`(\S+)`", row[:60])
    }
    assert ROOMS - {"cli"} == told
    drawing = text.partition("```text")[2].partition("```")[0]
    assert all(f"{room}/" in drawing or f"{room}.py" in drawing for room in ROOMS)


def test_what_the_architecture_says_of_a_room_is_what_the_linter_holds() -> None:
    contracts = tomllib.loads((PACKAGE.parent / "tools" / "importlinter.toml").read_text())["tool"]["importlinter"]["contracts"]
    users = {
        contract["protected_modules"][0].removeprefix("exporter."): {
            name.removeprefix("exporter.") for name in contract["allowed_importers"]
        }
        for contract in contracts
        if contract["type"] == "protected" and len(contract["protected_modules"]) == 1
    }
    assert ROOMS - {"cli"} == users.keys(), "each room says who may lean on it"
    words = {
        "the words": (
            "errors",
            "model",
            "booking_links",
            "calendar_busy",
            "calendar_copies",
            "connection_checks",
            "open_slots",
            "paired_bookings",
            "private_calendar",
            "proof",
            "limits",
            "clock",
        )
    }
    for row in (
        (PACKAGE.parent / "docs" / "architecture.md").read_text().partition("| room |")[2].partition("\n\n")[0].splitlines()
    ):
        cells = [cell.strip() for cell in row.split("|")]
        if not row.startswith("| `") or "of the above" in cells[3] or cells[3] == "everything":
            continue
        for room in rooms_in(cells[1]):
            told = {other for word in cells[3].split(", ") for other in words.get(word, (word,))} - {"nothing of ours"}
            assert told == {other for other, by in users.items() if room in by}, room


PLATFORM_NAMES = re.compile("wix|bitrix", re.IGNORECASE)
MAY_NAME_PLATFORMS = ("platforms/wix/", "platforms/bitrix24/", "platforms/registry.py", "simulator/", "commands/", "cli/")


def names_of(path: Path) -> Iterator[str]:
    """Yield every identifier and imported name of a file, and every text that is a single word."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ImportFrom(module=str(name)):
                yield name
            case ast.Constant(value=str(text)) if not re.search(r"\s", text):
                yield text


def test_no_platform_is_named_outside_of_its_folder_but_in_the_registry() -> None:
    examples = {"salon-wix"}
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        if not str(path.relative_to(PACKAGE)).startswith(MAY_NAME_PLATFORMS)
        for name in names_of(path)
        if PLATFORM_NAMES.search(name) and name not in examples
    }
    assert set() == found


@pytest.mark.parametrize("room", sorted(room for room in ROOMS if (PACKAGE / room).is_dir()))
def test_a_room_says_what_it_is_for_and_what_it_may_lean_on(room: str) -> None:
    told = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
    assert told is not None
    assert re.search(r"\b(leans?|lean) on\b", told)


def has_a_door(package: Path, *room: str) -> bool:
    """Tell whether the ``__init__`` of a room, or of a room in a room, offers what others may use of it."""
    door = package.joinpath(*room) / "__init__.py"
    return door.is_file() and "__all__" in door.read_text()


def climbing(package: Path) -> list[str]:
    """Return who enters a room with a door by another way."""
    doors = {room for room in ROOMS if has_a_door(package, room)}
    windows = []
    for path in package.rglob("*.py"):
        elsewhere = doors - {path.relative_to(package).parts[0]}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                room = node.module.removeprefix("exporter.").split(".")
                if room[0] in elsewhere and not has_a_door(package, *room):
                    windows.append(f"{path.relative_to(package)} climbs into {node.module}")
    return windows


def test_a_room_with_a_door_is_entered_by_it_and_the_others_are_tool_boxes() -> None:
    tool_boxes = {room for room in ROOMS if (PACKAGE / room).is_dir() and not has_a_door(PACKAGE, room)}
    assert {"support", "ics", "fields", "platforms", "state", "commands"} == tool_boxes
    assert [] == climbing(PACKAGE)


_MAKES_A_DECODER = re.compile(r"^msgspec\.(?:convert|(?:json|msgpack|yaml|toml)\.(?:decode|Decoder))$")


def makers_of_decoders(tree: ast.AST, *, in_function: bool = False) -> Iterator[int]:
    """Yield the lines where msgspec finds out what a kind is made of while the program runs."""
    for node in ast.iter_child_nodes(tree):
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if inside and isinstance(node, ast.Call) and _MAKES_A_DECODER.match(ast.unparse(node.func)):
            names_a_kind = len(node.args) > 1 or any(word.arg == "type" for word in node.keywords)
            if names_a_kind or (node.args and not ast.unparse(node.func).endswith("decode")):
                yield node.lineno
        yield from makers_of_decoders(node, in_function=inside)


def test_decoders_are_made_where_one_thread_is_or_by_the_one_that_has_a_lock() -> None:
    """Two threads that make msgspec's decoder of one kind at once end the process."""
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if "simulator" not in path.parts and (lines := [*makers_of_decoders(ast.parse(path.read_text()))])
    }
    assert {"support/json_text.py"} == found.keys()
