"""YAML -> validated, immutable :class:`Config` (design 4.3). Every problem is reported at once, with its path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from exporter.model import CollectorName, PlatformName
from exporter.secret import Secret
from exporter.windows import WindowSpec


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class CollectorSettings(_Frozen):
    """What every collector takes. Seconds, already resolved: ``max_age`` defaults to max(3 intervals, 5 min)."""

    interval: float
    max_age: float
    windows: tuple[WindowSpec, ...]


class WixConnections(CollectorSettings):
    pass


class WixBookings(CollectorSettings):
    statuses: tuple[str, ...] = ("CONFIRMED", "PENDING")
    conflicts: bool = False
    overlapping_resources: frozenset[str] = frozenset()
    reader_prefix: str = "/_api/bookings-reader"


class BitrixBookings(CollectorSettings):
    count: Literal["start", "overlap"] = "start"
    conflicts: bool = True
    per_resource: bool = False
    max_resources: int = 50
    overlapping_resources: frozenset[str] = frozenset()


class BitrixLinks(CollectorSettings):
    batch_size: int = 25
    verify_calls: int = 2


class Budget(_Frozen):
    requests_per_second: float = 1.0
    burst: int = 10
    operating_seconds: float = 240.0


class WixCollectors(_Frozen):
    connections: WixConnections | None = None
    bookings: WixBookings | None = None


class BitrixCollectors(_Frozen):
    bookings: BitrixBookings | None = None
    links: BitrixLinks | None = None


class _Target(_Frozen):
    name: str
    labels: Mapping[str, str] = {}
    timeout: float
    base_url: str | None = None
    timezone: ZoneInfo


class WixTarget(_Target):
    """One Wix site. Either ``api_key`` with ``site_id``, or the three app fields (wix.md 2)."""

    platform: Literal[PlatformName.WIX]
    site_id: str | None = None
    api_key: Secret | None = None
    app_id: str | None = None
    app_secret: Secret | None = None
    instance_id: str | None = None
    schedule_ids: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    collectors: WixCollectors


class OAuth(_Frozen):
    client_id: str
    client_secret: Secret
    token_file: Path
    server: str | None = None


class BitrixTarget(_Target):
    """One Bitrix24 portal: an incoming webhook, or OAuth with a token file (bitrix24.md 9)."""

    platform: Literal[PlatformName.BITRIX24]
    webhook_url: Secret | None = None
    oauth: OAuth | None = None
    budget: Budget = Budget()
    collectors: BitrixCollectors


Target = Annotated[WixTarget | BitrixTarget, Field(discriminator="platform")]


class Config(_Frozen):
    timezone: ZoneInfo
    windows: tuple[WindowSpec, ...]
    targets: tuple[Target, ...]
    state_file: Path | None = None


def collector_settings(target: WixTarget | BitrixTarget) -> dict[CollectorName, CollectorSettings]:
    """Return the collectors that ``target`` switches on, by name."""
    return {name: settings for name in CollectorName if (settings := getattr(target.collectors, name, None)) is not None}


def load_config(path: Path) -> Config:
    """Read, validate and resolve ``path``. Raises :class:`exporter.errors.ConfigError` with every problem."""
    raise NotImplementedError
