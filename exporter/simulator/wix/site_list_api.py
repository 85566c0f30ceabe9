"""The sites of an account (docs/platforms/wix-sites.md): the only service of this Wix that is not asked of one site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from exporter.simulator.platform import Call, Reply, json_reply
from exporter.simulator.wix.bookings import BOOKINGS_APP_ID
from exporter.simulator.wix.errors import body_object
from exporter.simulator.wix.filters import Field, FieldKind, Sort, utc_text
from exporter.simulator.wix.parameters import body
from exporter.simulator.wix.reader_api import page
from exporter.simulator.wix.switches import Switches
from exporter.simulator.wix.world import Site

FIELDS: Final[Mapping[str, Field[Site]]] = {
    "id": Field(FieldKind.WORD, lambda site: site.id),
    "namespace": Field(FieldKind.WORD, lambda site: site.namespace),
    "published": Field(FieldKind.FLAG, lambda site: site.published),
    "premium": Field(FieldKind.FLAG, lambda site: site.premium),
    "appIds": Field(FieldKind.TAGS, lambda site: {BOOKINGS_APP_ID} if site.bookings_installed else set()),
    "createdDate": Field(FieldKind.DATE, lambda site: site.created),
}


def query_sites(call: Call, sites: Iterable[Site], switches: Switches) -> Reply:
    """``POST /site-list/v2/sites/query``: sites of ``WIX`` alone unless the filter names namespaces.

    What cannot be filtered by is ignored, and the cursor does not carry the limit.
    """
    query = dict(body_object(body(call).get("query", {})))
    asked = body_object(query.get("cursorPaging") or {})
    if "cursor" not in asked:
        wanted = body_object(query.get("filter") or {})
        known = {name: value for name, value in wanted.items() if name in FIELDS}
        if switches.ignore_app_filter:
            known.pop("appIds", None)
        query["filter"] = {"namespace": "WIX", **known}
    listed = [site for site in sites if site.trashed_at is None or not switches.hide_trashed]
    rows, paging = page(listed, query, FIELDS, (Sort("createdDate"),), switches)
    return json_reply({"sites": list(map(_row, rows)), "metadata": paging, "cursorPaging": {"limit": asked.get("limit", 50)}})


def _row(site: Site) -> dict[str, object]:
    slug = site.display_name.lower().replace(" ", "-")
    row: dict[str, object] = {
        "id": site.id,
        "htmlAppId": str(uuid5(NAMESPACE_URL, site.id)),
        "name": slug,
        "displayName": site.display_name,
        "createdDate": utc_text(site.created),
        "updatedDate": utc_text(site.created),
        "published": site.published,
        "premium": site.premium,
        "viewUrl": f"https://example.wixsite.com/{slug}" if site.published else "",
        "editUrl": f"/editor/{site.id}",
        "ownerAccountId": site.account_id,
        "contributorAccountIds": [site.account_id],
        "editorType": "EDITOR",
        "blocked": False,
        "namespace": site.namespace,
        "domainConnected": False,
        "parentChildRole": "NONE",
    }
    return row if site.trashed_at is None else {**row, "trashedDate": utc_text(site.trashed_at)}
