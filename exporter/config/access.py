"""Who sees what, from one configuration to the next: nobody comes to see more because a name went.

Failing closed while running: a file that is just being written, or a customer who was taken out of it, looks as if somebody
wanted to open every site. A start has nothing to compare with; there a warning tells who sees everything.
"""

from __future__ import annotations

from typing import Final

from exporter.config.settings import Config
from exporter.errors import ConfigError, ConfigProblem
from exporter.support.listing import first_names
from exporter.support.redaction import sanitized

_RESTART: Final = "restore it, or restart the exporter if everybody with a password is to see every site"


def refuse_opening(before: Config | None, after: Config) -> None:
    """Raise :class:`~exporter.errors.ConfigError` if ``after`` shows every site to who was kept from it, and names nobody."""
    if before is not None and (opened := _opened(before, after)):
        raise ConfigError([ConfigProblem(*opened)])


def _opened(before: Config, after: Config) -> tuple[str, str, str] | None:
    if after.operators or not before.has_fence:
        return None
    if before.operators:
        return "operators", "cannot be removed while the exporter runs", _RESTART
    if not after.site_users:
        return "site_users", "cannot be removed while the exporter runs", _RESTART
    opened = sorted(map(sanitized, after.operators_by_default & before.site_users_at_all))
    what = f"users who saw one site would see all sites: {first_names(opened)}"
    fix = "take their passwords out of the web configuration, or say under operators who is to see everything"
    return ("site_users", what, fix) if opened else None
