"""What is mutated, in the order of the harm that a fault does there, and which tests are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_PORTAL: Final = "tests/platforms/bitrix24"
_SITE: Final = "tests/platforms/wix"


@dataclass(frozen=True, slots=True)
class Part:
    """Modules below ``exporter/`` and the files of their tests: none of these starts a process or a browser.

    ``tests`` are quick, ``wider`` are those that what lives is tried with again: generated cases, or a simulated platform.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    wider: tuple[str, ...] = ()


def _in(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names)


PARTS: Final = (
    Part(
        "counting",
        _in("exporter/counting", "bookings", "conflicts", "changes", "table"),
        _in("tests/counting", "test_bookings", "test_bookings_edges"),
        _in("tests/counting", "test_changes", "test_tables", "test_accepted_conflicts", "test_bookings_properties"),
    ),
    Part(
        "windows",
        _in("exporter/counting", "windows", "wall_clock"),
        _in("tests/counting", "test_windows", "test_windows_edges"),
        _in("tests/counting", "test_time_of_day", "test_windows_properties"),
    ),
    Part(
        "verdict",
        (
            *_in("exporter/state", "verdict", "thresholds"),
            *_in("exporter/state/findings", "connections", "collectors", "bookings", "account", "finding", "__init__"),
        ),
        _in("tests/state", "test_verdict_edges", "test_findings", "test_table_of_verdicts", "test_set_clock"),
        ("tests/test_chosen_verdicts.py",),
    ),
    Part(
        "limiter",
        ("exporter/platforms/limiter.py", *_in("exporter/platforms/bitrix24", "operating", "portal")),
        (
            *_in("tests/platforms", "test_limiter", "test_limiter_edges"),
            *_in(_PORTAL, "test_operating", "test_operating_edges", "test_portal", "test_portal_edges"),
        ),
        _in(_PORTAL, "test_concurrent_calls", "test_limits"),
    ),
    Part(
        "paging",
        (*_in("exporter/platforms/bitrix24", "paging", "booking_pages"), "exporter/platforms/wix/paging.py"),
        (*_in(_PORTAL, "test_paging", "test_paging_edges"), *_in(_SITE, "test_paging_edges")),
        (*_in(_PORTAL, "test_booking_pages", "test_reading"), *_in(_SITE, "test_bookings", "test_reading")),
    ),
    Part(
        "batching",
        _in("exporter/platforms/bitrix24", "batching", "blocksize"),
        _in(_PORTAL, "test_batching_edges", "test_block_sizes"),
        _in(_PORTAL, "test_batching"),
    ),
)
