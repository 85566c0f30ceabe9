"""The block ``verdicts:`` of the file: from when on a row of the table of verdicts holds, and how bad it is.

Only what every teller can follow is offered: the rules see no further back, and no closer, than their data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, WrapValidator

from exporter.fields.durations import format_duration
from exporter.fields.kinds import Duration, between, field_error
from exporter.platforms.settings import MAY_BE_EMPTY, Strict, default
from exporter.state import bounds
from exporter.state.thresholds import DEFAULTS, Thresholds

_DAY: Final = 86_400.0


def _written(span: bounds.ThresholdBounds) -> tuple[str, str]:
    """Return the least and the greatest value as a user writes them."""
    return format_duration(span.min_seconds()), f"{span.max_seconds / _DAY:.0f}d"


def _within(span: bounds.ThresholdBounds) -> WrapValidator:
    """Return a check of a duration: from the least to the greatest value that is of use."""
    minimum, maximum = _written(span)

    def refuse(seconds: float) -> None:
        if seconds < span.min_seconds():
            raise field_error(_too_short(span), f"write {minimum} or more")
        if seconds > span.max_seconds:
            raise field_error("is longer than its alert looks", f"write {maximum} or less")

    return between(span.min_seconds(), span.max_seconds, refuse)


def _too_short(span: bounds.ThresholdBounds) -> str:
    if span.hold:
        delay = format_duration(span.alert_delay_seconds())
        return f"is too short: its alert takes up to {delay}, and the same time must remain to act"
    return "is too short: a state that only one poll saw would be a problem"


def _time(span: bounds.ThresholdBounds, seconds: float, description: str) -> Any:  # noqa: ANN401  like pydantic.Field
    """Return a field for a threshold that is a time, which says its bounds."""
    minimum, maximum = _written(span)
    return default(format_duration(seconds), f"{description} From {minimum} to {maximum}.")


_Share = Annotated[float, Field(gt=0, lt=1)]
_Number = Annotated[int, Field(ge=1, le=10_000)]

_NO_PAGE: Final = "`warning` becomes a ticket, with `ok` it is only listed and a single one has no alert."
_Severity = Annotated[Literal["critical", "warning", "ok"], Field(description=f"Severity: `critical` pages, {_NO_PAGE}")]
_Quiet = Annotated[Literal["warning", "ok"], Field(description=_NO_PAGE)]


class Conflict(Strict):
    """Two bookings overlap on a resource."""

    soon: Annotated[Duration, _within(bounds.CONFLICT_SOON)] = _time(
        bounds.CONFLICT_SOON, DEFAULTS.conflict_soon, "An overlap that begins within this time is critical."
    )
    later: _Quiet = Field(
        default="warning", description=f"Severity of an overlap that begins later: {_NO_PAGE} If it should page, raise `soon`."
    )


class ExternalConflict(Strict):
    """A private event does not block a booking."""

    soon: Annotated[Duration, _within(bounds.EXTERNAL_CONFLICT_SOON)] = _time(
        bounds.EXTERNAL_CONFLICT_SOON,
        DEFAULTS.external_conflict_soon,
        "It is critical when the booking begins within this time.",
    )
    later: _Quiet = Field(
        default="warning",
        description=f"Severity when the booking begins later: {_NO_PAGE} If it should page, raise `soon`.",
    )


class ConnectionsDown(Strict):
    """No connection of a target works."""

    least: _Number = Field(
        default=DEFAULTS.connections_down_least, description="Minimum number of connections that worked recently."
    )
    within: Annotated[Duration, _within(bounds.CONNECTIONS_DOWN)] = _time(
        bounds.CONNECTIONS_DOWN, DEFAULTS.connections_down_within, "How far back recently reaches."
    )


class Disconnected(Strict):
    """A connection was disconnected."""

    within: Annotated[Duration, _within(bounds.DISCONNECTED)] = _time(
        bounds.DISCONNECTED,
        DEFAULTS.connection_disconnected_within,
        "The connection is a problem for this long; after that it is only listed.",
    )
    severity: _Severity = "warning"


class Stuck(Strict):
    """A connection does not finish its sync."""

    after: Annotated[Duration, _within(bounds.STUCK)] = _time(
        bounds.STUCK, DEFAULTS.connection_stuck_after, "The state is a problem once it has lasted this long."
    )
    severity: _Severity = "warning"


class Unclear(Strict):
    """A connection has a state that does not say whether it works."""

    after: Annotated[Duration, _within(bounds.UNCLEAR)] = _time(
        bounds.UNCLEAR, DEFAULTS.connection_unclear_after, "The state is a problem once it has lasted this long."
    )
    severity: _Severity = "warning"


class CredentialExpiry(Strict):
    """A credential has to be renewed by a person."""

    within: Annotated[Duration, _within(bounds.CREDENTIAL_EXPIRY)] = _time(
        bounds.CREDENTIAL_EXPIRY,
        DEFAULTS.credential_expiry_within,
        "The credential is a problem when it ends within this time.",
    )
    severity: _Severity = "warning"


class UnlinkedBookings(Strict):
    """Bookings have no link to a CRM entity."""

    share: _Share = Field(
        default=DEFAULTS.unlinked_bookings_share, description="More than this share of a window's bookings is a problem."
    )
    least: _Number = Field(
        default=DEFAULTS.unlinked_bookings_least,
        description="Minimum number of verified bookings in the window; with fewer, the share is no problem.",
    )
    severity: _Severity = "warning"


class LinksUnverified(Strict):
    """Links were last read too long ago."""

    share: _Share = Field(
        default=DEFAULTS.links_unverified_share, description="More than this share of a window's bookings is a problem."
    )
    severity: _Severity = "warning"


class IntakeSilent(Strict):
    """No new booking arrives for a day."""

    least: _Number = Field(
        default=DEFAULTS.intake_silent_least,
        description="Minimum number of new bookings on the same day a week before; with fewer, no new booking is no problem.",
    )
    severity: _Severity = "warning"


class PollOverdue(Strict):
    """A poll is overdue."""

    intervals: Annotated[float, Field(ge=1, le=bounds.MAX_OVERDUE_INTERVALS)] = Field(
        default=DEFAULTS.poll_overdue_intervals,
        description="A poll is a problem when it is more than this number of intervals late. If that "
        "lasts, another alert reports old data.",
    )
    severity: _Quiet = "warning"


class Judged(Strict):
    """A state without a threshold."""

    severity: _Severity = "warning"


class Noted(Strict):
    """A state without a threshold that never pages: a fuller alert inhibits its own."""

    severity: _Quiet = "warning"


class Verdicts(Strict):
    """Thresholds and severities, by the kinds of the table of verdicts."""

    model_config = ConfigDict(title="Verdicts")

    conflict: Annotated[Conflict, MAY_BE_EMPTY] = Field(
        default_factory=Conflict, description="Two bookings overlap on a resource."
    )
    conflict_marked: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged,
        description="Wix itself marks bookings as double-booked, and the exporter does not compare them.",
    )
    external_conflict: Annotated[ExternalConflict, MAY_BE_EMPTY] = Field(
        default_factory=ExternalConflict,
        description="An event of a private calendar does not block a booking that it overlaps.",
    )
    booked_over: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="An event of a private calendar was put over a booking."
    )
    no_open_slots: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A service has no slot in the next 7 days that a customer can book."
    )
    booking_not_in_calendar: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged,
        description="A booking is not in its owner's calendar and begins in more than 24 hours.",
    )
    calendar_shifted: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="Bookings are in their owner's calendar at another time."
    )
    calendar_not_blocking: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="The platform does not know a busy time of a calendar that it imports."
    )
    cancelled_in_calendar: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A cancelled booking is still in its owner's calendar."
    )
    calendar_mismatch: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged,
        description="A booking of the next 24 hours differs from its copy in the staff's calendar.",
    )
    connections_down: Annotated[ConnectionsDown, MAY_BE_EMPTY] = Field(
        default_factory=ConnectionsDown, description="No connection of a target works any more, and several did."
    )
    provider_failing: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A calendar provider cannot be read."
    )
    connection_error: Annotated[Judged, MAY_BE_EMPTY] = Field(default_factory=Judged, description="A connection is in `error`.")
    connection_disconnected: Annotated[Disconnected, MAY_BE_EMPTY] = Field(
        default_factory=Disconnected, description="A connection that worked is `disconnected`."
    )
    connection_stuck: Annotated[Stuck, MAY_BE_EMPTY] = Field(
        default_factory=Stuck, description="A connection is `sync_in_progress`, or `connected` although it exports."
    )
    connection_unclear: Annotated[Unclear, MAY_BE_EMPTY] = Field(
        default_factory=Unclear, description="A connection is `undefined` or `unknown`."
    )
    connection_probe_failed: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A connection is said to work, and the calendars of its account cannot be read."
    )
    import_calendar_missing: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A connection imports from no calendar, or from one that does not exist."
    )
    account_shared: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="One external account is connected to several schedules."
    )
    staff_unprotected: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A staff member takes bookings, and nobody imports the member's appointments."
    )
    import_silent: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="No private events come through any more."
    )
    import_frozen: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="Private events no longer change."
    )
    import_shortened: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="Private events end sooner than before."
    )
    heartbeat_missing: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="The heartbeat of a calendar does not arrive."
    )
    budget_spent: Annotated[Noted, MAY_BE_EMPTY] = Field(
        default_factory=Noted, description="The operating time of a portal is used up; its alert comes before that."
    )
    credential_expiry: Annotated[CredentialExpiry, MAY_BE_EMPTY] = Field(
        default_factory=CredentialExpiry, description="A credential that a person must renew ends soon."
    )
    unlinked_bookings: Annotated[UnlinkedBookings, MAY_BE_EMPTY] = Field(
        default_factory=UnlinkedBookings, description="Bookings have no link to a CRM entity."
    )
    intake_silent: Annotated[IntakeSilent, MAY_BE_EMPTY] = Field(
        default_factory=IntakeSilent, description="No new bookings arrive for a day."
    )
    window_incomplete: Annotated[Judged, MAY_BE_EMPTY] = Field(
        default_factory=Judged, description="A window could not be read completely."
    )
    links_unverified: Annotated[LinksUnverified, MAY_BE_EMPTY] = Field(
        default_factory=LinksUnverified, description="The links of a window's bookings were last read too long ago."
    )
    poll_overdue: Annotated[PollOverdue, MAY_BE_EMPTY] = Field(default_factory=PollOverdue, description="A poll is overdue.")

    @property
    def thresholds(self) -> Thresholds:
        """The same as the one value that all who judge take."""
        return Thresholds(
            conflict_soon=self.conflict.soon,
            external_conflict_soon=self.external_conflict.soon,
            connections_down_least=self.connections_down.least,
            connections_down_within=self.connections_down.within,
            connection_disconnected_within=self.connection_disconnected.within,
            connection_stuck_after=self.connection_stuck.after,
            connection_unclear_after=self.connection_unclear.after,
            credential_expiry_within=self.credential_expiry.within,
            unlinked_bookings_share=self.unlinked_bookings.share,
            unlinked_bookings_least=self.unlinked_bookings.least,
            links_unverified_share=self.links_unverified.share,
            intake_silent_least=self.intake_silent.least,
            poll_overdue_intervals=self.poll_overdue.intervals,
            severities=dict(self._moved()),
        )

    def _moved(self) -> Mapping[str, str]:
        rows = {kind: getattr(self, kind) for kind in type(self).model_fields}
        chosen = {kind: getattr(row, "severity", getattr(row, "later", "warning")) for kind, row in rows.items()}
        return {kind: severity for kind, severity in chosen.items() if severity != "warning"}
