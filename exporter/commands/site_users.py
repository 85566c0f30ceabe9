"""``site_users`` held against the users of the web configuration, since each file knows half of who sees what."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import structlog

from exporter.config import Config
from exporter.errors import ConfigError, Problem
from exporter.fields.kinds import shown
from exporter.support.redaction import redact
from exporter.web import WebConfig

_log = structlog.get_logger(__name__)


def with_known_users(config: Config, users: Collection[str] | None) -> Config:
    """Return ``config`` with a warning for each of its ``site_users`` that is none of ``users``, who have passwords.

    Without ``users`` the warning is that nobody looked. Raises :class:`~exporter.errors.ConfigError` when sites have users and
    nobody has a password: all would see all of it.
    """
    if not config.site_users:
        return config
    file = str(config.files[0]) if config.files else ""
    if users is not None and not users:
        what = "no passwords are asked for, so that everybody would see every site"
        raise ConfigError([Problem("site_users", what, "name basic_auth_users in --web.config.file, or remove it", file)])
    if users is None:
        found = iter([("site_users", "nobody looked whether its users exist", "check it together with --web.config.file")])
    else:
        found = _unknown_users(config, users)
    warnings = tuple(Problem(path, what, fix, file) for path, what, fix in found)
    return config.read_from(config.files, (*config.warnings, *warnings), config.secrets)


def with_users_of(web_config: Path | None, config: Config) -> Config:
    """Return ``config`` as :func:`with_known_users` does for the file ``web_config``; what is wrong in that one is not told."""
    users = None
    if web_config is not None:
        with contextlib.suppress(ConfigError):
            users = WebConfig.load(web_config).users
    return with_known_users(config, users)


def loading_with_users(load: Callable[[], Config], web_config: Path | None) -> Callable[[], Config]:
    """Return ``load`` that looks at the users of the file ``web_config``, too. It raises what is wrong with that one as well.

    It tells who sees every site, since that is everybody else: a name that is written wrong is easily overlooked.
    """

    def loaded() -> Config:
        config = load()
        if not config.site_users:
            return config
        users = WebConfig.load(web_config).users
        config = with_known_users(config, users)
        everywhere = sorted(users.keys() - frozenset().union(*config.site_users.values()))
        _log.info("site_users", sites=len(config.site_users), see_every_site=[redact(name) for name in everywhere])
        return config

    return loaded


def _unknown_users(config: Config, users: Collection[str]) -> Iterator[tuple[str, str, str]]:
    fix = "add it to basic_auth_users, or correct the name: a user that is named nowhere here sees every site"
    for site, names in config.site_users.items():
        for name in sorted(names - frozenset(users)):
            yield f"site_users.{site}", f"{shown(name)} is no user of the web configuration", fix
