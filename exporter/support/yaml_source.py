"""YAML -> plain values, and the line on which each of them stands.

Only plain YAML: no tags, no second document; anchors and merge keys work; a key that stands twice in a mapping is a problem
instead of a silent loss. Problems never quote the file, because its next line may hold a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
import yaml

from exporter.errors import ConfigProblem
from exporter.support.redaction import is_plain_text

Path = tuple[str | int, ...]

# Some thousand targets are some hundred thousand values; far more than that is an anchor that multiplies itself.
MAX_VALUES: Final = 500_000
_MAX_DEPTH: Final = 100
_LIBYAMLS_DEPTH: Final = "exceeded maximum nesting depth"
_TOO_DEEP: Final = ConfigProblem("", "nested too deep", "remove some of the levels")
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_DATE_TAG: Final = "tag:yaml.org,2002:timestamp"
_PLAIN_TAGS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "timestamp"))
_CONTAINER_TAGS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_TAG: Final = ("has a YAML tag", "remove it, or put a value that starts with ! in quotes")
_SECRET_TAGS: Final = frozenset({"!env", "!ENV", "!env_var", "!secret", "!vault", "!file"})
_TEMPLATE: Final = ("is a placeholder that was not filled in", "fill it in, or put the value in quotes")


class _Unreadable:
    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE: Final = _Unreadable()


class YamlSource(msgspec.Struct, frozen=True):
    """What a YAML file says. ``value`` is ``None`` for an empty file; ``lines`` maps a path to its line, from 1.

    Where ``problems`` has found a value that cannot be read, ``value`` holds :data:`UNREADABLE`. ``broken`` is the line where
    that begins which is not YAML; ``value`` is ``None`` then. ``unread`` are the places that were left out to read the rest.
    ``size`` is how many values there are, an anchor's once for each alias.
    """

    value: object
    lines: Mapping[Path, int]
    problems: tuple[ConfigProblem, ...]
    broken: int | None = None
    unread: tuple[Path, ...] = ()
    size: int = 0

    def line(self, path: Path) -> int | None:
        """Return the line of ``path``, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def problem(self, path: Path, message: str, fix: str, hidden: int = 0) -> ConfigProblem:
        """Return a problem at the line of ``path``, whose last ``hidden`` elements are not to be shown."""
        return ConfigProblem(show_path(path[: len(path) - hidden]), message, fix, line=self.line(path))


def read_yaml(text: str) -> YamlSource:
    """Return what ``text`` says, with every problem that can be told apart; after a syntax error that is just one.

    :func:`exporter.support.yaml_recovery.read_yaml_with_recovery` reads on behind it.
    """
    try:
        loader, node = _compose(text)
    except yaml.reader.ReaderError:
        problem = ConfigProblem("", "the file holds a character that YAML forbids", "save it as plain UTF-8 text")
        return YamlSource(None, {}, (problem,))
    except yaml.MarkedYAMLError as error:
        return YamlSource(None, {}, (_syntax_problem(error, text),), broken=_first_line(error))
    except (RecursionError, _TooDeepError):
        return YamlSource(None, {}, (_TOO_DEEP,))
    builder = _Builder(loader)
    try:
        value = None if node is None else builder.build(node, ())
    except RecursionError:
        return YamlSource(None, {}, (_TOO_DEEP,))
    finally:
        loader.dispose()  # it refers to itself, and else keeps every node until a full garbage collection
    return YamlSource(value, builder.lines, tuple(builder.problems), size=builder.size)


class _TooDeepError(Exception):
    pass


def _compose(text: str) -> tuple[yaml.SafeLoader, yaml.Node | None]:
    if yaml.__with_libyaml__:
        try:
            _refuse_depth(text)
            return yaml.SafeLoader(""), yaml.compose(text, yaml.CSafeLoader)
        except yaml.YAMLError as error:
            # PyYAML's own parser knows better what is wrong, but for each bracket it looks at all that are open, since each
            # may begin a key: a thousand in a row, whether libyaml stops at them or at something behind, take it seconds.
            if _LIBYAMLS_DEPTH in str(error) or _open_at_once(text) > _MAX_DEPTH:
                raise _TooDeepError from None
    loader = yaml.SafeLoader(text)
    return loader, loader.get_single_node()


