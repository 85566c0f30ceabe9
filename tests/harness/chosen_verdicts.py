"""Views just on either side of each threshold that a user may choose, and what the table says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from exporter.booking_links import LinkAnswers
from exporter.config.verdicts import Verdicts
from exporter.model import ApiUsage, CollectorName, ConnectionStatus
from exporter.state.snapshot import View
from exporter.state.thresholds import Thresholds
from exporter.state.verdict_row import Kind, Verdict
from tests.harness import views
from tests.harness.verdict_scenes import connected, linked, overlapping, private, private_conflict, view, went_down
from tests.harness.views import NOW

_BOOKINGS: Final = views.succeeded(views.unpolled("salon", "wix", CollectorName.BOOKINGS), views.wix_bookings())
Written = Mapping[str, Mapping[str, object]]


def thresholds_of(written: Written) -> Thresholds:
    """Return what a block ``verdicts:`` means."""
    return Verdicts.model_validate(written).thresholds


def judged_by(shown: View, thresholds: Thresholds) -> View:
    """Return ``shown`` of an exporter with these ``thresholds``."""
    return replace(shown, targets=tuple(replace(target, thresholds=thresholds) for target in shown.targets))


@dataclass(frozen=True, slots=True)
class Edge:
    """A threshold: where it is written, a view of what is measured, and what is found on either side of it.

    ``worse_above`` says on which side it is a problem; ``step`` is the smallest difference that people and rules can see.
    """

    kind: Kind
    key: str
    world: Callable[[float, Thresholds], View]
    range: tuple[int, int]
    step: float = 1.0
    worse_above: bool = True
    unit: str = "s"
    bad: Verdict = Verdict.WARNING
    good: Verdict = Verdict.OK

    def written(self, number: int) -> dict[str, dict[str, Any]]:
        """Return the block with this threshold, in its unit."""
        return {self.kind: {self.key: f"{number}s" if self.unit == "s" else number / 100 if self.unit == "%" else number}}

    def sides(self, written: Written, number: int) -> Iterator[tuple[View, Verdict]]:
        """Yield a view just below and just above the threshold, each with its verdict."""
        thresholds = thresholds_of(written)
        for side in (-1, 1):
            shown = self.world(number + side * self.step, thresholds)
            yield judged_by(shown, thresholds), self.bad if (side > 0) == self.worse_above else self.good


def _down(number: int, ago: float) -> View:
    return connected(*(went_down(str(index), NOW - ago) for index in range(number)))


def _since(status: ConnectionStatus) -> Callable[[float, Thresholds], View]:
    return lambda age, _: connected(views.connection("a", status, since=NOW - age))


EDGES: Final[Sequence[Edge]] = (
    Edge(
        Kind.CONFLICT,
        "soon",
        lambda ahead, _: overlapping(NOW + ahead),
        (2_400, 604_800),
        step=60.0,  # windows are as old as the last poll
        worse_above=False,
        bad=Verdict.CRITICAL,
        good=Verdict.WARNING,
    ),
    Edge(
        Kind.EXTERNAL_CONFLICT,
        "soon",
        lambda ahead, _: private(private_conflict(NOW + ahead)),
        (3_000, 604_800),
        step=60.0,  # ditto
        worse_above=False,
        bad=Verdict.CRITICAL,
        good=Verdict.WARNING,
    ),
    Edge(
        Kind.CONNECTIONS_DOWN,
        "least",
        # Half a connection more or less is none more, or one less.
        lambda number, _: _down(int(number), 3_600.0),
        (2, 20),
        step=0.5,
        unit="",
        bad=Verdict.CRITICAL,
        good=Verdict.WARNING,
    ),
    Edge(
        Kind.CONNECTIONS_DOWN,
        "within",
        lambda ago, _: _down(2, ago),
        (1_800, 86_000),
        worse_above=False,
        bad=Verdict.CRITICAL,
        good=Verdict.WARNING,
    ),
    Edge(
        Kind.CONNECTION_DISCONNECTED,
        "within",
        lambda ago, _: connected(went_down("a", NOW - ago), views.connection("b")),
        (2_400, 604_800),
        worse_above=False,
    ),
    Edge(Kind.CONNECTION_STUCK, "after", _since(ConnectionStatus.SYNC_IN_PROGRESS), (300, 86_400)),
    Edge(Kind.CONNECTION_UNCLEAR, "after", _since(ConnectionStatus.UNDEFINED), (300, 86_400)),
    Edge(
        Kind.CREDENTIAL_EXPIRY,
        "within",
        lambda ahead, _: view(_BOOKINGS, usage=ApiUsage(credential_expiry=NOW + ahead)),
        (2_400, 365 * 86_400),
        worse_above=False,
    ),
    Edge(
        Kind.UNLINKED_BOOKINGS,
        "share",
        lambda percent, _: linked(LinkAnswers(0, 100 - int(percent), int(percent), 0, {})),
        (2, 98),
        unit="%",
    ),
    Edge(
        Kind.UNLINKED_BOOKINGS,
        "least",
        lambda number, _: linked(LinkAnswers(0, 0, int(number), 0, {})),
        (2, 300),
        step=0.5,
        unit="",
    ),
    Edge(
        Kind.LINKS_UNVERIFIED,
        "share",
        lambda percent, _: linked(LinkAnswers(0, 100 - int(percent), 0, 0, {}), unverified=int(percent)),
        (2, 98),
        unit="%",
    ),
    Edge(
        Kind.POLL_OVERDUE,
        "intervals",
        lambda number, _: view(replace(_BOOKINGS, next_poll=NOW - number * _BOOKINGS.interval)),
        (1, 4),
        step=0.01,
        unit="",
    ),
)
