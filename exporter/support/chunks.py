"""A text in chunks, never joined in memory: a sequence of byte strings that is handed on in chunks of another size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class Chunks:
    """The byte strings ``parts`` of a text, in their order. They are shared with others and not copied."""

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
        """Yield the text in chunks of ``size`` bytes; the last may be smaller."""
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
