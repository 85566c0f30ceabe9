r"""Reading JSON that may be broken or hostile without falling over it.

A text that was cut in the middle of an emoji leaves half of a surrogate pair (``\ud83d``), one that was cut in the middle of
a letter leaves bytes that are no UTF-8. Browsers and Python read both, msgspec refuses them, mostly even in members that it
skips: the note of one booking would cost all the others. So what cannot be read as it is is mended and read again, with
U+FFFD in place of what is lost. What can be read costs nothing more.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, TypeVar

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a hostile or broken JSON text may raise: no JSON, no UTF-8, nested without end."""

LOST: Final = "\ufffd"
"""What stands in place of a letter that did not come whole: visible, and never part of an id or a credential."""

# More than any honest answer has, and some tenths of a second: so many escapes are looked at, so many letters replaced.
_MAX_ESCAPES: Final = 1_000_000
_MAX_LOST: Final = 100_000
_PIECE_BYTES: Final = 64 * 1024
_LOST_ESCAPE: Final = b"ufffd"  # as long as what it stands for
_FIRST, _SECOND, _ANY = (rb"u[dD][%s][0-9a-fA-F]{2}" % digits for digits in (b"89abAB", b"c-fC-F", b"89a-fA-F"))
# A backslash that stands for itself and a whole pair are matched to be passed over; the group is a half.
_ESCAPE: Final = re.compile(rb"\\(?:\\|%s\\%s|(%s))" % (_FIRST, _SECOND, _ANY))

T = TypeVar("T")


def read(content: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T]) -> T:
    """Return what ``decode`` makes of ``content``, JSON; what was cut off inside its texts is :data:`LOST`.

    Raises what ``decode`` does, of JSON one of :data:`UNREADABLE`.
    """
    try:
        return decode(content)
    except UNREADABLE as error:
        mended = _mended(content, error)
        if mended is None:
            raise
    return decode(mended)


def decoded(content: bytes | msgspec.Raw, kind: type[T]) -> T | None:
    """Do the same for JSON of a ``kind``; ``None`` when it is something else or cannot be read.

    The decoder's own message may quote the content, which holds people and credentials, so it goes no further.
    """
    try:
        return read(content, decoder(kind).decode)
    except UNREADABLE:
        return None


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return the decoder of a ``kind``, which is made once, and by one thread at a time.

    While msgspec finds out what a kind is made of, every other thread that reads it sees the half of it, and the process is
    gone (SIGSEGV, msgspec 0.22). So nothing else may make one but a module that is imported.
    """
    if kind not in _decoders:
        with _making:
            if kind not in _decoders:
                _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]


_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
_making: Final = threading.Lock()


def is_whole(text: str) -> bool:
    """Return whether nothing of ``text`` was lost: only then it is an id, or a credential."""
    return LOST not in text


def _mended(content: bytes | msgspec.Raw, error: Exception) -> bytes | None:
    """Return ``content`` without a byte order mark, with :data:`LOST` for halves of pairs and for what is no UTF-8.

    ``None`` when it cannot be mended: ``error`` of the decoder says something else, or it is whole.
    """
    if isinstance(error, msgspec.ValidationError | RecursionError):  # JSON of another shape, or nested without end
        return None
    given = memoryview(content)  # a part of an answer is no bytes yet, and a copy would be one more of 16 MiB
    whole = bytearray(given)  # in place: re.sub would hold a hundred bytes for each escape
    if whole.count(b"\\") > _MAX_ESCAPES:
        return None
    lost = 0
    for escape in _ESCAPE.finditer(given):
        if escape.lastindex:
            lost += 1
            if lost > _MAX_LOST:
                return None
            at = escape.start(1)
            whole[at : at + len(_LOST_ESCAPE)] = _LOST_ESCAPE
    mended = _in_utf_8(whole)
    return None if mended is None or memoryview(mended) == given else mended


def _in_utf_8(given: bytearray) -> bytes | None:
    """Return ``given`` with :data:`LOST` for what is no UTF-8; ``None`` when that is more than any cut text loses.

    Piece by piece: as text it may take four times the room.
    """
    reader = codecs.getincrementaldecoder("utf-8-sig")("replace")
    found = BytesIO()
    lost = 0
    for start in range(0, len(given), _PIECE_BYTES):
        text = reader.decode(given[start : start + _PIECE_BYTES])
        lost += text.count(LOST)
        if lost > _MAX_LOST:
            return None
        found.write(text.encode())
    found.write(reader.decode(b"", final=True).encode())
    return found.getvalue()
