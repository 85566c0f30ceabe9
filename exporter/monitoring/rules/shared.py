"""What is recorded of that which many targets share: a credential, a platform, the network of the host."""

from __future__ import annotations

from typing import Final

from exporter.errors import Reason
from exporter.monitoring.rules.besides import besides
from exporter.monitoring.rules.extent import FEW, MANY, many
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.monitoring.rules.targets import ACCESS, CREDENTIAL, FAILING, LATEST, LIMITED, WHY_FAILING, of_reasons

UNREACHABLE: Final = (Reason.TIMEOUT, Reason.NETWORK, Reason.TLS, Reason.SERVER_ERROR, Reason.INVALID_RESPONSE)
"""What a host sees that is cut off; a proxy may answer in the platform's place."""

CREDENTIAL_TARGETS: Final = "credential:booking_sync_targets:count"
CREDENTIAL_REFUSED: Final = "credential:booking_sync_targets_refused:sum"
PLATFORM_TARGETS: Final = "platform:booking_sync_targets:count"
PLATFORM_FAILING: Final = "platform:booking_sync_targets_failing:sum"
PLATFORM_SHARE: Final = "platform:booking_sync_targets_failing:ratio"
PLATFORM_LIMITED: Final = "platform:booking_sync_targets_limited:count"
PLATFORM_PART: Final = "platform:booking_sync_targets_failing_many:sum"
BESIDES: Final = "target:booking_sync_target_besides:info"
BESIDES_TARGETS: Final = "platform_besides:booking_sync_targets:count"
JOB_CUT_OFF: Final = "job:booking_sync_targets_unreachable:ratio"
JOB_PART: Final = "job:booking_sync_targets_unreachable_part:sum"
_OTHERWISE: Final = "target:booking_sync_target_failing_otherwise:max"
_PLATFORM_LONG: Final = "platform:booking_sync_targets_failing_long:sum"
_BEGAN_BESIDES: Final = "target:booking_sync_target_began_besides:max"
_BESIDES_HOUR: Final = "platform:booking_sync_besides_hour:timestamp"
_UNREACHABLE: Final = "platform:booking_sync_targets_unreachable:sum"
_PLATFORM_CUT_OFF: Final = "platform:booking_sync_targets_unreachable:ratio"


def shared_recordings() -> RecordingGroup:
    """Return what is recorded of what many targets share."""
    return RecordingGroup("booking-sync-shared", "1m", (*_credentials(), *_platforms(), _limited(), *_besides()))


def _credentials() -> tuple[Recording, ...]:
    known = f"{CREDENTIAL} and ignoring (credential) {FAILING}"
    refused = f"({FAILING} == 1 and ignoring (reason) {WHY_FAILING}{{{of_reasons(*ACCESS)}}})"
    number = f"count without (target) ({CREDENTIAL} and ignoring (credential) {refused})"
    return (
        Recording(CREDENTIAL_TARGETS, f"count without (target) ({known})"),
        Recording(
            CREDENTIAL_REFUSED,
            f"{number} >= 2\nand {number} / ({CREDENTIAL_TARGETS} > 0) > 0.5",
            "The targets that a credential is refused by, once they are more than half of its own: then it is the credential.",
        ),
    )


def _platforms() -> tuple[Recording, ...]:
    cut_off = f"{_OTHERWISE} == 1 and ignoring (reason) {WHY_FAILING}{{{of_reasons(*UNREACHABLE)}}}"
    return (
        Recording(
            _OTHERWISE,
            f"{FAILING}\nunless ignoring (credential) (\n"
            f"  {CREDENTIAL} and ignoring (target) max_over_time({CREDENTIAL_REFUSED}[20m])\n"
            f"  and ignoring (credential, reason) {WHY_FAILING}{{{of_reasons(*ACCESS)}}}\n)",
            "Without the targets that a refused credential takes along, until the last of them has been asked again (the\n"
            "longest back-off after a refusal is 15 minutes): no platform is down for it. What fails otherwise counts.",
        ),
        Recording(PLATFORM_TARGETS, f"count without (target) ({FAILING})"),
        Recording(PLATFORM_FAILING, f"sum without (target) ({_OTHERWISE})"),
        Recording(PLATFORM_SHARE, f"{PLATFORM_FAILING} / ({PLATFORM_TARGETS} > 0)"),
        Recording(
            PLATFORM_PART,
            f"{PLATFORM_FAILING} >= {FEW}\nand (\n"
            f"  last_over_time({PLATFORM_PART}[10m])\n"
            f"  or count_over_time((\n    {_part()}\n  )[6m:1m]) > 3\n)",
            "The targets that fail once they have been many for four minutes, and until they are fewer than five: those that\n"
            "are left when the first are fixed are no new incident.",
        ),
        Recording(
            _UNREACHABLE,
            f"sum without (target) (\n  {cut_off}\n  or 0 * {_OTHERWISE}\n)",
            "The targets of a platform that cannot be reached.",
        ),
        Recording(_PLATFORM_CUT_OFF, f"{_UNREACHABLE} / ({PLATFORM_TARGETS} > 0)"),
        Recording(
            JOB_CUT_OFF,
            f"min without (platform) ({_PLATFORM_CUT_OFF})\nand count without (platform) ({_PLATFORM_CUT_OFF}) >= 2",
            "The same of the platform that answers best, where there are two: not two platforms fail at once, but our network.",
        ),
        _cut_off_in_part(),
    )


