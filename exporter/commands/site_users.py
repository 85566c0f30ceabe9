"""``site_users`` and ``operators`` held against the users of the web configuration: each file knows half of who sees what."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

import structlog

from exporter.config import Config
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.kinds import shown
from exporter.model import Message
from exporter.policy import ConfigWarning, WarningKind
from exporter.support.listing import first_names
from exporter.support.redaction import sanitized
from exporter.web import WebConfig

_log = structlog.get_logger(__name__)

_NAME_THEM: Final = Message(
    "name the users who may see every site under `operators`: then a user who is not named sees nothing"
)


def with_known_users(config: Config, users: Collection[str] | None) -> Config:
    """Return ``config`` with warnings of what it says of ``users``, who have passwords, and what it leaves to a default.

    Without ``users`` the warning is that nobody looked. Raises :class:`~exporter.errors.ConfigError` when it says who sees what
    and nobody has a password: all would see all of it.
    """
    if not config.has_fence:
        return config
    file, key = str(config.files[0]) if config.files else "", "site_users" if config.site_users else "operators"
    if users is not None and not users:
        what = "no password is required, so everybody would see every site"
        raise ConfigError([ConfigProblem(key, what, "name basic_auth_users in --web.config.file, or remove it", file)])
    if users is None:
        found = iter(
            [
                (
                    key,
                    "was not compared with the users of the web configuration",
                    "check it together with the file of --web.config.file",
                )
            ]
        )
    else:
        config = config.known_to(users)
        found = _odd_users(config, frozenset(users))
    warnings = tuple(ConfigProblem(path, what, fix, file) for path, what, fix in found)
    config = config.read_from(config.files, (*config.warnings, *warnings), config.secrets)
    if not config.operators_by_default:
        return config
    names = _told(config.operators_by_default)
    message = Message(
        "%(number)s user of the web configuration sees every site, since no operators are named: %(names)s",
        "%(number)s users of the web configuration see every site, since no operators are named: %(names)s",
        number=len(names),
        names=first_names(names),
    )
    warning = ConfigWarning(WarningKind.OPERATORS_BY_DEFAULT, None, message, _NAME_THEM)
    gap = ConfigProblem("site_users", message, _NAME_THEM, file)
    return config.leaving((*config.unwatched, warning), (*config.gaps, gap))


def with_users_of(web_config: Path | None, config: Config) -> Config:
    """Return ``config`` as :func:`with_known_users` does for the file ``web_config``; what is wrong in that one is not told."""
    users = None
    if web_config is not None:
        with contextlib.suppress(ConfigError):
            users = WebConfig.load(web_config).users
    return with_known_users(config, users)


def loading_with_users(load: Callable[[], Config], web_config: Path | None) -> Callable[[], Config]:
    """Return ``load`` that looks at the users of the file ``web_config``, too. It raises what is wrong with that one as well.

    That file is watched like the others then. Who sees every site is logged: a name that is written wrong is easily overlooked.
    """

    def loaded() -> Config:
        config = load()
        if not config.has_fence:
            return config
        users = WebConfig.load(web_config).users
        config = with_known_users(config, users)
        everywhere = config.operators_by_default if config.operators is None else config.operators & users.keys()
        _log.info("site_users", sites=len(config.site_users), see_every_site=_told(everywhere))
        files = (*config.files, web_config) if web_config is not None else config.files
        return config.read_from(files, config.warnings, config.secrets)

    return loaded


def _odd_users(config: Config, users: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    otherwise = "every site" if config.operators is None else "nothing"
    fix = f"add it to basic_auth_users, or correct the name: a user that is named nowhere here sees {otherwise}"
    named = [(f"site_users.{site}", names) for site, names in config.site_users.items()]
    for path, names in [*named, ("operators", config.operators or frozenset())]:
        for name in sorted(names - users):
            yield path, f"{shown(name)} is no user of the web configuration", fix
    if config.operators is not None and (idle := _told(users - config.operators - config.site_users_at_all)):
        what = f"{len(idle):,} of the web configuration's users may see nothing: {first_names(idle)}"
        yield "operators", what, "take their passwords out of the web configuration, or name them here or under site_users"


def _told(users: Collection[str]) -> list[str]:
    return [sanitized(name) for name in sorted(users)]
