"""Invented personal data that the simulated APIs really do return.

No test that looks at metrics, pages, logs or errors may ever find one of these strings.
"""

from __future__ import annotations

from typing import Final

EMAIL: Final = "canary.person@mail.example"
FIRST_NAME: Final = "Kanarina"
LAST_NAME: Final = "Vogelsang-Canary"
PHONE: Final = "+49 30 5550 198765"
TITLE: Final = "Root canal, brings canary Tweetie"
"""What somebody wrote as the title of an event or a booking."""

CANARIES: Final = (EMAIL, FIRST_NAME, LAST_NAME, PHONE, TITLE)
