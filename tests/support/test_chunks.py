"""A text in parts is handed on in pieces of one size, and is the same text."""

from __future__ import annotations

from collections import UserList
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.support.chunks import Chunks


@pytest.mark.slow
@given(parts=st.lists(st.binary(max_size=30), max_size=12), size=st.integers(1, 40))
def test_all_pieces_have_the_size_but_the_last(parts: list[bytes], size: int) -> None:
    pieces, text = Chunks(parts), b"".join(parts)
    cut = list(pieces.cut(size))
    assert (text, text, len(text)) == (b"".join(cut), bytes(pieces), len(pieces))
    assert [text[at : at + size] for at in range(0, len(text), size)] == cut


def test_a_piece_is_made_when_it_is_asked_for() -> None:
    class Parts(UserList[bytes]):
        read = 0

        def __iter__(self) -> Iterator[bytes]:
            for part in self.data:
                self.read += 1
                yield part

    parts = Parts([b"0123456789"] * 10)
    pieces = Chunks(parts)
    parts.read = 0
    assert b"0123456789012345" == next(pieces.cut(16))
    assert 2 == parts.read
