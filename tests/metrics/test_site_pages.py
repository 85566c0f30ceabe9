"""The page of a part of the targets, for somebody who may know of no others."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.metrics import Format, Instruments, MetricsPage
from tests.harness.exposition import instruments_for
from tests.harness.two_sites import KEY, MINE, THEIRS, alone, together


@pytest.mark.parametrize("text", Format)
def test_of_the_process_it_tells_the_time_whether_its_own_targets_were_polled_and_whether_it_stands_by(text: Format) -> None:
    # All else (CPU, memory, log lines, lateness, reloads, the hash of the configuration) tells of the others.
    page = bytes(MetricsPage(instruments_for(together())).make_part(together().of_site(MINE), text))
    families = parse_text(page.decode())
    samples = [sample for family in families for sample in family.samples]
    assert {"booking_sync_time_seconds": 1_790_000_000.0, "booking_sync_ready": 1.0, "booking_sync_standby": 0.0} == {
        sample.name: sample.value for sample in samples if "target" not in sample.labels
    }
    assert {"salon-mitte"} == {sample.labels["target"] for sample in samples if "target" in sample.labels}


@pytest.mark.parametrize("text", Format)
def test_it_is_the_same_whoever_else_there_is(text: Format) -> None:
    pages = MetricsPage(instruments_for(together()))
    pages.render(together(), text)
    theirs = pages.make_part(together().of_site(MINE), text)
    assert bytes(MetricsPage(instruments_for(alone())).make_part(alone(), text)) == bytes(theirs)


def test_it_has_all_that_the_whole_page_has_of_its_targets_but_where_their_credential_lies() -> None:
    page = MetricsPage(instruments_for(together()))
    whole = page.render(together(), Format.TEXT).decode().splitlines()
    part = bytes(page.make_part(together().of_site(THEIRS), Format.TEXT)).decode().splitlines()
    own = [line for line in whole if f'target="{THEIRS}' in line]
    places = [line for line in own if line.startswith("booking_sync_credential_info{")]
    assert {
        f'booking_sync_credential_info{{target="{THEIRS}-{n}",platform="bitrix24",credential="{KEY}"}} 1.0' for n in range(60)
    } == {*places}
    assert [line for line in own if line not in places] == [line for line in part if "target=" in line]
    assert "credential_info" not in "".join(part)


def test_it_makes_the_next_whole_page_forget_nothing() -> None:
    instruments = Instruments(CollectorRegistry())
    page = MetricsPage(instruments)
    whole = page.render(together(), Format.TEXT)
    page.make_part(together().of_site(MINE), Format.TEXT)
    own = {name: page._fragments[name] for name in ("salon-mitte", f"{THEIRS}-7")}
    assert [line for line in whole.splitlines() if b"target=" in line] == [
        line for line in page.render(together(), Format.TEXT).splitlines() if b"target=" in line
    ]
    assert own == {name: page._fragments[name] for name in own}
