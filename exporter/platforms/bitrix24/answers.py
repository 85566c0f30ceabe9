"""The one place that knows Bitrix24's dictionaries: JSON in, small typed values out (bitrix24.md sections 2.4, 3, 5.2, 7, 13).

Names, notes and clients of bookings have no field here, so they are dropped while parsing. What may be missing, ``null``,
``[]`` instead of an object, or a number in text, is taken as section 13 says; a row that makes no sense is
left out and counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from exporter.errors import InvalidResponseError
from exporter.limits import BOOKING_LINKS, PORTAL_PAGE_ROWS
from exporter.model import Value
from exporter.platforms.decoding import MAX_MOMENT, whole_number
from exporter.support.json_text import UNREADABLE, decoded, is_whole, read

T = TypeVar("T")

_MAX_RESET_SECONDS: Final = 3600.0
MAX_DIGITS: Final = 18
_MAX_PLAIN_BYTES: Final = 64 * 1024  # an error with its description, or a number
# What Python would read as a number as well: 1_000, other scripts' digits, blanks around.
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_MAX_NAME: Final = 1000  # what is kept of a name; less is shown of it, but no secret in it may be cut before it is masked
EMPTY: Final = Raw(b"[]")
CALENDAR: Final = "calendar"
_FEW_BYTES: Final = 64  # more is no empty list

Number = int | float | str | None


class _Time(Struct):
    finish: Number = None
    operating: Number = None
    operating_reset_at: Number = None


class Times(Value, frozen=True, gc=False):
    """What the ``time`` of an answer told about operating time: the sum, and in how many seconds it begins to fall.

    ``None`` where it told nothing.
    """

    operating: float | None = None
    reset_in: float | None = None


class _Envelope(Struct):
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    error_description: Raw | UnsetType = UNSET
    time: Raw | UnsetType = UNSET
    next: Raw | UnsetType = UNSET


class Reply(Value, frozen=True, gc=False):
    """The result of one method call, not looked into yet. ``next`` is the offset of the next page where the portal says it."""

    result: Raw
    next: int | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """The error of a body, as it came."""

    error: object
    description: object


class Body(msgspec.Struct, frozen=True):
    """A whole answer: a reply or a problem, never both."""

    reply: Reply | None
    problem: ErrorBody | None
    times: Times


def body(content: bytes, now: float) -> Body | None:
    """Read an answer's body; ``None`` when it is not a JSON object with ``result`` or ``error``. ``now`` is Unix seconds."""
    envelope = decoded(content, _Envelope)
    if envelope is None:
        return None
    times = _times(envelope.time, now)
    if envelope.error is not UNSET:
        description = _plain(envelope.error_description) if envelope.error_description is not UNSET else ""
        return Body(None, ErrorBody(_plain(envelope.error), description), times)
    if envelope.result is UNSET:
        return None
    return Body(Reply(envelope.result, _offset(envelope.next)), None, times)


_Section = list[Raw] | dict[str, Raw] | None


class _Sections(Struct):
    result: _Section = None
    result_error: _Section = None
    result_next: _Section = None
    result_time: _Section = None


class BatchReply(msgspec.Struct, frozen=True):
    """What a batch brought, by command key. A key in neither mapping was not executed."""

    replies: Mapping[str, Reply]
    problems: Mapping[str, ErrorBody]
    times: Mapping[str, Times]


def batch(reply: Reply, keys: tuple[str, ...], now: float) -> BatchReply:
    """Read a batch's result. Sections are objects, ``[]`` when empty, or lists that cover every command.

    Raises :class:`~exporter.errors.InvalidResponseError` for any other shape. ``now`` is in Unix seconds.
    """
    try:
        sections = read(reply.result, _sections_decoder.decode)
    except UNREADABLE:
        raise InvalidResponseError("a batch answer has no readable sections") from None
    results, errors = _section(sections.result, keys), _section(sections.result_error, keys)
    nexts, times = _section(sections.result_next, keys), _section(sections.result_time, keys)
    problems = {key: _problem(raw) for key, raw in errors.items()}
    replies = {key: Reply(raw, _offset(nexts.get(key, UNSET))) for key, raw in results.items() if key not in problems}
    return BatchReply(replies, problems, {key: _times(raw, now) for key, raw in times.items()})


