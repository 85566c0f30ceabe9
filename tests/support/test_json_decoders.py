"""Kinds of JSON that several threads read for the first time at the same moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: what is tested is whether it is still there at the end.
_THREADS = """
import sys, threading
import msgspec
from exporter.support.json_text import decoded

sys.setswitchinterval(1e-6)
for number in range(20):
    row = msgspec.defstruct(f"Row{number}", [(f"a{n}", int | None, None) for n in range(40)], module="__main__", rename="camel")
    kind = msgspec.defstruct(f"Kind{number}", [(f"b{n}", list[row] | None, None) for n in range(40)])
    text = msgspec.json.encode({f"b{n}": [{"a1": 1}] for n in range(40)})
    start = threading.Barrier(4)

    def work():
        start.wait()
        for _ in range(10):
            assert decoded(text, kind).b7[0].a1 == 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("whole")
"""


@pytest.mark.slow
def test_threads_that_read_a_new_kind_at_once_do_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, timeout=120, check=False)
    assert (0, "whole\n", "") == (done.returncode, done.stdout, done.stderr)
