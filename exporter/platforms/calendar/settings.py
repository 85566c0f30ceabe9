"""What a user may write about an owner's own calendar (docs/platforms/calendar.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from exporter.fields.credentials import SECRET_SCHEMA, Origin, secret_text, shown_source, source_of, split_url
from exporter.fields.kinds import Duration, Reading, field_error, field_errors, text_of
from exporter.platforms.calendar.ics_address import FeedAddress, is_subscribed
from exporter.platforms.settings import (
    MAY_BE_EMPTY,
    Account,
    ChosenWindows,
    Collectors,
    CollectorSettings,
    Strict,
    Target,
    default,
)
from exporter.proof import WINDOWS_SECONDS
from exporter.support.secret import Secret

_FORM: Final = "https://dav.example.org/anna/main/"
_USER_EXAMPLE: Final = "anna"
_PASSWORD_EXAMPLE: Final = {"file": "/run/secrets/anna_cal"}
_MAX_USER_LETTERS: Final = 200
FEED_GRACE_SECONDS: Final = 6 * 3600.0
"""Publishers make their feeds anew when they like (docs/platforms/calendar.md 3)."""


def _address(value: object, info: ValidationInfo) -> Secret:
    """Return the address of a calendar. What is behind its host often has its owner's name, so it is shown nowhere."""
    if isinstance(value, Secret):
        return value
    text = text_of(value, _FORM).strip()
    if is_subscribed(text):
        raise field_error("is the address of a feed", "write it as ics_url, in place of caldav")
    parts, wrong = split_url(text, _FORM)
    if parts.path in ("", "/"):
        wrong.append(("names a server and none of its calendars", f"write the address of one calendar, like {_FORM}"))
    if not re.fullmatch("[!-~]*", parts.path):
        wrong.append(("has letters that no address has", "copy it as the calendar's server shows it, encoded with %"))
    if wrong:
        raise field_errors(wrong)
    origin = f"{parts.scheme}://{parts.netloc}"
    if isinstance(info.context, Reading):
        info.context.secrets.append(origin + parts.path)
    return Secret(origin + parts.path, origin)


def _user(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    text = text_of(value, _USER_EXAMPLE)
    if ":" in text:
        raise field_error("has a colon, which no user name has here", "write what stands before the colon")
    if not 0 < len(text) <= _MAX_USER_LETTERS or not text.isprintable() or text != text.strip():
        what = f"must be one line of 1 to {_MAX_USER_LETTERS} characters without blanks at its ends"
        raise field_error(what, f"write it like {_USER_EXAMPLE}")
    return Secret(text)


def _password(value: object, info: ValidationInfo) -> Secret:
    """Return a password as people choose them: with blanks and letters of any script inside."""
    text = secret_text(value, info).strip()
    if not text.isprintable():
        raise field_error("has a line break or a character that is not seen", "copy it again, in one line")
    return Secret(text, source_of(value))


Address = Annotated[
    Secret,
    PlainValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^https?://[^/?#@\\s]+/[^?#\\s]+$", "examples": [_FORM]}),
]
UserName = Annotated[
    Secret,
    PlainValidator(_user),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": _MAX_USER_LETTERS, "pattern": "^[^:]+$", "examples": [_USER_EXAMPLE]}
    ),
]


Password = Annotated[Secret, PlainValidator(_password), SECRET_SCHEMA]


class CalDav(Strict):
    """One calendar on a server, and who may read it."""

    url: Address = Field(
        description="Address of the calendar (not of the server, nor of the user). https only; http works on loopback. Without "
        "a user name or password in it.",
        examples=[_FORM],
    )
    username: UserName = Field(description="User name, as its owner uses it in a calendar program.", examples=[_USER_EXAMPLE])
    password: Password = Field(
        description="Password of that user: one for this exporter alone where the server can make some, and one that may only "
        "read where the server has such.",
        examples=[_PASSWORD_EXAMPLE],
    )
    read: Literal["free_busy", "entries"] = Field(
        default="free_busy",
        description="`free_busy` reads only when the owner is busy: no title leaves the server. `entries` reads the time of "
        "each entry: for servers that do not tell busy times, and to tell copies that are marked as free.",
    )


class BusySettings(CollectorSettings):
    """When the owner is busy."""

    interval: Duration = default("5m", "Time between two polls.")
    windows: ChosenWindows = Field(
        default_factory=tuple,
        validate_default=False,
        description="Windows whose busy time is told: names from the global `windows`, or windows of its own. Pairs need none. "
        "Default: next_24h and next_7d.",
    )

    @classmethod
    def windows_by_default(cls, written: Mapping[str, object], names: Sequence[str]) -> Sequence[object]:
        """Return the windows that pairs are judged in, or all where there is none of these names."""
        del written
        return [name for name in names if name in WINDOWS_SECONDS] or names


class CalendarCollectors(Collectors):
    """The collectors of a calendar; one without a value has its defaults."""

    busy: Annotated[BusySettings | None, MAY_BE_EMPTY] = Field(
        default=None, validate_default=False, description="When the owner is busy."
    )


class CalendarTarget(Target):
    """An owner's own calendar: exactly one of `caldav`, `ics_url`."""

    OWN = Target.OWN | {"caldav", "ics_url"}

    platform: Literal["calendar"] = Field(description="`calendar`.")
    caldav: CalDav | None = Field(
        default=None,
        description="The calendar on a CalDAV server.",
        examples=[{"url": _FORM, "username": _USER_EXAMPLE, "password": _PASSWORD_EXAMPLE}],
    )
    ics_url: FeedAddress | None = Field(
        default=None,
        description="Address of a calendar that is published as a feed (iCalendar): the secret address of Google, a published "
        "calendar of Outlook or iCloud. A credential as a whole: whoever knows it reads the calendar. Needs the extra "
        "`ics`: in a clone `pip install '.[ics]'`.",
    )
    base_url: Origin | None = Field(
        default=None,
        description="Base URL instead of the origin of the calendar's address: a reverse proxy, the simulator. `http://` works "
        "on loopback only.",
    )
    timeout: Duration = default("60s", "Maximum duration of one HTTP request. Servers work out busy times when they are asked.")
    collectors: Annotated[CalendarCollectors, MAY_BE_EMPTY] = Field(
        default_factory=CalendarCollectors, description="Collectors that run. Default: `busy` with its defaults."
    )

    @property
    def pair_grace(self) -> float:
        return super().pair_grace if self.caldav is not None else FEED_GRACE_SECONDS

    @property
    def credential_source(self) -> str:
        secret = self.caldav.password if self.caldav is not None else self.ics_url
        identity = "" if secret is None else secret.identity
        # That of a feed's address is its source and its origin.
        return shown_source(identity if self.caldav is not None else identity.rpartition(" ")[0], self.name)

    @property
    def sign_in(self) -> str:
        return "caldav" if self.caldav is not None else "feed"

    @property
    def account(self) -> Account | None:
        """The calendar, by its address, of which nothing but the host is shown."""
        if self.caldav is not None:
            return Account(self.caldav.url, f"the calendar on {urlsplit(self.caldav.url.identity).netloc}")
        if self.ics_url is None:
            return None
        return Account(self.ics_url, f"the feed on {urlsplit(self.ics_url.identity.rpartition(' ')[2]).netloc}")

    @property
    def undivided(self) -> frozenset[str]:
        """The calendar, as a hash of its address: whose bookings it has is known to who judges all of its pairs."""
        address = self.caldav.url if self.caldav is not None else self.ics_url
        if address is None:
            return super().undivided
        return frozenset({f"calendar {blake2b(address.reveal().encode(), digest_size=8).hexdigest()}"})
