"""Which of the log lines that clients cause are logged: the 1st, 2nd, 4th, 8th of a kind, of a hundred kinds."""

from __future__ import annotations

from exporter.support.log_sampling import LogSampler


def test_of_a_thousand_lines_of_a_kind_ten_are_logged_with_how_many_there_were() -> None:
    sampler = LogSampler()
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] == [
        count for _ in range(1000) if (count := sampler.count_if_logged("kind")) is not None
    ]


def test_a_kind_beyond_a_hundred_is_never_logged_and_the_hundred_go_on() -> None:
    sampler = LogSampler()
    kinds = [kind for kind in range(150) if sampler.count_if_logged(kind) == 1]
    assert list(range(100)) == kinds
    assert sampler.full
    assert [2, None] == [sampler.count_if_logged(99), sampler.count_if_logged(100)]


def test_a_sampler_is_not_full_before_the_hundredth_kind() -> None:
    sampler = LogSampler()
    for kind in range(99):
        sampler.count_if_logged(kind)
    assert not sampler.full
