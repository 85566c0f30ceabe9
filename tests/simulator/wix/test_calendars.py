"""Simulated ListCalendars: the calendars of the account behind a connection (wix.md 2.5, 4.1, 11)."""

from __future__ import annotations

import pytest

from exporter.simulator import canary
from exporter.simulator.wix import APP_PROVIDER, APPLE, GOOGLE
from exporter.simulator.wix.connections import import_from
from exporter.simulator.wix.providers import Provider
from tests.harness.simulated_wix import CONNECTIONS, RawWix, code_of


def connect(raw: RawWix, provider: Provider = APPLE) -> str:
    return raw.site.connections.connect(provider, raw.site.add_schedule().id)


async def asked(raw: RawWix, connection_id: str) -> tuple[int, str]:
    """Return the status and the code that ListCalendars answers; the code is empty where there is none."""
    answer = await raw.get(f"{CONNECTIONS}/{connection_id}/calendars")
    return answer.status_code, code_of(answer) if answer.json().get("details") else ""


async def ids(raw: RawWix, connection_id: str) -> list[str]:
    return [row["id"] for row in (await raw.get(f"{CONNECTIONS}/{connection_id}/calendars")).json()["calendars"]]


async def test_ids_and_names_can_be_personal_data_and_a_name_may_be_absent() -> None:
    raw = RawWix()
    rows = (await raw.get(f"{CONNECTIONS}/{connect(raw)}/calendars")).json()["calendars"]
    assert [{"id": canary.EMAIL, "name": canary.TITLE}, {"id": "4xve0tohyhnrlzy3lp4zf7b07"}] == rows


@pytest.mark.parametrize("provider", [GOOGLE, APP_PROVIDER])
async def test_a_provider_with_one_calendar_is_428(provider: Provider) -> None:
    raw = RawWix()
    assert (428, "NOT_SUPPORTED_BY_PROVIDER") == await asked(raw, connect(raw, provider))


async def test_a_disconnected_connection_is_428() -> None:
    raw = RawWix()
    made = connect(raw)
    raw.site.connections.disconnect(made)
    assert (428, "CONNECTION_NOT_CONNECTED") == await asked(raw, made)


async def test_a_revoked_token_is_428_and_a_deleted_export_calendar_is_not() -> None:
    raw = RawWix()
    revoked, deleted = connect(raw), connect(raw)
    raw.site.connections.revoke_token(revoked)
    raw.site.connections.delete_external_calendar(deleted)
    assert [(428, "CONNECTION_NOT_CONNECTED"), (200, "")] == [await asked(raw, revoked), await asked(raw, deleted)]


async def test_a_dead_token_is_428_while_the_status_still_says_synced() -> None:
    raw = RawWix()
    made = connect(raw)
    raw.site.connections.finish_sync(made)
    raw.site.connections.kill_token(made)
    assert (428, "CONNECTION_NOT_CONNECTED") == await asked(raw, made)
    listed = (await raw.get(CONNECTIONS)).json()["connections"]
    assert ["SYNCED"] == [row["status"] for row in listed]


async def test_a_recovered_connection_has_a_token_again() -> None:
    raw = RawWix()
    made = connect(raw)
    raw.site.connections.kill_token(made)
    raw.site.connections.recover(made)
    assert (200, "") == await asked(raw, made)


async def test_a_deleted_calendar_is_gone_for_all_connections_of_its_account_and_still_chosen() -> None:
    raw = RawWix()
    chosen = {"listEventFromCalendars": import_from("4xve0tohyhnrlzy3lp4zf7b07")}
    address = {"externalAccountEmail": f"shared.{canary.EMAIL}"}
    first, second = (
        raw.site.connections.connect(APPLE, raw.site.add_schedule().id, config=chosen, **address) for _ in range(2)
    )
    other = connect(raw)
    raw.site.connections.delete_calendar(first, "4xve0tohyhnrlzy3lp4zf7b07")
    assert [[canary.EMAIL], [canary.EMAIL]] == [await ids(raw, first), await ids(raw, second)]
    assert [canary.EMAIL, "4xve0tohyhnrlzy3lp4zf7b07"] == await ids(raw, other)
    rows = (await raw.get(CONNECTIONS)).json()["connections"]
    assert chosen == rows[0]["syncConfig"]


async def test_each_schedule_has_an_account_of_its_own_at_first() -> None:
    raw = RawWix()
    for _ in range(3):
        connect(raw)
    rows = (await raw.get(CONNECTIONS)).json()["connections"]
    assert 3 == len({row["externalAccountEmail"] for row in rows})
    assert all(canary.EMAIL in row["externalAccountEmail"] for row in rows)


async def test_a_provider_that_is_down_fails_without_a_reason() -> None:
    raw = RawWix()
    made = connect(raw)
    raw.site.provider_down(APPLE)
    assert (500, "") == await asked(raw, made)


async def test_the_site_needs_a_plan_with_calendar_sync() -> None:
    raw = RawWix()
    made = connect(raw)
    raw.site.premium = False
    assert (403, "PREMIUM_FEATURE_NOT_ENABLED") == await asked(raw, made)


async def test_connections_of_other_users_are_refused_by_switch() -> None:
    raw = RawWix()
    own = raw.site.connections.connect(APPLE, raw.site.add_schedule().id, user_id=raw.key.user_id)
    foreign = connect(raw)
    assert [200, 200] == [(await asked(raw, made))[0] for made in (own, foreign)]
    raw.wix.switches.foreign_calendars = "refused"
    assert [200, 403] == [(await asked(raw, made))[0] for made in (own, foreign)]