def _section(value: _Section, keys: tuple[str, ...]) -> dict[str, Raw]:
    if not value:
        return {}
    if isinstance(value, dict):
        return {key: value[key] for key in keys if key in value}
    if len(value) != len(keys):
        raise InvalidResponseError("a batch answer lists results that cannot be told apart")
    return dict(zip(keys, value, strict=True))


def _problem(raw: Raw) -> ErrorBody:
    value = _plain(raw)
    if isinstance(value, Mapping):
        return ErrorBody(value.get("error"), value.get("error_description", ""))
    return ErrorBody(value, "")


@dataclass(frozen=True, slots=True)
class RowPage(Generic[T]):
    """One page of a list. ``size`` counts its rows, malformed ones too; ``ids`` are those that could be read."""

    rows: Sequence[T]
    ids: Sequence[str]
    size: int
    malformed: int


class _ResourceRow(Struct):
    id: int | str
    name: str | None = None
    typeId: Any = None  # noqa: N815  the API's word


class _IdOnly(Struct):
    id: int | str


class _ResourceList(Struct):
    resource: Raw = EMPTY


class _ResourceTypeList(Struct):
    resourceType: Raw | UnsetType = UNSET  # noqa: N815  the API's word
    resource: Raw = EMPTY


class _LinkList(Struct):
    externalData: Raw = EMPTY  # noqa: N815  the API's word


class _LinkRow(Struct):
    moduleId: Any = None  # noqa: N815  the API's word
    entityTypeId: Any = None  # noqa: N815  the API's word
    value: Any = None


class Resource(msgspec.Struct, frozen=True):
    """A bookable resource, or a type of them, with the name that the business gave it; ``type_id`` may be empty."""

    id: str
    name: str
    type_id: str = ""


class Link(msgspec.Struct, frozen=True):
    """One tie of a booking to something else; lower case, ``""`` where the portal did not say.

    ``event`` is the id of an event of the calendar, 0 where there is none: no other thing is ever asked about.
    """

    module: str
    entity_type: str
    event: int = 0


_sections_decoder: Final = msgspec.json.Decoder(_Sections)
_rows_decoder: Final = msgspec.json.Decoder(_Section)
_resource_decoder: Final = msgspec.json.Decoder(_ResourceRow)
_links_decoder: Final = msgspec.json.Decoder(list[_LinkRow] | dict[str, _LinkRow] | None)
_id_decoder: Final = msgspec.json.Decoder(_IdOnly)
_time_decoder: Final = msgspec.json.Decoder(_Time)
_any_decoder: Final = msgspec.json.Decoder()


def resources(reply: Reply) -> RowPage[Resource]:
    """Read a page of ``booking.v1.resource.list``."""
    return row_by_row(entity(reply, _ResourceList).resource, _resource)


def resource_types(reply: Reply) -> RowPage[Resource]:
    """Read a page of ``booking.v1.resourceType.list``.

    The module's source calls the rows ``resourceType``, as SDKs read them; the reference prints ``resource``:
    https://github.com/bitrix24/b24restdocs, ``api-reference/booking/resource/resource-type/booking-v1-resourcetype-list.md``.
    """
    found = entity(reply, _ResourceTypeList)
    return row_by_row(found.resource if found.resourceType is UNSET else found.resourceType, _resource)


def _resource(raw: Raw) -> Resource:
    row = read(raw, _resource_decoder.decode)
    return Resource(
        row_id(row.id), (row.name or "")[:_MAX_NAME], _word(str(row.typeId)) if isinstance(row.typeId, int | str) else ""
    )


def links(reply: Reply) -> tuple[Link, ...]:
    """Read ``booking.v1.booking.externalData.list``: everything that a booking is tied to. Any other shape is an error.

    The error is :class:`~exporter.errors.InvalidResponseError`.
    """
    try:
        value = read(entity(reply, _LinkList).externalData, _links_decoder.decode)
    except UNREADABLE:
        raise InvalidResponseError("the external data of a booking is not a list") from None
    if value and len(value) > BOOKING_LINKS.number:
        raise InvalidResponseError(f"a booking has more than {BOOKING_LINKS}")
    items = list(value.values()) if isinstance(value, dict) else value or []
    if not all(is_whole(_word(item.moduleId)) for item in items):
        raise InvalidResponseError("the external data of a booking names a module that did not come whole")
    return tuple(map(_link, items))