def _cut_off_in_part() -> Recording:
    lately = f"{_UNREACHABLE} - min_over_time({_UNREACHABLE}[20m])"
    many_lately = f"{lately} >= 2 and {lately} > 0.1 * {PLATFORM_TARGETS} or {lately} >= {MANY}"
    return Recording(
        JOB_PART,
        f"sum without (platform) ({_UNREACHABLE} >= 2) >= {FEW}\n"
        f"and count without (platform) ({_UNREACHABLE} >= 2) >= 2\nand (\n"
        f"  last_over_time({JOB_PART}[10m])\n"
        f"  or count without (platform) (\n    {many_lately}\n  ) >= 2\n)",
        "The targets that cannot be reached once that befell a part of two platforms within 20 minutes, and until they are\n"
        "few or of one platform: one shard of several, or one way out of several. A platform is noticed within its interval,\n"
        "of 10 minutes at most; what began longer after is no such thing.",
    )


def _limited() -> Recording:
    limited = f"max_over_time({LATEST}{{{of_reasons(*LIMITED)}}}[10m])"
    return Recording(
        PLATFORM_LIMITED,
        f"count without (target) (max without (collector, reason) ({limited}))",
        "The targets of which a limit turned polls away within ten minutes: polls that succeed in between are bridged, as in\n"
        "the ticket of each.",
    )


def _part() -> str:
    return many(PLATFORM_FAILING, f"{PLATFORM_SHARE} > 0.1")


def _besides() -> tuple[Recording, ...]:
    hour = " and ".join(f"{_OTHERWISE}{ago} == 1" for ago in ("", " offset 30m", " offset 1h"))
    part = f"{_PLATFORM_LONG} >= {FEW} and {PLATFORM_PART} offset 1h"
    most = f"{_PLATFORM_LONG} >= 2 and {_PLATFORM_LONG} > 0.5 * {PLATFORM_TARGETS}"
    fresh = f"{PLATFORM_SHARE} > 0.5 unless 2 * {_PLATFORM_LONG} >= {PLATFORM_FAILING} unless ignoring (platform) {JOB_PART}"
    failing, before = (f"sum without (platform) ({PLATFORM_FAILING}{ago})" for ago in ("", " offset 30m"))
    return (
        Recording(
            _PLATFORM_LONG,
            f"sum without (target) ({hour})",
            "The targets that have failed for an hour. Three looks are enough, and cost less than all of the hour.",
        ),
        Recording(
            _BEGAN_BESIDES,
            f"{_OTHERWISE} == 1 and {_OTHERWISE} offset 12m == 1 unless last_over_time({FAILING}[5m] offset 15m) == 1\n"
            "and (\n"
            f"  {FAILING} and ignoring (target) ({part} or {most})\n"
            f"  or {FAILING} and ignoring (target, platform) (\n"
            f"    {JOB_PART} offset 1h\n"
            f"    or {failing} - {before} >= {FEW} and {JOB_PART} offset 30m\n"
            "  )\n)\n"
            f"unless ignoring (target) ({fresh})\n"
            f"unless ignoring (target, platform) {JOB_CUT_OFF} > 0.9",
            "A target that began to fail when there had been a page about others of the platform, or of all, for an hour: not\n"
            "the same cause. Nor is it one of its own where the platform or the network began to fail with it. This is asked\n"
            "once, before the target's own alert fires (15 minutes) and after the others of an outage have shown themselves.\n"
            "A part of all platforms keeps back the page for a whole one: five more are one half an hour later.",
        ),
        *besides(_BEGAN_BESIDES, _BESIDES_HOUR, BESIDES, f"{FAILING} == 1", "target"),
        Recording(BESIDES_TARGETS, f"count without (target) ({BESIDES})"),
    )
