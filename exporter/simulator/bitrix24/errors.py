"""The error of a method and the many ways in which Bitrix24 writes it down (bitrix24.md 8.1)."""

from __future__ import annotations

from typing import Final

from exporter.simulator.bitrix24.switches import Switches

_RUSSIAN: Final = {
    1021: "Бронирование не найдено",
    422: "Некорректный период дат",
    "": "Доступ запрещен",
    "QUERY_LIMIT_EXCEEDED": "Слишком много запросов",
    "OPERATION_TIME_LIMIT": "Метод заблокирован из-за превышения лимита времени выполнения.",
}


class ApiError(Exception):
    """An error answer: ``code`` is a word or a number, ``status`` the HTTP status outside of a batch."""

    def __init__(self, code: str | int, description: str, status: int = 400, *, argument: str | None = None) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status
        self.argument = argument


class MethodBinderError(ApiError):
    """A parameter that does not fit the method's signature; its code is 100 or empty, depending on the build."""

    def __init__(self, description: str) -> None:
        super().__init__(100, description)


def missing_parameter(name: str) -> MethodBinderError:
    """Return the error for a required parameter that is not there."""
    return MethodBinderError(f"Could not find value for parameter {{{name}}}")


def invalid_parameter(name: str, value: object, kind: str) -> MethodBinderError:
    """Return the error for a parameter of the wrong type."""
    return MethodBinderError(f"Invalid value {{{value}}} to match with parameter {{{name}}}. Should be value of type {kind}.")


def error_body(error: ApiError, switches: Switches, *, in_batch: bool = False) -> dict[str, object]:
    """Return the JSON object of an error: never with a ``time``."""
    code: str | int = error.code
    if isinstance(error, MethodBinderError) and switches.binder_code == "empty":
        code = ""
    elif isinstance(code, int):
        style = switches.numeric_codes_in_batch if in_batch else switches.numeric_codes
        code = code if style == "number" else str(code)
    elif switches.word_case != "documented":
        code = code.upper() if switches.word_case == "upper" else code.lower()
    text = _RUSSIAN.get(error.code, error.description) if switches.russian_descriptions else error.description
    body: dict[str, object] = {"error": code, "error_description": text}
    if error.argument:
        body["argument"] = error.argument
    if switches.extra_error_keys:
        body |= {"error_information": "see the documentation", "validation": []}
    return body
