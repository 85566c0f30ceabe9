"""Which lines stand where on the page: of each family its header, then those of the platforms or of each chunk of targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exporter.metrics.exposition import Format, header
from exporter.metrics.families.catalog import OF_PLATFORM
from exporter.metrics.families.family import Family
from exporter.metrics.fragments import Chunk
from exporter.support.segments import Unit


class Layout:
    """The units of a page of ``families``, as many for the same number of chunks: those without lines are empty.

    ``of_platforms`` has the lines that are counted for all targets of a platform together.
    """

    def __init__(self, families: Iterable[Family], chunks: Sequence[Chunk]) -> None:
        self.chunks = chunks
        self._heads: dict[Family, int] = {}  # the place of each header
        places = 0
        for family in families:
            self._heads[family] = places
            places += 1 + self._lines(family)

    def _lines(self, family: Family) -> int:
        return 1 if family in OF_PLATFORM else len(self.chunks)

    def place(self, family: Family, chunk: int) -> int:
        """Return where the lines of ``family`` stand that chunk number ``chunk`` has; those of platforms are in the first."""
        return self._heads[family] + 1 + chunk

    def units(self, format: Format, of_platforms: Mapping[Family, Unit]) -> list[Unit]:  # noqa: A002  the exposition's own word
        """Return all units."""
        found: list[Unit] = []
        for family in self._heads:
            lines = [self._unit(family, number, of_platforms) for number in range(self._lines(family))]
            found += (_head(family, format, lines), *lines)
        return found

    def renew(
        self,
        units: list[Unit],
        touched: Mapping[Family, Iterable[int]],
        format: Format,  # noqa: A002  the exposition's own word
        of_platforms: Mapping[Family, Unit],
    ) -> list[int]:
        """Replace those of ``units`` that hold the ``touched`` families of chunks. Returns their places."""
        places = []
        for family, chunks in touched.items():
            head = self._heads[family]
            for number in chunks:
                units[head + 1 + number] = self._unit(family, number, of_platforms)
                places.append(head + 1 + number)
            units[head] = _head(family, format, units[head + 1 : head + 1 + self._lines(family)])
            places.append(head)
        return places

    def _unit(self, family: Family, number: int, of_platforms: Mapping[Family, Unit]) -> Unit:
        return of_platforms.get(family, ()) if family in OF_PLATFORM else self.chunks[number].unit(family)


def _head(family: Family, format: Format, lines: Sequence[Unit]) -> Unit:  # noqa: A002  the exposition's own word
    return (header(family, format),) if any(lines) else ()
