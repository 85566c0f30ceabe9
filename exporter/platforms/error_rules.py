"""What the error tables of all platforms are made of: a rule says what an answer without data means."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from exporter.errors import PollError
from exporter.limits import CODE

# What an error code looks like, and no sentence, name, id or key: WORD_WORD, word_word, or a short number.
_CODE: Final = re.compile(r"[A-Z]{1,24}[0-9]{0,2}(?:_[A-Z0-9]{1,24})*|[a-z]{1,24}(?:_[a-z0-9]{1,24})+|[0-9]{1,5}")
_CONTENT_TYPES: Final = frozenset(
    {
        *(f"application/{kind}" for kind in ("javascript", "json", "octet-stream", "pdf", "problem+json", "xhtml+xml", "xml")),
        *(f"text/{kind}" for kind in ("css", "csv", "html", "javascript", "plain", "xml")),
    }
)


def is_code(text: str) -> bool:
    """Return whether ``text`` looks like an error code of an API, so that an unknown one may be shown."""
    return len(text) <= CODE.number and _CODE.fullmatch(text) is not None


def content_type(given: str) -> str:
    """Return what a body says that it is, in words that may be shown: a header holds whatever its writer likes."""
    return given if given in _CONTENT_TYPES else "an unknown content type" if given else "no content type"


class ErrorRule(msgspec.Struct, frozen=True):
    """The error with which the poll ends, and what that says.

    ``text`` is a format. ``{who}`` or a name of ours stands for the one who answered and ``{shown}`` for what is shown of the
    answer: status and code, never its own sentences, which may quote people and credentials.
    """

    error: type[PollError]
    text: str

    def as_error(
        self,
        *,
        status: int | None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        **words: str,
    ) -> PollError:
        """Return the error for one answer; ``words`` fill in the text.

        ``retry_after`` is in seconds.
        """
        message = self.text.format(**words)
        return self.error(message, status=status, code=code, request_id=request_id, retry_after=retry_after)


def sentence(text: str) -> str:
    """Return the format in which the one who answered comes first, and what is shown of the answer last."""
    return f"{{who}} {text} ({{shown}})"
