"""What is found of an account and of the configuration: limits, budgets, credentials, addresses, and what is not watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final

from exporter.model import Message
from exporter.platforms.advice import Advice
from exporter.policy import WarningKind
from exporter.state import advice
from exporter.state.findings.finding import Finding
from exporter.state.snapshot import TargetView, View
from exporter.state.verdict import (
    API_LIMITED,
    BUDGET_SPENT,
    CHECK_REFUSED,
    CONFIG_WARNING,
    CREDENTIAL_EXPIRY,
    LIMITS,
    PORTAL_MOVED,
    RELOAD_REFUSED,
    WARNING_ACCEPTED,
)

_TITLES: Final[Mapping[WarningKind, str]] = MappingProxyType(
    {
        WarningKind.CONFLICTS_OFF: Message("double bookings are not checked"),
        WarningKind.WINDOW_MISSING: Message("a window that alerts need is not counted"),
        WarningKind.SAME_ACCOUNT: Message("one account is watched under two names"),
        WarningKind.EXPIRED: Message("an entry of `accepted` has ended"),
        WarningKind.UNKNOWN_SCHEDULE: Message("a schedule to watch does not exist, or has no calendar"),
        WarningKind.UNKNOWN_ALIAS: Message("a schedule that has an alias does not exist, or has no calendar"),
        WarningKind.UNKNOWN_RESOURCE: Message("a resource that the configuration names does not exist"),
        WarningKind.UNKNOWN_SERVICE: Message("a service that the configuration names does not exist, or takes no appointments"),
        WarningKind.UNKNOWN_ACCEPTED: Message("an entry of `accepted` fits nothing"),
        WarningKind.NO_CONNECTIONS: Message("no calendar is connected"),
        WarningKind.CHECK_REFUSED: Message("a check is refused"),
        WarningKind.OPERATORS_BY_DEFAULT: Message("some users see every site"),
        WarningKind.DISCOVERY: Message("sites of an account may be missing here"),
    }
)


def of_account(target: TargetView, now: float) -> Iterator[Finding]:
    """Yield what is found of the account of ``target`` at ``now``."""
    usage = target.usage
    # A collector that failed for the limit says so already.
    told = any(state.failure is not None and state.failure.reason in LIMITS for state in target.collectors)
    if usage.paused_until is not None and usage.paused_until > now and not told:
        yield Finding(API_LIMITED, target.name, "requests", Message("the platform asked the exporter to wait"), advice.LIMITED)
    for budget in usage.budgets:
        # What is left of `requests` is our own pace: it comes back within seconds.
        if budget.name == "operating" and budget.remaining <= 0 and not told:
            yield Finding(BUDGET_SPENT, target.name, budget.name, Message("operating time is used up"), advice.BUDGET_SPENT)
    expiry = usage.credential_expiry
    if expiry is not None and expiry - now < target.thresholds.credential_expiry_within:
        title = Message("credential ends soon") if expiry > now else Message("credential has ended")
        yield Finding(CREDENTIAL_EXPIRY, target.name, "credential", title, advice.CREDENTIAL_ENDS, until=expiry)
    if usage.moved is not None:
        fix = advice.moved(usage.moved)
        yield Finding(
            PORTAL_MOVED, target.name, "address", Message("the account moved to %(host)s", host=usage.moved.host), fix
        )


def of_configuration(view: View, down: AbstractSet[str] = frozenset()) -> Iterator[Finding]:
    """Yield what is found of the configuration in force, and of one that was refused.

    Of targets that are ``down`` without a connection it is told already that they have none.
    """
    if (rejected := view.rejected_config) is not None:
        detail, more = rejected.problem, rejected.problems - 1
        if more > 0:
            detail = Message("%(problem)s (and %(number)s more)", problem=rejected.problem, number=more)
        yield Finding(
            RELOAD_REFUSED,
            "",
            "configuration",
            Message("a changed configuration was refused"),
            advice.RELOAD_REFUSED,
            since=rejected.at,
            detail=detail,
        )
    for warning in view.config_warnings:
        kind = WarningKind(warning.kind)
        if kind is WarningKind.MISSING_RIGHT or (kind is WarningKind.NO_CONNECTIONS and warning.target in down):
            continue  # the collector that was refused says so, and who is down says it louder
        yield Finding(
            CHECK_REFUSED if kind is WarningKind.CHECK_REFUSED else CONFIG_WARNING,
            warning.target or "",
            warning.kind,
            _TITLES[kind],
            Advice(advice.UNWATCHED[kind], warning.fix),
            detail=warning.message,
            reason=warning.kind,
        )
    yield from _of_accepted(view)


def _of_accepted(view: View) -> Iterator[Finding]:
    policies = {target.name: target.policy for target in view.targets} if view.accepted_warnings else {}
    for warning in view.accepted_warnings:
        title = _TITLES.get(WarningKind(warning.kind))
        known = policies[warning.target].warnings.get(warning.kind) if warning.target else None
        # What is accepted of a missing right is the warning; the collector that was refused is judged.
        if title is not None and known is not None:
            yield Finding(
                WARNING_ACCEPTED,
                warning.target or "",
                warning.kind,
                title,
                advice.KNOWN,
                until=known.until,
                known=known,
                detail=warning.message,
            )