def _link(item: _LinkRow) -> Link:
    module = _word(item.moduleId)
    event = whole_number(item.value, max_digits=MAX_DIGITS) if module == CALENDAR else None
    return Link(module, _word(item.entityTypeId), event or 0)


def entity(reply: Reply, kind: type[T]) -> T:
    """Return the result as ``kind``. PHP writes an object without members as ``[]``; anything else is an error.

    The error is :class:`~exporter.errors.InvalidResponseError`.
    """
    result = memoryview(reply.result)
    found = kind() if result.nbytes < _FEW_BYTES and bytes(result).strip() == b"[]" else decoded(reply.result, kind)
    if found is None:
        raise InvalidResponseError("the result of a method is not an object")
    return found


def row_by_row(raw: Raw, read_row: Any) -> RowPage[Any]:  # noqa: ANN401  one helper for two row types
    """Return the page of ``raw``, a list or an object of rows; those that ``read_row`` cannot read are left out and counted.

    Raises :class:`~exporter.errors.InvalidResponseError` when ``raw`` is neither, and for more rows than a page may have.
    """
    try:
        value = read(raw, _rows_decoder.decode)
    except UNREADABLE:
        raise InvalidResponseError("the rows of a list are neither a list nor an object") from None
    raws = list(value.values()) if isinstance(value, dict) else value or []
    _check_page(len(raws))
    rows: list[Any] = []
    ids: list[str] = []
    for row in raws:
        try:
            found = read_row(row)
        except (*UNREADABLE, ValueError, OverflowError):
            ids += _id_of(row)
        else:
            rows.append(found)
            ids.append(found.id)
    return RowPage(tuple(rows), tuple(ids), len(raws), len(raws) - len(rows))


def _check_page(rows: int) -> None:
    if rows > PORTAL_PAGE_ROWS.number:
        raise InvalidResponseError(f"a page of the portal has more than {PORTAL_PAGE_ROWS}")


def digits(value: float | str) -> float | str:
    """Return a number, which may be in text, as it came. Raises :class:`ValueError` for other text.

    The number has no unit of its own: an id, a count, or seconds.
    """
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("not a number")
    return value


def row_id(value: int | str) -> str:
    """Return an id, which may be in text. Raises :class:`ValueError` for what is none."""
    number = int(digits(value))
    if not 0 < number < 10**MAX_DIGITS:
        raise ValueError("not an id")
    return str(number)


def _id_of(row: Raw) -> list[str]:
    try:
        return [row_id(read(row, _id_decoder.decode).id)]
    except (*UNREADABLE, ValueError):
        return []


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _times(raw: Raw | UnsetType, now: float) -> Times:
    if raw is UNSET:
        return Times()
    try:
        time = read(raw, _time_decoder.decode)
        operating = _number(time.operating)
        reset_at, finish = _number(time.operating_reset_at), _number(time.finish)
    except (*UNREADABLE, ValueError, OverflowError):
        return Times()
    if operating is not None and not 0 <= operating < MAX_MOMENT:
        return Times()
    if not reset_at:
        return Times(operating)
    # Both moments are the portal's, so that its clock may differ from ours (bitrix24.md 11).
    reset_in = max(0.0, reset_at - (finish or now))
    # The sum is one of ten minutes: who names a far later moment has slipped, and must not silence a method for years.
    return Times(operating, reset_in if reset_in <= _MAX_RESET_SECONDS else None)


def _number(value: Number) -> float | None:
    number = float(digits(value)) if isinstance(value, str) else value
    return float(number) if number is not None and math.isfinite(number) else None


def _offset(raw: Raw | UnsetType) -> int | None:
    return None if raw is UNSET else whole_number(_plain(raw), max_digits=MAX_DIGITS)


def _plain(raw: Raw) -> Any:  # noqa: ANN401  whatever JSON holds; callers look
    if memoryview(raw).nbytes > _MAX_PLAIN_BYTES:
        return None
    try:
        return read(raw, _any_decoder.decode)
    except UNREADABLE:
        return None
