"""The kinds of values that a configuration is made of: how each is read, what is wrong with a bad one, and its schema.

Every reader accepts text as it stands in YAML and also the finished value, so that code and tests can build settings
directly. Credentials and addresses are in :mod:`exporter.fields.credentials`.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

import msgspec
from pydantic import PlainValidator, ValidationInfo, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator
from pydantic_core import PydanticCustomError

from exporter.counting import WindowError, WindowSpec, parse
from exporter.fields.durations import PATTERN as DURATION_PATTERN
from exporter.fields.durations import format_duration, meant_duration, parse_duration
from exporter.fields.zones import instead_of
from exporter.support.files import is_no_file
from exporter.support.invisible import code_point, find_invisible, first_invisible
from exporter.support.redaction import is_plain_text, redact
from exporter.support.secret import is_quoted

REPORTED_ELSEWHERE: Final = "reported_elsewhere"
"""Type of an error that another one already tells of, such as a name whose owner is wrong."""


class Reading(msgspec.Struct, frozen=True):
    """What a reader may use of the outside world; ``files`` collects every file that was read or looked for.

    ``file`` is the configuration itself; ``private`` collects the files that hold a secret, it among them if one stands in it.
    ``windows`` are those at the top of the file, by name, as far as they can be used; ``certificates`` what the CA files held
    that were read already, since a fleet may name one in each target, and ``opened`` what files with a secret did.
    ``secrets`` collects what is to be shown nowhere.
    Without ``opens_secrets`` no secret is looked for that stands elsewhere; ``unopened`` collects their sources.
    ``outside`` collects what was looked at that may change while the file does not. ``targets`` collects, for each target in
    turn, the secrets in it, and whether nothing outside was looked at for it.
    """

    directory: Path
    environ: Mapping[str, str]
    windows: dict[str, WindowSpec] = msgspec.field(default_factory=dict)
    files: list[Path] = msgspec.field(default_factory=list)
    certificates: dict[Path, str] = msgspec.field(default_factory=dict)
    opened: dict[Path, str] = msgspec.field(default_factory=dict)
    secrets: list[str] = msgspec.field(default_factory=list)
    file: Path | None = None
    private: list[Path] = msgspec.field(default_factory=list)
    opens_secrets: bool = True
    unopened: list[str] = msgspec.field(default_factory=list)
    outside: list[str] = msgspec.field(default_factory=list)
    targets: list[tuple[tuple[str, ...], bool]] = msgspec.field(default_factory=list)


def field_error(message: str, fix: str) -> PydanticCustomError:
    """Return the error for a value that cannot be used. Neither text may hold a credential."""
    # Without a template in the message, so that braces in it mean nothing.
    return PydanticCustomError("config", "{message}", {"message": message, "fix": fix})


def field_errors(found: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """Return the error for a value with several things wrong, each a message and a fix, so that all are told at once."""
    (message, fix), *more = found
    return PydanticCustomError("config", "{message}", {"message": message, "fix": fix, "more": more})


class FieldProblem(NamedTuple):
    """What is wrong, or hardly meant, at a place in the file; ``path`` leads there from the top."""

    path: tuple[str | int, ...]
    message: str
    fix: str


def shown(value: object) -> str:
    """Return ``value`` as it may stand in a message: in quotes if it can be a slip, else how long it is."""
    text = str(value)
    return repr(redact(text)) if is_plain_text(text) else f"a value of {len(text)} characters"


_KINDS: Final = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number with a fraction"),
    (str, "text"),
    (Mapping, "a mapping"),
    (list, "a list"),
    (date, "a date"),
)


def kind(value: object) -> str:
    """Return what a YAML value is, in words."""
    return next((words for type_, words in _KINDS if isinstance(value, type_)), "something else")


def mapping_of(value: object) -> Mapping[str, object]:
    """Return ``value`` when it is a mapping, else an empty one: what it should be is another check's matter."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def text_of(value: object, example: str, *, any_text: bool = True) -> str:
    """Return ``value`` when it is text, else raise what is wrong with it; ``example`` shows what is wanted.

    ``any_text`` says that what is no text becomes right in quotes: a name may be 30 or yes, a time zone may not.
    Raises :func:`field_error`.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise field_error("is empty", f"give a value such as {example}, or remove the key")
    fix = "put it in quotes" if any_text and not isinstance(value, (list, Mapping)) else f"write text such as {example}"
    raise field_error(f"must be text, not {kind(value)}", fix)


def seen(text: str) -> str:
    """Return ``text`` when a person's eye can trust it, else raise which character is in it that nobody sees.

    Raises :func:`field_error`.
    """
    if (odd := find_invisible(text)) and odd[0] not in _SPACING:
        message = f"holds {code_point(odd[0])}, an invisible character, at position {odd.start() + 1}"
        raise field_error(message, "remove it, or type the value again")
    return text


_SPACING: Final = "\t\n\r"  # what else is wrong with these is said by who reads one line

# Durations, times and windows.


def _duration(value: object, info: ValidationInfo) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if info.context is not None:
            raise field_error("has no unit", _with_unit(value))
        return float(value)
    text = text_of(value, "30s, 5m or 1h30m", any_text=False)
    try:
        seconds = parse_duration(text)
    except ValueError:
        meant = meant_duration(text)
        fix = f"write {meant}" if meant else "write it like 30s, 5m or 1h30m"
        raise field_error(f"{shown(text)} is not a duration", fix) from None
    if seconds <= 0:
        raise field_error("must be longer than 0", "write it like 30s, 5m or 1h30m")
    return seconds


def _with_unit(value: float) -> str:
    """Return how to mend a number that stands for a duration: with seconds, if that is one."""
    try:
        if parse_duration(f"{value}s") > 0:
            return f"write {value}s for seconds"
    except ValueError:  # negative, infinite, or with more digits than a duration has
        pass
    return "write it like 30s or 5m"


Duration = Annotated[
    float,
    PlainValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "minLength": 2, "examples": ["30s", "5m", "1h30m"]}),
]


_UNIT_WORDS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def between(least: float, most: float, refuse: Callable[[float], None] = lambda _: None) -> WrapValidator:
    """Return what to annotate :data:`Duration` with whose bounds are ``least`` and ``most`` seconds.

    ``refuse`` raises for a duration that lies outside of them. A number without a unit is told with those units alone that
    keep within them.
    """

    def read(value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and info.context is not None:
            raise field_error("has no unit", _with_unit_between(value, least, most))
        seconds: float = validate(value)
        refuse(seconds)
        return seconds

    return WrapValidator(read)


def _with_unit_between(value: float, least: float, most: float) -> str:
    fitting = []
    for unit, word in _UNIT_WORDS.items():
        with contextlib.suppress(ValueError):  # negative, infinite, or with more digits than a duration has
            if least <= parse_duration(f"{value}{unit}") <= most:
                fitting.append(f"{value}{unit} for {word}")
    if fitting:
        return f"write {' or '.join(fitting)}"
    return f"write a time from {format_duration(least)} to {format_duration(most)}"


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    name = text_of(value, "Europe/Berlin", any_text=False)
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; a folder of zones; ../ and other forms that are no key
        raise field_error(f"{shown(name)} is not an IANA time zone", instead_of(name)) from None


Zone = Annotated[ZoneInfo, PlainValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})]


def _expression(value: object) -> str:
    text = text_of(value, "now+24h", any_text=False)
    try:
        parse(text)
    except WindowError as error:
        raise field_error(redact(error.problem.replace(repr(text), shown(text))), error.fix) from None
    return text


Expression = Annotated[
    str,
    PlainValidator(_expression),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^now(?:[+-][0-9]{0,11}[smhdwMy]|/[smh]|/[dwMy](?:@(?:[01][0-9]|2[0-3]):[0-5][0-9])?)*$",
            "examples": ["now", "now-24h", "now/d", "now+1d/d", "now/w", "now/M", "now/d@09:30"],
        }
    ),
]


# Names.


def _pattern(pattern: str, what: str, example: str) -> Callable[[object], str]:
    wanted = re.compile(pattern)

    def read(value: object) -> str:
        text = seen(text_of(value, example))
        if not wanted.fullmatch(text) or first_invisible(text):
            raise field_error(f"{shown(text)} is not {what}", f"write it like {example}")
        return text

    return read


def named(pattern: str, what: str, example: str) -> tuple[PlainValidator, WithJsonSchema]:
    """Return what to annotate ``str`` with for a text that matches ``pattern``; ``what`` and ``example`` are for people."""
    schema = {"type": "string", "pattern": f"^{pattern}$", "examples": [example]}
    return PlainValidator(_pattern(pattern, what, example)), WithJsonSchema(schema)


_LINE: Final = r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?"

Name = Annotated[str, *named(_LINE, "a name: one line of 1 to 100 characters", "salon-wix")]
_SEGMENT: Final = r"(?!\.{1,2}$)[^\s/\\\x00-\x1f\x7f](?:[^/\\\x00-\x1f\x7f]{0,98}[^\s/\\\x00-\x1f\x7f])?"
SiteName = Annotated[str, *named(_SEGMENT, "a site: one line of 1 to 100 characters without / and \\", "salon-berlin")]
"""A value of the label ``site`` that can stand in an address, as one of its segments."""
_USER: Final = r"(?!\$2)[^\s:\x00-\x1f\x7f](?:[^:\x00-\x1f\x7f]{0,98}[^\s:\x00-\x1f\x7f])?"
UserName = Annotated[str, *named(_USER, "a user name: one line of 1 to 100 characters without a colon, and no hash", "anna")]
"""A user of the web configuration, where the hashes are."""
_WINDOW_NAME: Final = "[A-Za-z0-9_.-]{1,60}"
WindowName = Annotated[str, *named(_WINDOW_NAME, "a window name: letters, digits, _ . - and at most 60 of them", "next_24h")]
Text = Annotated[str, *named(_LINE, "one line of 1 to 100 characters", "7f1c2d3e-1111-4222-8333-444455556666")]
TimeOfDay = Annotated[str, *named("(?:[01][0-9]|2[0-3]):[0-5][0-9]", "a time of day: hour and minute", "03:07")]
# Ids stand in headers, which take nothing else.
_ID_EXAMPLE: Final = "7f1c2d3e-1111-4222-8333-444455556666"
_ID: Final = "[!-~]{1,100}"
_read_id: Final = _pattern(_ID, "an id: ASCII without blanks, at most 100 characters", _ID_EXAMPLE)


def _id(value: object) -> str:
    if is_quoted(text_of(value, _ID_EXAMPLE)):
        raise field_error("has quotes inside the value", "write the value in one pair of quotes, or in none")
    # Named alone, since it is nothing of the id's: a dash that a document made pretty is hard to see.
    if odd := next((letter for letter in text_of(value, _ID_EXAMPLE) if not "!" <= letter <= "~"), ""):
        name = unicodedata.name(odd, f"U+{ord(odd):04X}")
        raise field_error(f"holds {name}, but an id is ASCII without blanks", f"write it like {_ID_EXAMPLE}")
    return _read_id(value)


Id = Annotated[str, PlainValidator(_id), WithJsonSchema({"type": "string", "pattern": f"^{_ID}$", "examples": [_ID_EXAMPLE]})]


def is_line(text: str) -> bool:
    """Return whether ``text`` can be a name: one line of 1 to 100 characters."""
    return re.fullmatch(_LINE, text) is not None


def is_window_name(text: str) -> bool:
    """Return whether ``text`` can name a window."""
    return re.fullmatch(_WINDOW_NAME, text) is not None


_RESERVED_LABELS: Final = ("target", "platform")


def _label_name(value: object) -> str:
    text = text_of(value, "site")
    if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise field_error(
            f"{shown(text)} is not a label name", "use letters, digits and _, and no digit at the beginning, for example site"
        )
    if text in _RESERVED_LABELS:
        raise field_error(f"the label {text} is set by the exporter", "use another name")
    if text.startswith("__"):
        raise field_error(f"{shown(text)} starts with __, which is reserved for Prometheus", "use another name")
    return text


LabelName = Annotated[
    str,
    PlainValidator(_label_name),
    WithJsonSchema({"type": "string", "pattern": "^(?!__|target$|platform$)[a-zA-Z_][a-zA-Z0-9_]*$"}),
]


def _label_value(value: object) -> str:
    text = seen(text_of(value, "berlin"))
    if len(text) > 100 or first_invisible(text):  # noqa: PLR2004  as long as every other name; scrapes are limited to it
        raise field_error("is not a label value: one line of at most 100 characters", "shorten it")
    return text


LabelValue = Annotated[str, PlainValidator(_label_value), WithJsonSchema({"type": "string", "maxLength": 100})]


def _resource_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"\S{1,100}", seen(value)):
        return value
    raise field_error("is not a resource id", "write the id as a number or as text, for example 12")


ResourceId = Annotated[
    str,
    PlainValidator(_resource_id),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\S{1,100}$"}]}),
]


def _path(value: object, info: ValidationInfo) -> Path:
    path = value if isinstance(value, Path) else Path(text_of(value, "/var/lib/booking-sync-exporter/file.json"))
    if value == "":
        raise field_error("is empty", "give the path of a file")
    if "\0" in str(path):
        raise field_error("is not a path: it holds a NUL", "correct it")
    reading = info.context if isinstance(info.context, Reading) else None
    if reading is not None:
        path = reading.directory / path
        reading.outside.append(str(path))
    # These files are replaced: a device would be, too, and reading a pipe never ends.
    if is_no_file(path):
        raise field_error(f"{path} is not a file", "name a regular file, or one that is not there yet")
    if reading is not None:
        reading.private.append(path)
    return path


NAMES_A_FILE: Final = object()
"""Marks an annotation of a text that is the path of a file, relative to the folder of the configuration."""

FilePath = Annotated[Path, PlainValidator(_path), WithJsonSchema({"type": "string", "minLength": 1}), NAMES_A_FILE]
