"""The finished, immutable settings: every default filled in, every secret read. The rest of the program sees only these.

Durations are seconds. What a user may write instead is in :mod:`exporter.config.input`; both share the options below, so
that a default and its description stand once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from exporter.counting.windows import WindowSpec
from exporter.errors import Problem
from exporter.fields.credentials import ApiKey, Origin, SecretValue, WebhookUrl
from exporter.fields.kinds import FilePath, ReaderPrefix, ResourceId, WixStatus
from exporter.model import CollectorName, PlatformName
from exporter.support.secret import Secret


class Frozen(BaseModel):
    """Immutable; unknown keys are errors; a validation error never repeats the input, which may hold a credential."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class Strict(Frozen):
    """YAML has its own types, so "5" is not 5 and yes is not text. Defaults are read like what a user writes."""

    model_config = ConfigDict(strict=True, validate_default=True)


# Options that need no knowledge of anything around them: the same for the user and for the program.

MOST_BOOKINGS: Final = 200_000
_MOST_MOST_BOOKINGS: Final = 1_000_000  # some hundred bytes each, and an hour of requests
_OVERLAPPING: Final = "Ids of resources that may serve several bookings at a time; their overlaps are no conflicts."


class WixBookingsOptions(Strict):
    statuses: Annotated[tuple[WixStatus, ...], Field(strict=False, min_length=1)] = Field(
        default=("CONFIRMED", "PENDING"), description="Booking statuses that `bookings` counts."
    )
    conflicts: bool = Field(
        default=False,
        description="Read the bookings row by row, which also finds double bookings, new and vanished bookings and the next "
        "booking. Costs one request for each 100 bookings.",
    )
    max_bookings: int = Field(
        default=MOST_BOOKINGS,
        ge=1,
        le=_MOST_MOST_BOOKINGS,
        description="Bookings that a poll reads at most, where it reads them row by row; with more it fails and nothing is "
        "published.",
    )
    overlapping_resources: Annotated[frozenset[ResourceId], Field(strict=False)] = Field(
        default=frozenset(), description=_OVERLAPPING
    )
    reader_prefix: ReaderPrefix = Field(
        default="/_api/bookings-reader",
        description="Path prefix of the bookings reader; /bookings/bookings-reader is the other one in use.",
    )


class BitrixBookingsOptions(Strict):
    count: Literal["start", "overlap"] = Field(
        default="start",
        description="`start` counts bookings that start in a window, `overlap` those that take place in it at all.",
    )
    conflicts: bool = Field(default=True, description="Look for bookings that overlap another one on the same resource.")
    max_bookings: int = Field(
        default=MOST_BOOKINGS,
        ge=1,
        le=_MOST_MOST_BOOKINGS,
        description="Bookings that a poll reads at most; with more it fails and nothing is published. Holds for `links`, too.",
    )
    per_resource: bool = Field(default=False, description="Also count for each resource.")
    max_resources: int = Field(
        default=50, ge=1, le=1000, description="Series of `per_resource` in a window; the rest is counted as dropped."
    )
    overlapping_resources: Annotated[frozenset[ResourceId], Field(strict=False)] = Field(
        default=frozenset(), description=_OVERLAPPING
    )


class BitrixLinksOptions(Strict):
    batch_size: int = Field(default=25, ge=1, le=50, description="Bookings asked about in one batch request.")
    verify_calls: int = Field(
        default=2, ge=1, le=1000, description="Batch requests a poll spends on asking again about bookings that it knows."
    )


class Budget(Strict):
    """What this exporter may spend of a portal's limits; leave the rest to the other tools of the business."""

    requests_per_second: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        description="Steady rate. The cloud allows 2 per second, 5 on the Enterprise plan.",
    )
    burst: int = Field(default=10, ge=1, le=10_000, description="Requests at once. The cloud allows 50, 250 on Enterprise.")
    operating_seconds: float = Field(
        default=240.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="Operating time of a method in 10 minutes above which optional work is left out. The portal blocks at 480.",
    )


class OAuth(Strict):
    """An application's identity, and the file that keeps its tokens."""

    client_id: str = Field(min_length=1, max_length=200, description="Id of the local application.")
    client_secret: SecretValue = Field(description="Secret of the local application.")
    token_file: FilePath = Field(
        description="JSON answer of the authorisation server, rewritten at each refresh; `bitrix24-login` makes it. A "
        "relative path starts at the folder of this file."
    )
    server: Origin | None = Field(
        default=None, description="Authorisation server. Default: the `server_endpoint` in the token file."
    )


# The finished settings.


class CollectorSettings(Frozen):
    """What every collector takes. Seconds, already resolved: ``max_age`` defaults to max(3 intervals, 5 min)."""

    interval: float
    max_age: float
    windows: tuple[WindowSpec, ...]


class WixConnections(CollectorSettings):
    pass


class WixBookings(CollectorSettings, WixBookingsOptions):
    pass


class BitrixBookings(CollectorSettings, BitrixBookingsOptions):
    pass


class BitrixLinks(CollectorSettings, BitrixLinksOptions):
    pass


class WixCollectors(Frozen):
    connections: WixConnections | None = None
    bookings: WixBookings | None = None


class BitrixCollectors(Frozen):
    bookings: BitrixBookings | None = None
    links: BitrixLinks | None = None


class _Target(Frozen):
    name: str
    labels: Mapping[str, str] = {}
    timeout: float
    base_url: str | None = None
    timezone: ZoneInfo


class WixTarget(_Target):
    """One Wix site. Either ``api_key`` with ``site_id``, or the three app fields (wix.md 2)."""

    platform: Literal[PlatformName.WIX]
    site_id: str | None = None
    api_key: ApiKey | None = None
    app_id: str | None = None
    app_secret: Secret | None = None
    instance_id: str | None = None
    schedule_ids: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    collectors: WixCollectors


class BitrixTarget(_Target):
    """One Bitrix24 portal: an incoming webhook, or OAuth with a token file (bitrix24.md 9).

    ``webhook_url`` ends with exactly one slash after the code.
    """

    platform: Literal[PlatformName.BITRIX24]
    webhook_url: WebhookUrl | None = None
    oauth: OAuth | None = None
    budget: Budget = Budget()
    collectors: BitrixCollectors


Target = Annotated[WixTarget | BitrixTarget, Field(discriminator="platform")]


class Config(Frozen):
    """Everything. ``warnings`` are for people; ``files`` are those that it was read from, secrets included, to be watched."""

    timezone: ZoneInfo
    windows: tuple[WindowSpec, ...]
    targets: tuple[Target, ...]
    state_file: Path | None = None
    warnings: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()


def collector_settings(target: WixTarget | BitrixTarget) -> dict[CollectorName, CollectorSettings]:
    """Return the collectors that ``target`` switches on, by name."""
    return {name: settings for name in CollectorName if (settings := getattr(target.collectors, name, None)) is not None}


def shard_of(config: Config, index: int, count: int) -> Config:
    """Return ``config`` with every target whose name falls to shard ``index`` of ``count``, counted from 0.

    A target stays in its shard when others come and go. Each shard keeps a state file of its own, ``NAME.I-of-N``: processes
    that share one would drop each other's targets. Raises :class:`ValueError` for an index outside of the count.
    """
    if not 0 <= index < count:
        raise ValueError(f"shard {index} is not one of {count}; they count from 0")
    targets = tuple(target for target in config.targets if _place(target.name) % count == index)
    state_file = config.state_file and config.state_file.with_name(f"{config.state_file.name}.{index}-of-{count}")
    return config.model_copy(update={"targets": targets, "state_file": state_file})


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
