"""Calendar providers: the three that every site has, and one that an app brings (wix.md 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Provider:
    """One entry of ListProviders."""

    id: str
    name: str
    calendar_type: str
    connect_method: str
    imports: str
    exports: str
    update_sync_config: bool = True

    def row(self) -> dict[str, object]:
        """Return the row as the API serves it, with the ``appDefId`` that no reference mentions."""
        return {
            "id": self.id,
            "name": self.name,
            "calendarType": self.calendar_type,
            "features": {
                "connectMethods": [self.connect_method],
                "updateSyncConfig": self.update_sync_config,
                "listEventFromCalendars": self.imports,
                "syncToCalendar": self.exports,
            },
            "appDefId": self.id,
        }


GOOGLE: Final = Provider(
    "6c533722-f1f9-4847-95c7-d4c4922ae9b0", "Google Calendar", "GOOGLE", "OAUTH", "PRIMARY_CALENDAR_ONLY", "DEDICATED_CALENDAR"
)
APPLE: Final = Provider(
    "9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc", "Apple Calendar", "I_CAL", "CREDENTIALS", "SPECIFIC_CALENDARS", "SPECIFIC_CALENDAR"
)
MICROSOFT: Final = Provider(
    "ae0d26b4-7e04-4735-a15e-1b1acaba2f00",
    "Outlook or Office 365",
    "MICROSOFT",
    "OAUTH",
    "SPECIFIC_CALENDARS",
    "DEDICATED_CALENDAR",
)
APP_PROVIDER: Final = Provider(
    "5d3f2c1b-8a47-4f0e-9b6d-2e7c4a190f35",
    "Praxiskalender",
    "OTHER",
    "OAUTH",
    "PRIMARY_CALENDAR_ONLY",
    "NOT_SUPPORTED",
    update_sync_config=False,
)
"""Brought by an installed app: import only, and its sync configuration is fixed."""

PROVIDERS: Final = (GOOGLE, APPLE, MICROSOFT, APP_PROVIDER)
