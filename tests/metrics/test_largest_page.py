"""The largest part of the page that a target can fill, whatever its platform answers."""

from __future__ import annotations

import pytest

from exporter.errors import Reason
from exporter.metrics import Format, MetricsPage
from exporter.metrics.instruments import Instruments
from exporter.state.snapshot import View
from tests.harness import exposition, views, worst
from tests.harness.exposition import counters_of, select

MIB = 1024 * 1024


def part_of(target: views.Target, format: Format) -> bytes:  # noqa: A002  the page's own word
    """Return the whole page of an exporter with this target alone, after every answer that a server can give."""
    view = views.view_of(target)
    instruments = exposition.instruments_for(view)
    _answer_everything(instruments, view)
    return MetricsPage(instruments).render(view, format)


def _answer_everything(instruments: Instruments, view: View) -> None:
    (target,) = view.targets
    counters = counters_of(instruments, target.name, target.platform)
    for operation in ("list", "get", "query", "count", "batch", "token", "providers", "resources"):
        for code in range(100, 1000):
            counters.request(f"bookings.{operation}", str(code), 12.3456)
        for reason in Reason:
            counters.retry(f"bookings.{operation}", reason)
    for collector in target.collectors:
        for reason in Reason:
            counters.poll_finished(collector.collector, 123.456, reason)


@pytest.mark.slow
@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("letters", [12, 100])
def test_a_site_fills_less_than_two_mib_of_the_page_whatever_it_answers(format: Format, letters: int) -> None:  # noqa: A002  the same
    page = part_of(worst.site("n" * letters, worst.connections()), format)
    assert 500 == len(select(page, "connection_info"))
    assert 50 == len(select(page, "provider_up"))
    assert len(page) < 2 * MIB, f"{len(page):,} bytes"


@pytest.mark.slow
@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize(("letters", "number", "of_a_window"), [(12, 4, 8), (100, 10, 60), (40, 50, 20)])
def test_a_portal_fills_less_than_two_mib_of_the_page_whatever_it_answers(
    format: Format,  # noqa: A002  the same
    letters: int,
    number: int,
    of_a_window: int,
) -> None:
    page = part_of(worst.portal("n" * letters, number=number, letters=of_a_window), format)
    assert number * min(500, 5000 // number) == len(select(page, "resource_bookings"))
    assert len(page) < 2 * MIB, f"{len(page):,} bytes"
