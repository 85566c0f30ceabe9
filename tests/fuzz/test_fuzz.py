"""``make fuzz`` finds what it looks for: else a run without findings would say nothing."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from weakref import ref

import pytest

from exporter.errors import InvalidResponseError
from tests.fuzz.__main__ import Figures, heavy, wrong
from tests.fuzz.mutations import as_json, spoil_bytes, spoil_tree, with_many
from tests.fuzz.surfaces import Surface, surfaces
from tests.harness.many import MANY


def surface(read: Callable[[bytes], object]) -> Surface:
    return Surface("planted", [b"{}"], read, (InvalidResponseError,), ("planted",))


def undocumented(_: bytes) -> None:
    raise KeyError("a")


def leaking(_: bytes) -> None:
    raise InvalidResponseError("the token is planted")


@pytest.mark.parametrize(("read", "said"), [(undocumented, "KeyError at "), (leaking, "shows a secret")])
def test_a_reader_that_breaks_its_word_is_a_finding(read: Callable[[bytes], object], said: str) -> None:
    found = wrong(surface(read), b"{}", Figures())
    assert found is not None
    assert found.startswith(said)


@pytest.mark.parametrize(("seconds", "found"), [(0.4, None), (0.6, "took 0.6 s")])
def test_a_reader_that_takes_more_than_half_a_second_of_processor_time_is_a_finding(seconds: float, found: str | None) -> None:
    times = iter((5.0, 5.0 + seconds))
    assert found == wrong(surface(len), b"{}", Figures(), lambda: next(times))


def test_a_reader_that_takes_more_memory_than_64_mib_is_a_finding() -> None:
    assert "took 80 MiB" == heavy(surface(lambda _: bytes(80 * 1024 * 1024)), b"{}", Figures())


def test_a_refused_input_is_let_go_at_once() -> None:
    class Decoded:
        """Something that was built of the input."""

    kept: list[ref[Decoded]] = []

    def refusing(_: bytes) -> None:
        decoded = Decoded()
        kept.append(ref(decoded))
        raise InvalidResponseError("no JSON")

    gc.collect()
    gc.disable()
    try:
        assert wrong(surface(refusing), b"{}", Figures()) is None
        assert [None] == [decoded() for decoded in kept]
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", MANY)
def test_very_many_of_something_are_made_in_little_more_than_their_room(kind: str) -> None:
    tracemalloc.start()
    try:
        made = len(MANY[kind](1024 * 1024))
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert 1024 * 1024 - 200 < made <= 1024 * 1024


def test_a_documented_error_is_none() -> None:
    def refusing(_: bytes) -> None:
        raise InvalidResponseError("no JSON")

    figures = Figures()
    assert wrong(surface(refusing), b"{}", figures) is None
    assert 1 == figures.refused


def test_the_same_seed_gives_the_same_inputs() -> None:
    tree = {"a": [1, {"b": "c"}]}
    given = json.dumps(tree).encode()
    assert [spoil_bytes(Random(seed), given) for seed in range(50)] == [spoil_bytes(Random(seed), given) for seed in range(50)]
    assert [spoil_tree(Random(seed), tree) for seed in range(50)] == [spoil_tree(Random(seed), tree) for seed in range(50)]
    assert {"a": [1, {"b": "c"}]} == tree


def test_inputs_with_very_many_of_something_are_as_large_as_answers_may_be_and_no_larger() -> None:
    sizes = []
    for seed in range(40):
        given = with_many(Random(seed), {"a": [1, {"b": "c"}]}, as_json)
        sizes.append(len(given))
    assert max(sizes) > 8 * 1024 * 1024
    assert max(sizes) <= 16 * 1024 * 1024


def test_every_reader_takes_its_good_inputs_and_holds_for_some_spoilt_ones(tmp_path: Path) -> None:
    random = Random(3)
    for reader in surfaces(tmp_path):
        for given in reader.corpus:
            if not reader.name.startswith(("gzip", "bitrix24, auth")):
                reader.read(given)
        findings = [wrong(reader, reader.next_input(random), Figures()) for _ in range(5)]
        assert [None] * 5 == findings, reader.name
