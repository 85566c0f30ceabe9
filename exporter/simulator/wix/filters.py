"""The Wix API query language: filters, sorts and opaque cursors (docs/platforms/wix.md 6.2, 6.4)."""

from __future__ import annotations

import base64
import hashlib
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

import msgspec

from exporter.simulator.wix.errors import ApiError, Violation, application_error, invalid_filter, validation_error

T = TypeVar("T")
Test = Callable[[T], bool]

_MAX_DEPTH: Final = 10
MAX_CURSOR_CHARACTERS: Final = 16_000


class FieldKind(StrEnum):
    """What a field holds; it decides the operators."""

    DATE = "date"
    WORD = "word"
    FLAG = "flag"
    TAGS = "tags"


OPERATORS: Final[Mapping[FieldKind, frozenset[str]]] = {
    FieldKind.DATE: frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"}),
    FieldKind.WORD: frozenset({"$eq", "$ne", "$in"}),
    FieldKind.FLAG: frozenset({"$eq", "$ne"}),
    FieldKind.TAGS: frozenset({"$hasSome", "$hasAll"}),
}

_LISTS: Final = frozenset({"$in", "$nin", "$hasSome", "$hasAll"})
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
    "$in": lambda value, wanted: value in wanted,
    "$nin": lambda value, wanted: value not in wanted,
    "$hasSome": lambda value, wanted: not wanted.isdisjoint(value),
    "$hasAll": lambda value, wanted: wanted.issubset(value),
}


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """A field that may be filtered by: what it holds, and how to read it from a row. Dates are Unix seconds."""

    kind: FieldKind
    read: Callable[[T], Any]


Fields = Mapping[str, Field[T]]


def utc_seconds(value: object) -> float:
    """Return the Unix seconds of an RFC 3339 text in UTC; raises :class:`ValueError` for anything else."""
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004  one error for every bad value
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() != timedelta(0):
        raise ValueError("not UTC")
    return moment.timestamp()


def utc_text(seconds: float, *, milliseconds: bool = True) -> str:
    """Return Unix seconds the way Wix prints a date: UTC, ``Z``, with or without milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds" if milliseconds else "seconds").replace("+00:00", "Z")


def compile_filter(value: object, fields: Fields[T]) -> Test[T]:
    """Return a test for rows; raises the 400 that Wix answers to a filter it does not understand."""
    return _compile({} if value is None else value, fields, 0)


def _compile(value: object, fields: Fields[T], depth: int) -> Test[T]:
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH:
        raise invalid_filter("Filter must be an object")
    tests = [_clause(str(key), item, fields, depth) for key, item in value.items()]
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _clause(key: str, value: object, fields: Fields[T], depth: int) -> Test[T]:
    if key in {"$and", "$or"}:
        if not isinstance(value, list) or not value:
            raise invalid_filter(f"{key} needs a list of filters")
        tests = [_compile(item, fields, depth + 1) for item in value]
        join = all if key == "$and" else any
        return lambda row: join(test(row) for test in tests)
    if key == "$not":
        test = _compile(value, fields, depth + 1)
        return lambda row: not test(row)
    if key not in fields:
        raise invalid_filter(f"Filtering by {key} is not supported")
    return _condition(key, value, fields[key])


def _condition(name: str, value: object, field: Field[T]) -> Test[T]:
    """One field. A bare value means ``$eq``, a bare list ``$in``; an object holds exactly one operator (wix.md 6.2)."""
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise invalid_filter(f"{name} must have exactly one operator")
        [(sign, operand)] = value.items()
    else:
        sign, operand = ("$in" if isinstance(value, list) else "$eq"), value
    if sign not in OPERATORS[field.kind]:
        raise invalid_filter(f"{name} does not support {sign}")
    if (sign in _LISTS) != isinstance(operand, list):
        raise invalid_filter(f"{name} {sign} has a value of the wrong type")
    wanted = frozenset(_operand(name, field, item) for item in operand) if isinstance(operand, list) else None
    expected = _operand(name, field, operand) if wanted is None else wanted
    compare, read = _COMPARE[str(sign)], field.read
    return lambda row: compare(read(row), expected)


def _operand(name: str, field: Field[T], value: object) -> object:
    match field.kind:
        case FieldKind.DATE:
            try:
                return utc_seconds(value)
            except ValueError as error:
                raise invalid_filter(f"{name} needs a date in UTC") from error
        case FieldKind.FLAG if isinstance(value, bool):
            return value
        case FieldKind.WORD | FieldKind.TAGS if isinstance(value, str):
            return value
    raise invalid_filter(f"{name} has a value of the wrong type")


@dataclass(frozen=True, slots=True)
class Sort:
    """One entry of a sort."""

    field: str
    descending: bool = False


def compile_sort(value: object, fields: Fields[T]) -> tuple[Sort, ...]:
    """Return the sort that a request asks for; raises the 400 for one that is not supported."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise validation_error(Violation("query.sort", "must be a list"))
    sorts = []
    for item in value:
        name = item.get("fieldName") if isinstance(item, Mapping) else None
        order = item.get("order", "ASC") if isinstance(item, Mapping) else None
        if (
            not isinstance(name, str)
            or name not in fields
            or fields[name].kind is FieldKind.TAGS
            or order not in {"ASC", "DESC"}
        ):
            raise application_error(400, "INVALID_SORT", "Sorting by this field is not supported")
        sorts.append(Sort(name, order == "DESC"))
    return tuple(sorts)


