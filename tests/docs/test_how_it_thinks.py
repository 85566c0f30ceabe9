"""Every number of ``docs/how-it-thinks.md`` is the program's: sentences are made from it and have to stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import yaml

from exporter import errors
from exporter.clock.loop_lag import TICK_SECONDS
from exporter.config import Config, load_config
from exporter.errors import PollError, Reason
from exporter.model import CollectorName
from exporter.platforms.bitrix24.api import RETRY as BITRIX24_RETRY
from exporter.platforms.bitrix24.operating import LINKS_SHARE, OPTIONAL_SHARE, SUMMED_OVER_SECONDS, WHOLE_SHARE
from exporter.platforms.bitrix24.settings import Budget
from exporter.platforms.exchange import MAX_RETRY_AFTER_SECONDS
from exporter.platforms.http_pool import CONNECT_SECONDS
from exporter.platforms.retry import MAX_WAIT_SECONDS
from exporter.platforms.wix.api import BURST, REQUESTS_PER_SECOND
from exporter.platforms.wix.api import RETRY as WIX_RETRY
from exporter.platforms.wix.settings import WixBookings
from exporter.polling import Job
from exporter.polling.admission import POLLS_PER_TICK
from exporter.polling.scheduler import DENIED, LIMITED, retry_delay
from exporter.state.changes import WEEK_SECONDS
from exporter.state.verdict import TABLE

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "how-it-thinks.md").read_text()
PROSE: Final = " ".join(re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL).split())
FAILURES: Final = range(1, 7)
ERRORS: Final[Mapping[Reason, type[PollError]]] = {
    error.reason: error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, PollError)
}
NAMES: Final[Mapping[str, str]] = {"wix": "Wix", "bitrix24": "Bitrix24"}


class Luck(Random):
    """Jitter at one of its ends."""

    def __init__(self, end: float) -> None:
        super().__init__(0)
        self.end = end

    def random(self) -> float:
        return self.end


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return " ".join(part for part in (minutes and f"{minutes} min", rest and f"{rest} s") if part)


def interval(seconds: float) -> str:
    return f"{seconds / 60:g}m"


def waits(reason: Reason, every: float) -> str:
    """Return what is waited after each failure in a row, with the jitter as a range."""

    def told(failure: int) -> str:
        least, most = (retry_delay(every, ERRORS[reason](""), failure, Luck(end)) for end in (0.0, 1.0))
        return duration(least) if least == most else f"{least:g}-{most:g} s"

    each = [told(failure) for failure in FAILURES]
    return f"{each[0]} each time" if len({*each}) == 1 else ", ".join(each)


def by_default() -> Config:
    """Return the configuration of a site and a portal of which nothing else is written."""
    return load_config(ROOT / "tests" / "docs" / "smallest.yml")


def collectors() -> Iterator[str]:
    for target in by_default().targets:
        for name, settings in target.running().items():
            age = settings.max_age_seconds
            job = Job("", target.platform, name, settings.interval, age, collector=None, recorder=None)  # type: ignore[arg-type]
            patience = min(settings.interval, MAX_WAIT_SECONDS)
            cells = (interval(settings.interval), interval(age), interval(job.deadline), f"{patience:g} s")
            yield f"| {NAMES[target.platform]} `{name}` | {' | '.join(cells)} |"


def rows() -> Iterator[str]:
    """Return the beginnings of the rows about what is waited after a failure."""
    passing = [reason for reason in Reason if reason not in DENIED | LIMITED]
    denied = [reason for reason in Reason if reason in DENIED]
    for reasons in (passing, denied, [Reason.OVERLOAD]):
        [cells] = {f"{waits(reason, 60)} | {waits(reason, 300)}" for reason in reasons}
        yield f"| {', '.join(f'`{reason}`' for reason in reasons)} | {cells} |"
    limited = [reason for reason in Reason if reason in LIMITED - {Reason.OVERLOAD}]
    unnamed = [duration(retry_delay(every, ERRORS[limited[0]](""), 1, Luck(0))) for every in (60, 300)]
    cells = " | ".join(f"as long as it asks, else {wait}" for wait in unnamed)
    yield f"| {', '.join(f'`{reason}`' for reason in limited)} | {cells} |"


def alert(name: str, severity: str) -> Mapping[str, Any]:
    groups = yaml.safe_load((ROOT / "config/prometheus/alerting.rules.yml").read_text())["groups"]
    found = [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]
    [rule] = [rule for rule in found if rule["labels"]["severity"] == severity]
    return dict(rule)


def group_waits() -> tuple[str, str]:
    """Return what Alertmanager waits before it tells a page, and a ticket."""
    route = yaml.safe_load((ROOT / "config/alertmanager/alertmanager.yml").read_text())["route"]
    [own] = route["routes"]
    [page] = {child["group_wait"] for child in own["routes"] if child.get("receiver") == "pager"}
    return page, own["group_wait"]


def sentences() -> Iterator[str]:
    """Return all that the page says in numbers, made from the program."""
    budget = Budget()
    double = alert("BookingSyncDoubleBooking", "critical")
    broken = alert("BookingSyncConnectionNeedsOwner", "warning")
    yield from collectors()
    yield from rows()
    yield "`max_age` is 3 intervals and at least 5 minutes; a poll is ended after the same time."
    yield f"Connecting may take {CONNECT_SECONDS:g} seconds."
    wix, bitrix24 = by_default().targets
    yield f"`timeout`: {wix.timeout:g} seconds on Wix, {bitrix24.timeout:g} on Bitrix24."
    yield f"a call is retried, {WIX_RETRY.retries} times on Wix and {BITRIX24_RETRY.retries} times on Bitrix24."
    yield f"add up to the interval at most, and to {MAX_WAIT_SECONDS:g} seconds at most."
    yield f"within one interval plus {MAX_WAIT_SECONDS:g} seconds"
    yield "With an interval of 1 minute (`connections`) and of 5 minutes (`bookings`):"
    yield f"| reason | 1 minute: waits after failure {', '.join(map(str, FAILURES))} | 5 minutes | why |"
    yield f"if it refuses again at once, at least {again(1.0):g} s, doubled up to the interval"
    yield f"applies to every reason, up to {MAX_RETRY_AFTER_SECONDS / 3600:g} hour"
    yield f"**Wix**: {BURST:g} requests at once, then {REQUESTS_PER_SECOND:g} per second"
    yield f"**Bitrix24**: {budget.burst} requests at once, then {budget.requests_per_second:g} per second"
    yield f"{budget.operating_seconds:g} seconds of each method in {SUMMED_OVER_SECONDS / 60:g} minutes"
    yield (
        f"At {OPTIONAL_SHARE * 100:g} % of that the exporter stops optional calls, at {LINKS_SHARE * 100:g} % `links`, "
        f"at {WHOLE_SHARE * 100:g} % everything."
    )
    yield f"for the states of the last {WEEK_SECONDS / 86_400:g} days"
    yield f"without its {sum(row.history for row in TABLE)} rows that need a history"
    yield f"yes: {double['for'].removesuffix('m')} minutes for a double booking of the next 24 hours"
    yield f"{broken['for'].removesuffix('m')} for a broken connection"
    page, ticket = group_waits()
    yield f"({page.removesuffix('s')} seconds for a page, {ticket.removesuffix('m')} minutes for a ticket)"
    yield f"the alert keeps firing for {double['keep_firing_for'].removesuffix('m')} minutes"
    yield f"at most {POLLS_PER_TICK} polls start in each twentieth of a second"
    # What the platforms allow and block at is theirs; the reference of the configuration says it with the same numbers.
    yield "The cloud allows 50 and 2"
    yield "(the portal blocks at 480)"


def again(asked: float) -> float:
    """Return what is waited for a platform that refuses a second time although ``asked`` seconds were waited."""
    return retry_delay(300, ERRORS[Reason.RATE_LIMITED]("", retry_after=asked), 2, Luck(0))


# Numbers that tell of nothing that could change: a status of HTTP, values of a metric, hours of a day, a clock as an example.
GIVEN: Final = (
    "Bitrix24", "`next_24h`", "`probe` exits", "14:31", "23 or 25 hours", "is 503", "start at 0", "data_expired` is 1",
    "collector_up` is 0", "/api/v1/",
)  # fmt: skip


@pytest.mark.parametrize("sentence", [*sentences()])
def test_what_the_page_says_in_numbers_is_what_the_program_does(sentence: str) -> None:
    assert sentence in PROSE


def test_no_number_of_the_page_is_left_unheld() -> None:
    left = PROSE
    for known in sorted((*sentences(), *GIVEN), key=len, reverse=True):
        left = left.replace(known, "")
    assert [] == [left[max(0, found.start() - 30) : found.end() + 30] for found in re.finditer(r"\d+", left)]


def test_the_maximum_age_and_the_deadline_are_three_intervals_and_at_least_five_minutes() -> None:
    for every, expected in ((10.0, 300.0), (100.0, 300.0), (101.0, 303.0), (3600.0, 10_800.0)):
        settings = WixBookings.model_construct(interval=every, max_age=None)
        job = Job("", "wix", CollectorName.BOOKINGS, every, 1.0, collector=None, recorder=None)  # type: ignore[arg-type]
        assert (settings.max_age_seconds, job.deadline) == (expected, expected)


def test_a_twentieth_of_a_second_is_what_polls_are_admitted_by() -> None:
    assert 1 / 20 == TICK_SECONDS


def test_every_reason_has_a_row() -> None:
    told = [reason for row in rows() for reason in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(told) == sorted(Reason)


def test_the_cloud_s_own_limits_are_those_of_the_reference() -> None:
    reference = (ROOT / "docs" / "configuration.md").read_text()
    assert "The cloud allows 2 per second" in reference
    assert "The cloud allows 50" in reference
    assert "The portal blocks the method at 480." in reference
