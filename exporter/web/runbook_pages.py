"""The runbooks as pages, ``/runbooks/`` and ``/runbooks/NAME``: Markdown made into HTML, once for each text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from exporter.web.assets import asset, source

if TYPE_CHECKING:
    import jinja2
    from markdown_it.token import Token

Library = Callable[[], Mapping[str, str]]
"""Returns the runbooks as Markdown, by file name: ``README.md`` is the index, the others are alerts in lower case."""

FOLDER: Final = "/runbooks/"
_INDEX: Final = "README.md"
_PAGES: Final = 128  # more than there are, and an end for those of texts that a reload replaced
_STYLE: Final = ("base.css", "runbook.css")
_NO_WORD: Final = re.compile(r"[^\w\- ]")


class RunbookPages:
    """Pages of a library, which is asked when somebody asks for one: most exporters are never asked."""

    def __init__(self, library: Library) -> None:
        self._texts = library
        self._html = lru_cache(_PAGES)(_html)

    def render(self, name: str, *, with_board: bool) -> bytes | None:
        """Return the page of an alert in any case, with or without ``.md``, or the index for ""; ``None`` where there is none.

        ``with_board`` links the status board of all targets. Takes long the first time; call it in a thread.
        """
        file = f"{name.lower().removesuffix('.md')}.md" if name else _INDEX
        text = self._texts().get(_INDEX if file == _INDEX.lower() else file)
        return None if text is None else self._html(text, with_board=with_board)


def content_security_policy() -> str:
    """Return the policy of these pages: their own style by its hash, and nothing else."""
    return (
        f"default-src 'none'; style-src {source(asset(*_STYLE))}; img-src data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def _html(text: str, *, with_board: bool) -> bytes:
    from markdown_it import MarkdownIt  # noqa: PLC0415  as for jinja2: most exporters are asked for no runbook

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    titles = [_with_anchor(tokens, place) for place, token in enumerate(tokens) if token.type == "heading_open"]
    body = markdown.renderer.render(tokens, markdown.options, {})
    page = _template().render(title=titles[0], body=Markup(body), is_index=titles[0] == "Runbooks", with_board=with_board)  # noqa: S704  made without HTML of the text
    return page.encode()


def _with_anchor(tokens: list[Token], place: int) -> str:
    """Give a heading the anchor that code forges give it: one link works in the file and on the page. Returns its text."""
    title = tokens[place + 1].content
    tokens[place].attrSet("id", _NO_WORD.sub("", title.lower()).replace(" ", "-"))
    return title


@cache
def _template() -> jinja2.Template:
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("exporter.web"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.globals["style"] = asset(*_STYLE)
    return environment.get_template("runbook.html")
