"""Logs: their forms, their level, what never gets into them, and who else is led through them."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.support import logs
from exporter.support.secret import Secret
from tests.harness.log_settings import logging_as_before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def everything_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def written(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_logfmt_puts_time_level_and_event_first_and_facts_as_keys() -> None:
    stream = io.StringIO()
    logs.configure("info", "logfmt", stream)
    structlog.get_logger("exporter.polling.scheduler").info("poll_finished", target="salon", seconds=0.25, partial=False)
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z level=info event=poll_finished logger=exporter\.polling\.scheduler "
        r"target=salon seconds=0\.25 partial=false\n",
        stream.getvalue(),
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        ("two\nlines", r'"two\nlines"'),
        ("\x1b[31mred", r'"\u001b[31mred"'),
        ("Grün", "Grün"),
        (["a", 1], r'"[\"a\", 1]"'),
        (7, "7"),
        (True, "true"),
    ],
)
def test_logfmt_keeps_every_value_in_its_line(value: object, shown: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "logfmt", stream)
    structlog.get_logger().info("e", fact=value)
    assert stream.getvalue().endswith(f" event=e fact={shown}\n")
    assert 1 == stream.getvalue().count("\n")


def test_json_is_one_object_a_line_with_typed_values() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger("x").warning("poll_failed", status=503, code=None, ids=("a", "b"))
    (line,) = written(stream)
    assert line.pop("time")
    assert {"level": "warning", "event": "poll_failed", "logger": "x", "status": 503, "ids": ["a", "b"]} == line


def test_auto_is_logfmt_where_nobody_looks_and_readable_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, terminal = io.StringIO(), Terminal()
    logs.configure("info", "auto", pipe)
    structlog.get_logger().info("event_name", fact=1)
    assert " event=event_name fact=1\n" in pipe.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    logs.configure("info", "auto", terminal)
    structlog.get_logger().info("event_name", fact=1)
    assert re.search(r"\[info *\] event_name +fact=1\n", terminal.getvalue())
    assert "\x1b" not in terminal.getvalue()


def test_text_of_others_cannot_steer_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    logs.configure("info", "auto", terminal)
    structlog.get_logger().info("poll_failed", message="\x1b]0;title\x07 \r gone")
    assert not set("\x1b\x07\r") & set(terminal.getvalue())


def test_the_level_can_change_at_run_time_for_loggers_that_exist() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream)
    log = structlog.get_logger("x").bind(target="a")
    log.info("hidden")
    logs.set_level("debug")
    log.debug("shown")
    logging.getLogger("library").debug("shown, too")
    logs.set_level("error")
    log.warning("hidden")
    log.error("crashed")
    assert ["shown", "library_message", "crashed"] == [line["event"] for line in written(stream)]


@pytest.mark.parametrize(
    ("configured", "after"), [("info", ["debug", "info"]), ("error", ["debug", "error"]), ("debug", ["info", "debug"])]
)
def test_debug_is_switched_on_and_back(configured: str, after: list[str]) -> None:
    logs.configure(configured, "json", io.StringIO())
    for level in after:
        logs.toggle_debug()
        assert level == logs.level()


def test_warn_is_the_word_of_go_exporters_for_warning() -> None:
    stream = io.StringIO()
    logs.configure("warn", "json", stream)
    assert "warning" == logs.level()
    log = structlog.get_logger("x")
    log.info("hidden")
    log.warning("shown")
    assert ["shown"] == [line["event"] for line in written(stream)]


def test_unknown_levels_and_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown log level 'loud'; use one of debug, info, warning, warn, error, critical"):
        logs.set_level("loud")
    with pytest.raises(ValueError, match="unknown log format 'xml'"):
        logs.configure("info", "xml", io.StringIO())


def test_every_line_that_is_written_is_counted_by_level() -> None:
    logs.configure("info", "json", io.StringIO())
    seen: list[str] = []
    logs.count_with(seen.append)
    log = structlog.get_logger()
    log.debug("not_written")
    log.info("a")
    log.warning("b")
    log.error("c")
    logging.getLogger("library").warning("d")
    assert ["info", "warning", "error", "warning"] == seen


def test_a_full_disk_or_a_closed_stream_stops_nobody() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    stream.close()
    structlog.get_logger().error("nobody_hears")


def fail(text: str) -> None:
    raise RuntimeError(text)


PLANTED = (
    "https://portal.example/rest/1/planted0123456789/booking.list",
    "https://portal.example/rest/planted0123456789/",
    "https://user:planted@portal.example/",
    "Authorization: IST.planted-0123456789",
    "{'Authorization': 'Bearer planted0123456789'}",
    "(b'authorization', b'planted0123456789')",
    "GET /oauth/token/?client_secret=planted&refresh_token=planted",
    "https://portal.example/rest/booking.v1.booking.list?auth=planted0123456789",
    '{"access_token":"planted0123456789","refresh_token":"planted0123456789"}',
    r"{\"refresh_token\": \"planted0123456789\"}",
    "api_key: planted0123456789",
    "eyJhbGciOiJIUzI1NiJ9.planted.planted",
    "IST.planted0123456789",
    "planted.person@example.com",
    "planted%40example.com",
)


@pytest.mark.parametrize("text", PLANTED)
@pytest.mark.parametrize("format_", ["logfmt", "json"])
def test_what_looks_like_a_credential_or_an_address_is_masked_wherever_it_stands(text: str, format_: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", format_, stream)
    log = structlog.get_logger()
    log.info("direct", fact=text)
    log.info("inside", facts=[{"deep": (text,)}])
    logging.getLogger("library").error("it said %s", text)
    try:
        fail(text)
    except RuntimeError:
        log.exception("crashed")
        logging.getLogger("library").exception("crashed")
    assert 5 == stream.getvalue().count("\n")
    assert "planted" not in stream.getvalue()
    assert "********" in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "api_key: is empty",
        "auth: the webhook was revoked",
        "cannot connect to portal.example: refused",
        "/rest/booking.v1.booking.list",
        "at 12:30, 5 bookings @ 3 resources",
        "targets[0].webhook_url: has no code after the user id",
    ],
)
def test_ordinary_messages_stay_readable(text: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger().info("e", message=text)
    assert text == written(stream)[0]["message"]


def test_a_fact_with_the_name_of_a_credential_is_masked_whatever_it_is() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger().info(
        "e", token="planted", headers={"Set-Cookie": "planted"}, secret=Secret("planted"), any=Secret("planted")
    )
    assert "planted" not in stream.getvalue()


def test_a_traceback_has_no_local_variables() -> None:
    stream = Terminal()
    logs.configure("info", "auto", stream)

    def fail_here() -> None:
        in_a_local_variable = "planted" + str(len("x"))
        raise ValueError(len(in_a_local_variable))

    try:
        fail_here()
    except ValueError:
        structlog.get_logger().exception("crashed")
    assert "Traceback" in stream.getvalue()
    assert "planted1" not in stream.getvalue()


def test_urls_of_the_http_client_are_silent_even_at_debug() -> None:
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    logging.getLogger("httpx").info("HTTP Request: POST https://portal.example/x")
    logging.getLogger("httpcore.http11").debug("send_request_headers.started")
    logging.getLogger("httpx").warning("heard")
    assert ["heard"] == [line["message"] for line in written(stream)]


def test_the_server_speaks_of_itself_only_at_debug() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logging.getLogger("uvicorn.access").info("GET /")
    logs.set_level("debug")
    logging.getLogger("uvicorn.access").info("GET /")
    assert ["uvicorn.access"] == [line["logger"] for line in written(stream)]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_no_change_of_the_level_lets_the_server_tell_of_each_client_that_speaks_no_http(level: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    errors = logging.getLogger("uvicorn.error")
    before = errors.level
    try:
        errors.setLevel(logging.CRITICAL)  # as the web server asks for
        logs.set_level(level)
        logs.toggle_debug()
        errors.warning("Invalid HTTP request received.")
        assert not any(line["logger"] == "uvicorn.error" for line in written(stream))
    finally:
        errors.setLevel(before)


def test_a_library_with_a_broken_format_is_still_heard() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, logs._Bridge)]  # pytest's own would raise
    logging.getLogger("library").warning("%d files", "many")
    assert ["%d files"] == [line["message"] for line in written(stream)]


def test_python_warnings_are_led_through_the_log() -> None:
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("info", "json", stream)
        warnings.warn("old habit", DeprecationWarning, stacklevel=1)
    assert ["py.warnings"] == [line["logger"] for line in written(stream)]


def test_configuring_twice_does_not_say_everything_twice() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logs.configure("info", "json", stream)
    logging.getLogger("library").warning("once")
    assert 1 == len(written(stream))


# Failures that repeat.


def test_repeated_failures_are_told_on_powers_of_two() -> None:
    with capture_logs() as events:
        failures = logs.FailureLog(structlog.get_logger())
        for _ in range(9):
            failures.failed("a", "poll_failed", kind="timeout", target="salon")
    told = [event for event in events if event["log_level"] == "warning"]
    assert [None, 2, 4, 8] == [event["repeated"] for event in told]
    assert 9 == len(events)
    assert all(event["target"] == "salon" and event["event"] == "poll_failed" for event in events)


def test_another_kind_of_failure_is_news() -> None:
    with capture_logs() as events:
        failures = logs.FailureLog(structlog.get_logger())
        for kind in ("timeout", "timeout", "timeout", "auth", "auth", "auth"):
            failures.failed("a", "poll_failed", kind=kind, reason=kind)
    told = [(event["reason"], event["repeated"]) for event in events if event["log_level"] == "warning"]
    assert [("timeout", None), ("timeout", 2), ("auth", None), ("auth", 2)] == told


def test_recovery_is_told_once_with_the_number_of_failures() -> None:
    with capture_logs() as events:
        failures = logs.FailureLog(structlog.get_logger())
        failures.recovered("a", "poll_recovered")
        for kind in ("timeout", "auth", "auth"):
            failures.failed("a", "poll_failed", kind=kind)
        failures.recovered("a", "poll_recovered", target="salon")
        failures.recovered("a", "poll_recovered")
    assert [{"event": "poll_recovered", "log_level": "info", "target": "salon", "failures": 3}] == events[3:]


def test_keys_are_apart_and_can_be_forgotten() -> None:
    with capture_logs() as events:
        failures = logs.FailureLog(structlog.get_logger())
        failures.failed("a", "poll_failed", kind="auth")
        failures.failed("b", "poll_failed", kind="auth")
        failures.forget("a")
        failures.forget("never seen")
        failures.recovered("a", "poll_recovered")
        failures.failed("a", "poll_failed", kind="auth")
    assert [None, None, None] == [event["repeated"] for event in events]
