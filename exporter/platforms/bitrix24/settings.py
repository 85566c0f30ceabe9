"""What a user may write about a Bitrix24 portal (fact sheet bitrix24.md 6 and 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os.path import normpath
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, PrivateAttr, ValidationInfo

from exporter.fields.credentials import (
    SECRET_SCHEMA,
    Origin,
    SecretValue,
    plain_ascii,
    secret_text,
    shown_source,
    source_of,
    split_url,
)
from exporter.fields.kinds import Duration, FilePath, Id, Reading, WindowName, field_errors
from exporter.limits import MAX_BOOKINGS, RESOURCE_SERIES, RESOURCE_WINDOWS
from exporter.platforms.settings import (
    MAX_MAX_BOOKINGS,
    MAY_BE_EMPTY,
    OVERLAPPING,
    Account,
    ChosenWindows,
    Collectors,
    CollectorSettings,
    CountingSettings,
    OverlappingResources,
    Strict,
    Target,
    default,
)
from exporter.support.net import ascii_host, is_loopback
from exporter.support.redaction import sanitized_place
from exporter.support.secret import Secret, pasted

DEFAULT_LINKS_WINDOW: Final = "next_7d"
_PORTS: Final = {"http": 80, "https": 443}
_WEBHOOK_FORM: Final = "https://<portal>/rest/<user id>/<code>/"


def _webhook(value: object, info: ValidationInfo) -> Secret:
    text = pasted(secret_text(value, info, "https://{}.unopened.invalid/rest/1/code/"))
    # The host may be international; what is secret, and what leads to it, is not.
    plain_ascii(re.sub("^https?://[^/?#@]*", "", text), " outside of the host name")
    url = _webhook_url(text)
    return Secret(url, f"{source_of(value)} {url.partition('/rest/')[0]}")


def _webhook_url(url: str) -> str:
    # None of these messages shows the URL: the code in it is the credential.
    parts, wrong = split_url(url, _WEBHOOK_FORM)
    segments = parts.path.removeprefix("/rest/").removesuffix("/").split("/")
    if misfit := _misfit(parts.path, segments):
        wrong.append(misfit)
    if wrong:
        raise field_errors(wrong)
    return f"{parts.scheme}://{parts.netloc}/rest/{segments[0]}/{segments[1]}/"


def _misfit(path: str, segments: Sequence[str]) -> tuple[str, str] | None:
    """Return what in the path keeps it from being that of an incoming webhook, and the fix."""
    like, copy = f"write it like {_WEBHOOK_FORM}", f"copy the whole address of the webhook: {_WEBHOOK_FORM}"
    rows = (
        ("//" in path, "has a double slash in its path", like),
        (path.startswith("/rest/api/"), "is the address of REST 3 (/rest/api/), which knows no bookings", like),
        (not path.startswith("/rest/") or not segments[0], "is not the address of an incoming webhook", like),
        (not segments[0].isdigit() or not segments[0].isascii(), "has no user id after /rest/", copy),
        (len(segments) == 1, "has no code after the user id", copy),
        (len(segments) > 2, "goes on after the code", f"remove the method name: {_WEBHOOK_FORM}"),  # noqa: PLR2004
        (not re.fullmatch("[A-Za-z0-9_-]+", segments[-1]), "has characters in its code that no code can have", copy),
    )
    return next(((what, fix) for holds, what, fix in rows if holds), None)


WebhookUrl = Annotated[Secret, PlainValidator(_webhook), SECRET_SCHEMA]


class BitrixBookingsOptions(Strict):
    """How bookings are counted."""

    count: Literal["start", "overlap"] = Field(
        default="start",
        description="`start` counts bookings that start in a window, `overlap` all that overlap it.",
    )
    conflicts: bool = Field(default=True, description="Look for bookings that overlap another one on the same resource.")
    max_bookings: int = Field(
        default=MAX_BOOKINGS.number,
        ge=1,
        le=MAX_MAX_BOOKINGS,
        description="Maximum number of bookings that a poll reads; a booking of several resources counts once for each. "
        "With more, the poll fails and publishes nothing. Applies to `links`, too.",
    )
    per_resource: bool = Field(default=False, description="Also count the bookings of each resource.")
    max_resources: int = Field(
        default=RESOURCE_SERIES.number,
        ge=1,
        le=1000,
        description=f"Maximum number of series of `per_resource` in a window, and at most {RESOURCE_WINDOWS.number:,} in all "
        f"windows; the others "
        "are counted as dropped.",
    )
    overlapping_resources: OverlappingResources = Field(default=frozenset(), description=OVERLAPPING)


class BitrixBookings(CountingSettings, BitrixBookingsOptions):
    """Booking counts and conflicts of the portal."""

    interval: Duration = default("5m", "Time between two polls.")


class BitrixLinksOptions(Strict):
    """How links are asked for."""

    batch_size: int = Field(default=50, ge=1, le=50, description="Number of bookings in one batch request.")
    verify_calls: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="Maximum number of batch requests in which a poll checks again bookings that it already knows; as many "
        "check their copies in the staff's calendar.",
    )
    calendar: bool = Field(
        default=True,
        description="Compare bookings with their copies in the staff's calendar, where the portal makes such copies. Needs the "
        "scope `calendar`.",
    )


class BitrixLinks(CollectorSettings, BitrixLinksOptions):
    """How many bookings have a link to a CRM entity, and how many are in the staff's calendar."""

    interval: Duration = default("15m", "Time between two polls.")
    window: WindowName | None = Field(
        default=None,
        exclude=True,
        description=f"Name of the window whose bookings are checked. Default: {DEFAULT_LINKS_WINDOW}.",
    )
    windows: ChosenWindows = Field(
        default_factory=tuple,
        validate_default=False,
        description="Instead of `window`: several windows, as for bookings.",
    )

    @classmethod
    def windows_by_default(cls, written: Mapping[str, object], names: Sequence[str]) -> Sequence[object]:
        """Return the one window that is written, or the usual one, or all where there is none of that name."""
        wanted = written.get("window") or DEFAULT_LINKS_WINDOW
        return [wanted] if wanted in names else names


