"""What is found of an account and of the configuration: limits, budgets, credentials, addresses, and what is not watched."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.model import Message
from exporter.platforms.advice import Advice
from exporter.policy import WarningKind
from exporter.state import advice
from exporter.state.findings.finding import Finding
from exporter.state.snapshot import TargetView, View
from exporter.state.verdict import (
    API_LIMITED,
    BUDGET_SPENT,
    CONFIG_WARNING,
    CREDENTIAL_EXPIRY,
    LIMITS,
    PORTAL_MOVED,
    RELOAD_REFUSED,
    RENEW_SECONDS,
)


def of_account(target: TargetView, now: float) -> Iterator[Finding]:
    """Yield what is found of the account of ``target`` at ``now``."""
    usage = target.usage
    # A collector that failed for the limit says so already.
    told = any(state.failure is not None and state.failure.reason in LIMITS for state in target.collectors)
    if usage.paused_until is not None and usage.paused_until > now and not told:
        yield Finding(API_LIMITED, target.name, "requests", Message("the platform asked to wait"), advice.LIMITED)
    for budget in usage.budgets:
        # What is left of `requests` is our own pace: it comes back within seconds.
        if budget.name == "operating" and budget.remaining <= 0 and not told:
            yield Finding(BUDGET_SPENT, target.name, budget.name, Message("operating time is used up"), advice.BUDGET_SPENT)
    expiry = usage.credential_expiry
    if expiry is not None and expiry - now < RENEW_SECONDS:
        title = Message("credential ends soon") if expiry > now else Message("credential has ended")
        yield Finding(CREDENTIAL_EXPIRY, target.name, "credential", title, advice.CREDENTIAL_ENDS, until=expiry)
    if usage.moved is not None:
        fix = advice.moved(usage.moved)
        yield Finding(
            PORTAL_MOVED, target.name, "address", Message("the account moved to %(host)s", host=usage.moved.host), fix
        )


def of_configuration(view: View) -> Iterator[Finding]:
    """Yield what is found of the configuration in force, and of one that was refused."""
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
        if warning.kind == WarningKind.OPERATORS_BY_DEFAULT:
            title = Message("the configuration shows more than it seems to")
            means = Advice("Whoever has a password and is named nowhere sees every site.", warning.fix)
        else:
            title = Message("the configuration watches less than it seems to")
            means = Advice("The configuration watches less than it seems to.", warning.fix)
        yield Finding(
            CONFIG_WARNING,
            warning.target or "",
            warning.kind,
            title,
            means,
            detail=warning.message,
            reason=warning.kind,
        )
