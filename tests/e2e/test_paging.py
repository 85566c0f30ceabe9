"""From an incident at a platform to the message in somebody's inbox, through the real servers.

All incidents of the simulator run in one go, in parallel where they do not touch the same thing, with every duration of the
shipped rules and routes divided (see ``paging_stack``). One that shares a target or a group of messages with an alert that
explains others begins once that alert has been told: no two have to win a race, however busy the machine is. On a machine
that misses scrapes the exporter really is down or slow for a moment, and the alerts that say so are no mistake.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from exporter.simulator.drills.incidents import INCIDENTS
from tests.e2e.paging_stack import ALLOWANCE_MILLISECONDS, FACTOR, Stack, paging_stack

SALON_WIX, PHYSIO, SALON_B24, STUDIO = "salon-berlin-wix", "physio-hamburg-wix", "salon-berlin-b24", "studio-munich-b24"

# What ends by being forgotten is told once, and never as resolved.
ONCE = "tickets-without-all-clear"
RECEIVERS = ("pager", "tickets", ONCE)
Told: TypeAlias = tuple[str, str, str]

# What each incident brings, as its runbook says: receiver, alert, target.
EXPECTED: dict[str, set[Told]] = {
    "token-revoked": {("tickets", "BookingSyncConnectionNeedsOwner", SALON_WIX)},
    "sync-stuck": {("tickets", "BookingSyncConnectionStuck", SALON_WIX)},
    "provider-down": {("tickets", "BookingSyncProviderDown", SALON_WIX)},
    "double-booking": {("pager", "BookingSyncDoubleBooking", SALON_B24), ("pager", "BookingSyncDoubleBooking", PHYSIO)},
    "lost-crm-link": {("tickets", "BookingSyncUnlinkedBookings", SALON_B24)},
    "api-throttled": {("tickets", "BookingSyncApiLimited", STUDIO)},
    # The throttled portal is not read, so nobody can say that nothing arrives there.
    "intake-stopped": {(ONCE, "BookingSyncIntakeSilent", target) for target in (SALON_WIX, PHYSIO, SALON_B24)},
}
# What only checks, which this exporter makes but once an hour, and owners' own calendars show: tests/e2e/test_drill.py plays
# some, and who hears of each stands with the boards (tests/monitoring/test_boards_in_incidents.py).
OF_CHECKS = {
    "access-lost",
    "invite-expired",
    "copy-moved",
    "private-event-sold",
    "import-silent",
    "busy-time-offered",
    "service-closed",
    "booking-lost",
    "cancelled-copy-stays",
    "calendar-shifted",
    "calendar-password-changed",
}
# Besides the script: every connection of one site breaks. One page; the tickets it explains are kept back.
ALL_BROKEN = {("pager", "BookingSyncAllConnectionsFailing", PHYSIO)}
KEPT_BACK = {
    ("BookingSyncConnectionNeedsOwner", PHYSIO): "BookingSyncAllConnectionsFailing",
    ("BookingSyncErrorBudgetBurn", PHYSIO): "BookingSyncAllConnectionsFailing",
}


# What becomes true on a machine that has no time for the exporter: Prometheus waits 250 ms for its page.
OF_A_BUSY_MACHINE = {
    "BookingSyncErrorBudgetBurn",
    "BookingSyncExporterDown",
    "BookingSyncExporterSlow",
    "BookingSyncInstanceDown",
    "BookingSyncPollsLate",
    "BookingSyncScrapesFailing",
}
BUSY_SCRAPES = 4
"""A second without a scrape is a busy machine; a quiet one misses none."""

PATIENCE_SECONDS = 400


def _told(stack: Stack, status: str) -> set[Told]:
    return {(receiver, *alert) for receiver in RECEIVERS for alert in stack.inbox.alerts(receiver, status)}


def _of_a_busy_machine(stack: Stack) -> set[Told]:
    return {told for status in ("firing", "resolved") for told in _told(stack, status) if told[1] in OF_A_BUSY_MACHINE}


def _wait(stack: Stack, what: Callable[[], object]) -> None:
    """Wait until nothing of ``what`` is left; it is asked all the while what Alertmanager keeps back."""
    end = time.monotonic() + PATIENCE_SECONDS
    while left := what():
        stack.note_what_is_kept_back()
        assert time.monotonic() < end, f"still to come: {left}; firing now: {stack.firing()}; told: {_told(stack, 'firing')}"
        time.sleep(0.25)


def _wait_for_messages(stack: Stack, expected: set[Told], status: str = "firing") -> None:
    _wait(stack, lambda: expected - _told(stack, status))


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
@pytest.mark.waits
def test_each_incident_reaches_whom_its_runbook_names_and_nothing_else_arrives(tmp_path: Path) -> None:
    assert set(EXPECTED) | OF_CHECKS == {incident.name for incident in INCIDENTS}
    for incident in INCIDENTS:
        if incident.name not in OF_CHECKS:
            assert incident.alert in {alert for _, alert, _ in EXPECTED[incident.name]}

    with paging_stack(tmp_path) as stack:
        began = time.monotonic()
        broken = _break_every_connection(stack)
        for name in EXPECTED:
            if name not in {"token-revoked", "double-booking", "provider-down"}:
                stack.incident(name, "start")
        # A revoked token may share a ticket, a double booking a page, with what the broken site keeps back.
        _wait_for_messages(stack, ALL_BROKEN)
        stack.incident("token-revoked", "start")
        stack.incident("double-booking", "start")
        # Begun later: while a provider is down nobody sees what its connections do.
        _wait_for_messages(stack, EXPECTED["token-revoked"] | EXPECTED["sync-stuck"])
        stack.incident("provider-down", "start")
        # Mended first: both would still be felt long after, and a portal that is read again must not look silent.
        _wait_for_messages(stack, EXPECTED["api-throttled"])
        stack.incident("api-throttled", "stop")
        stack.hurry_the_allowance()
        _wait_for_messages(stack, EXPECTED["intake-stopped"])
        stack.incident("intake-stopped", "stop")

        expected = set().union(*EXPECTED.values()) | ALL_BROKEN
        _wait_for_messages(stack, expected)
        _wait(stack, lambda: {one for one, explained in KEPT_BACK.items() if explained not in stack.suppressed().get(one, ())})
        for name in EXPECTED:
            stack.incident(name, "stop")
        _mend_every_connection(stack, broken)
        _wait(stack, stack.firing)
        cleared = {told for told in expected if told[0] != ONCE}
        _wait_for_messages(stack, cleared, "resolved")
        # The waits of a group, half an hour for tickets: a late message would arrive now.
        time.sleep(1_800 / FACTOR + ALLOWANCE_MILLISECONDS / 1000)

        missed = stack.missed_scrapes(time.monotonic() - began)
        excused = _of_a_busy_machine(stack) if missed >= BUSY_SCRAPES else set()
        assert expected == _told(stack, "firing") - excused, f"{missed:.0f} scrapes were missed"
        # The all-clear of a group may also name what was kept back while it was on.
        allowed = cleared | {(receiver, *alert) for receiver in RECEIVERS if receiver != ONCE for alert in stack.kept_back}
        assert cleared <= _told(stack, "resolved") - excused <= allowed
        assert {("Watchdog", "")} == stack.inbox.alerts("heartbeat", "firing")
        assert {"ok"} == {rule["health"] for rule in stack.rules()}
