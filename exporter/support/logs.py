"""Logs: constant event names, facts as keys, one line of at most 4 KiB each; nothing secret, nobody flooded.

Everything that happens goes through one chain, whoever says it: our modules use ``structlog.get_logger(__name__)``; what
libraries say through :mod:`logging` becomes the event ``library_message``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from exporter.limits import LOG_LINE
from exporter.support.invisible import replace_invisible
from exporter.support.log_lines import cut_in_the_middle, fitted
from exporter.support.redaction import is_sensitive, redact, visible
from exporter.support.secret import MASK

LogFormat = Literal["auto", "logfmt", "json"]
LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,  # the word of the exporters that are written in Go; `level` answers with the first of the two
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

# httpx puts whole URLs into its lines, httpcore and aiohttp headers: none of them speaks below warning, whatever the level.
_SILENCED: Final = ("httpx", "httpcore", "aiohttp", "aiodns")
# Chatty about themselves; worth hearing only by somebody who debugs. Not `uvicorn.error`: it has a line for each request that
# is no HTTP, and the level that the web server gives it is left alone.
_QUIET: Final = ("uvicorn", "uvicorn.access", "asyncio")
_ROUTED: Final = (*_SILENCED, *_QUIET, "uvicorn.error")
_FIRST_KEYS: Final = ("time", "level", "event", "logger")


@dataclass(slots=True)
class _State:
    level: int = logging.INFO
    configured: int = logging.INFO
    count: Callable[[str], None] | None = None
    mask: Callable[[str], str] = str


_state = _State()


def configure(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:  # noqa: A002  the flag's name
    """Send all logs to ``stream`` (standard error by default). Raises :class:`ValueError` for an unknown level or format.

    ``auto`` is readable on a terminal and logfmt elsewhere.
    """
    stream = stream or sys.stderr
    if format not in ("auto", "logfmt", "json"):
        raise ValueError(f"unknown log format {format!r}; use auto, logfmt or json")
    structlog.configure(
        processors=[
            _drop_below_level,
            structlog.processors.add_log_level,
            _add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _count,
            structlog.processors.format_exc_info,  # the plain traceback: no local variables
            _clean,
            *_renderers(format, stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=lambda *names: _Sink(stream, *names),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging()
    set_level(level)
    _state.configured = _state.level


def set_level(level: str) -> None:
    """Show events of ``level`` and above from now on. Raises :class:`ValueError` for an unknown one."""
    if level not in LEVELS:
        raise ValueError(f"unknown log level {level!r}; use one of {', '.join(LEVELS)}")
    _state.level = LEVELS[level]
    logging.getLogger().setLevel(_state.level)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(max(_state.level, logging.WARNING))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if _state.level == logging.DEBUG else max(_state.level, logging.WARNING))


def level() -> str:
    """Return the level in force."""
    return next(name for name, number in LEVELS.items() if number == _state.level)


def toggle_debug() -> None:
    """Switch to debug, or from debug back to the configured level; SIGUSR1 does this."""
    back = _state.configured if _state.configured != logging.DEBUG else logging.INFO
    wanted = back if _state.level == logging.DEBUG else logging.DEBUG
    set_level(next(name for name, number in LEVELS.items() if number == wanted))
    structlog.get_logger(__name__).warning("log_level_changed", to=level())


def count_with(count: Callable[[str], None] | None) -> None:
    """Call ``count(level)`` for every line that is written; ``None`` ends it."""
    _state.count = count


def mask_with(mask: Callable[[str], str]) -> None:
    """Put every text of a line through ``mask``, which knows the secrets of this process; ``str`` ends it."""
    _state.mask = mask


class FailureLog:
    """Tells of failures without flooding: the 1st, 2nd, 4th, 8th … of a kind in a row as warnings, the others at debug.

    ``key`` is what fails (a collector of a target); another ``kind`` of failure is news and is told at once.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._rows: dict[Hashable, tuple[str, int, int]] = {}  # kind, times in a row, failures of all kinds in a row

    def failed(self, key: Hashable, event: str, *, kind: str, **facts: object) -> None:
        """Tell that ``key`` failed; from the second time of a kind on with ``repeated``, how often in a row."""
        before, times, failures = self._rows.get(key, (kind, 0, 0))
        times = times + 1 if before == kind else 1
        self._rows[key] = (kind, times, failures + 1)
        is_news = times & (times - 1) == 0
        tell = self._log.warning if is_news else self._log.debug
        tell(event, **facts, repeated=times if times > 1 else None)

    def recovered(self, key: Hashable, event: str, **facts: object) -> None:
        """Tell that ``key`` works again, once, with the number of ``failures`` before; nothing when it had not failed."""
        row = self._rows.pop(key, None)
        if row is not None:
            self._log.info(event, **facts, failures=row[2])

    def forget(self, key: Hashable) -> None:
        """Drop what is remembered of ``key``, without a word."""
        self._rows.pop(key, None)


