"""What a provider is called: ListProviders, asked once an hour, with a fallback (docs/platforms/wix.md 4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

from exporter.errors import PollError
from exporter.limits import PROVIDER_SERIES
from exporter.model import CalendarType, CollectorName, Provider
from exporter.platforms.base import Services
from exporter.platforms.decoding import report
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.connection_rows import ProvidersAnswer, providers
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.settings import WixTarget

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 3600.0
ASK_AGAIN_SECONDS: Final = 300.0
MAX_ANSWER_SECONDS: Final = 10.0

_BUILT_IN: Final = frozenset({CalendarType.GOOGLE, CalendarType.APPLE, CalendarType.MICROSOFT})

# The ids of the official examples. They equal the ids of the provider's app, so they are probably the same on all sites; we
# only use them to name a provider of which nothing else is known.
_EXAMPLE_IDS: Final[Mapping[str, CalendarType]] = {
    "6c533722-f1f9-4847-95c7-d4c4922ae9b0": CalendarType.GOOGLE,
    "9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc": CalendarType.APPLE,
    "ae0d26b4-7e04-4735-a15e-1b1acaba2f00": CalendarType.MICROSOFT,
}
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ProviderDirectory:
    """The providers of one site. A failure to list them never fails a poll."""

    def __init__(self, api: WixApi, target: WixTarget, services: Services, collector: CollectorName) -> None:
        """Nothing is asked before a ``collector`` needs it; what cannot be read counts as a fault of its answers."""
        self._collector = collector
        self._api = api
        self._target = target
        self._services = services
        self._listed: Mapping[str, CalendarType] = {}
        self._fresh_until = float("-inf")
        self._asked_at = float("-inf")

    async def labels(self, used: Mapping[str, CalendarType | None]) -> dict[str, str]:
        """Return the label of every known provider id. ``used`` are the ids at hand, with the type where a row told it.

        Asks Wix when the list is an hour old, or when an id is new (then at most every five minutes).
        """
        now = self._services.clock.monotonic()
        due = now >= self._fresh_until or not used.keys() <= self._listed.keys()
        if due and now >= self._asked_at + ASK_AGAIN_SECONDS:
            self._asked_at = now
            await self._ask()
        return _labels({**{key: _best(key, kind) for key, kind in used.items()}, **self._listed})

    def calendar_type(self, provider_id: str) -> CalendarType:
        """Return the type of a provider's calendars, as far as the list, or what is known of it anyway, tells."""
        return _best(provider_id, self._listed.get(provider_id))

    async def _ask(self) -> None:
        timeout = min(self._target.timeout, MAX_ANSWER_SECONDS)
        try:
            answer: ProvidersAnswer = providers(await self._api.call(Endpoint.LIST_PROVIDERS, repeat=False, timeout=timeout))
        except PollError as error:
            log.warning(
                "wix_providers_not_listed",
                target=self._target.name,
                **error.facts(),
            )
            return
        events, unrecognized = self._services.events, answer.unrecognized
        report(events, self._collector, malformed=answer.malformed, unrecognized=unrecognized)
        self._listed = answer.calendar_types
        self._fresh_until = self._services.clock.monotonic() + FRESH_SECONDS


def _best(provider_id: str, told: CalendarType | None) -> CalendarType:
    if told in {None, CalendarType.UNDEFINED, CalendarType.UNKNOWN}:
        return _EXAMPLE_IDS.get(provider_id) or told or CalendarType.UNKNOWN
    return told


def _labels(types: Mapping[str, CalendarType]) -> dict[str, str]:
    """Name a built-in provider by its calendar type, any other by type and short id; never by a free text.

    Should two providers claim one built-in type, the one with the well-known id keeps the plain name.
    """
    labels: dict[str, str] = {}
    claims = Counter(types.values())
    for key, kind in types.items():
        plain = kind in _BUILT_IN and (claims[kind] == 1 or _EXAMPLE_IDS.get(key) is kind)
        labels[key] = kind.value if plain else f"{kind.value}-{_short(key)}"
    return labels


def _short(provider_id: str) -> str:
    return provider_id[:8] if _GUID.fullmatch(provider_id) else short_hash(provider_id)[:8]


def shown_providers(labels: Mapping[str, str], failed: frozenset[str]) -> tuple[tuple[Provider, ...], int]:
    """Return the providers that are shown, those that failed first of all, and how many are not."""
    up: dict[str, bool] = {}
    for provider_id, label in labels.items():
        up[label] = up.get(label, True) and provider_id not in failed
    shown = sorted(up, key=lambda label: (up[label], label))[: PROVIDER_SERIES.number]
    return tuple(Provider(label, up[label]) for label in sorted(shown)), len(up) - len(shown)
