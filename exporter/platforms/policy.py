"""What a target's configuration says besides how to ask it: days become moments in its zone, names become label values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from exporter.counting import day_start
from exporter.model import Message
from exporter.platforms.settings import Accepted, Target
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy, WarningKind
from exporter.support.listing import first_names

_DAY: Final = timedelta(days=1)


def policy_of(target: Target) -> TargetPolicy:
    """Return the policy of ``target``, with all that it accepts, whether or not that is over by now."""
    zone = target.timezone

    def known(accepted: Accepted) -> AcceptedReason:
        return AcceptedReason(accepted.why, None if accepted.until is None else day_start(accepted.until + _DAY, zone))

    def by(names: Iterable[tuple[str | None, Accepted]]) -> Mapping[str, AcceptedReason]:
        return {name: known(accepted) for name, accepted in names if name is not None}

    label = target.connection_label
    return TargetPolicy(
        zone=zone.key,
        resource_aliases=target.resource_aliases,
        sign_in=target.sign_in,
        credential=target.credential_source,
        paused=AcceptedReason() if target.paused else None,
        closed=tuple((day_start(days.first, zone), day_start(days.last + _DAY, zone)) for days in target.closed),
        connections=by((row.connection and label(row.connection), row) for row in target.accepted),
        bookings=by((row.booking, row) for row in target.accepted),
        warnings=by((row.warning, row) for row in target.accepted),
    )


def expired_warning(target: str, policy: TargetPolicy) -> ConfigWarning | None:
    """Return the warning that what ``target`` accepted is over, if any of it is at the moment of ``policy``."""
    if not policy.expired:
        return None
    message = Message(
        "the last day of an entry of `accepted` is over, so it is judged again: %(names)s", names=first_names(policy.expired)
    )
    fix = Message("remove the entry from `accepted`, or give it a later `until`")
    return ConfigWarning(WarningKind.EXPIRED, target, message, fix)
