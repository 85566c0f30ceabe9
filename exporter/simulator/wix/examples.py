"""The answers that the official reference prints, as worlds (wix.md 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.simulator import canary
from exporter.simulator.wix.providers import APPLE, GOOGLE
from exporter.simulator.wix.world import Site

LIST_CONNECTIONS: Final[tuple[Mapping[str, object], ...]] = (
    {
        "id": (
            "4WnvD8QzxhkAjVPBKUCvLIMpbuuUCMID7rYhqOpIGDae9JYyQj0JS71sdJukve86B38sWvS6TOvMQqBxszjEMN7MfiUjvCwgx0inoCXpg7Jp"
            "M0QXmxYW4E2dXHAmKaNKk4M5jez8KwwxQxUNygYrvR0V08GW0weMqwMW1GYslMM1kVPcGuiwqJ7"
        ),
        "providerId": APPLE.id,
        "calendarType": "I_CAL",
        "scheduleId": "100ef23e-9e92-4293-8e08-d3747537138f",
        "userId": "f7f363b1-8ef8-4118-9612-0e6b3910745a",
        "externalAccountEmail": canary.EMAIL,
        "status": "CONNECTED",
        "syncConfig": {
            "listEventFromCalendars": {
                "enabled": True,
                "calendars": {
                    "calendars": [
                        {"id": "2cnk4sgx4haqxbuz0sao0flxw"},
                        {"id": "4xve0tohyhnrlzy3lp4zf7b07"},
                        {"id": "a68yu6lp6584z66zorp19z1ab"},
                    ]
                },
            }
        },
    },
    {
        "id": (
            "NKUjjvm8geI1xEEE6pU5of0blj4oIHvJy7M4KGCDHidQzOiHHWchOJ31inHqv3fCFo5mtX62Wp5PV4Kv5cTJRANJJbw1ukkwesjQVKeM7VAj"
            "q8ErrMDutLTq2dDvkUc0eFN36l3n1g45JWkAn1t8d"
        ),
        "providerId": GOOGLE.id,
        "calendarType": "GOOGLE",
        "scheduleId": "b936298d-18a6-4ae8-8e9f-10bf49314c95",
        "externalAccountEmail": canary.EMAIL,
        "status": "SYNCED",
        "syncConfig": {
            "listEventFromCalendars": {"enabled": True, "primaryCalendar": {}},
            "syncToCalendar": {"enabled": True, "primaryCalendar": {}},
        },
    },
)
"""Both entries of "List all connections": one imports only, the other has no ``userId``; neither has an ``errorReason``."""


def add_documented_connections(site: Site) -> list[str]:
    """List the two connections of the reference, and return their ids."""
    return [site.connections.add(row) for row in LIST_CONNECTIONS]