def sorted_rows(rows: Iterable[T], sorts: Sequence[Sort], fields: Fields[T]) -> list[T]:
    """Sort by ``sorts``, ties by ``id``, so that a cursor can name a place."""
    ordered = sorted(rows, key=_reader(fields["id"]))
    for sort in reversed(sorts):
        ordered.sort(key=_reader(fields[sort.field]), reverse=sort.descending)
    return ordered


def place_of(row: T, sorts: Sequence[Sort], fields: Fields[T]) -> list[Any]:
    """Return the values that tell where ``row`` stands in a sorted list."""
    return [*(_reader(fields[sort.field])(row) for sort in sorts), _reader(fields["id"])(row)]


def is_behind(place: Sequence[Any], other: Sequence[Any], sorts: Sequence[Sort]) -> bool:
    """Tell whether ``place`` comes after ``other``; holds also when the row of ``other`` is gone by now."""
    for left, right, sort in zip(place, other, (*sorts, Sort("id")), strict=True):
        if left != right:
            return bool((left > right) != sort.descending)
    return False


def _reader(field: Field[T]) -> Callable[[T], Any]:
    read, nothing = field.read, {FieldKind.DATE: 0.0, FieldKind.WORD: "", FieldKind.FLAG: False, FieldKind.TAGS: ""}[field.kind]

    def value(row: T) -> Any:  # noqa: ANN401  a field holds text, numbers or booleans
        found = read(row)
        return nothing if found is None else found

    return value


_CURSOR_HEAD: Final = "JWE." + base64.urlsafe_b64encode(b'{"alg":"A128KW","enc":"A128CBC-HS256"}').decode().rstrip("=")


def encode_cursor(state: object) -> str:
    """Return ``state`` as the long opaque text that Wix calls a cursor."""
    payload = base64.urlsafe_b64encode(msgspec.json.encode(state)).decode().rstrip("=")
    key, seal = _seal(payload)
    return f"{_CURSOR_HEAD}.{key}.{payload}.{seal}"


def decode_cursor(cursor: object) -> Any:  # noqa: ANN401  the state is whatever the caller put in
    """Return the state of a cursor that :func:`encode_cursor` made; raises the 400 for any other text."""
    if isinstance(cursor, str) and len(cursor) <= MAX_CURSOR_CHARACTERS and cursor.startswith(f"{_CURSOR_HEAD}."):
        key, _, rest = cursor[len(_CURSOR_HEAD) + 1 :].partition(".")
        payload, _, seal = rest.partition(".")
        if (key, seal) == _seal(payload):
            return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    raise bad_cursor()


def bad_cursor() -> ApiError:
    """Return the 400 for a cursor that is none."""
    return application_error(400, "INVALID_CURSOR", "Cursor is invalid")


def _seal(payload: str) -> tuple[str, str]:
    digest = hashlib.sha512(payload.encode()).hexdigest()
    return digest[:54], digest[54:76]
