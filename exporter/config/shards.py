"""Sharding by rendezvous hashing: which targets stay in one process, and which process of several watches them.

Targets that share a portal's limit or a token file are one group, also by way of a third target: two processes would each
take the whole of that limit, and renew one token twice. So are both ends of a pair, which only who reads both can judge.
Groups are spread by rendezvous hashing (highest random weight): each process has a number for each group, and the highest takes
it. So one more process takes its share from all others, and nothing else moves.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

from exporter.config.effective import config_hash
from exporter.config.pairs import PairEnds
from exporter.config.settings import Config, account_of
from exporter.model import Shard
from exporter.support.shard_files import shard_file


def shard_of(config: Config, index: int, count: int) -> Config:
    """Return ``config`` with the targets that fall to shard ``index`` of ``count``, counted from 0.

    A target stays in its shard when others come and go that share nothing with it. Each shard keeps a state file of its own,
    ``NAME.shard-I-of-N``: processes that share one would drop each other's targets. Raises :class:`ValueError` for an index
    outside of the count.
    """
    if not 0 <= index < count:
        raise ValueError(f"shard {index} is not one of {count}; they count from 0")
    shard = Shard(index, count)
    groups = _groups(config)
    targets = tuple(target for target in config.targets if is_in(shard, groups[min(target.undivided)]))
    elsewhere = frozenset(map(account_of, config.targets)) - {account_of(target) for target in targets}
    state_file = config.state_file and shard_file(config.state_file, index, count)
    return config.divided(shard, targets, elsewhere, state_file, config_hash(config))


def is_in(shard: Shard, group: str) -> bool:
    """Return whether the targets of ``group`` fall to ``shard``: the least of what they share is its name."""
    return shard.index == max(range(shard.count), key=lambda index: (_weight(group, index), index))


def _weight(group: str, index: int) -> bytes:
    return blake2b(f"{index} {group}".encode(), digest_size=8).digest()


def _groups(config: Config) -> dict[str, str]:
    """Return, for all that targets share, the least that the same group shares (disjoint sets, the least leads)."""
    leads: dict[str, str] = {}

    def leader(shared: str) -> str:
        while (lead := leads.setdefault(shared, shared)) != shared:
            leads[shared] = shared = leads[lead]
        return shared

    def join(shared: Collection[str]) -> None:
        leaders = {leader(one) for one in shared}
        leads.update(dict.fromkeys(leaders, min(leaders)))

    for target in config.targets:
        join(target.undivided)
    ends = PairEnds(config.targets)
    for bookings, calendar in filter(None, map(ends.of, config.pairs)):
        join(bookings.undivided | calendar.undivided)
    return {shared: leader(shared) for shared in tuple(leads)}
