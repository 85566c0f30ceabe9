"""German and Russian are complete, and say what the English sentences say of the same things."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from babel.messages import Catalog

from exporter.model import Message
from exporter.texts import DEFAULT, LANGUAGES, texts_in
from tools import texts as tool

OTHERS = [language for language in LANGUAGES if language != DEFAULT]
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")
_CODE = re.compile(r"`[^`]*`")
_TAG = re.compile(r"</?\w+>")
_ACTION = re.compile(r"{{.*?}}")


def faults(catalog: Catalog, wanted: Catalog) -> Iterator[str]:
    """Yield what is wrong with ``catalog``, which is to have all texts of ``wanted`` and no others."""
    ids = {message.id for message in wanted if message.id}
    yield from (f"missing: {text}" for text in ids - {message.id for message in catalog})
    yield from (f"no longer used: {message.id}" for message in catalog if message.id and message.id not in ids)
    yield from (f"no longer used: {text}" for text in catalog.obsolete)
    for message in catalog:
        if not message.id:
            continue
        if message.fuzzy:
            yield f"fuzzy: {message.id}"
        sources = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        number = catalog.num_plurals if len(sources) > 1 else 1
        if len(forms) != number or not all(forms):
            yield f"empty: {message.id}"
        for form in forms:
            for told in (_PLACEHOLDER, _CODE, _TAG, _ACTION):
                if sorted(told.findall(sources[-1])) != sorted(told.findall(form)):
                    yield f"differs in {told.pattern}: {form}"


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    return tool.template(tool.texts())


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_every_text_of_code_and_templates_is_translated_and_nothing_else(language: str, wanted: Catalog) -> None:
    assert [] == list(faults(tool.catalog_of(language), wanted)), "run: python -m tools.texts, and fill in what is empty"


@pytest.mark.parametrize(
    ("language", "aim"), [("de", r"\bZiel(e|en|es|s)?\b"), ("ru", r"(?<!\w)цел(ь|и|ью|ям|ями|ях)(?!\w)")], ids=["de", "ru"]
)
def test_a_target_is_called_an_account_and_nowhere_an_aim(language: str, aim: str) -> None:
    about = [row for row in tool.catalog_of(language) if re.search(r"\btargets?\b", _words_of(row.id))]
    assert len(about) > 30
    assert [] == [row.string for row in about if re.search(aim, str(row.string), re.IGNORECASE)]


def _words_of(text: str | tuple[str, ...] | list[str]) -> str:
    """Return a text, in all of its forms, without what stands for something else."""
    joined = text if isinstance(text, str) else " ".join(text)
    return _ACTION.sub("", _PLACEHOLDER.sub("", _CODE.sub("", joined)))


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_written_by_the_tool(language: str, wanted: Catalog) -> None:
    assert (tool.TEXTS / f"{language}.po").read_bytes() == tool.render(language, wanted), "run: python -m tools.texts"


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_read_while_the_exporter_runs_is_compiled_from_the_catalogue(language: str) -> None:
    assert (tool.TEXTS / f"{language}.mo").read_bytes() == tool.compiled(language), "run: python -m tools.texts"


@pytest.mark.slow
def test_nothing_of_babel_that_looks_for_the_zone_of_the_machine_is_imported() -> None:
    code = "import sys, exporter.web.status_page as _; print([name for name in sys.modules if name.startswith('babel.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "babel.core" in found
    assert not {"babel.localtime", "babel.dates", "babel.messages"} & set(ast.literal_eval(found))


def catalogue(*entries: tuple[tool.Text, str | tuple[str, ...]], fuzzy: bool = False) -> Catalog:
    found = Catalog(locale="ru", charset="utf-8")
    for text, string in entries:
        found.add(text, string, flags=["fuzzy"] if fuzzy else [])
    return found


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (catalogue(), "missing: set `a` to %(b)s"),
        (catalogue(("set `a` to %(b)s", "")), "empty: set `a` to %(b)s"),
        (catalogue(("set `a` to %(b)s", "`a`: %(b)s"), fuzzy=True), "fuzzy: set `a` to %(b)s"),
        (catalogue(("set `a` to %(b)s", "`a`: %(c)s")), "differs in"),
        (catalogue(("set `a` to %(b)s", "`x`: %(b)s")), "differs in"),
        (catalogue(("set `a` to %(b)s", "<b>`a`: %(b)s")), "differs in"),
        (catalogue(("set `a` to %(b)s", "`a`: %(b)s {{ $value }}")), "differs in"),
        (catalogue(("set `a` to %(b)s", "`a`: %(b)s"), ("old", "старое")), "no longer used: old"),
    ],
)
def test_a_fault_of_a_catalogue_is_seen(found: Catalog, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults(found, catalogue(("set `a` to %(b)s", ""))))


def test_a_plural_that_lacks_a_form_is_seen() -> None:
    text = ("%(count)s target", "%(count)s targets")
    assert ["empty: " + str(text)] == list(
        faults(catalogue((text, ("%(count)s один", "%(count)s два", ""))), catalogue((text, ())))
    )[:1]


def test_a_text_that_exists_only_while_the_program_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1: a text that is looked up cannot be an f-string"):
        list(tool.in_code('Message(f"the account moved to {host}")'))


def test_marked_texts_are_found_in_code_and_templates() -> None:
    code = 'Advice("what", "do")\nMessage("%(number)s a", "%(number)s b", number=1, name=", ".join(x))\nother("no")\n'
    assert ["what", "do", ("%(number)s a", "%(number)s b")] == list(tool.in_code(code))
    template = "{{ _('one %(a)s', a=_('inner')) }}{{ ngettext('%(c)s x', '%(c)s y', n, c=n) }}"
    assert {"one %(a)s", "inner", ("%(c)s x", "%(c)s y")} == set(tool.in_template(template))


def test_a_text_that_has_a_name_in_its_module_is_found_where_the_name_is_used() -> None:
    code = (
        '_LATER: Final = (\n    "wait "\n    "a little"\n)\n_OTHER = "no text"\n\nAdvice("what", _LATER)\nMessage(_unknown)\n'
    )
    assert ["what", "wait a little"] == list(tool.in_code(code))


def test_a_message_is_its_english_sentence() -> None:
    assert "3 targets of salon" == Message(
        "%(number)s target of %(name)s", "%(number)s targets of %(name)s", number=3, name="salon"
    )
    assert "100 %" == Message("100 %")


def test_a_message_is_said_in_another_language_with_the_messages_in_it() -> None:
    names = Message("%(names)s and %(number)s more", names="a, b", number="3")
    told = Message("calendar provider failed: %(names)s", names=names)
    assert "Kalenderanbieter ausgefallen: a, b und 3 weitere" == texts_in("de").of(told)
    assert "calendar provider failed: a, b and 3 more" == told


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "1 подключение"), (2, "2 подключения"), (5, "5 подключений"), (11, "11 подключений"), (21, "21 подключение")],
)
def test_russian_has_three_forms(number: int, expected: str) -> None:
    message = Message("%(count)s connection", "%(count)s connections", number=number, count=number)
    assert expected == texts_in("ru").of(message)


def test_what_is_no_text_of_ours_stays_as_it_is() -> None:
    assert ("", "Frau Müller", "") == tuple(map(texts_in("de").of, ("", "Frau Müller", Message(""))))
