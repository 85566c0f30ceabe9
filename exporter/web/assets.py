"""The style and script of the pages: read from the package, put into the page, and allowed by their hash."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from markupsafe import Markup


@cache
def asset(*names: str) -> Markup:
    """Return files of ``templates/``, one after the other, as text that needs no escaping: they are our own."""
    folder = resources.files("exporter.web") / "templates"
    return Markup("".join((folder / name).read_text(encoding="utf-8") for name in names))  # noqa: S704  see above


def source(text: str) -> str:
    """Return the source of a Content-Security-Policy that allows exactly ``text``."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
