"""What the status board and its fixes say in each language: gettext catalogues over English sentences.

English stands in the code and in the templates and is what a catalogue has a sentence under; ``de.po`` and ``ru.po`` have the
others. ``python -m tools.texts`` brings them up to date with the code and compiles them. The room leans on the
model, and the web leans on it.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from babel import Locale

from exporter.model import Message

__all__ = ["DEFAULT", "LANGUAGES", "Texts", "texts_in"]

DEFAULT: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch", "ru": "Русский"}
"""What each language calls itself, by its code."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The sentences of one language. What ``catalog`` does not have stays English."""

    language: str
    catalog: gettext.NullTranslations

    def of(self, text: str) -> str:
        """Return a sentence or a word of ours in this language; a :class:`Message` with its arguments in it."""
        if not isinstance(text, Message):
            return self.catalog.gettext(text) if text else ""  # an empty one is the head of a catalogue
        if not text.text:
            return ""
        arguments = {name: self.of(value) if isinstance(value, Message) else value for name, value in text.arguments.items()}
        form = self.catalog.gettext(text.text)
        if text.plural:
            form = self.catalog.ngettext(text.text, text.plural, int(text.arguments["number"]))
        return form % arguments if arguments else form

    @property
    def days(self) -> tuple[str, ...]:
        """The short names of the days, from Monday on."""
        return tuple(name for _, name in sorted(self._locale.days["format"]["abbreviated"].items()))

    @property
    def months(self) -> tuple[str, ...]:
        """The short names of the months, as they stand beside a day."""
        return tuple(name for _, name in sorted(self._locale.months["format"]["abbreviated"].items()))

    @property
    def decimal_point(self) -> str:
        """What stands between a whole number and its decimals."""
        return str(self._locale.number_symbols["latn"]["decimal"])

    @property
    def _locale(self) -> Locale:
        return Locale.parse(self.language)


@cache
def texts_in(language: str) -> Texts:
    """Return the texts of one of :data:`LANGUAGES`. Reads its catalogue once; raises :class:`OSError` where it has none."""
    return Texts(language, gettext.NullTranslations() if language == DEFAULT else _catalog(language))


def _catalog(language: str) -> gettext.GNUTranslations:
    with (resources.files(__name__) / f"{language}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)
