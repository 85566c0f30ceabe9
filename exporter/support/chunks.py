"""A text that is never in memory as a whole: its parts, and how they are handed on in larger pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class Chunks:
    """The ``parts`` of a text in their order. They may belong to others, too: nothing here is a copy."""

    __slots__ = ("_parts", "_size")

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self._size = sum(map(len, parts))

    def __len__(self) -> int:
        """Return the number of bytes of the text."""
        return self._size

    def __bytes__(self) -> bytes:
        """Return the text in one."""
        return b"".join(self._parts)

    def cut(self, size: int) -> Iterator[bytes]:
        """Yield the text in pieces of ``size`` bytes, the last of which may be smaller."""
        waiting: list[bytes] = []
        length = 0
        for part in self._parts:
            waiting.append(part)
            length += len(part)
            if length < size:
                continue
            block = b"".join(waiting)
            whole = length - length % size
            yield from (block[start : start + size] for start in range(0, whole, size))
            waiting, length = [block[whole:]], length - whole
        if length:
            yield b"".join(waiting)
