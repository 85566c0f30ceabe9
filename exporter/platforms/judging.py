"""How statements about lists, fields, words and refusals are judged: pure functions of what was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Final

from exporter.errors import Reason
from exporter.platforms.conformance import (
    MISSING,
    TOKEN,
    Exchange,
    Judge,
    Judgement,
    Transcript,
    UnseenError,
    Word,
    at,
    judged,
    kind,
    known,
)

Path = tuple[str, ...]

DATES: Final = frozenset({"date in UTC", "date with offset", "date without zone"})
TEXTS: Final = frozenset({"text", "GUID", "digits in text", *DATES})
FLAG: Final = frozenset({"true or false"})
LISTS: Final = frozenset({"list", "empty list"})

_LIMIT_HEADERS: Final = (
    "retry-after",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
)
_HEADERS: Final = (*_LIMIT_HEADERS, *(f"x-{name}" for name in _LIMIT_HEADERS if name.startswith("ratelimit")), "x-rate-limit")
_DENIED: Final = (401, 403)


def told(found: Counter[Word]) -> tuple[str, tuple[int | Word, ...]]:
    """Return how often each word was seen, as a template with its parts, the most frequent first."""
    parts: list[int | Word] = []
    for word, times in found.most_common():
        parts += (times, word)
    return ", ".join(["{} x {}"] * len(found)) or "nothing", tuple(parts)


def tallied(holds: bool, found: Counter[Word]) -> Judgement:
    """Return the judgement of which ``found`` is what was seen."""
    template, parts = told(found)
    return judged(holds, template, *parts)


def rows(transcript: Transcript, question: str, *path: str) -> Sequence[object]:
    """Return the rows of an answer; raises :class:`UnseenError` when it has no such list, or none in it."""
    found = at(transcript.answer(question), *path)
    if not isinstance(found, list):
        raise UnseenError("there is no such list")
    if not found:
        raise UnseenError("the list is empty")
    return found


def has(question: str, path: Path, kinds: Collection[str], *, may_miss: bool = False) -> Judge:
    """Judge what stands at ``path`` of an answer."""

    def judge(transcript: Transcript) -> Judgement:
        found = kind(at(transcript.answer(question), *path))
        if may_miss and found == "missing":
            return judged(True, "missing, which is allowed")  # noqa: FBT003  the verdict
        return judged(found in kinds, "{}", found)

    return judge


def lacks(question: str, path: Path) -> Judge:
    """Judge that nothing stands at ``path`` of an answer."""

    def judge(transcript: Transcript) -> Judgement:
        found = kind(at(transcript.answer(question), *path))
        return judged(found == "missing", "{}", found)

    return judge


def each(question: str, listed: Path, field: Path, kinds: Collection[str], *, may_miss: bool = False) -> Judge:
    """Judge what stands at ``field`` of each row of a list; ``may_miss`` lets it be missing or null."""

    def judge(transcript: Transcript) -> Judgement:
        found = Counter(kind(at(row, *field)) for row in rows(transcript, question, *listed))
        checked = {word for word in found if not (may_miss and word in {"missing", "null"})}
        if not checked:
            raise UnseenError("none of {} has it", found.total())
        return tallied(checked <= set(kinds), found)

    return judge


def each_word(
    question: str, listed: Path, field: Path, words: Collection[str], *, where: Callable[[object], bool] = lambda _: True
) -> Judge:
    """Judge that each row of a list that ``where`` picks has one of ``words`` at ``field``."""

    def judge(transcript: Transcript) -> Judgement:
        values = [at(row, *field) for row in rows(transcript, question, *listed) if where(row)]
        if not values:
            raise UnseenError("there is no such row")
        found = Counter(known(value, words) if isinstance(value, str) else kind(value) for value in values)
        return tallied(all(isinstance(value, str) and value in words for value in values), found)

    return judge


def unique(question: str, listed: Path, field: Path) -> Judge:
    """Judge that no value at ``field`` comes twice in a list."""

    def judge(transcript: Transcript) -> Judgement:
        values = [repr(at(row, *field)) for row in rows(transcript, question, *listed)]
        return judged(len(set(values)) == len(values), "{} different ones in {} rows", len(set(values)), len(values))

    return judge


def allowed(question: str, sign_in: str, codes: Callable[[Exchange], Word]) -> Judge:
    """Judge that a credential of the kind ``sign_in`` may ask ``question``; ``codes`` reads the code of a refusal.

    Where nothing at all is allowed the credential is a bad one, and shows nothing of its kind.
    """

    def judge(transcript: Transcript) -> Judgement:
        if transcript.sign_in != sign_in:
            raise UnseenError("the credential is of another kind")
        found = transcript.outcome(question)
        status = found.status or 0
        if found.answered:
            return judged(True, "HTTP {}", status)  # noqa: FBT003  the verdict
        if status not in _DENIED:
            raise UnseenError("refused with HTTP {}, {}", status, codes(found))
        if not any(other.answered for name, other in transcript.exchanges.items() if name != TOKEN):
            raise UnseenError("nothing is allowed to this credential: HTTP {}, {}", status, codes(found))
        return judged(False, "HTTP {}, {}", status, codes(found))  # noqa: FBT003  the verdict

    return judge


def all_json(transcript: Transcript) -> Judgement:
    """Judge that each success is JSON and says so; a gateway may refuse with a page."""
    found: Counter[Word] = Counter()
    for exchange in _successes(transcript):
        said = known(exchange.content_type, ("application/json", "text/html", "text/plain"))
        found[Word(f"{said} that is {'no JSON' if exchange.body is MISSING else 'JSON'}")] += 1
    return tallied(found.keys() <= {"application/json that is JSON"}, found)


def no_limit_headers(transcript: Transcript) -> Judgement:
    """Judge that no success has a header that tells of a limit."""
    found = Counter(known(name, _HEADERS) for exchange in _successes(transcript) for name in exchange.headers & set(_HEADERS))
    return tallied(not found, found)


def _successes(transcript: Transcript) -> Sequence[Exchange]:
    found = [exchange for exchange in transcript.exchanges.values() if exchange.answered]
    if not found:
        raise UnseenError("nothing was answered")
    return found


def reason(found: Exchange) -> Word:
    """Return why there was no answer, as the exporter's own reasons have it."""
    return Word(found.error.reason.value) if found.error else Word(Reason.INTERNAL.value)
