"""Brings the catalogues of ``exporter/texts/`` up to date with code and templates: ``python -m tools.texts``.

New sentences come in empty, what is no longer used goes, translations that are there stay. A test fails while one is
empty. What is read while the exporter runs is compiled here: babel's readers look for the zone of the machine when they are
imported, and fall over one that is no file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final, get_args

import jinja2
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from exporter.calendar_copies import MismatchKind
from exporter.model import GONE, CalendarType, CollectorName, ConnectionStatus, Message
from exporter.monitoring.alertmanager import message_source
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.language import marked
from exporter.monitoring.options import Options
from exporter.platforms.wix.settings import STATUSES
from exporter.policy import WarningKind
from exporter.private_calendar import Cause
from exporter.state.findings import Severity
from exporter.texts import DEFAULT, LANGUAGES
from exporter.web.status_types import CollectorCondition, TargetState
from exporter.web.wording import plain

PACKAGE: Final = Path(__file__).parents[1] / "exporter"
TEXTS: Final = PACKAGE / "texts"

_MARKS: Final = {"Message": 2, "Advice": 2, "AlertsOnly": 1}
"""What marks a sentence in code, and how many of its first arguments are sentences; of a message the second is the plural."""

_SUBJECTS: Final = ("requests", "operating", "credential", "address", "configuration", "target")
_WORDS: Final = (
    *ConnectionStatus,
    GONE,
    *CalendarType,
    *MismatchKind,
    *CollectorName,
    *Cause,
    *Severity,
    *get_args(TargetState),
    *get_args(CollectorCondition),
    *WarningKind,
    *_SUBJECTS,
    *map(str.lower, STATUSES),
)
"""Words of closed lists, which the board shows as they are."""

# No dates and no versions: they would change with every run.
_HEAD: Final = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""

Text = str | tuple[str, str]


def texts() -> Iterator[tuple[Text, str]]:
    """Yield each text that can be translated, with its plural if it has one, and the file where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in in_code(path.read_text(encoding="utf-8")):
            yield text, str(path.relative_to(PACKAGE.parent))
    for path in sorted((PACKAGE / "web" / "templates").glob("*.html")):
        for text in in_template(path.read_text(encoding="utf-8")):
            yield text, str(path.relative_to(PACKAGE.parent))
    for text in dict.fromkeys(of_alerts()):
        yield text, "exporter/monitoring/alerts"
    for text in marked(message_source()):
        yield text, "exporter/monitoring/templates/booking-sync.tmpl"
    for word in dict.fromkeys(map(plain, _WORDS)):
        yield word, "words of closed lists"


def in_code(source: str) -> Iterator[Text]:
    """Yield the marked texts of a module, also those that have a name in it.

    Raises :class:`ValueError` for one that only exists while the program runs.
    """
    tree = ast.parse(source)
    named = dict(_named(tree))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKS):
            continue
        given = [named.get(part.id, part) if isinstance(part, ast.Name) else part for part in node.args[: _MARKS[node.func.id]]]
        if any(isinstance(part, ast.JoinedStr) for part in given):
            raise ValueError(f"line {node.lineno}: a text that is looked up cannot be an f-string; give it arguments")
        found = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value]
        if node.func.id == "Message" and len(found) > 1:
            yield found[0], found[1]
        else:
            yield from found


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the constants of a module with their names."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Constant):
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def of_alerts() -> Iterator[Text]:
    """Yield what the alerts say. They are asked and not read: some of their sentences are made of those of platforms."""
    for group in alert_groups(Options()):
        for alert in group.alerts:
            for sentence in alert.sentences():
                yield from _in_sentence(sentence)


def _in_sentence(sentence: str) -> Iterator[Text]:
    if not isinstance(sentence, Message):
        yield sentence
        return
    yield (sentence.text, sentence.plural) if sentence.plural else sentence.text
    for argument in sentence.arguments.values():
        if isinstance(argument, Message):
            yield from _in_sentence(argument)


def in_template(source: str) -> Iterator[Text]:
    """Yield the texts of a template."""
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    for _, function, found in environment.extract_translations(source):  # type: ignore[attr-defined]  # of the extension
        parts = [found] if isinstance(found, str) else [part for part in found if part is not None]
        yield (parts[0], parts[1]) if function == "ngettext" else parts[0]


def template(found: Iterable[tuple[Text, str]]) -> Catalog:
    """Return an empty catalogue of all texts; a text that somewhere has a plural has it everywhere."""
    catalog = Catalog(charset="utf-8")
    for text, file in found:
        catalog.add(text, locations=[(file, 0)])
    return catalog


def catalog_of(language: str) -> Catalog:
    """Return the catalogue of ``language`` as it is committed, an empty one where there is none."""
    path = TEXTS / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def render(language: str, texts: Catalog) -> bytes:
    """Return the text of the catalogue of ``language`` with exactly ``texts`` in it."""
    catalog = catalog_of(language)
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    body = BytesIO()
    write_po(body, catalog, width=120, sort_output=True, include_lineno=False, omit_header=True)
    return _HEAD.format(language=language, plurals=catalog.plural_forms).encode() + body.getvalue()


def compiled(language: str) -> bytes:
    """Return the catalogue of ``language`` as it is committed, in the form that is read while the exporter runs."""
    catalog, body = catalog_of(language), BytesIO()
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=UTC)  # that of no run
    write_mo(body, catalog)
    return body.getvalue()


def main() -> None:
    """Write all catalogues."""
    found = template(texts())
    for language in LANGUAGES:
        if language != DEFAULT:
            (TEXTS / f"{language}.po").write_bytes(render(language, found))
            (TEXTS / f"{language}.mo").write_bytes(compiled(language))


if __name__ == "__main__":
    main()