# The chain.


class _Sink:
    """Where finished lines go. A full disk or a closed pipe must not stop the work that was to be told of."""

    _writing: Final = threading.Lock()

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            with self._writing:
                self._stream.write(line + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = log = msg


def _drop_below_level(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if LEVELS.get("error" if method == "exception" else method, logging.INFO) < _state.level:
        raise structlog.DropEvent
    return event


def _add_logger_name(logger: WrappedLogger, _: str, event: EventDict) -> EventDict:
    event.setdefault("logger", getattr(logger, "name", "") or None)
    return event


def _count(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if _state.count is not None:
        _state.count(str(event["level"]))
    return event


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask what looks secret, leave out facts that are not known, and put time, level and event first."""
    facts = {key: MASK if is_sensitive(key) else _plain(value) for key, value in event.items() if value is not None}
    return {key: facts.pop(key) for key in _FIRST_KEYS if key in facts} | facts


def _plain(value: object) -> object:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): MASK if is_sensitive(str(key)) else _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    # Twice as much as is shown, so that no secret lies on the seam of what is: that is cut from the middle of this.
    return redact(_state.mask(cut_in_the_middle(str(value), 2 * LOG_LINE.number)))


def _renderers(format: str, stream: TextIO) -> Iterator[Processor]:  # noqa: A002  the flag's name
    is_terminal = stream.isatty()
    if format == "json":
        yield _json
    elif format == "logfmt" or not is_terminal:
        yield _logfmt
    else:
        yield _without_control_characters
        colors = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        yield ConsoleRenderer(colors=colors, exception_formatter=plain_traceback, timestamp_key="time", sort_keys=False)


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return fitted(_json_line, event, _FIRST_KEYS)


def _json_line(event: EventDict) -> str:
    line = json.dumps(event, ensure_ascii=False, default=str)
    # JSON escapes only the first 32 control characters; a reader may take others for the end of the line or for orders.
    return replace_invisible(line, _escaped)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if letter <= "\uffff" else json.dumps(letter)[1:-1]


def _logfmt(_: WrappedLogger, __: str, event: EventDict) -> str:
    return fitted(_logfmt_line, event, _FIRST_KEYS)


def _logfmt_line(event: EventDict) -> str:
    return " ".join(f"{key}={_logfmt_value(value)}" for key, value in event.items())


def _logfmt_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON's escapes are those of logfmt, and they keep a line one line.
    is_bare = text.isprintable() and text != "" and not set(text) & set(' ="\\')
    return text if is_bare else json.dumps(text, ensure_ascii=not text.replace("\n", "").isprintable())


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep text of others from steering the terminal."""
    return {key: visible(cut_in_the_middle(value)) if isinstance(value, str) else value for key, value in event.items()}


class _Bridge(logging.Handler):
    """Leads records of standard logging into the chain."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit the library's own format
            message = str(record.msg)
        number = max(number for number in (*LEVELS.values(), 0) if number <= max(record.levelno, logging.DEBUG))
        log = structlog.get_logger(record.name)
        log.log(number, "library_message", message=message, exc_info=record.exc_info)


def _route_standard_logging() -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, (_Bridge, logging.StreamHandler)) and type(handler).__module__ in ("logging", __name__):
            root.removeHandler(handler)
    root.addHandler(_Bridge())
    for name in _ROUTED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(capture=True)
