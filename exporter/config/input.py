"""What a user may write in the configuration: one model for each mapping; JSON Schema and reference are made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from exporter.config.settings import BitrixBookingsOptions, BitrixLinksOptions, Budget, OAuth, Strict, WixBookingsOptions
from exporter.counting.windows import WindowSpec
from exporter.fields.credentials import ApiKey, Origin, SecretValue, WebhookUrl
from exporter.fields.kinds import Duration, Expression, FilePath, LabelName, LabelValue, Name, Text, WindowName, Zone
from exporter.model import PlatformName

DEFAULT_WINDOWS = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("next_24h", "now", "now+24h"),
    WindowSpec("next_7d", "now", "now+7d"),
)
DEFAULT_LINKS_WINDOW = "next_7d"


def _default(default: str, description: str) -> Any:  # noqa: ANN401  the annotation has the type; so has pydantic.Field
    # The default is text, as a user would write it, and is read like theirs.
    return Field(default=default, description=description)


class WindowInput(Strict):
    """A named half-open interval: `from` belongs to it, `to` does not."""

    name: WindowName = Field(description="Value of the label `window`.")
    start: Expression = Field(alias="from", description="Start, in Grafana date math.")
    end: Expression = Field(alias="to", description="End, in Grafana date math.")

    def spec(self) -> WindowSpec:
        return WindowSpec(self.name, self.start, self.end)


def _kind_of_window(value: object) -> str:
    return "<window>" if isinstance(value, (dict, WindowInput)) else "<name>"


WindowChoice = Annotated[
    Annotated[WindowName, Tag("<name>")] | Annotated[WindowInput, Tag("<window>")], Discriminator(_kind_of_window)
]


class _CollectorInput(Strict):
    max_age: Duration | None = Field(
        default=None, description="How long the last good data is shown. Default: 3 intervals, at least 5m."
    )


_WINDOWS = "Windows to count in: names from the global `windows`, or windows of its own. Default: all global windows."


class _CountingInput(_CollectorInput):
    windows: list[WindowChoice] | None = Field(default=None, min_length=1, description=_WINDOWS)


class WixConnectionsInput(_CollectorInput):
    """State of every external calendar connection of the site."""

    interval: Duration = _default("1m", "Time between two polls.")
    windows: list[WindowChoice] | None = Field(default=None, description="Accepted and ignored: nothing is counted here.")


class WixBookingsInput(_CountingInput, WixBookingsOptions):
    """Booking counts of the site."""

    interval: Duration = _default("5m", "Time between two polls.")


class BitrixBookingsInput(_CountingInput, BitrixBookingsOptions):
    """Booking counts and conflicts of the portal."""

    interval: Duration = _default("5m", "Time between two polls.")


class BitrixLinksInput(_CollectorInput, BitrixLinksOptions):
    """How many bookings are tied to a CRM entity, and how many stand in the staff's calendar."""

    interval: Duration = _default("15m", "Time between two polls.")
    window: WindowName | None = Field(
        default=None, description=f"Name of the one window to look at. Default: {DEFAULT_LINKS_WINDOW}."
    )
    windows: list[WindowChoice] | None = Field(
        default=None, min_length=1, description="Instead of `window`: several windows, as for bookings."
    )


def _nothing_is_empty(value: object) -> object:
    """Read ``bookings:`` without a value as "with its defaults"."""
    return {} if value is None else value


_EMPTY = BeforeValidator(_nothing_is_empty)


class WixCollectorsInput(Strict):
    """The collectors that run; one that is named without a value has its defaults, one that is not named does not run."""

    connections: Annotated[WixConnectionsInput | None, _EMPTY] = Field(
        default=None, validate_default=False, description="State of the connections."
    )
    bookings: Annotated[WixBookingsInput | None, _EMPTY] = Field(
        default=None, validate_default=False, description="Booking counts."
    )


class BitrixCollectorsInput(Strict):
    """The collectors that run; one that is named without a value has its defaults, one that is not named does not run."""

    bookings: Annotated[BitrixBookingsInput | None, _EMPTY] = Field(
        default=None, validate_default=False, description="Booking counts."
    )
    links: Annotated[BitrixLinksInput | None, _EMPTY] = Field(
        default=None, validate_default=False, description="Ties to the CRM."
    )


class _TargetInput(Strict):
    name: Name = Field(description="Value of the label `target`. Unique.")
    timezone: Zone | None = Field(default=None, description="IANA zone of this business. Default: the global one.")
    labels: dict[LabelName, LabelValue] = Field(
        default_factory=dict, max_length=20, description="Labels of `booking_sync_target_info`, for joins."
    )
    base_url: Origin | None = Field(
        default=None,
        description="Origin to talk to instead of the platform's own: a proxy, an on-premise portal, the simulator. `http://` "
        "works on loopback only.",
    )


class WixTargetInput(_TargetInput):
    """A Wix site: `api_key` with `site_id`, or `app_id`, `app_secret` and `instance_id`."""

    platform: Literal[PlatformName.WIX] = Field(description="`wix`.")
    site_id: Text | None = Field(default=None, description="The GUID after /dashboard/ in the address of the site's dashboard.")
    api_key: ApiKey | None = Field(default=None, description="API key with the permissions for calendars and bookings.")
    app_id: Text | None = Field(default=None, description="App mode: id of the app.")
    app_secret: SecretValue | None = Field(default=None, description="App mode: secret of the app.")
    instance_id: Text | None = Field(default=None, description="App mode: id of the app's instance on this site.")
    schedule_ids: list[Text] = Field(
        default_factory=list, description="Show only connections of these schedules; empty for all. Filtered here."
    )
    aliases: dict[Text, Text] = Field(
        default_factory=dict, description="Schedule id: the name that its connections carry in the label `connection`."
    )
    timeout: Duration = _default("30s", "Most time for one HTTP exchange.")
    collectors: WixCollectorsInput | None = Field(default=None, description="Default: all, each with its defaults.")


class BitrixTargetInput(_TargetInput):
    """A Bitrix24 portal: `webhook_url`, or `oauth`."""

    platform: Literal[PlatformName.BITRIX24] = Field(description="`bitrix24`.")
    webhook_url: WebhookUrl | None = Field(
        default=None,
        description="Address of an incoming webhook with the scope booking: https://<portal>/rest/<user id>/<code>/.",
    )
    oauth: OAuth | None = Field(default=None, description="A local application instead of a webhook.")
    timeout: Duration = _default("70s", "Most time for one HTTP exchange. The portal itself gives up after 60s.")
    budget: Budget = Field(default=Budget(), description="What the exporter may spend of the portal's limits.")
    collectors: BitrixCollectorsInput | None = Field(default=None, description="Default: all, each with its defaults.")


TargetInput = Annotated[WixTargetInput | BitrixTargetInput, Field(discriminator="platform")]


class ConfigInput(Strict):
    """The whole file."""

    model_config = ConfigDict(title="booking-sync-exporter configuration")

    timezone: Zone = _default("UTC", "IANA zone that calendar windows such as `now/d` are in.")
    windows: list[WindowInput] | None = Field(
        default=None, min_length=1, description="Windows that collectors count in. Default: last_24h, today, next_24h, next_7d."
    )
    targets: list[TargetInput] = Field(min_length=1, description="The accounts to watch.")
    state_file: FilePath | None = Field(
        default=None,
        description="Remembers since when connections have their status, across restarts. A relative path starts at the folder "
        "of this file; with `--shard` its name ends in `.I-of-N`. Default: forgotten at a restart.",
    )
