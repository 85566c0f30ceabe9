"""Who hears of alerts, and how: the parts of ``monitoring.yml`` that become receivers and routes of an Alertmanager.

What a user writes is what runs: one frozen model for each mapping. A secret is never in the file, only where Alertmanager
finds it; nothing of it is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from exporter.fields.kinds import LabelValue, Zone, field_error, named, seen, text_of
from exporter.fields.links import secret_part
from exporter.monitoring.extra import Extra
from exporter.platforms.settings import Strict
from exporter.support.close_matches import close_match
from exporter.support.redaction import is_plain_text

SECRETS: Final = "/run/secrets"
"""Where compose.yaml mounts the files with secrets into Alertmanager."""

FixedBy = Literal["exporter operator", "account administrator", "calendar owner", "front desk", "platform"]
"""The values of the label ``fixed_by``."""

_TEMPLATED: Final = "{{"


def secret_file(value: object) -> str:
    """Return the path of a file with a secret. Raises for what is no path, and may be the secret itself.

    The error is a :func:`~exporter.fields.kinds.field_error`.
    """
    path = seen(text_of(value, f"{SECRETS}/name"))
    if "://" in path or "/" not in path or path.endswith("/") or not path.isprintable() or _TEMPLATED in path:
        # Never shown: somebody may have put the secret itself here.
        fix = f"put the secret into a file that Alertmanager can read and name that, for example {SECRETS}/name"
        raise field_error("is not the path of a file", fix)
    if path != path.strip() or path.startswith(("~", "$")):
        raise field_error("begins or ends with a blank, or with what only a shell replaces", "write the whole path")
    return path


SecretFile = Annotated[
    str,
    PlainValidator(secret_file),
    WithJsonSchema({"type": "string", "pattern": "^[^{]*/[^/{]+$", "examples": [f"{SECRETS}/name"]}),
]


def _mail_addresses(value: object) -> str:
    text = seen(text_of(value, "team@example.org", any_text=False))
    if not all(re.fullmatch(r"[^\s@{}<>,;:\"]+@[^\s@{}<>,;:\"]+", one.strip()) for one in text.split(",")):
        raise field_error("is not an e-mail address", "write it like team@example.org; several with commas between them")
    return text


MailAddresses = Annotated[
    str, PlainValidator(_mail_addresses), WithJsonSchema({"type": "string", "examples": ["team@example.org"]})
]


def _one(text: str) -> str:
    if "," in text:
        raise field_error("is more than one address", "write the one that mail comes from")
    return text


MailAddress = Annotated[MailAddresses, AfterValidator(_one)]


PORT: Final = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"


def _smarthost(value: object) -> str:
    text = seen(text_of(value, "smtp.example.org:587", any_text=False))
    host, _, port = text.rpartition(":")
    if not (re.fullmatch(r"[\w.\-\[\]:]+", host) and re.fullmatch(PORT, port)):
        # Not more of it than the host: a password may stand in an address.
        bare = re.sub(r"^[a-z]+://", "", text)
        is_host = re.fullmatch(r"[A-Za-z0-9.-]+", bare) and is_plain_text(bare)
        fix = f"add the port: {bare}:587" if is_host else "write it like smtp.example.org:587"
        raise field_error("is not HOST:PORT with a port from 1 to 65535", fix)
    return text


Smarthost = Annotated[
    str,
    PlainValidator(_smarthost),
    WithJsonSchema({"type": "string", "pattern": ":[0-9]+$", "examples": ["smtp.example.org:587"]}),
]
Channel = Annotated[str, *named(r"[#@]?[^\s{}#@][^\s{}]{0,79}", "a channel of Slack", '"#bookings", in quotes')]
Login = Annotated[str, *named(r"[^\s{}]{1,254}", "a user name: no blanks and no braces", "booking-sync")]


def _chat(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value == 0 or abs(value) >= 2**63:
        raise field_error(
            "is not the number of a chat", "write the number, without quotes; that of a group begins with a minus"
        )
    return value


Chat = Annotated[int, PlainValidator(_chat), WithJsonSchema({"type": "integer", "not": {"const": 0}})]


def _web_address(value: object) -> str:
    text = seen(text_of(value, "https://heartbeat.example.org/ping", any_text=False))
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and re.search(r"\w", parts.hostname or "") is not None and parts.port != 0
    except ValueError:
        usable = False
    if secret := secret_part(text):
        raise field_error(f"holds {secret}", "put the whole address into a file and name that in url_file")
    # What Go takes for no address: Alertmanager would not start.
    if not usable or _TEMPLATED in text or re.search(r"[\s\"'<>\\^`|]|%(?![0-9A-Fa-f]{2})", text):
        raise field_error("is not a web address", "write it like https://heartbeat.example.org/ping")
    return text


WebAddress = Annotated[str, PlainValidator(_web_address), WithJsonSchema({"type": "string", "pattern": "^https?://"})]


def _clock(value: object) -> str:
    text = text_of(value, '"08:00"', any_text=False)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        found = re.fullmatch(r"(\d{1,2})(?:[:.](\d\d))?(?: ?h| ?Uhr)?", text.strip())
        meant = f"{int(found[1]):02}:{found[2] or '00'}" if found else ""
        is_time = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", meant)
        raise field_error("is not a time of the day", f'write "{meant}"' if is_time else 'write it like "08:00", in quotes')
    return text


Clock = Annotated[
    str, PlainValidator(_clock), WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"})
]

_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def _as_weekdays(text: str) -> str:
    """Return how to write days of which one is misspelt or short, as in ``mon-fri``."""
    written = re.split("[:-]", text)
    shortened = ((day for day in _DAYS if len(each) > 1 and day.startswith(each)) for each in written)
    days = [close_match(each, _DAYS) or next(short, None) for each, short in zip(written, shortened, strict=True)]
    if None in days or len(days) > 2:  # noqa: PLR2004  from, to
        return "write each like monday:friday, or sunday"
    return f"write {':'.join(map(str, days))}"


def _weekdays(value: object) -> str:
    text = text_of(value, "monday:friday", any_text=False).lower()
    found = [_DAYS.index(day) if day in _DAYS else None for day in text.split(":")]
    if None in found or len(found) > 2:  # noqa: PLR2004  from, to
        raise field_error("is not a day of the week, nor a range of them", _as_weekdays(text))
    if len(found) > 1 and (found[0] or 0) > (found[1] or 0):
        raise field_error("ends before it begins: Alertmanager's week begins on sunday", "write two: saturday, sunday")
    return text


Weekdays = Annotated[str, PlainValidator(_weekdays), WithJsonSchema({"type": "string", "examples": ["monday:friday"]})]


class PagerDuty(Strict):
    """A service of PagerDuty (Events API v2)."""

    routing_key_file: SecretFile = Field(description="File with the integration key.")


class Telegram(Strict):
    """A chat of Telegram. Alertmanager 0.26 or newer: older ones read no token from a file."""

    bot_token_file: SecretFile = Field(description="File with the token of the bot.")
    chat_id: Chat = Field(description="Number of the chat; that of a group begins with a minus.")


class MailTo(Strict):
    """Addresses of mail; the server is in `mail`."""

    to: MailAddresses = Field(description="One address, or several with commas between them.")


class Slack(Strict):
    """A channel of Slack, or of a service with the same webhooks."""

    api_url_file: SecretFile = Field(description="File with the address of the incoming webhook.")
    channel: Channel = Field(description="Channel, in quotes if it begins with #.")


class Webhook(Strict):
    """An address for Alertmanager's JSON, for example of a dead man's switch."""

    url: WebAddress | None = Field(default=None, description="The address, if it is not a secret; without a query and a user.")
    url_file: SecretFile | None = Field(
        default=None, description="File with the address. Alertmanager 0.28 or newer: older ones crash."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise field_error("needs one of url and url_file", "name the address, or the file that holds it")
        return self


class Way(Strict):
    """One way to reach somebody: exactly one of these keys."""

    pagerduty: PagerDuty | None = Field(default=None, description="PagerDuty.")
    telegram: Telegram | None = Field(default=None, description="Telegram; Alertmanager 0.26 or newer.")
    mail: MailTo | None = Field(default=None, description="Mail.")
    slack: Slack | None = Field(default=None, description="Slack.")
    webhook: Webhook | None = Field(default=None, description="A webhook.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.kind is None:
            raise field_error(f"needs exactly one of {', '.join(type(self).model_fields)}", "write one list entry for each")
        return self

    @property
    def kind(self) -> str | None:
        """The key that is given."""
        return next((name for name in type(self).model_fields if getattr(self, name) is not None), None)

    @property
    def needs(self) -> tuple[str, str] | None:
        """What of it the oldest Alertmanager that runs the bundle lacks, and the version that has it."""
        if self.telegram:
            return "telegram", "0.26"
        return ("url_file of a webhook", "0.28") if self.webhook and self.webhook.url_file else None


def _each_once(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    if len(set(ways)) < len(ways):
        raise field_error("names one receiver twice, so every message would be sent twice", "write each entry once")
    return ways


Ways = Annotated[tuple[Way, ...], Field(strict=False, min_length=1), AfterValidator(_each_once)]


class MailServer(Strict):
    """How Alertmanager sends mail."""

    smarthost: Smarthost = Field(description="HOST:PORT of the server that takes it.")
    sender: MailAddress = Field(alias="from", description="Address of the sender.")
    username: Login | None = Field(default=None, description="User name for the mail server; without it there is no login.")
    password_file: SecretFile | None = Field(default=None, description="File with the password of this user.")
    require_tls: bool = Field(default=True, description="Whether STARTTLS is required; port 465 uses TLS from the start.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise field_error("needs both username and password_file, or neither", "add the other one")
        return self


_PAGER: Final = (Way(pagerduty=PagerDuty(routing_key_file=f"{SECRETS}/pagerduty_routing_key")),)
_TICKETS: Final = (
    Way(mail=MailTo(to="booking-team@example.org")),
    Way(slack=Slack(api_url_file=f"{SECRETS}/slack_webhook_url", channel="#bookings")),
)
_HEARTBEAT: Final = (Way(webhook=Webhook(url="https://heartbeat.example.org/ping")),)


class Receivers(Strict):
    """Who is notified; a key that is left out keeps the example's receivers."""

    pager: Ways = Field(default=_PAGER, description="Receivers of pages: critical alerts, which wake somebody.")
    tickets: Ways = Field(default=_TICKETS, description="Receivers of tickets: warnings, which can wait.")
    heartbeat: Annotated[tuple[Way, ...], Field(strict=False), AfterValidator(_each_once)] = Field(
        default=_HEARTBEAT,
        description="Dead man's switch, which gets a heartbeat every minute; `[]` if another one watches Prometheus and "
        "Alertmanager.",
    )


