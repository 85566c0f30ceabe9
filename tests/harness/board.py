"""The status board of a view: its page, the words on it, the targets that it shows, and sites to put there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exporter.errors import Reason
from exporter.model import CollectorName, Connection
from exporter.state.snapshot import View
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.views import Target


def page(view: View, query: str = "", number: int = 1, sort: str = "") -> str:
    return board.render(view, query=query, page=number, sort=sort).decode()


def words(html: str) -> str:
    """Return the visible text of the page in one line."""
    body = re.sub(r"<(style|script|title)>.*?</\1>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", body).replace("&#39;", "'").replace("&amp;", "&").replace("&gt;", ">").replace("&#34;", '"')
    return re.sub(r"\s+([,.;)])", r"\1", re.sub(r"\s+", " ", text)).replace("( ", "(")


def site(name: str, *rows: Connection, labels: dict[str, str] | None = None) -> Target:
    state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
    return views.target_of(name, "wix", [views.succeeded(state, views.connections(*rows))], labels=labels)


def failed_site(name: str, reason: Reason = Reason.AUTH) -> Target:
    return failed_site_with(name, {}, reason)


def failed_site_with(name: str, labels: dict[str, str], reason: Reason = Reason.AUTH) -> Target:
    state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
    return views.target_of(name, "wix", [views.failed(state, reason, "refused")], labels=labels)


def names(found: board.Board) -> Sequence[str]:
    return [shown.status.name for shown in found.targets]
