"""The three shapes of a Wix error body, and the OAuth one (docs/platforms/wix.md 9.1, 2.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.simulator.platform import Reply, json_reply


class ApiError(Exception):
    """An answer that is not a 2xx; the platform turns it into a reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Violation:
    """One entry of ``validationError.fieldViolations``."""

    field: str
    description: str
    rule: str = "FORMAT"


def application_error(status: int, code: str, description: str = "", headers: Sequence[tuple[str, str]] = ()) -> ApiError:
    """First shape: an error with a code of the application."""
    error: dict[str, object] = {"code": code}
    if description:
        error |= {"description": description, "data": {}}
    body = {"message": description, "details": {"applicationError": error}}
    return ApiError(json_reply(body, status, tuple(headers)))


def validation_error(*violations: Violation) -> ApiError:
    """Second shape: 400 with the fields that are wrong."""
    listed = [
        {"field": item.field, "description": item.description, "violatedRule": item.rule, "ruleName": item.rule, "data": {}}
        for item in violations
    ]
    message = "; ".join(f"{item.field} {item.description}" for item in violations)
    return ApiError(json_reply({"message": message, "details": {"validationError": {"fieldViolations": listed}}}, 400))


def empty_error(status: int, headers: Sequence[tuple[str, str]] = ()) -> ApiError:
    """Third shape: nothing. All 5xx "system errors" by design, and some 403."""
    return ApiError(json_reply({"message": "", "details": {}}, status, tuple(headers)))


def oauth_error(status: int, error: str, description: str) -> ApiError:
    """Build what the token endpoint says: RFC 6749, not a Wix shape."""
    return ApiError(json_reply({"error": error, "error_description": description}, status))


def invalid_filter(description: str) -> ApiError:
    """Return the 400 for a filter that the query language does not allow."""
    return application_error(400, "INVALID_FILTER", description)


def body_object(value: object) -> Mapping[str, object]:
    """Return ``value`` when it is a JSON object, else raise the 400 of a body that is not."""
    if not isinstance(value, Mapping):
        raise validation_error(Violation("body", "must be a JSON object"))
    return value
