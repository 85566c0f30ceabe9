"""The statements of docs/platforms/calendar.md: true of the simulator and of real servers alike, and each can be false."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from exporter.simulator import Simulator, running
from exporter.simulator.calendar import RADICALE, XANDIKOS, Rule
from exporter.simulator.calendar import Entry as Simulated
from tests.harness.caldav_servers import (
    Calendar,
    Entry,
    Radicale,
    RadicaleCalendar,
    Xandikos,
    XandikosCalendar,
)
from tests.harness.clock import ManualClock
from tests.simulator.calendar.conftest import FIRST
from tests.simulator.calendar.statements import STATEMENTS, Asked, Dialect, Place

SHEET: Final = Path(__file__).parents[3] / "docs" / "platforms" / "calendar.md"
CASES: Final = [(id_, dialect) for id_, statement in STATEMENTS.items() for dialect in statement.of]
_RULE: Final = re.compile(r"RRULE:FREQ=DAILY;COUNT=(\d+)")
_ANOTHER: Final = "another word"


@dataclass
class SimulatedPlace:
    """A calendar of the simulator; ``changed`` is what becomes of each entry that is put."""

    simulator: Simulator
    origin: str
    dialect: Dialect
    changed: Callable[[Simulated], Simulated] = field(default=lambda entry: entry)

    def __post_init__(self) -> None:
        self.simulator.calendar.switches = RADICALE if self.dialect == "Radicale" else XANDIKOS
        self._owner = self.simulator.calendar.add_owner("anna")
        self._calendar = self._owner.add_calendar()
        self._foreign = self.simulator.calendar.add_owner("ben").add_calendar()

    @property
    def url(self) -> str:
        return self.origin + self._calendar.path

    @property
    def feed(self) -> str:
        return self.origin + self._calendar.feed_path

    @property
    def foreign(self) -> str:
        return self.origin + self._foreign.path

    @property
    def auth(self) -> tuple[str, str] | None:
        return self._owner.name, self._owner.password

    async def put(self, *entries: Entry) -> None:
        self._calendar.put(*(self.changed(_simulated(entry)) for entry in entries))

    async def delete(self) -> None:
        self._calendar.deleted = True

    async def new_password(self) -> None:
        self._owner.password = _ANOTHER


def _simulated(entry: Entry) -> Simulated:
    rule = next((Rule(count=int(found[1])) for line in entry.lines if (found := _RULE.fullmatch(line))), None)
    made = Simulated(entry.uid, entry.start, entry.end, whole_days=entry.whole_days, rule=rule, title=entry.title)
    made = replace(made, transparent="TRANSP:TRANSPARENT" in entry.lines)
    return replace(made, status="CANCELLED") if "STATUS:CANCELLED" in entry.lines else made


@dataclass
class RealPlace:
    """A calendar of a real server, with one that Radicale publishes."""

    calendar: Calendar
    dialect: Dialect
    published: RadicaleCalendar | None = None
    other: RadicaleCalendar | None = None

    @property
    def url(self) -> str:
        return self.calendar.url

    @property
    def feed(self) -> str:
        assert self.published is not None
        return self.published.url

    @property
    def foreign(self) -> str:
        assert self.other is not None
        return self.other.url

    @property
    def auth(self) -> tuple[str, str] | None:
        return self.calendar.auth

    async def put(self, *entries: Entry) -> None:
        await self.calendar.put(*entries)
        if self.published is not None:
            await self.published.put(*entries)

    async def delete(self) -> None:
        await self.calendar.delete()

    async def new_password(self) -> None:
        assert isinstance(self.calendar, RadicaleCalendar)
        self.calendar.server.user(self.calendar.user, _ANOTHER)


@pytest.fixture
async def simulated() -> AsyncIterator[Callable[..., SimulatedPlace]]:
    simulator = Simulator(ManualClock(FIRST))
    async with running(simulator.app) as origin:
        yield lambda dialect, **more: SimulatedPlace(simulator, origin, dialect, **more)


@pytest.mark.parametrize(("id_", "dialect"), CASES)
async def test_each_statement_holds_on_the_simulator_as_each_server_that_it_is_about(
    simulated: Callable[..., SimulatedPlace], id_: str, dialect: Dialect
) -> None:
    await STATEMENTS[id_].holds(Asked(simulated(dialect)))


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize("id_", [id_ for id_, dialect in CASES if dialect == "Radicale"])
async def test_each_statement_holds_on_radicale(on_radicale: Radicale, id_: str) -> None:
    user = f"anna-{uuid4().hex[:8]}"
    own, published = await on_radicale.calendar(user), await on_radicale.published(user)
    place: Place = RealPlace(own, "Radicale", published, await on_radicale.calendar(f"ben-{uuid4().hex[:8]}"))
    await STATEMENTS[id_].holds(Asked(place))


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize("id_", [id_ for id_, dialect in CASES if dialect == "xandikos"])
async def test_each_statement_holds_on_xandikos(on_xandikos: Xandikos, id_: str) -> None:
    calendar: XandikosCalendar = await on_xandikos.calendar(uuid4().hex)
    await STATEMENTS[id_].holds(Asked(RealPlace(calendar, "xandikos")))


@dataclass(frozen=True)
class Spoilt:
    """How a statement is made false on the simulator: by other switches, other entries, or what becomes of answers."""

    switches: Mapping[str, Any] = field(default_factory=dict)
    entry: Callable[[Simulated], Simulated] = field(default=lambda entry: entry)
    answer: Callable[[httpx.Response], httpx.Response] = field(default=lambda answer: answer)


def status(given: int) -> Spoilt:
    return Spoilt(answer=lambda answer: httpx.Response(given, content=answer.content, headers=kept(answer)))


def words(old: str, new: str) -> Spoilt:
    return Spoilt(
        answer=lambda answer: httpx.Response(
            answer.status_code, content=re.sub(old, new, answer.text).encode(), headers=kept(answer)
        )
    )


def kept(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-encoding")}


def switched(**switches: Any) -> Spoilt:  # noqa: ANN401  the fields of Switches
    return Spoilt(switches)


FALSE: Final[Mapping[str, Mapping[Dialect, Spoilt]]] = {
    "C-BUSY-01": {"Radicale": switched(free_busy="empty_multistatus"), "xandikos": words("BEGIN:VFREEBUSY", "BEGIN:VEVENT")},
    "C-BUSY-02": {"Radicale": switched(fbtype="never"), "xandikos": switched(names_value=False)},
    "C-BUSY-03": {"Radicale": switched(joined=False), "xandikos": switched(joined=True)},
    "C-BUSY-04": {"Radicale": switched(cancelled_as_free=False), "xandikos": switched(cancelled_as_free=True)},
    "C-BUSY-05": dict.fromkeys(("Radicale", "xandikos"), Spoilt(entry=lambda entry: replace(entry, transparent=False))),
    "C-BUSY-06": dict.fromkeys(("Radicale", "xandikos"), words("20261202T000000Z", "20261201T230000Z")),
    "C-BUSY-07": dict.fromkeys(("Radicale", "xandikos"), switched(free_busy_type="text/calendar")),
    "C-BUSY-08": dict.fromkeys(("Radicale", "xandikos"), Spoilt(entry=lambda entry: replace(entry, rule=None))),
    "C-BUSY-09": dict.fromkeys(("Radicale", "xandikos"), words("END:VFREEBUSY", "SUMMARY:Dentist\r\nEND:VFREEBUSY")),
    "C-BUSY-10": dict.fromkeys(("Radicale", "xandikos"), words("20261208T000000Z", "20261208T020000Z")),
    "C-BUSY-11": {"Radicale": switched(free_busy="not_implemented"), "xandikos": switched(free_busy="forbidden")},
    "C-QUERY-01": dict.fromkeys(("Radicale", "xandikos"), status(200)),
    "C-QUERY-02": dict.fromkeys(("Radicale", "xandikos"), words("RECURRENCE-ID", "X-ID")),
    "C-QUERY-03": dict.fromkeys(("Radicale", "xandikos"), Spoilt(entry=lambda entry: replace(entry, title="Busy"))),
    "C-QUERY-04": {"Radicale": switched(needs_xml_type=True), "xandikos": switched(needs_xml_type=False)},
    "C-TAG-01": dict.fromkeys(("Radicale", "xandikos"), words("getctag", "getsomething")),
    "C-TAG-02": dict.fromkeys(("Radicale", "xandikos"), words("getetag>[^<]+<", "getetag>same<")),
    "C-TAG-03": {"Radicale": switched(honours_validators=True), "xandikos": switched(honours_validators=False)},
    "C-TAG-04": {"Radicale": switched(page=True), "xandikos": switched(page=False)},
    "C-ERR-01": {"Radicale": status(403)},
    "C-ERR-02": {"Radicale": status(200)},
    "C-ERR-03": {"Radicale": status(404)},
    "C-ERR-04": dict.fromkeys(("Radicale", "xandikos"), status(200)),
    "C-FEED-01": {"Radicale": status(401)},
    "C-FEED-02": {"Radicale": switched(level="availability")},
    "C-FEED-03": {"Radicale": words("RRULE:[^\r]+\r\n", "")},
}


def test_there_is_a_way_to_make_each_statement_false_for_each_server() -> None:
    assert CASES == [(id_, dialect) for id_, spoilt in FALSE.items() for dialect in spoilt]


@pytest.mark.parametrize(("id_", "dialect"), CASES)
async def test_a_statement_that_is_false_does_not_hold(
    simulated: Callable[..., SimulatedPlace], id_: str, dialect: Dialect
) -> None:
    spoilt = FALSE[id_][dialect]
    place = simulated(dialect, changed=spoilt.entry)
    place.simulator.calendar.switches = replace(place.simulator.calendar.switches, **spoilt.switches)
    with pytest.raises(AssertionError):
        await STATEMENTS[id_].holds(Asked(place, spoilt.answer))


def test_the_fact_sheet_lists_each_statement_with_the_servers_that_it_is_about() -> None:
    rows = [f"| `{id_}` | {one.sentence} | {one.section} | {' '.join(one.of)} |" for id_, one in STATEMENTS.items()]
    assert rows == [line for line in SHEET.read_text(encoding="utf-8").splitlines() if line.startswith("| `C-")]
