"""What is wrong between the fields of a Bitrix24 target that may each be right, and what is allowed but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.fields.kinds import FieldProblem
from exporter.platforms.aliases import shared_aliases
from exporter.platforms.bitrix24.settings import BitrixTarget
from exporter.support.files import file_problem
from exporter.support.yaml_source import Path

_CLOUD_REQUESTS_PER_SECOND: Final = 2.0  # docs/platforms/bitrix24.md 6.1


def problems(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield what is wrong between fields of a raw target, however broken the rest of it is."""
    webhook, oauth = target.get("webhook_url") is not None, target.get("oauth") is not None
    if webhook and oauth:
        yield FieldProblem((*path, "oauth"), "two ways to log in: webhook_url and oauth", "keep one of them")
    elif not webhook and not oauth:
        fix = "add webhook_url, or oauth with client_id, client_secret and token_file"
        yield FieldProblem(path, "has no credential", fix)
    yield from shared_aliases(target, path, "resource_aliases", "resources")


def warnings(target: BitrixTarget, path: Path) -> Iterator[FieldProblem]:
    """Yield what is allowed and probably not meant."""
    if target.oauth and (trouble := file_problem(target.oauth.token_file)):
        fix = "make it with booking-sync-exporter bitrix24-login"
        if "reached" in trouble:
            fix = "let the user of the exporter enter its folder, or correct the path"
        yield FieldProblem((*path, "oauth", "token_file"), f"{target.oauth.token_file} {trouble}", fix)
    for index, accepted in enumerate(target.accepted):
        if accepted.booking is not None and not (accepted.booking.isascii() and accepted.booking.isdecimal()):
            where = (*path, "accepted", index, "booking")
            yield FieldProblem(where, "does not look like the id of a booking, a number", "copy the id that the board shows")
    if target.budget.requests_per_second > _CLOUD_REQUESTS_PER_SECOND:
        rate = f"{target.budget.requests_per_second:g}"
        message = f"{rate} is more than a cloud portal allows outside the Enterprise plan"
        fix = "2 or less, unless the portal is your own server"
        yield FieldProblem((*path, "budget", "requests_per_second"), message, fix)
