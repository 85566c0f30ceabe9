"""The list of providers: how often it is asked for, and the labels that come of it (docs/platforms/wix.md 4)."""

from __future__ import annotations

import json

import pytest

from exporter.model import CollectorName, Provider
from exporter.simulator.wix.providers import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT
from tests.harness.wix_site import WixBench, key_of


@pytest.mark.slow
async def test_providers_are_listed_once_an_hour(bench: WixBench) -> None:
    bench.connect()
    for _ in range(59):
        await bench.poll()
    assert 1 == bench.calls("ListProviders")
    for _ in range(3):
        await bench.poll()
    assert 2 == bench.calls("ListProviders")


async def test_a_new_provider_is_asked_for_at_most_every_five_minutes(bench: WixBench) -> None:
    bench.connect(providerId="0f0e0d0c-0000-4000-8000-000000000000", calendarType="OTHER")
    for _ in range(11):
        assert "other-0f0e0d0c" == (await bench.only()).provider
    assert 3 == bench.calls("ListProviders")


async def test_a_failing_provider_list_never_fails_the_poll_and_changes_no_label(bench: WixBench) -> None:
    for provider in (GOOGLE, APPLE, MICROSOFT, APP_PROVIDER):
        bench.connect(provider)
    bench.switches.providers_fail = True
    blind = [connection.provider for connection in (await bench.observe()).connections]
    assert ["google", "apple", "microsoft", "other-5d3f2c1b"] == blind
    bench.switches.providers_fail = False
    bench.clock.now += 3600
    assert blind == [connection.provider for connection in (await bench.observe()).connections]


async def test_odd_rows_in_the_provider_list_cost_nothing_but_themselves(bench: WixBench) -> None:
    bench.connect()
    rows = [{"id": GOOGLE.id, "calendarType": "GOOGLE"}, {"id": 7}, "odd", {"id": "x", "calendarType": "NEW"}]
    bench.answer_with("ListProviders", json.dumps({"providers": rows}))
    observation = await bench.observe()
    assert [provider.label for provider in observation.providers] == ["google", f"unknown-{key_of('x')[:8]}"]
    assert bench.events.malformed == {CollectorName.CONNECTIONS: 2}
    assert bench.events.unrecognized == {(CollectorName.CONNECTIONS, "calendar_type"): 1}


async def test_provider_labels_are_words_from_a_short_list(bench: WixBench) -> None:
    observation = await bench.observe()
    expected = tuple(Provider(label, up=True) for label in ("apple", "google", "microsoft", "other-5d3f2c1b"))
    assert observation.providers == expected
