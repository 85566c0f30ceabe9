"""The families of pairs on the metrics page, and the lags that are counted."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from exporter.metrics import Format, Instruments, MetricsPage
from exporter.proof import Learning, Proof
from exporter.state.snapshot import View
from tests.harness import exposition, views

HOUR = 3_600.0


def shown(*pairs: Proof) -> View:
    view = views.view_of(views.target_of("salon", "wix", []))
    return replace(view, targets=(replace(view.targets[0], pairs=pairs),))


def lines(page: bytes, family: str) -> list[str]:
    return [line for line in page.decode().splitlines() if line.startswith(f"booking_sync_{family}")]


def test_an_info_ties_a_pair_to_the_target_of_its_bookings_to_its_calendar_and_to_its_resource() -> None:
    page = exposition.page_of(shown(views.proof()))
    info = 'pair_info{target="salon",platform="wix",pair="Anna",calendar="anna-cal",resource="Chair 1"} 1.0'
    assert [f"booking_sync_{info}"] == lines(page, "pair_info")


def test_all_else_of_a_pair_carries_its_name_and_no_target() -> None:
    page = exposition.page_of(shown(views.proof(missing=(HOUR, 30 * HOUR), left=(HOUR,), unknown=(HOUR, HOUR))))
    assert [
        'booking_sync_proof_state{pair="Anna",state="learning"} 0.0',
        'booking_sync_proof_state{pair="Anna",state="proved"} 0.0',
        'booking_sync_proof_state{pair="Anna",state="broken"} 1.0',
    ] == lines(page, "proof_state{")
    assert [
        'booking_sync_proof_bookings{pair="Anna",window="next_24h",state="arrived"} 40.0',
        'booking_sync_proof_bookings{pair="Anna",window="next_24h",state="missing"} 1.0',
        'booking_sync_proof_bookings{pair="Anna",window="next_24h",state="pending"} 1.0',
        'booking_sync_proof_bookings{pair="Anna",window="next_7d",state="arrived"} 39.0',
        'booking_sync_proof_bookings{pair="Anna",window="next_7d",state="missing"} 2.0',
        'booking_sync_proof_bookings{pair="Anna",window="next_7d",state="pending"} 1.0',
    ] == lines(page, "proof_bookings")
    assert ['booking_sync_proof_left_behind{pair="Anna"} 1.0'] == lines(page, "proof_left_behind")
    assert [
        'booking_sync_proof_imports{pair="Anna",state="known"} 3.0',
        'booking_sync_proof_imports{pair="Anna",state="missing"} 2.0',
        'booking_sync_proof_imports{pair="Anna",state="pending"} 0.0',
    ] == lines(page, "proof_imports")


def test_what_a_pair_cannot_say_is_absent_and_not_0() -> None:
    page = exposition.page_of(shown(replace(views.proof(imports=False), windows=())))
    absent = ("proof_imports", "proof_shift_seconds", "proof_learning", "proof_bookings", "proof_left_behind")
    assert [] == [line for family in absent for line in lines(page, family)]


def test_without_pairs_there_is_nothing_of_them() -> None:
    page = exposition.page_of(shown())
    assert [] == [*lines(page, "proof"), *lines(page, "pair")]


def test_a_pair_that_learns_says_why() -> None:
    page = exposition.page_of(shown(views.unlearnt(Learning.MARKED_FREE)))
    assert ['booking_sync_proof_learning{pair="Ben",reason="marked_free"} 1.0'] == lines(page, "proof_learning")


def test_a_shift_is_told_in_seconds_with_its_sign() -> None:
    page = exposition.page_of(shown(views.proof(missing=(HOUR,) * 3, shift=-HOUR)))
    assert ['booking_sync_proof_shift_seconds{pair="Anna"} -3600.0'] == lines(page, "proof_shift_seconds")


def test_a_poll_that_changes_nothing_of_a_pair_changes_no_line_and_one_that_does_changes_its_line() -> None:
    view = shown(views.proof())
    made = MetricsPage(exposition.instruments_for(view))
    before = made.render(view, Format.TEXT)
    same = made.render(shown(replace(views.proof(), at=views.NOW)), Format.TEXT)
    after = made.render(shown(views.proof(left=(HOUR,))), Format.TEXT)
    assert lines(before, "proof_") == lines(same, "proof_")
    assert ['booking_sync_proof_left_behind{pair="Anna"} 1.0'] == lines(after, "proof_left_behind")


@pytest.fixture
def instruments() -> Instruments:
    made = Instruments(CollectorRegistry())
    for name in ("salon", "spa"):
        exposition.counters_of(made, name, "wix")
    return made


def counts(instruments: Instruments) -> list[str]:
    view = views.view_of(views.target_of("salon", "wix", []), views.target_of("spa", "wix", []))
    page = MetricsPage(instruments).render(view, Format.TEXT)
    return [line.removeprefix("booking_sync_proof_lag_seconds_") for line in lines(page, "proof_lag_seconds_")]


def test_a_lag_is_counted_in_its_bucket_and_a_pair_without_one_has_a_distribution_of_0(instruments: Instruments) -> None:
    instruments.arrange_pairs({"Anna": "salon", "Ben": "spa"})
    instruments.proof_lag("Anna", 180.0)
    found = counts(instruments)
    assert 'bucket{pair="Anna",le="120.0"} 0.0' in found
    assert 'bucket{pair="Anna",le="300.0"} 1.0' in found
    assert ['count{pair="Anna"} 1.0', 'sum{pair="Anna"} 180.0'] == [line for line in found if 'pair="Anna"}' in line]
    assert ['count{pair="Ben"} 0.0', 'sum{pair="Ben"} 0.0'] == [line for line in found if 'pair="Ben"}' in line]


def test_the_lags_of_a_pair_that_stays_stay_and_those_of_one_that_a_reload_removes_go(instruments: Instruments) -> None:
    instruments.arrange_pairs({"Anna": "salon", "Ben": "spa"})
    instruments.proof_lag("Anna", 180.0)
    counts(instruments)
    instruments.arrange_pairs({"Anna": "salon"})
    assert ['count{pair="Anna"} 1.0'] == [line for line in counts(instruments) if line.startswith("count")]


def test_a_lag_of_a_pair_that_is_gone_is_counted_nowhere(instruments: Instruments) -> None:
    instruments.arrange_pairs({"Anna": "salon"})
    instruments.proof_lag("Ben", 180.0)
    instruments.arrange_pairs({})
    instruments.proof_lag("Anna", 180.0)
    assert [] == counts(instruments)


def test_the_lags_of_a_pair_go_with_the_target_of_its_bookings(instruments: Instruments) -> None:
    instruments.arrange_pairs({"Anna": "salon"})
    instruments.remove_target("salon")
    instruments.proof_lag("Anna", 180.0)
    assert [] == counts(instruments)


def test_who_sees_one_site_sees_the_lags_of_its_pairs_alone(instruments: Instruments) -> None:
    instruments.arrange_pairs({"Anna": "salon", "Ben": "spa"})
    view = views.view_of(views.target_of("salon", "wix", []))
    page = bytes(MetricsPage(instruments).make_part(view, Format.TEXT))
    assert {"Anna"} == {line.partition('pair="')[2].partition('"')[0] for line in lines(page, "proof_lag_seconds_")}
