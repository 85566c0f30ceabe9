"""What rules of ``discover`` found, beside the targets of the file: which sites become targets, and what they are called."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Final

from msgspec.structs import replace

from exporter.config.settings import Config, account_of
from exporter.config.shards import is_in
from exporter.config.unwatched import unwatched_by
from exporter.platforms.discovery import FoundSite
from exporter.platforms.settings import Target
from exporter.policy import ConfigWarning
from exporter.support.redaction import redact

_MAX_WORDS: Final = 60
_DIGITS: Final = 8


def with_sites(config: Config, found: Mapping[str, Mapping[str, str]]) -> Config:
    """Return ``config`` with a target for each site that was ``found``: by the rule's name, the name of the target by site id.

    A site that also stands in the file is the one that stands there, and one that two rules find is the first one's. It falls
    to the shard that would have it by the file: by its id, since its name may differ between processes.
    """
    known = {*map(account_of, config.written), *config.elsewhere} - {None}
    names = {target.name for target in config.written}
    targets: list[Target] = []
    unwatched = [row for row in config.unwatched if row.target is None or row.target in names]
    for rule in config.discover:
        less = [warning for _, warning in unwatched_by(rule)]
        for site_id, name in found.get(rule.name, {}).items():
            target = rule.target_of(site_id, name)
            account = account_of(target)
            if account in known or not is_in(config.shard, min(target.undivided)):
                continue
            if name in names:  # somebody called another account so
                target = rule.target_of(site_id, f"{name}{site_id[_DIGITS:]}")
            known.add(account)
            names.add(target.name)
            targets.append(target)
            unwatched += _of(less, target.name)
    return config.finding(targets, tuple(unwatched))


def _of(warnings: Collection[ConfigWarning], target: str) -> list[ConfigWarning]:
    return [replace(warning, target=target) for warning in warnings]


def name_of(site: FoundSite) -> str:
    """Return what the target of ``site`` is called: the words of its name, and the first 8 digits of its id.

    The id tells two sites of one name apart, for good and in every process; it is cut, since a name is read by people.
    """
    letters = (letter if _is_of_a_word(letter) else " " for letter in redact(unicodedata.normalize("NFKC", site.name)).lower())
    words = "-".join("".join(letters).split())[:_MAX_WORDS].strip("-")
    return f"{words or 'site'}-{site.id[:_DIGITS]}"


def _is_of_a_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")