def _open_at_once(text: str) -> int:
    """Return how many brackets are open at most, those in quotes included."""
    opened = most = 0
    for bracket in re.findall(r"[\[{}\]]", text):
        opened = opened + 1 if bracket in "[{" else max(0, opened - 1)
        most = max(most, opened)
    return most


def _refuse_depth(text: str) -> None:
    # libyaml is many times faster, but it nests on the C stack, where nothing catches an overflow.
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _TooDeepError


def show_path(path: Path) -> str:
    """Return ``path`` in the form ``targets[0].api_key``."""
    shown = ""
    for element in path:
        shown += f"[{element}]" if isinstance(element, int) else f".{element}" if shown else element
    return shown


def showable_key(key: object) -> str | None:
    """Return ``key`` when it looks like a key that somebody meant, ``None`` when it may be a pasted credential."""
    text = str(key)
    return text if is_plain_text(text) and text.replace("_", "").replace("-", "").isalnum() and text.isascii() else None


# PyYAML's messages quote the file, so each is told in words of our own: a part of the message, what it means, the fix.
_LOOK: Final = "check the indentation, the colons and the quotes around this line"
NO_ANCHOR: Final = "an alias (*name) that no anchor defines"
_SECOND_COLON: Final = ("a second colon in one line", "put a value that holds a colon and a blank in quotes")
_SYNTAX: Final = (
    ("undefined alias", NO_ANCHOR, "put a value that starts with * in quotes"),
    ("'\\t'", "a tab where YAML wants spaces", "indent with spaces"),
    ("another document", "more than one document", "keep one document: remove the line ---"),
    ("expected <block end>", "the indentation does not fit the lines above", _LOOK),
    ("expected ',' or", "a bracket is not closed", "close it with ] or }, or separate the values with commas"),
    ("expected the node content", "a value is missing or a bracket is not closed", _LOOK),
    ("unexpected end of stream", "a quote is not closed", "close it on the same line"),
    ("mapping values are not allowed", *_SECOND_COLON),
    ("could not find expected ':'", "a key without a colon", "write key: value"),
    ("duplicate anchor", "two anchors (&name) of one name", "rename one of them"),
    ("cannot start any token", "a value that starts with a sign of YAML's own", "put it in quotes"),
)


ODD_BLANKS: Final = "\xa0\u2002-\u200b\u202f\u3000\ufeff"
"""Characters that look like a blank and are none to YAML, as they stand in a class of a regular expression."""

# What stands on the line of the error says more than the parser. Such values come from shells, templates and web pages.
_FOREIGN: Final = (
    (r"\$\{\w+\}", "a shell variable within { }, and variables are not expanded in this file", "write {env: NAME}"),
    (r":\s*%\w+%", "a variable of Windows, and variables are not expanded in this file", "write {env: NAME}"),
    (
        f"[{ODD_BLANKS}]",
        "a character that only looks like a blank (U+00A0 or similar, from a web page)",
        "type the blanks again",
    ),
    (r"^\s*-\w+:\s", "no blank after the -", "write - and a blank in front of the key"),
    (r"^\s*(?:- )?\w+:[^\s:/]+$", "no blank after the colon", "write key: value"),
)
_BEGINS_EARLIER: Final = re.compile("flow|scalar|simple key")


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> ConfigProblem:
    said = error.problem or ""
    what, fix = next(((what, fix) for part, what, fix in _SYNTAX if part in said), ("cannot be read", _LOOK))
    if said.endswith("but got ':'") and _first_line(error) == (error.problem_mark and error.problem_mark.line + 1):
        what, fix = _SECOND_COLON  # within brackets that began on this line; else the next key met one that is open
    mark = error.context_mark if "end of stream" in said else error.problem_mark
    mark = mark or error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    lines = text.splitlines()
    for number in (line, _first_line(error), (line or 1) - 1):
        around = lines[number - 1] if number and number <= len(lines) else ""
        for pattern, foreign, instead in _FOREIGN:
            if re.search(pattern, around, re.ASCII):
                return ConfigProblem("", f"not valid YAML: {foreign}", instead, line=number)
    return ConfigProblem("", f"not valid YAML: {what}", fix, line=line)


