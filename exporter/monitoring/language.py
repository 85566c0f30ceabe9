"""The language of what people are sent: its sentences, and how it writes moments, durations, shares and plurals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from exporter.model import Message
from exporter.texts import DEFAULT, texts_in

MOMENT: Final = "Mon 2 Jan 15:04 MST"
"""How a moment is written in English, in Go's words. Its zone is that of the server which writes it (`TZ`), and is named."""

_COUNT: Final = 'printf "%.0f" $value'
_MARKED: Final = re.compile(r"\[\[(.+?)]]")


@dataclass(frozen=True, slots=True)
class _Writing:
    """What a language does to a template beside its words.

    ``forms`` are those of a plural: a pattern of the numbers that take it, and one such number; the last takes all others.
    ``instead`` has what stands in the place of parts of an English template: Go knows the names of days in English only, and
    Prometheus its units.
    """

    forms: Sequence[tuple[str, int]] = (("^1$", 1), ("", 2))
    instead: Mapping[str, str] = field(default_factory=dict)


def _instead(moment: str, *units: tuple[str, str]) -> Mapping[str, str]:
    """Return what stands in the place of moments, shares and durations; ``units`` are replaced one after the other."""
    comma = ("[.]", ",")
    shown = {"$value | humanizePercentage": (comma, ("%", " %")), "$value | humanizeDuration": (comma, *units)}
    return {MOMENT: moment} | {
        template: template + "".join(f' | reReplaceAll "{english}" "{word}"' for english, word in words)
        for template, words in shown.items()
    }


_WRITINGS: Final[Mapping[str, _Writing]] = MappingProxyType(
    {
        "en": _Writing(),
        # In this order: no unit has a letter that is replaced after it.
        "de": _Writing(instead=_instead("02.01. 15:04 MST", ("d", " T"), ("s", " Sek"), ("m", " Min"), ("h", " Std"))),
        "ru": _Writing(
            forms=(("(^|[^1])1$", 1), ("(^|[^1])[2-4]$", 2), ("", 5)),
            instead=_instead("02.01 15:04 MST", ("d", " дн."), ("h", " ч"), ("m", " мин"), ("s", " сек")),
        ),
    }
)


def counted(one: str, many: str, **arguments: str) -> Message:
    """Return a sentence about ``%(count)s`` things, the value of an alert: "1 poll" or "2 polls".

    The value is rounded to what is shown: `increase()` extrapolates, and 1.03 polls are one.
    """
    return Message(one, many, number=2, count=f"{{{{ {_COUNT} }}}}", **arguments)


def decimal(number: str) -> str:
    """Return a number with the decimal point of each language."""
    whole, point, part = number.partition(".")
    return Message("%(whole)s.%(part)s", whole=whole, part=part) if point else number


def said(text: str, language: str) -> str:
    """Return a sentence in ``language``, as a Go template."""
    texts = texts_in(language)
    if not isinstance(text, Message) or not text.plural:
        return localised(texts.of(text), language)
    forms = [
        (pattern, texts.of(Message(text.text, text.plural, **{**text.arguments, "number": number})))
        for pattern, number in _WRITINGS[language].forms
    ]
    (*some, (_, others)) = forms
    branches = "{{ else if ".join(f'match "{pattern}" ({_COUNT}) }}}}{form}' for pattern, form in some)
    return localised(f"{{{{ if {branches}{{{{ else }}}}{others}{{{{ end }}}}", language)


def localised(template: str, language: str) -> str:
    """Return a Go template with moments, durations and shares as ``language`` writes them."""
    for english, other in _WRITINGS[language].instead.items():
        template = template.replace(english, other)
    return template


def marked(source: str) -> Iterator[str]:
    """Yield what stands between double brackets in a template of messages: the words that have translations."""
    yield from _MARKED.findall(source)


def messages(source: str, language: str) -> str:
    """Return a template of messages with its marked words in ``language``."""
    words = _MARKED.sub(lambda found: texts_in(language).of(found[1]), source)
    return localised(words, language).replace(f'<html lang="{DEFAULT}">', f'<html lang="{language}">')
