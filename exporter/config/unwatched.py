"""What a valid configuration leaves unwatched, as far as it shows without asking anybody.

What polls show of it comes from :mod:`exporter.state.config_warnings`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from exporter.config.settings import Config
from exporter.fields.kinds import FieldProblem
from exporter.model import CollectorName, Message
from exporter.platforms.discovery import Discovery
from exporter.platforms.policy import expired_warning, policy_of
from exporter.platforms.settings import Target
from exporter.policy import ConfigWarning, WarningKind
from exporter.support.listing import first_names
from exporter.support.yaml_source import Path

ALERT_WINDOWS: Final[Mapping[CollectorName, tuple[str, ...]]] = {
    CollectorName.BOOKINGS: ("next_24h", "next_7d"),
    CollectorName.LINKS: ("next_7d",),
}
"""Windows by which the shipped alert rules judge; a test holds them against the rules."""


def unwatched(config: Config) -> Iterator[tuple[Path, ConfigWarning]]:
    """Yield what is left unwatched, and where in the file it is decided. A target that is paused is meant to be."""
    first: dict[Hashable, str] = {}
    facts = config.facts
    for index, target in enumerate(config.targets):
        if target.paused:
            continue
        path: Path = ("targets", index)
        for where, warning in (*facts.of(target, "unwatched", _of_target), *_same_account(target, first)):
            yield (*path, *where), warning


def unwatched_by(rule: Discovery) -> Iterator[tuple[Path, ConfigWarning]]:
    """Yield what each target of ``rule`` leaves unwatched, and where in the rule it is decided."""
    if not rule.target.paused:
        for where, warning in _of_target(rule.target):
            yield ("target", *where), warning


def unwatched_problems(
    found: Iterable[tuple[Path, ConfigWarning]], targets: Iterable[Target], now: float
) -> Iterator[FieldProblem]:
    """Yield what of ``found`` is accepted by none of ``targets`` at ``now`` (Unix seconds), and which acceptances are over.

    What is the same at many targets is said once, at the place of the first.
    """
    policies = {target.name: policy_of(target).at(now) for target in targets}
    alike: dict[tuple[str, str, str], tuple[Path, list[str]]] = {}
    for path, warning in found:
        if warning.target is None or warning.kind not in policies[warning.target].warnings:
            key = (warning.kind, warning.message, warning.fix)
            alike.setdefault(key, (path, []))[1].append(warning.target or "")
    for (_, message, fix), (path, names) in alike.items():
        many = f" ({len(names):,} targets: {first_names(names)})" if len(names) > 1 else ""
        yield FieldProblem(path, message + many, fix)
    for index, policy in enumerate(policies.values()):
        if policy.paused is None and (ended := expired_warning("", policy)) is not None:
            yield FieldProblem(("targets", index, "accepted"), ended.message, ended.fix)


def _odd_resources(target: Target) -> Iterator[tuple[Path, ConfigWarning]]:
    """Yield the resources that no account of the platform can have: ids of another one, or slips of the pen."""
    named: list[tuple[Path, Iterable[str]]] = [(("resource_aliases",), target.resource_aliases)]
    for name, settings in target.running().items():
        if overlapping := getattr(settings, "overlapping_resources", ()):
            named.append((("collectors", name.value, "overlapping_resources"), sorted(overlapping)))
    for path, resources in named:
        if odd := [resource for resource in resources if not target.may_have_resource(resource)]:
            message = Message(
                "`%(key)s` names %(number)s resource whose id is not one of this platform: %(names)s",
                "`%(key)s` names %(number)s resources whose ids are not those of this platform: %(names)s",
                number=len(odd),
                key=str(path[-1]),
                names=first_names(odd),
            )
            fix = Message("copy it from `booking-sync-exporter list`, or remove it")
            yield path, ConfigWarning(WarningKind.UNKNOWN_RESOURCE, target.name, message, fix)


def _of_target(target: Target) -> tuple[tuple[Path, ConfigWarning], ...]:
    return (*_odd_resources(target), *_uncounted(target))


def _uncounted(target: Target) -> Iterator[tuple[Path, ConfigWarning]]:
    for name, settings in target.running().items():
        path: Path = ("collectors", name.value)
        if not getattr(settings, "conflicts", True) and not getattr(settings, "platform_conflicts", False):
            message = Message("double bookings are not checked: conflicts is false")
            fix = Message("write conflicts: true, or accept this warning with a reason")
            yield (*path, "conflicts"), ConfigWarning(WarningKind.CONFLICTS_OFF, target.name, message, fix)
        counted = {window.name for window in settings.windows}
        if missing := [window for window in ALERT_WINDOWS.get(name, ()) if window not in counted]:
            message = Message(
                "%(collector)s are not counted in %(windows)s, which the shipped alerts need",
                collector=name.value,
                windows=_all(missing),
            )
            fix = Message("add %(windows)s to `windows`, or accept this warning with a reason", windows=", ".join(missing))
            yield (*path, "windows"), ConfigWarning(WarningKind.WINDOW_MISSING, target.name, message, fix)


def _same_account(target: Target, first: dict[Hashable, str]) -> Iterator[tuple[Path, ConfigWarning]]:
    account = target.account
    if account is None:
        return
    other = first.setdefault((target.platform, account.key), target.name)
    if other != target.name:
        message = Message(
            "%(account)s is also watched as %(other)s: its data counts twice, or its credential was copied by mistake",
            account=account.shown,
            other=other,
        )
        fix = Message("correct the credential, remove one of the two targets, or accept this warning with a reason")
        to_site = Message(
            "its account is watched under two names: its data counts twice, or its credential was copied by mistake"
        )
        yield (), ConfigWarning(WarningKind.SAME_ACCOUNT, target.name, message, fix, to_site)


def _all(windows: Sequence[str]) -> str:
    *others, last = windows
    return Message("%(before)s and %(last)s", before=", ".join(others), last=last) if others else last
