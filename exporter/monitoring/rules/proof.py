"""What is recorded of pairs, by the target of their bookings: what is not in its owner's calendar, and the way back."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.promql import JOB_LABELS, OF_TARGET, TARGET_LABELS, TYPE_LABELS, in_promql, newest, one_per, with_label
from exporter.monitoring.rules.recording import Recording, RecordingGroup
from exporter.proof import Arrival, Import, Learning, ProofState
from exporter.state.verdict_proof import NEVER_LEARNT_SECONDS

PAIR: Final = "pair:booking_sync_pair:info"
PAIRED_SITE: Final = "target:booking_sync_pair_site:info"
NOT_THERE: Final = "target_window:booking_sync_proof_bookings:sum_missing"
SHIFTED: Final = "target:booking_sync_proof_shift:count"
LEFT: Final = "target:booking_sync_proof_left_behind:sum"
UNKNOWN: Final = "target:booking_sync_proof_imports:sum_missing"
UNLEARNT: Final = "target:booking_sync_proof_unlearnt:count"
PAIRED_TARGETS: Final = "platform:booking_sync_targets_with_pairs:count"
NOT_THERE_TARGETS: Final = "platform:booking_sync_proof_missing:count"

_OF_ANY_STATE: Final = f"ignoring ({', '.join(('state', *TYPE_LABELS))})"
_OF_THE_PAIR: Final = f"ignoring ({', '.join(('window', 'state', *TYPE_LABELS))})"
_LEARNS: Final = f'(booking_sync_proof_state{{state="{ProofState.LEARNING}"}} == 1)'


def proof_recordings() -> RecordingGroup:
    """Return what is recorded of pairs. Nothing where there are none, or all is well."""
    missing = f'booking_sync_proof_bookings{{state="{Arrival.MISSING}"'
    since = "booking_sync_proof_state_since_timestamp_seconds - ignoring (pair) group_left () booking_sync_time_seconds"
    return RecordingGroup(
        "booking-sync-proof",
        "2m",  # as often as pairs can change, which are polled every five minutes
        (
            Recording(
                PAIR,
                one_per(f"max without (calendar, resource) ({newest('booking_sync_pair_info')})", "target", "platform"),
                "One target for each pair: while two replicas have read two configurations there may be two.",
            ),
            Recording(
                PAIRED_SITE,
                f'max by ({", ".join(TARGET_LABELS)}, site) (booking_sync_target_info{{site!=""}}) and {OF_TARGET} {PAIR}',
                "The sites of these targets alone, so that no alert below reads those of a whole fleet.",
            ),
            Recording(
                NOT_THERE,
                _of_target(
                    f'(\n  {missing},window="next_24h"}}\n'
                    f'  or ({missing},window="next_7d"}} unless {_OF_THE_PAIR} booking_sync_proof_shift_seconds)\n'
                    f") unless {_OF_THE_PAIR} {_LEARNS}",
                    "state",
                ),
                "Those of the week without the pairs whose bookings are there at another time: that is a cause of its own.\n"
                "A pair that learns misses nothing.",
            ),
            Recording(
                SHIFTED,
                _of_target(f"booking_sync_proof_shift_seconds ^ 0 unless {_OF_ANY_STATE} {_LEARNS}"),
            ),
            Recording(LEFT, _of_target(f"booking_sync_proof_left_behind unless {_OF_ANY_STATE} {_LEARNS}")),
            Recording(UNKNOWN, _of_target(f'booking_sync_proof_imports{{state="{Import.MISSING}"}}', "state")),
            Recording(
                UNLEARNT,
                _of_target(
                    f'booking_sync_proof_learning{{reason!="{Learning.FEW_BOOKINGS}"}}\n'
                    f"  and ignoring ({', '.join(('reason', *TYPE_LABELS))}) {since} < -({in_promql(NEVER_LEARNT_SECONDS)})",
                    "reason",
                ),
            ),
            Recording(PAIRED_TARGETS, f"count without (target) (count without (pair) ({PAIR}))"),
            Recording(NOT_THERE_TARGETS, f'count without (target) (max without (window) ({NOT_THERE}{{window="next_24h"}}))'),
        ),
    )


def _of_target(expression: str, *folded: str) -> str:
    """Return the sum of what the pairs of each target show, where it is not 0. A pair is no target's, so it is joined."""
    joined = f"on ({', '.join((*JOB_LABELS, 'pair'))}) group_left (target, platform) {PAIR}"
    return f"sum without ({', '.join(('pair', *folded))}) (\n  {newest(expression)}\n  * {joined}\n) > 0"


def with_paired_site(expression: str) -> str:
    """Return ``expression`` (one series per target with pairs, or several) with the label ``site`` where it has one."""
    return with_label("site", PAIRED_SITE, expression)