class Route(Strict):
    """Alerts that go to somebody else and not to the receivers above. An alert goes by the first route that matches it."""

    fixed_by: FixedBy | None = Field(default=None, description="Who has to act.")
    site: LabelValue | None = Field(default=None, description="Value of the label `site` of the targets.")
    severity: Literal["critical", "warning"] | None = Field(
        default=None, description="Severity of the alerts; both if left out."
    )
    to: Ways = Field(description="Receivers of these alerts.")

    @model_validator(mode="after")
    def _some_of_them(self) -> Self:
        if self.fixed_by is None and not self.site:
            raise field_error("takes every alert", "add fixed_by, site or both")
        if self.site == "":
            raise field_error("names no site", "leave site out for all of them")
        return self


class OfficeHours(Strict):
    """When tickets are sent; pages are sent at any time. An alert that ends before the office opens is never sent."""

    weekdays: Annotated[tuple[Weekdays, ...], Field(strict=False, min_length=1)] = Field(
        default=("monday:friday",), description="Days, each one or from:to."
    )
    start: Clock = Field(default="08:00", alias="from", description="Opening time, in quotes.")
    end: Clock = Field(default="18:00", alias="to", description="Closing time, in quotes.")
    timezone: Zone = Field(description="IANA zone that these times are in.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise field_error("closes before it opens", "write an end (to) that is later than the start (from)")
        return self


class Delivery(Strict):
    """All of it."""

    mail: MailServer | None = None
    receivers: Receivers = Receivers()
    routes: tuple[Route, ...] = ()
    office_hours: OfficeHours | None = None
    extra: Extra = Extra()

    def ways(self) -> Iterator[tuple[tuple[str | int, ...], Way]]:
        """Yield every way, with its place in the file."""
        for name in type(self.receivers).model_fields:
            for index, way in enumerate(getattr(self.receivers, name)):
                yield ("receivers", name, index), way
        for number, route in enumerate(self.routes):
            for index, way in enumerate(route.to):
                yield ("routes", number, "to", index), way
