"""Service discovery: the accounts that a credential of a higher level can see, so that nobody has to write each of them down.

What a user may write of it, what was found, and who finds it. A rule makes a target of each account that it wants; what all of
them have in common stands in the rule as ``target``, a whole target but for its name and its account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import msgspec
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from exporter.errors import Reason
from exporter.fields.durations import format_duration
from exporter.fields.kinds import Duration, Name, Text, between, field_error
from exporter.model import Value
from exporter.platforms.settings import Strict, Target, default

MAX_SITES: Final = 2_000
"""How many sites a rule watches at most unless it says otherwise: what one core carries with ease."""
MAX_MAX_SITES: Final = 10_000
MAX_RULES: Final = 50
_MAX_PATTERNS: Final = 200

MIN_INTERVAL_SECONDS: Final = 60.0
MAX_INTERVAL_SECONDS: Final = 86_400.0


def _seldom(seconds: float) -> None:
    if not MIN_INTERVAL_SECONDS <= seconds <= MAX_INTERVAL_SECONDS:
        raise field_error(
            f"{format_duration(seconds)} is not from 1m to 1d",
            "write a time from 1m to 1d; 15m is enough for sites that are added and removed",
        )


_Patterns = Annotated[tuple[Text, ...], Field(strict=False, max_length=_MAX_PATTERNS)]


class FoundSite(Value, frozen=True, gc=False):
    """An account that a rule's credential can see: its id on the platform, and what people call it."""

    id: str
    name: str


class FoundSites(Value, frozen=True, gc=False):
    """All that one answer listed. ``gone`` are ids of which it says that they are not in use any more (in the trash).

    ``odd`` counts rows that could not be read: while there are any, nobody knows who else is missing.
    """

    sites: tuple[FoundSite, ...]
    gone: frozenset[str] = frozenset()
    odd: int = 0


class Discovery(Strict):
    """A rule: whose accounts are looked for, which of them are wanted, and how each of them is watched."""

    if TYPE_CHECKING:
        platform: str
        target: Target

    name: Name = Field(description="Value of the label `discovery`. Unique.")
    interval: Annotated[Duration, between(MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS, _seldom)] = default(
        "15m", "Time between two reads of the list; 1m to 1d."
    )
    max_sites: int = Field(
        default=MAX_SITES,
        ge=1,
        le=MAX_MAX_SITES,
        description="Maximum number of sites to watch. If there are more, the oldest ones are watched and a warning is shown.",
    )
    only: _Patterns = Field(
        default_factory=tuple,
        description="Sites to watch, by display name or id; `*` is any text, and case does not count. Default: all.",
    )
    without: _Patterns = Field(default_factory=tuple, description="Sites to leave out, in the same form.")

    @property
    def account(self) -> str:
        """Whose sites are looked for, for good: what is remembered of them stays with it when the rule gets another name."""
        raise NotImplementedError

    def wants(self, site: FoundSite) -> bool:
        """Return whether ``site`` is one that is to be watched."""
        return (not self.only or _any(self.only, site)) and not _any(self.without, site)

    def target_of(self, site_id: str, name: str) -> Target:
        """Return the target ``name`` that watches the site."""
        raise NotImplementedError


def _any(patterns: tuple[str, ...], site: FoundSite) -> bool:
    texts = (site.name.casefold(), site.id.casefold())
    return any(fnmatchcase(text, pattern.casefold()) for pattern in patterns for text in texts)


class Template:
    """Annotation of a target that lacks what makes it one: an editor must not ask for ``left_out``, nor offer it."""

    def __init__(self, left_out: frozenset[str]) -> None:
        self._left_out = left_out

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(schema))
        keys = {key: value for key, value in whole["properties"].items() if key not in self._left_out}
        return {"type": "object", "properties": keys, "additionalProperties": False}


class Finder(Protocol):
    """Who reads the list of one rule. Lives until the rule changes."""

    async def sites(self) -> FoundSites:
        """Read the whole list. Raises :class:`~exporter.errors.PollError` rather than return a part of it."""
        ...


class Discoverer(msgspec.Struct, frozen=True):
    """How accounts of a platform are found.

    ``find`` takes the rule and :class:`~exporter.platforms.base.Services`, and makes no I/O. ``fixes`` say who has to do what
    where it is another thing than for a target, by the reason of the failure. ``left_out`` are keys of a target that a rule, or
    what it finds, says.
    """

    settings: type[Discovery]
    find: Callable[[Any, Any], Finder]
    fixes: Mapping[Reason, str]
    left_out: frozenset[str]
