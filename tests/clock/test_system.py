"""The machine's clocks: the wall clock that anybody may set, and the line on which nothing is ever set."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys

import pytest

from exporter.clock import SystemClock, new_event_loop, system


class Machine:
    """A wall clock and a clock that counts; ``pass_time`` moves both, ``set_by`` the one."""

    def __init__(self) -> None:
        self.wall, self.counted = 1_790_000_000.0, 5000.0
        self.clock = SystemClock(wall=lambda: self.wall, monotonic=lambda: self.counted)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.counted += seconds

    def set_by(self, seconds: float) -> None:
        self.wall += seconds


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 1.5, -1.5, 1e9])
def test_a_clock_that_is_set_moves_no_steady_moment_and_what_is_shown_by_as_much(seconds: float) -> None:
    machine = Machine()
    machine.pass_time(60)
    before = machine.clock.steady()
    machine.set_by(seconds)
    assert before == machine.clock.steady()
    assert seconds == pytest.approx(machine.clock.stepped())
    assert machine.clock.time() == pytest.approx(machine.clock.steady() + machine.clock.stepped())


def test_a_counted_moment_is_dated_the_same_whenever_that_is_asked() -> None:
    machine = Machine()
    machine.pass_time(1 / 3)
    counted, steady = machine.clock.monotonic(), machine.clock.steady()
    steady_at = machine.clock.steady_at(counted)
    for _ in range(100):
        machine.pass_time(1e-6)
        machine.set_by(1e-7)
        assert steady_at == machine.clock.steady_at(counted)
    machine.set_by(3600)
    assert machine.clock.steady_at(counted) == steady_at == pytest.approx(steady)


def test_a_clock_that_is_set_back_after_it_was_set_forward_has_not_moved() -> None:
    machine = Machine()
    machine.set_by(600)
    machine.clock.stepped()
    machine.set_by(-600)
    assert machine.clock.stepped() == pytest.approx(0.0)


def test_a_clock_that_is_drawn_by_less_than_a_second_is_left_alone() -> None:
    machine = Machine()
    for _ in range(9):
        machine.pass_time(3600)
        machine.set_by(0.1)
        assert 0.0 == machine.clock.stepped()
    machine.set_by(0.2)
    assert machine.clock.stepped() == pytest.approx(1.1)
    machine.set_by(0.5)
    assert machine.clock.stepped() == pytest.approx(1.1), "moved once, not with every look"


def test_a_process_that_is_stopped_while_it_looks_sees_no_step() -> None:
    machine = Machine()
    looks = 0

    def counted() -> float:
        nonlocal looks
        looks += 1
        if looks % 2 == 0:
            machine.pass_time(10)  # stopped between one look and the next
        return machine.counted

    machine.clock = SystemClock(wall=lambda: machine.wall, monotonic=counted)
    assert [0.0] * 20 == [machine.clock.stepped() for _ in range(20)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a namespace of the clock")
@pytest.mark.parametrize("what", ["SystemClock().monotonic()", "new_event_loop().time()"])
def test_time_in_which_the_machine_is_suspended_counts(what: str) -> None:
    """Only the clock that counts suspend is set forward in this namespace, as after a suspend of 28 hours."""
    code = f"import time; from exporter.clock import SystemClock, new_event_loop; print({what} - time.monotonic())"
    suspended = ["unshare", "--time", "--fork", "--boottime", "100000", sys.executable, "-c", code]
    done = subprocess.run(suspended, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("needs the right to make a namespace")
    assert 99_999 <= float(done.stdout) <= 200_000, done.stderr


def test_what_came_due_while_the_machine_was_suspended_is_due_at_once_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    suspended = 0.0
    real = system.boot_time
    monkeypatch.setattr(system, "boot_time", lambda: real() + suspended)
    rung = asyncio.Event()

    async def main() -> None:
        nonlocal suspended
        asyncio.get_running_loop().call_later(8 * 3600, rung.set)
        await asyncio.sleep(0)
        suspended = 9 * 3600
        await asyncio.sleep(0.001)
        assert rung.is_set()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
