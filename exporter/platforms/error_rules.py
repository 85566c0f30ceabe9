"""What the error tables of all platforms are made of: a rule says what an answer without data means."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.errors import PollError


@dataclass(frozen=True, slots=True)
class ErrorRule:
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
        """Return the error for one answer; ``words`` fill in the text."""
        message = self.text.format(**words)
        return self.error(message, status=status, code=code, request_id=request_id, retry_after=retry_after)


def sentence(text: str) -> str:
    """Return the format in which the one who answered comes first, and what is shown of the answer last."""
    return f"{{who}} {text} ({{shown}})"