class BitrixCollectors(Collectors):
    """The collectors of a Bitrix24 portal; one without a value has its defaults, and one that is not named does not run."""

    bookings: Annotated[BitrixBookings | None, MAY_BE_EMPTY] = Field(
        default=None, validate_default=False, description="Booking counts."
    )
    links: Annotated[BitrixLinks | None, MAY_BE_EMPTY] = Field(
        default=None, validate_default=False, description="Links to the CRM."
    )


class Budget(Strict):
    """How much of a portal's limits this exporter may use; leave the rest to the other tools of the business."""

    requests_per_second: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        description="Sustained rate of requests. The cloud allows 2 per second, 5 on the Enterprise plan.",
    )
    burst: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Requests that may be sent in a burst. The cloud allows 50, 250 on the Enterprise plan.",
    )
    operating_seconds: float = Field(
        default=240.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="Operating time of a method within 10 minutes, in seconds; above it, optional requests are left out. The "
        "portal blocks the method at 480.",
    )


class OAuth(Strict):
    """An application's identity, and the file that keeps its tokens."""

    client_id: Id = Field(description="Id of the local application.")
    client_secret: SecretValue = Field(description="Secret of the local application.")
    token_file: FilePath = Field(
        description="JSON answer of the authorisation server, rewritten at each refresh; `bitrix24-login` makes it. A "
        "relative path starts at the folder of this file."
    )
    server: Origin | None = Field(
        default=None, description="Authorisation server. Default: the `server_endpoint` in the token file."
    )
    _folder: Path = PrivateAttr(default=Path("/"))

    def model_post_init(self, context: object) -> None:
        if isinstance(context, Reading):
            self._folder = context.directory

    @property
    def written(self) -> Path:
        """The token file as it may be written in the configuration."""
        return self.token_file.relative_to(self._folder) if self.token_file.is_relative_to(self._folder) else self.token_file

    @property
    def source(self) -> str:
        """Where the tokens are, as it is told to people."""
        return sanitized_place(str(self.written))


class BitrixTarget(Target):
    """A Bitrix24 portal: `webhook_url`, or `oauth`."""

    OWN = Target.OWN | {"webhook_url"}

    platform: Literal["bitrix24"] = Field(description="`bitrix24`.")
    webhook_url: WebhookUrl | None = Field(
        default=None,
        description="Address of an incoming webhook with the scope booking: https://<portal>/rest/<user id>/<code>/.",
    )
    oauth: OAuth | None = Field(default=None, description="A local application instead of a webhook.")
    timeout: Duration = default("70s", "Maximum duration of one HTTP request. The portal itself gives up after 60s.")
    budget: Budget = Field(default=Budget(), description="How much of the portal's limits the exporter may use.")
    collectors: Annotated[BitrixCollectors, MAY_BE_EMPTY] = Field(
        default_factory=BitrixCollectors, description="Collectors that run. Default: all, each with its defaults."
    )

    @property
    def credential_source(self) -> str:
        if self.oauth is not None:
            return self.oauth.source
        # Behind the source stands the portal's address.
        return shown_source(self.webhook_url.identity.rpartition(" ")[0] if self.webhook_url else "", self.name)

    def may_have_resource(self, resource: str) -> bool:
        return resource.isascii() and resource.isdigit()

    @property
    def sign_in(self) -> str:
        return "webhook" if self.oauth is None else "oauth"

    @property
    def written_files(self) -> Mapping[tuple[str, ...], Path]:
        """The file of its tokens."""
        return {} if self.oauth is None else {("oauth", "token_file"): self.oauth.token_file}

    @property
    def account(self) -> Account | None:
        """The portal, as far as it is known without asking: by its host, or by the file of its tokens."""
        if self.webhook_url is None:
            if self.oauth is None:
                return None
            return Account(self.oauth.token_file, f"the account of {self.oauth.token_file}")
        place = urlsplit(self.webhook_url.reveal())
        # On this machine only simulators and tunnels answer: there one host may be many portals.
        one_of_many = (place.netloc, self.webhook_url) if is_loopback(place.hostname or "") else place.netloc
        return Account(one_of_many, f"the portal {place.netloc}")

    @property
    def undivided(self) -> frozenset[str]:
        """The portal, whose limit is one for all who ask it from here, and the chain of tokens, which one process may renew.

        The portal of an application stands in its token file, which not every process has; ``base_url`` says it to all.
        """
        url = self.webhook_url.reveal() if self.webhook_url else self.base_url
        portal = {f"bitrix24 portal {_portal(url)}"} if url else set()
        tokens = {f"bitrix24 tokens {normpath(self.oauth.written)}"} if self.oauth else set()
        return frozenset(portal | tokens) or super().undivided


def _portal(url: str) -> str:
    parts = urlsplit(url)
    host = ascii_host(parts.hostname or "")
    return host if parts.port in {None, _PORTS.get(parts.scheme)} else f"{host}:{parts.port}"