def _first_line(error: yaml.MarkedYAMLError) -> int | None:
    """Return the line on which that begins which is not YAML: a bracket or a quote that is open is noticed much later."""
    begins_earlier = error.context_mark is not None and _BEGINS_EARLIER.search(error.context or "")
    mark = error.context_mark if begins_earlier else error.problem_mark
    return mark.line + 1 if mark else None


def _odd_number(text: str, value: object) -> tuple[str, str] | None:
    """Return what is wrong with a number that YAML 1.1 reads as another one than people do: 010 is 8, and 1:30 is 90."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    shown = f"{text} is read as {value:.15g}" if is_plain_text(text) else "a number is read as another one"
    if ":" in text:
        return (
            f"{shown}, since YAML reads it as a base-60 number",
            "write a duration like 1h30m, and a time or a name in quotes",
        )
    if re.fullmatch("[-+]?0[0-7_]+", text):
        return f"{shown}, since a 0 in front means octal", "write it without the 0, or in quotes if it is a name"
    return None


class _Builder:
    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[ConfigProblem] = []
        self.size = 0
        self._loader = loader
        self._is_full = False
        self._open: set[int] = set()  # containers that are being built, to see an anchor inside itself

    def build(self, node: yaml.Node, path: Path) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.size += 1
        if isinstance(node, yaml.ScalarNode):
            value = self._scalar(node, path)
            odd = _odd_number(node.value, value)
            return self._refuse(node, path, *odd) if odd else value
        if id(node) in self._open:
            return self._refuse(node, path, "an anchor that contains itself", "write the values out")
        if self.size > MAX_VALUES:
            if not self._is_full:
                self._is_full = True
                self._refuse(node, (), "too many values", "write anchors that do not multiply each other")
            return UNREADABLE
        if node.tag not in _CONTAINER_TAGS:
            return self._refuse(node, path, *_TAG)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, number)) for number, item in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)  # noqa: S101  YAML has three kinds of nodes
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        if node.tag not in _PLAIN_TAGS:
            what, fix = _TAG
            return self._refuse(node, path, what, "write {env: NAME} or {file: /path}" if node.tag in _SECRET_TAGS else fix)
        try:
            value: object = self._loader.construct_object(node)
        except (ValueError, OverflowError):  # 2026-02-30, or a number with thousands of digits
            if node.tag == _DATE_TAG:
                return self._refuse(node, path, "a date that does not exist", "correct it, or put it in quotes if it is a name")
            return self._refuse(node, path, "neither a date nor a number", "put it in quotes")
        except (LookupError, AttributeError):  # how PyYAML says that a tag such as !!bool does not fit its value
            return self._refuse(node, path, *_TAG)
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> object:
        if node.flow_style and any(isinstance(key, yaml.MappingNode) for key, _ in node.value):  # {{ name }}
            return self._refuse(node, path, *_TEMPLATE)
        built: dict[str | int, object] = {}
        first: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE_TAG:
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                shown = key_node.value if isinstance(key, (int, float)) else None
                what = f"the key {shown} is not text" if shown and showable_key(shown) else "a key is not text"
                self._refuse(key_node, path, what, "put the key in quotes")
                continue
            if key in first:
                name = showable_key(key)
                where = (*path, name) if name else path
                what = f"the key is there twice, first on line {first[key]}"
                self._refuse(key_node, where, what, "keep one of them")
                continue
            first[key] = line
            self.lines.setdefault((*path, key), line)
            built[key] = self.build(value_node, (*path, key))
        for other in merged:
            self._merge(built, other, path)
        return built

    def _merge(self, into: dict[str | int, object], node: yaml.Node, path: Path) -> None:
        if not isinstance(node, yaml.MappingNode) or id(node) in self._open:
            self._refuse(node, path, "<< does not name a mapping", "write <<: *anchor, where the anchor is on a mapping")
            return
        self._open.add(id(node))
        # What the mapping says itself was built before: its values and its lines stay.
        extra = self._mapping(node, path)
        self._open.discard(id(node))
        for key, value in extra.items() if isinstance(extra, dict) else ():
            into.setdefault(key, value)

    def _refuse(self, node: yaml.Node, path: Path, what: str, fix: str) -> _Unreadable:
        self.problems.append(ConfigProblem(show_path(path), what, fix, line=node.start_mark.line + 1))
        return UNREADABLE
