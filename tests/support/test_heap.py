"""What one heap for all threads changes, told by glibc itself in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import Final

import pytest

_THREADS: Final = """
import sys
from ctypes import CDLL
from threading import Barrier, Thread
from exporter.support.heap import share_one_heap

if sys.argv[1:]:
    share_one_heap()
together = Barrier(4)

def work():
    together.wait()
    kept = [bytes(1_000 + number % 500) for number in range(20_000)]
    together.wait()

threads = [Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such heaps")
@pytest.mark.parametrize(("arguments", "one"), [((), False), (("shared",), True)])
def test_four_threads_take_memory_from_one_heap_once_it_is_shared(arguments: tuple[str, ...], one: bool) -> None:
    told = subprocess.run([sys.executable, "-c", _THREADS, *arguments], capture_output=True, text=True, check=True).stderr
    assert one == (told.count("Arena ") == 1), told
