"""Scripts for rehearsals: which incidents happen, one after another, on the simulator's clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.clock import Clock
from exporter.simulator.drills.incidents import INCIDENTS, IncidentControl


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """Peace for ``calm_seconds``, then the incident for ``lasts_seconds``."""

    incident: str
    calm_seconds: float
    lasts_seconds: float


_CALM_SECONDS: Final = 30.0
# What one sees of an incident is gone before the next begins: links are asked about bit by bit, and who was limited waits.
_CALM_SECONDS_AFTER: Final[Mapping[str, float]] = {"lost-crm-link": 120.0, "api-throttled": 60.0, "copy-moved": 120.0}
_LASTS_SECONDS: Final = 90.0
# Copies are asked about bit by bit, too, and a suspect one once more.
_LASTS_SECONDS_OF: Final[Mapping[str, float]] = {
    "copy-moved": 150.0,
    # A minute of grace comes first.
    "booking-lost": 150.0,
    "cancelled-copy-stays": 150.0,
    "calendar-shifted": 150.0,
}

TIMELINE: Final = tuple(
    ScenarioStep(
        incident.name,
        _CALM_SECONDS_AFTER.get(before.name, _CALM_SECONDS),
        _LASTS_SECONDS_OF.get(incident.name, _LASTS_SECONDS),
    )
    for before, incident in zip((INCIDENTS[-1], *INCIDENTS), INCIDENTS, strict=False)
)
"""What ``demo`` runs again and again: every incident once, 44 minutes in all."""


LONG_NIGHT: Final = tuple(
    ScenarioStep(name, 60.0, lasts_seconds=180.0) for name in ("sync-stuck", "provider-down", "api-throttled")
)
"""What comes and goes besides what stays: each for three minutes, which is three hours where time is divided by 60."""

SOLD_LATER: Final = (ScenarioStep("private-event-sold", 120.0, lasts_seconds=86_400.0),)
"""A private event has to be seen before its time is booked, or nobody can say which was first."""

CANCELLED_LATER: Final = (ScenarioStep("cancelled-copy-stays", 60.0, lasts_seconds=86_400.0),)
"""A booking has to be seen in a calendar before it is cancelled, or nobody can say that it was left behind there."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``begins_with`` incidents run from the first moment and stay; ``timeline`` is repeated for ever."""

    description: str
    begins_with: tuple[str, ...] = ()
    timeline: tuple[ScenarioStep, ...] = ()


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "calm": Scenario("Nothing goes wrong."),
    **{incident.name: Scenario(incident.description, begins_with=(incident.name,)) for incident in INCIDENTS},
    "worst-night": Scenario(
        "A calendar lost its access and two chairs are double-booked, all at once.",
        begins_with=("token-revoked", "double-booking"),
    ),
    "long-night": Scenario(
        "Three incidents stay, and three others come and go: what the boards of the demo show.",
        begins_with=("token-revoked", "double-booking", "lost-crm-link"),
        timeline=LONG_NIGHT,
    ),
    "says-synced": Scenario(
        "Every status says that all is well, and six things are wrong: what only the checks find.",
        begins_with=("access-lost", "invite-expired", "import-silent", "copy-moved", "busy-time-offered"),
        timeline=SOLD_LATER,
    ),
    "proof": Scenario(
        "Every status says that all is well, one booking is not in its owner's calendar, and a cancelled one still is.",
        begins_with=("booking-lost",),
        timeline=CANCELLED_LATER,
    ),
    "bad-night": Scenario("Every incident, one after another, again and again.", timeline=TIMELINE),
}


async def run_scenario(
    scenario: Scenario,
    incidents: IncidentControl,
    clock: Clock,
    *,
    speed: float = 1.0,
    tell: Callable[[str, bool], None] | None = None,
) -> None:
    """Run ``scenario`` until cancelled; without a timeline return once its incidents have begun.

    ``speed`` divides every duration; ``tell`` hears the name of an incident and whether it begins.
    """

    def switch(name: str, *, on: bool) -> None:
        (incidents.start if on else incidents.stop)(name)
        if tell:
            tell(name, on)

    for name in scenario.begins_with:
        switch(name, on=True)
    while scenario.timeline:
        for step in scenario.timeline:
            await clock.sleep(step.calm_seconds / speed)
            switch(step.incident, on=True)
            await clock.sleep(step.lasts_seconds / speed)
            switch(step.incident, on=False)
