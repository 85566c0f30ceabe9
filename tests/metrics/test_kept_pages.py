"""A page that is kept, and compressed in parts, is at every moment the page that nothing is kept of."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.errors import Reason
from exporter.metrics import Format, Instruments, MadePage, MetricsPage
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Budget,
    CalendarType,
    CollectorName,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    Observation,
    Provider,
    Window,
    WindowBookings,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation, ImportedEvents, ImportFault, WindowEvents
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry, View
from tests.harness import views
from tests.harness.expected import expected

pytestmark = pytest.mark.slow

NAMES = ("a", "b", "c", "d", "e")
COLLECTORS: Mapping[str, tuple[CollectorName, ...]] = {
    "wix": (CollectorName.CONNECTIONS, CollectorName.BOOKINGS, CollectorName.EVENTS),
    "bitrix24": (CollectorName.BOOKINGS, CollectorName.LINKS),
}
formats, names, platforms, small = (
    st.sampled_from(Format),
    st.sampled_from(NAMES),
    st.sampled_from(("wix", "bitrix24")),
    st.integers(0, 3),
)


@st.composite
def policies(draw: st.DrawFn) -> TargetPolicy:
    until = draw(st.none() | st.floats(views.NOW, views.NOW + 2_000))
    return TargetPolicy(
        paused=draw(st.none() | st.just(AcceptedReason("moving"))),
        closed=draw(st.sampled_from(((), ((views.NOW + 100, views.NOW + 700),)))),
        connections=draw(st.sampled_from(({}, {"x": AcceptedReason("meant", until)}))),
        credential=draw(st.sampled_from(("", "/run/secrets/one"))),
        resource_aliases=draw(st.sampled_from(({}, {"7": "Window seat"}))),
    )


@st.composite
def copies_of_bookings(draw: st.DrawFn) -> CalendarCopies:
    answers = tuple(
        CopyAnswers(age, draw(small), {MismatchKind.MOVED: draw(small)}) for age in draw(st.sampled_from(((), (0,), (0, 250))))
    )
    rows = tuple(MismatchedBooking("7", MismatchKind.MOVED, views.NOW + 60, age) for age in draw(st.sampled_from(((), (0,)))))
    return CalendarCopies((WindowCopies("next_24h", answers, draw(small)),), rows)


@st.composite
def observations(draw: st.DrawFn, collector: CollectorName, at: float) -> Observation:
    window = Window("next_24h", at, at + 86_400)
    if collector is CollectorName.LINKS:
        answers = tuple(
            LinkAnswers(age, draw(small), draw(small), draw(small), {("crm", "deal"): draw(small)})
            for age in draw(st.sampled_from(((0,), (0, 250))))
        )
        copies = draw(st.none() | copies_of_bookings())
        return LinksObservation(at, (WindowLinks(window, answers, draw(small), draw(st.booleans())),), copies=copies)
    if collector is CollectorName.EVENTS:
        conflicts = {cause: draw(small) for cause in Cause}
        imports = tuple(
            ImportedEvents(
                key,
                key,
                {"next_24h": draw(small)},
                draw(st.sampled_from((views.NOW, views.NOW - 60))),
                draw(st.none() | st.just(views.NOW + 900)),
                draw(st.sampled_from(({}, {ImportFault.SILENT: views.NOW}, {ImportFault.FROZEN: views.NOW - 60}))),
            )
            for key in draw(st.lists(st.sampled_from("xyz"), unique=True))
        )
        return EventsObservation(
            at,
            (WindowEvents(window, conflicts, draw(st.none() | small), draw(st.booleans())),),
            imports,
            draw(st.dictionaries(st.just("google"), st.booleans())),
            next_conflict=draw(st.none() | st.just(views.NOW)),
        )
    if collector is CollectorName.BOOKINGS:
        counted = WindowBookings(
            window,
            draw(small),
            draw(st.booleans()),
            conflicting=draw(st.none() | small),
            by_status=draw(st.none() | st.dictionaries(st.sampled_from(("confirmed", "pending")), small)),
            by_resource=draw(st.none() | st.dictionaries(st.sampled_from("78"), small)),
            accepted=draw(st.none() | small),
        )
        return BookingsObservation(
            at,
            (counted,),
            next_booking=draw(st.none() | st.just(at + 60)),
            resource_names={"7": draw(st.sampled_from(("Chair", "Stool")))},
            dropped_resources=draw(small),
            next_conflict=draw(st.none() | st.just(views.NOW)),
            platform_conflicts=draw(st.dictionaries(st.just("next_24h"), small)),
        )
    rows = [
        views.connection(
            key,
            draw(st.sampled_from(ConnectionStatus)),
            error_reason=draw(st.none() | st.sampled_from(ErrorReason)),
            calendar_type=draw(st.sampled_from(CalendarType)),
            import_enabled=draw(st.booleans()),
            since=draw(st.sampled_from((views.NOW - 60, views.NOW - 7_200))),
            observed_at=at - draw(st.sampled_from((0, 200))),
        )
        for key in draw(st.lists(st.sampled_from("xyz"), unique=True))
    ]
    shown = draw(st.integers(0, len(rows)))
    providers = tuple(Provider("google", up) for up in draw(st.lists(st.booleans(), max_size=1)))
    return ConnectionsObservation(at, tuple(rows[:shown]), providers, tuple(rows[shown:]), draw(small))


class KeptPage(RuleBasedStateMachine):
    """The page of an exporter in which anything happens, beside one that is made anew of the same state."""

    @initialize()
    def start(self) -> None:
        self.now = views.NOW
        self.stepped = 0.0
        self.usages: dict[str, ApiUsage] = {}
        self.entries: dict[str, TargetEntry] = {}
        self.states: dict[str, dict[CollectorName, CollectorState]] = {}
        self.snapshot = Snapshot()
        self.instruments = Instruments(CollectorRegistry())
        self.page = MetricsPage(self.instruments, chunk=2, segment=512)
        for name, platform in zip(NAMES, ("wix", "bitrix24", "wix"), strict=False):
            self.put(name, platform)

    @rule(name=names, platform=platforms)
    def put(self, name: str, platform: str) -> None:
        """A reload opens a target, or opens it anew."""
        states = {each: views.unpolled(name, platform, each) for each in COLLECTORS[platform]}
        self.usages[name] = ApiUsage()
        self.entries[name] = TargetEntry(name, platform, {"site": name}, lambda: self.usages[name], TargetPolicy())
        self.states[name] = states
        self.snapshot.put_target(self.entries[name], states)
        events = self.instruments.prepare(name, platform)
        events.expect(expected(states, views.OPERATIONS[platform], reads_bookings=platform == "bitrix24"))
        self.instruments.put_target(events)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if self.entries.pop(name, None):
            del self.states[name]
            self.snapshot.remove_target(name)
            self.instruments.remove_target(name)

    @rule(name=names, policy=policies(), site=st.sampled_from("st"))
    def relabel(self, name: str, policy: TargetPolicy, site: str) -> None:
        if name in self.entries:
            self.entries[name] = replace(self.entries[name], policy=policy, labels={"site": site})
            self.snapshot.relabel(self.entries[name])

    @rule(order=st.permutations(NAMES))
    def arrange(self, order: list[str]) -> None:
        self.entries = {name: self.entries[name] for name in order if name in self.entries}
        self.snapshot.arrange(self.entries)

    @rule(name=names, second=st.booleans(), fails=st.booleans(), data=st.data())
    def poll(self, name: str, second: bool, fails: bool, data: st.DataObject) -> None:
        if name not in self.entries:
            return
        collector = list(self.states[name])[second]
        before = self.states[name][collector]
        if fails:
            after = views.failed(before, data.draw(st.sampled_from(Reason)), "no", at=self.now)
        else:
            after = views.succeeded(before, data.draw(observations(collector, self.now)))
        self.states[name][collector] = after
        self.snapshot.put(after)
        events = self.instruments.target(name)
        assert events is not None
        events.request(views.OPERATIONS[before.platform][0], "200", 0.3)
        events.poll_finished(collector, 1.5, after.failure.reason if after.failure else None)

    @rule(name=names, waited=small, field=st.sampled_from(("status", "new_field")))
    def count(self, name: str, waited: int, field: str) -> None:
        events = self.instruments.target(name)
        if events is not None:
            events.throttle_wait(waited)
            events.unrecognized_value(CollectorName.BOOKINGS, field)
            events.retry("bookings.count", "timeout")

    @rule(name=names, left=small)
    def spend(self, name: str, left: int) -> None:
        self.usages[name] = ApiUsage(budgets=(Budget("requests", 10, left),))

    @rule(seconds=st.sampled_from((0.001, 1.0, 60.0, 299.0, 301.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from((-3_600.0, 0.5, 3_600.0)))
    def step(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.stepped += seconds

    @rule(format_=formats, chosen=st.frozensets(names, max_size=2))
    def scrape_some(self, format_: Format, chosen: frozenset[str]) -> None:
        view = self.view()
        compare(self.page.make(view, format_, chosen), self.anew().make(view, format_, chosen), format_)

    @rule(format_=formats, site=st.sampled_from("st"))
    def scrape_a_site(self, format_: Format, site: str) -> None:
        view = self.snapshot.view(self.now, self.stepped, site=site).of_site(site)
        compare(self.page.make_part(view, format_), self.anew().make_part(self.view().of_site(site), format_), format_)

    @rule(format_=formats)
    def scrape(self, format_: Format) -> None:
        fresh = self.anew().make(self.fresh_view(), format_)
        if kept := self.page.kept(self.view(), format_):
            compare(kept, fresh, format_)
        compare(self.page.make(self.view(), format_), fresh, format_)
        if self.view().targets is not self.view().targets:
            return  # the very moment at which data expires says nothing of the next: a view is not kept then
        kept = self.page.kept(self.view(), format_)
        assert kept is not None, "nothing has changed since"
        compare(kept, fresh, format_)

    @invariant()
    def the_kept_view_is_a_fresh_one(self) -> None:
        if hasattr(self, "snapshot"):
            assert self.fresh_view() == self.view()

    def view(self) -> View:
        return self.snapshot.view(self.now, self.stepped)

    def fresh_view(self) -> View:
        snapshot = Snapshot()
        for name, entry in self.entries.items():
            snapshot.put_target(entry, self.states[name])
        return snapshot.view(self.now, self.stepped)

    def anew(self) -> MetricsPage:
        return MetricsPage(self.instruments)


def compare(kept: MadePage, fresh: MadePage, format_: Format) -> None:
    text = bytes(kept)
    assert without_process(fresh) == without_process(kept)
    assert (format_ is Format.OPENMETRICS) == text.endswith(b"# EOF\n")
    file = bytes(kept.zipped())
    assert text == gzip.decompress(file)
    assert text == zlib.decompressobj(wbits=31).decompress(file)


def without_process(page: MadePage) -> list[bytes]:
    return [line for line in bytes(page).splitlines() if not re.match(rb"process_|python_", line)]


KeptPage.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=30)
test_whatever_happens_the_kept_page_is_the_fresh_one = KeptPage.TestCase
