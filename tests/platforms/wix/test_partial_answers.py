"""Lists of connections that are partial or odd: providers that fail, rows that nobody can read (docs/platforms/wix.md 3)."""

from __future__ import annotations

import pytest

from exporter.errors import InvalidResponseError, ServerError
from exporter.model import CollectorName, Connection, ConnectionsObservation, ConnectionStatus
from exporter.platforms.base import PollResult
from exporter.simulator.wix.providers import APPLE, GOOGLE
from tests.harness.wix_site import WixBench, key_of

S = ConnectionStatus


def rows(result: PollResult) -> dict[str, Connection]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {connection.key: connection for connection in result.observation.connections}


def providers(result: PollResult) -> dict[str, bool]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {provider.label: provider.up for provider in result.observation.providers}


async def test_the_connections_of_a_failed_provider_stay_as_they_were(bench: WixBench) -> None:
    google, apple = bench.connect(GOOGLE, status="SYNCED"), bench.connect(APPLE, status="SYNCED")
    before = rows(await bench.poll())
    bench.site.provider_down(GOOGLE)
    bench.site.connections.revoke_token(google)
    bench.site.connections.revoke_token(apple)
    result = await bench.poll()
    assert rows(result)[key_of(google)] == before[key_of(google)]  # observed_at included
    assert rows(result)[key_of(apple)].status is S.ERROR
    assert isinstance(result.failure, ServerError)
    assert "google" in result.failure.message
    assert result.failure.request_id
    assert {"apple": True, "google": False, "microsoft": True, "other-5d3f2c1b": True} == providers(result)


async def test_a_connection_that_goes_away_during_a_partial_failure_disappears_after_it(bench: WixBench) -> None:
    google, apple = bench.connect(GOOGLE), bench.connect(APPLE)
    await bench.poll()
    bench.site.provider_down(GOOGLE)
    bench.site.connections.drop(google)
    bench.site.connections.add({**bench.site.connections[apple].row, "id": "other", "providerId": GOOGLE.id})
    assert key_of(google) in rows(await bench.poll())
    bench.site.provider_up()
    assert set(rows(await bench.poll())) == {key_of(apple), key_of("other")}


async def test_a_connection_of_a_healthy_provider_disappears_also_during_a_partial_failure(bench: WixBench) -> None:
    google, gone, apple = bench.connect(GOOGLE), bench.connect(APPLE), bench.connect(APPLE)
    await bench.poll()
    bench.site.provider_down(GOOGLE)
    bench.site.connections.drop(gone)
    assert set(rows(await bench.poll())) == {key_of(google), key_of(apple)}


async def test_a_recovered_provider_is_up_again_and_its_unchanged_connections_keep_their_age(bench: WixBench) -> None:
    made, _ = bench.connect(GOOGLE), bench.connect(APPLE)
    first = rows(await bench.poll())[key_of(made)]
    bench.site.provider_down(GOOGLE)
    await bench.poll()
    bench.site.provider_up()
    result = await bench.poll()
    again = rows(result)[key_of(made)]
    assert (again.since, again.observed_at) == (first.since, bench.clock.now)
    assert (None, True) == (result.failure, providers(result)["google"])


async def test_after_a_restart_during_a_partial_failure_the_provider_is_down_and_ages_survive(bench: WixBench) -> None:
    made, apple = bench.connect(GOOGLE), bench.connect(APPLE)
    first = rows(await bench.poll())[key_of(made)]
    bench.site.provider_down(GOOGLE)
    await bench.poll()
    bench.open()
    result = await bench.poll()
    assert set(rows(result)) == {key_of(apple)}
    assert providers(result)["google"] is False
    assert isinstance(result.failure, ServerError)
    bench.site.provider_up()
    assert rows(await bench.poll())[key_of(made)].since == first.since


async def test_all_providers_failing_with_a_5xx_is_a_failed_poll(bench: WixBench) -> None:
    bench.connect()
    await bench.poll()
    bench.site.provider_down()
    assert isinstance(await bench.failure(), ServerError)


async def test_all_providers_failing_with_an_empty_200_never_reads_as_no_connections(bench: WixBench) -> None:
    bench.switches.all_down = "empty"
    bench.connect()
    before = await bench.observe()
    bench.site.provider_down()
    result = await bench.poll()
    assert isinstance(result.failure, ServerError)
    assert isinstance(result.observation, ConnectionsObservation)
    assert (result.observation.at, result.observation.connections) == (before.at, before.connections)
    assert providers(result)["google"] is False


async def test_all_providers_failing_with_an_empty_200_at_start_is_a_failed_poll(bench: WixBench) -> None:
    bench.switches.all_down = "empty"
    bench.connect()
    bench.site.provider_down()
    error = await bench.failure()
    assert isinstance(error, ServerError)
    assert "google" in error.message


async def test_a_site_without_connections_is_a_good_poll(bench: WixBench) -> None:
    observation = await bench.observe()
    assert () == observation.connections
    assert all(provider.up for provider in observation.providers)


async def test_a_missing_list_of_failed_providers_means_that_none_failed(bench: WixBench) -> None:
    bench.switches.failed_ids = "absent"
    bench.connect()
    await bench.only()


async def test_a_failed_provider_that_nobody_lists_is_down_under_a_short_id(bench: WixBench) -> None:
    bench.connect()
    bench.switches.extra_failed_ids = ("0f0e0d0c-0000-4000-8000-000000000000", "not a guid")
    result = await bench.poll()
    down = sorted(label for label, up in providers(result).items() if not up)
    assert down == [f"unknown-{key_of('not a guid')[:8]}", "unknown-0f0e0d0c"]
    assert isinstance(result.failure, ServerError)


async def test_one_malformed_row_costs_neither_the_others_nor_what_was_known(bench: WixBench) -> None:
    good, odd = bench.connect(), bench.connect()
    await bench.poll()
    bench.site.connections.amend(odd, id=None)
    result = await bench.poll()
    assert set(rows(result)) == {key_of(good), key_of(odd)}
    assert rows(result)[key_of(odd)].observed_at < rows(result)[key_of(good)].observed_at
    assert bench.events.malformed == {CollectorName.CONNECTIONS: 1}


async def test_only_malformed_rows_are_a_failed_poll(bench: WixBench) -> None:
    bench.site.connections.amend(bench.connect(), id=7)
    assert isinstance(await bench.failure(), InvalidResponseError)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        '"text"',
        "7",
        "",
        "{}",
        '{"connections":null}',
        '{"connections":{}}',
        '{"connections":"none","failedProviderIds":[]}',
        '{"connections":[],"failedProviderIds":"all"}',
        '{"connections":[],"failedProviderIds":[7]}',
        '{"data":{"connections":[]}}',
        '{"connections":[]',
        "<html>Sign in</html>",
        "[" * 100_000,
        '{"x":' * 50_000,
    ],
)
async def test_an_answer_that_is_not_a_list_of_connections_is_a_failed_poll(bench: WixBench, body: str) -> None:
    bench.answer_with("ListConnections", body)
    error = await bench.failure()
    assert isinstance(error, InvalidResponseError)
    assert error.request_id


async def test_the_same_row_twice_is_one_connection(bench: WixBench) -> None:
    body = '{"connections":[{"id":"a","status":"SYNCED"},{"id":"a","status":"ERROR"}]}'
    bench.answer_with("ListConnections", body)
    assert (await bench.only()).status is S.ERROR
