"""A page as segments of some tens of kilobytes, each compressed by itself and kept until its text changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise
from typing import Final

from exporter.support.chunks import Chunks
from exporter.support.deflate import CODEC, DeflatedPart

SIZE: Final = 32 * 1024
"""Of a segment's text: smaller ones compress worse (8 KiB by a third), larger ones are compressed again for less."""

_QUICK: Final = 32 * 1024  # bytes; compressed in well under a millisecond

Unit = tuple[bytes, ...]
"""What a page is cut into, at the least, and again the parts that it is made of."""


class Segment:
    """The text of some units in a row. It never changes."""

    __slots__ = ("_part", "size", "units")

    def __init__(self, units: tuple[Unit, ...]) -> None:
        self.units = units
        self.size = sum(map(len, self.text()))
        self._part: DeflatedPart | None = None

    def text(self) -> Iterator[bytes]:
        """Return the uncompressed text."""
        return chain.from_iterable(self.units)

    def deflated(self) -> DeflatedPart:
        """Return the text compressed, once for all who ask. In any thread: two at a time do the same work."""
        if self._part is None:
            self._part = CODEC.deflated(self.text())
        return self._part


class Segments:
    """Segments in a row, and what they are compressed."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    @cached_property
    def size(self) -> int:
        """The number of bytes of the uncompressed text."""
        return sum(segment.size for segment in self._segments)

    @cached_property
    def deflated(self) -> DeflatedPart:
        """Return the segments compressed; those that are kept are not compressed again."""
        return CODEC.joined(segment.deflated() for segment in self._segments)

    @property
    def is_deflated(self) -> bool:
        """Whether all segments are compressed already."""
        return "deflated" in self.__dict__


class MadePage:
    """A page at one moment: the ``kept`` segments, which pages of other moments may share, and its ``own`` lines."""

    def __init__(self, kept: Segments, own: Iterable[bytes]) -> None:
        self._kept = kept
        self._own = tuple(own)
        self._own_size = sum(map(len, self._own))

    def __bytes__(self) -> bytes:
        return bytes(self.plain)

    @cached_property
    def plain(self) -> Chunks:
        """The text."""
        return Chunks((*chain.from_iterable(segment.text() for segment in self._kept), *self._own))

    @property
    def is_large(self) -> bool:
        """Whether to put it together, or to compress it, takes longer than well under a millisecond."""
        return self._kept.size + self._own_size > _QUICK

    @property
    def is_quickly_zipped(self) -> bool:
        """Whether :meth:`zipped` takes well under a millisecond."""
        return not self.is_large or (self._kept.is_deflated and self._own_size <= _QUICK)

    def zipped(self) -> Chunks:
        """Return the text as a gzip file of one member."""
        return Chunks(CODEC.member((self._kept.deflated, CODEC.deflated(self._own, last=True))))


def borders(units: Sequence[Unit], size: int = SIZE) -> list[int]:
    """Return where to cut ``units``, both ends included: behind each that makes at least ``size`` bytes of text."""
    found, length = [0], 0
    for number, unit in enumerate(units, 1):
        length += sum(map(len, unit))
        if length >= size or number == len(units):
            found.append(number)
            length = 0
    return found


def cut(units: Sequence[Unit], where: Sequence[int]) -> Segments:
    """Return the segments between the borders ``where``."""
    return Segments([Segment(tuple(filter(None, units[start:end]))) for start, end in pairwise(where)])


def cut_again(units: Sequence[Unit], where: Sequence[int], before: Segments, places: Iterable[int]) -> Segments:
    """Return what :func:`cut` does when only the units at ``places`` are others than those of ``before``."""
    made = list(before)
    for number in {bisect_right(where, place) - 1 for place in places}:
        group = tuple(filter(None, units[where[number] : where[number + 1]]))
        if made[number].units != group:
            made[number] = Segment(group)
    return Segments(made)


def page_of(text: bytes) -> MadePage:
    """Return the page that is ``text``, of which nothing is kept."""
    return MadePage(Segments(()), (text,))
