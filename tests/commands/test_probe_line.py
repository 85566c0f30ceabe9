"""The first line of ``probe``, as monitoring systems read it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.commands.probe_line import first_line, numbers, unknown
from exporter.commands.probe_running import verdict_of
from exporter.commands.probe_table import print_report
from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName, ConnectionStatus, WindowBookings
from exporter.state.snapshot import View
from exporter.state.verdict_row import Verdict
from exporter.support.standard_streams import write_output
from exporter.web import Status, status_of
from tests.harness import views
from tests.harness.plugin_output import PluginOutput, parsed
from tests.harness.views import NOW

ENCODINGS = ("utf-8", "ascii", "iso-8859-1", "koi8-r", "cp1251")
HOSTILE = (
    *("|", "a|b=1", "' | 'a'=1;2;3", "=", ";", "%", "a\nb", "\r\n", "\u2028", "\x1b[31m", "\x00", "$ARG1$", "`id`", "<b>"),
    *("Салон Берлин", "予約" * 200, "🦄" * 300, "a" * 2_000, "..." * 90, "\\u0421", "\u202e", " ", ""),
)


def ascii_start(text: str) -> str:
    """Return a short name of a case."""
    return ascii(text)[:20]


def broken_in(*targets: str) -> View:
    """Return sites of whose two calendars one has lost its access."""
    rows = views.connections(views.connection("Chair 1", ConnectionStatus.ERROR), views.connection("Chair 2"))
    return views.view_of(
        *(
            views.target_of(name, "wix", [views.succeeded(views.unpolled(name, "wix", CollectorName.CONNECTIONS), rows)])
            for name in targets
        )
    )


def printed(status: Status, encoding: str = "utf-8") -> tuple[str, PluginOutput]:
    """Return the first line as bytes of ``encoding`` show it, and what a monitoring system makes of it."""
    line = f"{first_line(status, verdict_of(status), encoding)} | {numbers(status, 1.25)}"
    assert line == line.encode(encoding).decode(encoding), "nothing is replaced any more"
    return line, parsed(line)


def check(name: str, encoding: str) -> None:
    status = status_of(broken_in(name))
    line, output = printed(status, encoding)
    assert output.numbers == printed(status_of(broken_in("salon")))[1].numbers
    assert output.text.startswith("WARNING: 1 target (1 warning) - calendar sync is broken: ")
    assert len(output.text) <= 240
    assert len(line.encode(encoding)) < 1_000
    assert set() == {"Cc", "Cs", "Zl", "Zp", "Cf"} & set(map(unicodedata.category, line))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", HOSTILE, ids=ascii_start)
def test_no_name_breaks_the_line_or_its_numbers_or_makes_it_longer_than_an_old_nrpe_packet(name: str, encoding: str) -> None:
    check(name, encoding)


@given(name=st.text(max_size=300), encoding=st.sampled_from(ENCODINGS))
def test_whatever_the_name_is(name: str, encoding: str) -> None:
    check(name, encoding)


@pytest.mark.parametrize("name", ["salon-{:03}", "Салон {:03}", "{:03}" + "🦄" * 90], ids=ascii_start)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("targets", [2, 500])
def test_of_500_targets_some_are_named_and_the_others_counted(targets: int, encoding: str, name: str) -> None:
    status = status_of(broken_in(*(name.format(number) for number in range(targets))))
    line, output = printed(status, encoding)
    assert ";" not in output.text, "Nagios makes a colon of it"
    assert output.text.startswith(f"WARNING: {targets} targets ({targets} warning) - calendar sync is broken: ")
    assert len(output.text) <= 240
    assert len(line.encode(encoding)) < 1_000
    more = re.search(r", and (\d+) more$", output.text)
    places = re.sub(r", and \d+ more$", "", output.text.partition("is broken: ")[2]).split(", ")
    assert targets == len(places) + int(more[1] if more else 0)
    assert len(places) == len(set(places)) >= min(2, targets)


def test_the_numbers_are_as_few_of_500_targets_as_of_one() -> None:
    one, many = (printed(status_of(broken_in(*map(str, range(targets)))))[1].numbers for targets in (1, 500))
    assert one.keys() == many.keys()
    assert len(many) <= 8
    assert 500 == many["connections_error"].value
    assert max(map(len, many)) <= 19, "what graphs of old keep of a label"


def test_what_has_one_cause_stands_together_the_worst_first_with_the_time_on_the_clock_of_the_place() -> None:
    refused = views.failed(views.unpolled("other", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "no")
    view = views.in_berlin()
    view = replace(view, targets=(*view.targets, *views.view_of(views.target_of("other", "wix", [refused])).targets))
    _, output = printed(status_of(view))
    assert (
        "CRITICAL: 3 targets (2 critical, 1 warning) - polls fail, no data (auth): other connections - "
        "double booking: salon-b24 Window seat today 17:13 - calendar sync is broken (token_revoked): salon-wix 60303ae22b99"
    ) == output.text


@pytest.mark.parametrize("scene", views.SCENES)
def test_what_passes_a_threshold_has_the_verdict_of_the_threshold(scene: str) -> None:
    status = status_of(views.SCENES[scene]())
    _, output = printed(status)
    found = Verdict.OK
    for number in output.numbers.values():
        assert number.value is None or (number.least or 0) <= number.value <= (number.most or number.value)
        for bound, verdict in ((number.warn, Verdict.WARNING), (number.crit, Verdict.CRITICAL)):
            if bound is not None and number.value is not None and number.value > bound:
                found = max(found, verdict)
    of_targets = {problem.severity for problem in status.problems if problem.target}
    expected = next(
        (verdict for verdict in (Verdict.CRITICAL, Verdict.WARNING) if verdict.name.lower() in of_targets), Verdict.OK
    )
    assert expected is found


def of_wix(*, conflicts: bool | None, known: bool) -> Status:
    connections = views.unpolled("a", "wix", CollectorName.CONNECTIONS)
    bookings = views.unpolled("a", "wix", CollectorName.BOOKINGS)
    seen = views.wix_bookings() if conflicts else BookingsObservation(NOW - 30, ())
    states = [
        views.succeeded(connections, views.connections(views.connection("Chair")))
        if known
        else views.failed(connections, Reason.AUTH, "no"),
        views.succeeded(bookings, seen) if known else views.failed(bookings, Reason.AUTH, "no"),
    ]
    return status_of(views.view_of(views.target_of("a", "wix", states)))


def test_what_nobody_knows_is_u_and_what_is_not_looked_for_is_left_out() -> None:
    known = printed(of_wix(conflicts=False, known=True))[1].numbers
    assert {"overlaps", "unlinked"} & known.keys() == set(), "neither is looked for"
    assert (0, 0) == (known["connections_error"].value, known["collectors_failed"].value)
    failed = printed(of_wix(conflicts=False, known=False))[1].numbers
    assert {"connections_error", "overlaps"} == {label for label, number in failed.items() if number.value is None}
    assert (2, 2) == (failed["collectors_failed"].value, failed["collectors_failed"].most)


def overlapping(name: str, *counts: tuple[int, int | None]) -> views.Target:
    """Return a target with so many overlapping and accepted bookings, a window each."""
    windows = (WindowBookings(views.TODAY, 12, conflicting=found, accepted=accepted) for found, accepted in counts)
    state = views.unpolled(name, "bitrix24", CollectorName.BOOKINGS)
    return views.target_of(name, "bitrix24", [views.succeeded(state, BookingsObservation(NOW - 30, tuple(windows)))])


@pytest.mark.parametrize(
    ("targets", "overlaps"),
    [([[(4, 0)]], 4), ([[(4, 3)]], 1), ([[(4, None)]], 4), ([[(6, 4), (3, 0)]], 3), ([[(4, 3)], [(2, 0), (5, 1)]], 5)],
    ids=["none accepted", "three accepted", "no rule", "widest window", "two targets"],
)
def test_overlaps_are_those_that_nobody_accepted_in_the_widest_window_of_each_target(
    targets: list[list[tuple[int, int | None]]], overlaps: int
) -> None:
    view = views.view_of(*(overlapping(f"t{number}", *counts) for number, counts in enumerate(targets)))
    assert overlaps == printed(status_of(view))[1].numbers["overlaps"].value


def test_numbers_of_an_answer_that_left_targets_out_are_no_sums() -> None:
    status = replace(status_of(broken_in("a", "b")), truncated=True)
    numbered = printed(status)[1].numbers
    assert {"connections_error", "collectors_failed"} == {label for label, number in numbered.items() if number.value is None}
    assert 2 == numbered["targets_warning"].value


@pytest.mark.parametrize("scene", views.SCENES)
def test_in_a_pipe_all_is_a_plugins_output_and_on_a_terminal_there_are_no_numbers(
    scene: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = status_of(views.SCENES[scene]())
    print_report(status, verdict_of(status), 1.25, "not judged | at all", once=True)
    output = parsed(capsys.readouterr().out)
    assert 1.25 == output.numbers["time"].value
    assert "s" == output.numbers["time"].unit
    assert "not judged / at all" == output.long_text[-1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_report(status, verdict_of(status), 1.25)
    assert "targets_critical=" not in capsys.readouterr().out


def test_several_reasons_to_know_nothing_are_counted_in_the_first_line_and_told_below() -> None:
    output = parsed(unknown(["exporter.yml:1: a | b", "exporter.yml:2: c"]))
    assert "UNKNOWN: exporter.yml:1: a / b, and 1 more" == output.text
    assert ("- exporter.yml:1: a / b", "- exporter.yml:2: c") == output.long_text
    assert "UNKNOWN: one\n" == unknown(["one"])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("problems", [1, 2, 40])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii_start)
def test_a_reason_to_know_nothing_is_as_short_and_as_harmless(text: str, problems: int, encoding: str) -> None:
    said = unknown([text] * problems, encoding).encode(encoding, "backslashreplace").decode(encoding)
    output = parsed(said)
    assert len(output.text) <= 240
    assert output.text.startswith("UNKNOWN:")
    assert len(output.long_text) in {problems, 0}


@pytest.fixture
def closed_pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.TextIOWrapper]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.close(reading)
        monkeypatch.setattr(sys, "stdout", stream)
        yield stream


@pytest.mark.usefixtures("closed_pipe")
@pytest.mark.parametrize("text", ["a\n", b"a\n", "a" * 2**20])
def test_a_reader_who_has_seen_enough_is_no_error(text: str | bytes) -> None:
    for _ in range(2):
        write_output(text)


def test_a_reader_who_has_seen_enough_costs_no_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = ("probe", "--running=http://127.0.0.1:1")
    done = subprocess.run([sys.executable, "-m", "exporter", *words], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (3, b"") == (done.returncode, done.stderr)
