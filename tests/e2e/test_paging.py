"""From an incident at a platform to the message in somebody's inbox, through the real servers.

All incidents of the simulator run in one go, in parallel where they do not touch the same thing, with every duration of the
shipped rules and routes divided (see ``paging_stack``).
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exporter.simulator.drills.incidents import INCIDENTS
from tests.e2e.paging_stack import FACTOR, Stack, paging_stack
from tests.monitoring.servers import wait_for

SALON_WIX, PHYSIO, SALON_B24, STUDIO = "salon-berlin-wix", "physio-hamburg-wix", "salon-berlin-b24", "studio-munich-b24"

RECEIVERS = ("pager", "tickets")

# What each incident brings, as its runbook says: receiver, alert, target.
EXPECTED: dict[str, set[tuple[str, str, str]]] = {
    "token-revoked": {("tickets", "BookingSyncConnectionNeedsOwner", SALON_WIX)},
    "sync-stuck": {("tickets", "BookingSyncConnectionStuck", SALON_WIX)},
    "provider-down": {("tickets", "BookingSyncProviderDown", SALON_WIX)},
    "double-booking": {("pager", "BookingSyncDoubleBooking", SALON_B24), ("pager", "BookingSyncDoubleBooking", PHYSIO)},
    "lost-crm-link": {("tickets", "BookingSyncUnlinkedBookings", SALON_B24)},
    "api-throttled": {("tickets", "BookingSyncApiLimited", STUDIO)},
    # The throttled portal is not read, so nobody can say that nothing arrives there.
    "intake-stopped": {("tickets", "BookingSyncIntakeSilent", target) for target in (SALON_WIX, PHYSIO, SALON_B24)},
}
# Besides the script: every connection of one site breaks. One page; the tickets it explains are kept back.
ALL_BROKEN = {("pager", "BookingSyncAllConnectionsFailing", PHYSIO)}
KEPT_BACK = {
    ("BookingSyncConnectionNeedsOwner", PHYSIO): ["BookingSyncAllConnectionsFailing"],
    ("BookingSyncErrorBudgetBurn", PHYSIO): ["BookingSyncAllConnectionsFailing"],
}


def _told(stack: Stack, status: str) -> set[tuple[str, str, str]]:
    return {(receiver, *alert) for receiver in RECEIVERS for alert in stack.inbox.alerts(receiver, status)}


def _wait_for_messages(stack: Stack, expected: set[tuple[str, str, str]], status: str) -> None:
    end = time.monotonic() + 60
    while missing := expected - _told(stack, status):
        assert time.monotonic() < end, f"no {status} message for {missing}; firing now: {stack.firing()}"
        time.sleep(0.1)


def _wait_for_silence(stack: Stack) -> None:
    end = time.monotonic() + 60
    while firing := stack.firing():
        assert time.monotonic() < end, f"does not end: {firing}"
        time.sleep(0.1)


def _break_every_connection(stack: Stack) -> list[str]:
    connections = list(stack.simulator.wix.sites.values())[-1].connections
    broken = [connection.id for connection in connections]
    for one in broken:
        connections.revoke_token(one)
    return broken


def _mend_every_connection(stack: Stack, broken: list[str]) -> None:
    connections = list(stack.simulator.wix.sites.values())[-1].connections
    for one in broken:
        connections.recover(one)


@pytest.mark.servers
def test_each_incident_reaches_whom_its_runbook_names_and_nothing_else_arrives(tmp_path: Path) -> None:
    assert set(EXPECTED) == {incident.name for incident in INCIDENTS}
    assert all(incident.alert in {alert for _, alert, _ in EXPECTED[incident.name]} for incident in INCIDENTS)

    with paging_stack(tmp_path) as stack:
        at_once = [name for name in EXPECTED if name != "provider-down"]
        for name in at_once:
            stack.incident(name, "start")
        broken = _break_every_connection(stack)
        # Begun later: while a provider is down nobody sees what its connections do.
        _wait_for_messages(stack, EXPECTED["token-revoked"] | EXPECTED["sync-stuck"], "firing")
        stack.incident("provider-down", "start")
        # Mended first: both would still be felt long after, and a portal that is read again must not look silent.
        _wait_for_messages(stack, EXPECTED["api-throttled"], "firing")
        stack.incident("api-throttled", "stop")
        stack.hurry_the_allowance()
        _wait_for_messages(stack, EXPECTED["intake-stopped"], "firing")
        stack.incident("intake-stopped", "stop")

        expected = set().union(*EXPECTED.values()) | ALL_BROKEN
        _wait_for_messages(stack, expected, "firing")
        wait_for("what is kept back", lambda: KEPT_BACK.items() <= stack.suppressed().items(), 40)
        kept_back = {*stack.suppressed(), ("BookingSyncApiBudgetLow", STUDIO), ("BookingSyncDataStale", STUDIO)}
        for name in EXPECTED:
            stack.incident(name, "stop")
        _mend_every_connection(stack, broken)
        _wait_for_silence(stack)
        _wait_for_messages(stack, expected, "resolved")
        time.sleep(2 * 300 / FACTOR)  # a group interval and a bit: a late message would arrive now

        assert expected == _told(stack, "firing")
        # The all-clear of a group may also name what was kept back while it was on.
        allowed = expected | {(receiver, *alert) for receiver in RECEIVERS for alert in kept_back}
        assert expected <= _told(stack, "resolved") <= allowed
        assert stack.inbox.alerts("heartbeat", "firing") == {("Watchdog", "")}
        assert {"ok"} == {rule["health"] for rule in stack.rules()}
