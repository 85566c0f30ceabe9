"""Variables and links of the boards, by Grafana's own code: from the fleet to a target and a connection, whatever their names.

What stands in a browser's address line is given to the board that it leads to, and its queries are read.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from exporter.monitoring.causes import CAUSE, SINCE, TARGETS
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.options import Options
from tests.monitoring.grafana import STEP, Panel, filled, grafana
from tests.monitoring.incidents import JOBS
from tests.monitoring.outages import measured
from tests.monitoring.promql import selectors
from tests.monitoring.sights import ALL, BY_STEM, SALON_B24, SALON_WIX, Place, Sights, places

pytestmark = pytest.mark.servers

Json = dict[str, Any]
Open = Callable[..., Json]

ODD: Final = (
    "Salon & Söhne",
    "Chair #1",
    "a+b",
    "50 % off",
    "north/south?x=1",
    'the "blue" room',
    "Müller's",
    "back\\slash",
    "All",
    "{a,b}",
    "1|2",
)
"""Names that need care in an address, in a query or in a regular expression."""
JOB: Final = "booking & sync #1"
BY_UID: Final = {board["uid"]: stem for stem, board in BY_STEM.items()}
RANGE: Final = "from=now-3h&to=now-1h"
KNOWN: Final = {
    "datasource": ["prometheus"],
    "job": [JOB, "booking-sync-exporter"],
    "target": [SALON_B24, SALON_WIX],
    "connection": ["Chair 1", "Chair 2"],
    "instance": ["127.0.0.1:10888"],
    "platform": ["bitrix24", "wix"],
}
LINKED: Final = {
    "What is broken and who fixes it": "token-revoked",
    "Wall of targets": "calm",
    "All targets": "calm",
    "Connections needing attention": "token-revoked",
}
"""Panels of the fleet board from which links lead to a target, and a world in which they show some."""


@pytest.fixture(scope="module")
def ask() -> Iterator[Panel]:
    with grafana("links.cjs") as asked:
        yield asked


@pytest.fixture(scope="module")
def opened(ask: Panel) -> Open:
    """Return what a board makes of an address: values, queries, menu, and the links of a panel."""

    def look(stem: str, url: str, *, board: Json | None = None, **request: Any) -> Json:  # noqa: ANN401
        return ask({"board": board or BY_STEM[stem], "url": url, "options": KNOWN, "step": STEP, **request})

    return look


def _matched(seen: Json, label: str) -> set[str]:
    """Return operator and value by which a label is matched in the queries of a board; each of them has to be PromQL.

    What is escaped in a regular expression is not any more.
    """
    return {
        re.sub(r"\\(.)", r"\1", matchers[label])
        for expressions in seen["queries"].values()
        for expression in expressions
        for _, matchers, _ in selectors(expression)
        if label in matchers
    }


def _asked(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def _stem(url: str) -> str:
    """Return the board that an address leads to; addresses with a variable that nobody put in are none."""
    assert "${" not in url
    prefix, _, uid = urlsplit(url).path.rpartition("/")
    assert "/d" == prefix
    return BY_UID[uid]


@pytest.mark.parametrize("stem", BY_STEM)
def test_the_menu_keeps_data_source_job_and_time_and_opens_one_target(opened: Open, stem: str) -> None:
    seen = opened(stem, f"/d/x?var-job={quote(JOB, safe='')}&{RANGE}")
    assert {"fleet", "target", "internals"} - {stem} == {_stem(url) for url in seen["menu"].values()}
    for url in seen["menu"].values():
        asked = _asked(url)
        assert (["prometheus"], [JOB], ["now-3h"], ["now-1h"]) == tuple(
            asked[name] for name in ("var-datasource", "var-job", "from", "to")
        )
        there = opened(_stem(url), url)
        assert {f"Re {JOB}"} >= {one for one in _matched(there, "job") if "|" not in one}
        if _stem(url) == "target":
            equal = {one for one in _matched(there, "target") if one.startswith("Equal")}
            assert {f"Equal {KNOWN['target'][0]}"} == equal - {"Equal "}, "what many share has no target"


@pytest.mark.parametrize("panel", LINKED)
@pytest.mark.parametrize("name", [SALON_WIX, *ODD])
def test_a_link_of_a_row_leads_to_the_target_and_the_connection_whatever_they_are_called(
    opened: Open, sights: Sights, panel: str, name: str
) -> None:
    place = Place(LINKED[panel], "fleet", ALL, panel)
    results = copy.deepcopy(dict(sights.answers[str(place)]))
    renamed = {"job": JOB, "jobs": JOB, "target": name, "connection": f"{name} 2"}
    for answer in results.values():
        for row in answer["result"]:
            row["metric"] |= {label: value for label, value in renamed.items() if label in row["metric"]}
    seen = opened("fleet", f"/d/x?{RANGE}", panel=place.panel, results=results, to=sights.now)
    urls = {url for row in seen["rows"] for found in row.values() for url in found if url.startswith("/d/")}
    assert urls
    for url in urls:
        assert "target" == _stem(url)
        there = opened("target", url, options={**KNOWN, "target": [SALON_B24, name], "connection": [f"{name} 1", f"{name} 2"]})
        asked = _asked(url)
        assert (["now-3h"], ["now-1h"]) == (asked["from"], asked["to"])
        assert (name, [JOB]) == (there["values"]["target"], _list(there["values"]["job"]))
        if "var-connection" in asked:
            assert [f"{name} 2"] == _list(there["values"]["connection"])


def test_a_cause_of_no_target_leads_to_the_exporters_board_with_all_of_its_targets(opened: Open, sights: Sights) -> None:
    place = Place("stopped-for-long", "fleet", ALL, "What is broken and who fixes it")
    seen = opened("fleet", f"/d/x?{RANGE}", panel=place.panel, results=sights.answers[str(place)], to=sights.now)
    urls = {url for row in seen["rows"] for found in row.values() for url in found if url.startswith("/d/")}
    assert urls
    for url in urls:
        assert "internals" == _stem(url)
        there = opened("internals", url)
        assert {"Re .+"} == {value.removesuffix("|") for value in _matched(there, "target")} - {"Equal "}
        assert {"Re .+"} == {value.removesuffix("|") for value in _matched(there, "platform")} - {"Equal ", "NotEqual "}


def test_the_cause_that_prometheus_tells_of_itself_leads_to_the_board_of_the_exporters(opened: Open, tmp_path: Path) -> None:
    """It has the job of Prometheus: a board that had chosen that would be empty."""
    place = Place("calm", "fleet", ALL, "What is broken and who fixes it")
    own = 'job="prometheus",alertname="BookingSyncRuleFailures",alertstate="firing",fixed_by="exporter operator"'
    series: dict[str, list[float | None]] = {f"{name}{{{own}}}": [1.0] * 3 for name in (CAUSE, SINCE, TARGETS)}
    variables = {"job": JOB, "target": ALL}
    asked = "\nor ".join(
        f'label_replace({filled(one["expr"], variables)}, "query", "{one["refId"]}", "", "")' for one in place.panel["targets"]
    )
    found = measured(series, [2], tmp_path, asked, (), bundle=[])[2]
    results: dict[str, Json] = {one["refId"]: {"result": []} for one in place.panel["targets"]}
    for labels, value in found:
        results[labels.pop("query")]["result"].append({"metric": labels, "value": [120, str(value)]})
    seen = opened("fleet", f"/d/x?{RANGE}", panel=place.panel, results=results, to=120)
    [row] = seen["rows"]
    boards = {url for urls in row.values() for url in urls if url.startswith("/d/")}
    assert {"internals"} == {_stem(url) for url in boards}
    for url in boards:
        there = opened("internals", url)
        assert {f"Re ({'|'.join(KNOWN['job'])})"} == _matched(there, "job")
        assert {"Re .+"} == {value.removesuffix("|") for value in _matched(there, "target")} - {"Equal "}


@pytest.mark.parametrize("name", [SALON_WIX, *ODD])
def test_the_menu_of_a_target_leads_to_its_place_on_the_exporters_own_page(opened: Open, name: str) -> None:
    board = json.loads(target(Options(board_url="https://board.example.org/sync")))
    seen = opened("target", f"/d/x?var-target={quote(name, safe='')}", board=board, options={**KNOWN, "target": [name]})
    url = urlsplit(seen["menu"]["Status page"])
    assert ("https://board.example.org/sync/", name) == (url._replace(fragment="", query="").geturl(), unquote(url.fragment))


@pytest.mark.parametrize("job", JOBS)
def test_every_link_of_every_panel_in_every_incident_leads_to_a_board_of_ours_or_to_a_page(
    opened: Open, sights: Sights, job: str
) -> None:
    for place in places([job]):
        seen = opened(place.stem, f"/d/x?{RANGE}", panel=place.panel, results=sights.answers[str(place)], to=sights.now)
        for row in seen["rows"]:
            for url in (url for found in row.values() for url in found):
                assert "${" not in url
                assert url.startswith(("http://", "https://")) or _stem(url)


def test_all_targets_and_several_are_asked_for_as_they_are_chosen(opened: Open) -> None:
    every = opened("fleet", "/d/x?var-target=All")
    several = opened("fleet", f"/d/x?var-target={SALON_B24}&var-target={SALON_WIX}")
    one = opened("fleet", f"/d/x?var-target={SALON_WIX}")
    none = "Equal "  # what is about no target at all
    chosen = [{value.removesuffix("|") for value in _matched(seen, "target") - {none}} for seen in (every, several, one)]
    assert [{"Re .+"}, {f"Re ({SALON_B24}|{SALON_WIX})"}, {f"Re {SALON_WIX}"}] == chosen


@pytest.mark.parametrize("stem", BY_STEM)
def test_a_bundle_for_several_clusters_chooses_one_of_them_in_every_query_and_link(opened: Open, stem: str) -> None:
    made = {"fleet": fleet, "target": target, "internals": internals}[stem]
    board = json.loads(made(Options(variables=("cluster", "namespace"), cluster_label="dc")))
    known = {**KNOWN, "cluster": ["east", "west"], "namespace": ["booking"]}
    seen = {
        chosen: opened(stem, f"/d/x?var-cluster={chosen}&{RANGE}", board=board, options=known) for chosen in ("west", "All")
    }
    for chosen, asked in (("west", "Re west"), ("All", "Re .*")):
        assert {asked} == _matched(seen[chosen], "dc")
        of_jobs = [
            matchers
            for expressions in seen[chosen]["queries"].values()
            for expression in expressions
            for _, matchers, _ in selectors(expression)
            if "job" in matchers
        ]
        assert of_jobs
        assert all({"dc", "namespace"} <= matchers.keys() for matchers in of_jobs)
    for url in seen["west"]["menu"].values():
        assert ["west"] == _asked(url)["var-cluster"]


@pytest.mark.parametrize("stem", BY_STEM)
def test_all_jobs_are_those_of_an_exporter(opened: Open, stem: str) -> None:
    jobs = _matched(opened(stem, "/d/x?var-job=All"), "job")
    assert {f"Re ({'|'.join(KNOWN['job'])})"} == jobs


# What was wrong once, put in again.
def test_a_menu_that_carries_all_variables_along_is_seen_to_open_no_target(opened: Open) -> None:
    board = copy.deepcopy(BY_STEM["fleet"])
    (link,) = [one for one in board["links"] if one["title"] == "Target"]
    link |= {"url": "/d/booking-sync-target", "includeVars": True}
    there = opened("target", opened("fleet", "/d/x?var-target=All", board=board)["menu"]["Target"])
    assert there["values"]["target"] not in KNOWN["target"]


def test_an_all_value_of_the_job_is_seen_to_ask_for_every_job(opened: Open) -> None:
    board = copy.deepcopy(BY_STEM["internals"])
    next(one for one in board["templating"]["list"] if one["name"] == "job")["allValue"] = ".+"
    assert {"Re .+"} == _matched(opened("internals", "/d/x?var-job=All", board=board), "job")


def test_a_name_that_is_not_encoded_is_seen_to_get_lost(opened: Open, sights: Sights) -> None:
    place = Place("calm", "fleet", ALL, "All targets")
    panel, results = copy.deepcopy(place.panel), copy.deepcopy(dict(sights.answers[str(place)]))
    for over in panel["fieldConfig"]["overrides"]:
        for one in over["properties"]:
            if one["id"] == "links":
                one["value"] = [{**link, "url": link["url"].replace(":percentencode", "")} for link in one["value"]]
    for answer in results.values():
        for row in answer["result"]:
            row["metric"]["target"] = "Salon & Söhne"
    seen = opened("fleet", "/d/x", panel=panel, results=results, to=sights.now)
    (url,) = {url for row in seen["rows"] for found in row.values() for url in found}
    assert ["Salon & Söhne"] != _asked(url)["var-target"]


def _list(value: Any) -> list[Any]:  # noqa: ANN401  one value or several
    return value if isinstance(value, list) else [value]
