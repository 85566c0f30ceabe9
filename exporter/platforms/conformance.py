"""What we take for granted of a platform, statement by statement, and how an account's answers are held against it.

A report is attached to an issue that everybody reads. So nothing that an account sent can get into it: what was seen is told
in sentences of ours, into which only numbers and a :class:`Word` fit, and a word is one that this program brought along.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from exporter.errors import PollError

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,18}")

_OF_WHO_ASKS: Final = frozenset({401, 402, 403, 407, 428, 429})

TOKEN: Final = "token"  # noqa: S105  a question, not a token
"""The question for a token, which comes of itself and shows nothing of what the account lets anybody read."""

ANOTHER_CREDENTIAL: Final = "the credential is of another kind"
"""What was seen of a statement about a kind of credential that the target has not."""

MISSING: Final = object()
"""The value of a field that is not there."""


class Word(str):
    """A word that may be printed, since it is one of ours and not what an account sent."""

    __slots__ = ()


UNKNOWN: Final = Word("a word that we do not know")


def known(value: object, words: Collection[str]) -> Word:
    """Return the one of ``words`` that ``value`` is, without regard to case, or :data:`UNKNOWN`."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else None
    return next((Word(word) for word in words if text is not None and word.lower() == text.lower()), UNKNOWN)


def kind(value: object) -> Word:  # noqa: PLR0911  one answer for each kind
    """Return what sort of JSON ``value`` is: all that a report says of a value."""
    match value:
        case _ if value is MISSING:
            return Word("missing")
        case None:
            return Word("null")
        case bool():
            return Word("true or false")
        case int():
            return Word("whole number")
        case float():
            return Word("number")
        case str():
            return _text_kind(value)
        case list():
            return Word("list" if value else "empty list")
        case dict():
            return Word("object" if value else "empty object")
    return Word("nothing that JSON has")


def _text_kind(text: str) -> Word:
    if not text:
        return Word("empty text")
    if _GUID.fullmatch(text):
        return Word("GUID")
    if date := _DATE.fullmatch(text):
        zone = date[1]
        return Word("date without zone" if not zone else "date in UTC" if zone == "Z" else "date with offset")
    return Word("digits in text" if _DIGITS.fullmatch(text) else "text")


class Holds(StrEnum):
    """How a statement fared."""

    YES = "holds"
    NO = "does not hold"
    UNSEEN = "could not be seen"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a statement fared, and what was seen: ``template`` is ours, ``parts`` are numbers and words of ours."""

    holds: Holds
    template: str
    parts: tuple[int | Word, ...] = ()

    def __post_init__(self) -> None:
        if not all(isinstance(part, int | Word) for part in self.parts):
            raise TypeError("only numbers and words of ours are printed")

    @property
    def seen(self) -> str:
        """What was seen, as it is printed."""
        return self.template.format(*self.parts)


def judged(holds: bool, template: str, *parts: int | Word) -> Judgement:
    """Return that a statement holds, or does not, by what was seen."""
    return Judgement(Holds.YES if holds else Holds.NO, template, parts)


class UnseenError(Exception):
    """The answers do not show whether a statement holds; a judge may raise it at any depth."""

    def __init__(self, template: str, *parts: int | Word) -> None:
        super().__init__(template)
        self.judged = Judgement(Holds.UNSEEN, template, parts)


class Exchange(msgspec.Struct, frozen=True):
    """One question and its answer. ``status`` is ``None`` without one, ``body`` is :data:`MISSING` when it is no JSON.

    ``error`` is what the exporter makes of it, ``asked`` whether it was sent at all.
    """

    status: int | None = None
    headers: frozenset[str] = frozenset()
    content_type: str = ""
    body: object = MISSING
    error: PollError | None = None
    asked: bool = True

    @property
    def answered(self) -> bool:
        """Whether it brought what was asked for."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  HTTP: success


class Transcript(msgspec.Struct, frozen=True):
    """All questions with their answers, and what a judge has to know besides: ``sign_in`` and what was asked with."""

    exchanges: Mapping[str, Exchange]
    sign_in: str
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def outcome(self, question: str) -> Exchange:
        """Return what came of ``question``. Raises :class:`UnseenError` when it was not asked, or not answered."""
        found = self.exchanges.get(question)
        if found is None or not found.asked:
            raise UnseenError("not asked")
        if found.status is None:
            raise UnseenError("no answer")
        return found

    def refusal(self, question: str) -> Exchange:
        """Return what came of a question that is asked to be refused.

        Raises :class:`UnseenError` also when the platform failed, or refused whoever asks and not the question.
        """
        found = self.outcome(question)
        status = found.status or 0
        if status in _OF_WHO_ASKS or status >= 500:  # noqa: PLR2004  HTTP: server error
            raise UnseenError("refused with HTTP {}", status)
        return found

    def answer(self, question: str) -> object:
        """Return the body of a success. Raises :class:`UnseenError` when there is none, or it is no JSON."""
        found = self.outcome(question)
        if not found.answered:
            raise UnseenError("refused with HTTP {}", found.status or 0)
        if found.body is MISSING:
            raise UnseenError("the answer is no JSON")
        return found.body

    def fact(self, name: str) -> Any:  # noqa: ANN401  each judge knows its own
        """Return what a question was asked with. Raises :class:`UnseenError` when nothing was there to ask with."""
        if name not in self.facts:
            raise UnseenError("nothing there to try it with")
        return self.facts[name]


Judge = Callable[[Transcript], Judgement]


class Statement(msgspec.Struct, frozen=True):
    """Something that the exporter relies on, with the id under which ``docs/platforms`` has it."""

    id: str
    sentence: str
    judge: Judge

    def judged(self, transcript: Transcript) -> Judgement:
        """Return how the statement fared; the same for the same answers."""
        try:
            return self.judge(transcript)
        except UnseenError as unseen:
            return unseen.judged


class Conformance(msgspec.Struct, frozen=True):
    """What a platform's fact sheet says, and how an account is asked about it.

    ``ask`` is told an open session and a :class:`~exporter.platforms.recording.Record`. ``questions`` is how many it asks.
    ``sections`` has, by the group of an id (``W-CONN``), the section of the fact sheet that says how we know it.
    """

    statements: Sequence[Statement]
    questions: int
    ask: Callable[[Any, Any], Awaitable[None]]
    sections: Mapping[str, str] = msgspec.field(default_factory=dict)


def at(value: object, *path: str) -> object:
    """Return the member of ``value`` at ``path``, :data:`MISSING` when one of them is not there."""
    for name in path:
        value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    return value
