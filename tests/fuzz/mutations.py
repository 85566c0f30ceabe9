"""What is done to a good input: to its bytes, and to the tree of its values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from tests.harness.many import MANY

MAX_BYTES: Final = 256 * 1024

TOKENS: Final = (
    b"",
    b'"\\ud83d"',
    rb"\ude00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\xbd",
    b"\x00",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"1e999",
    b"-1",
    b"NaN",
    b"9" * 400,
    b"[" * 1200,
    b'{"a":' * 1200,
    b"[]",
    b"{}",
    b'""',
    b"\\",
    b'"',
    b",",
    b";q=",
    b"&a=%ff",
    b"\n- ",
    b"&x [*x]",
    b"!!python/object ",
    b"\xe2\x80\xae",
    b"\x1b[2J",
)
VALUES: Final[Sequence[object]] = (
    None,
    True,
    False,
    0,
    -1,
    7,
    10**30,
    1.5,
    1e308,
    "",
    " ",
    "x" * 5000,
    "cut \ud83d",
    "\x1b[2J\u202e",
    "9" * 5000,
    "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "https://[",
    "https://u:p@h/",
    "..",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"code": {"code": []}},
    [{"id": None}],
)
_MARK: Final = "as many as fit"
Dump = Callable[[Any], bytes]


def spoil_bytes(random: Random, given: bytes) -> bytes:
    """Change a few places of ``given``, or cut it off."""
    data = bytearray(given)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(data))
        length = random.choice((1, 1, 2, 8, 64))
        match random.randrange(6):
            case 0:
                data[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                data[at:at] = random.choice(TOKENS)
            case 2:
                data[at : at + length] = random.choice(TOKENS)
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length] * random.choice((1, 3, 50))
            case _:
                del data[at:]
    return bytes(data[:MAX_BYTES])


def spoil_tree(random: Random, tree: object) -> object:
    """Return a copy of ``tree``, JSON values, with a few of them changed."""
    root: list[Any] = [json.loads(json.dumps(tree))]
    for _ in range(random.randint(1, 3)):
        container, key = random.choice(_places(root))
        match random.randrange(6):
            case 0 | 1:
                container[key] = json.loads(json.dumps(random.choice(VALUES)))
            case 2 if isinstance(container, dict):
                del container[key]
            case 3 if isinstance(container, dict):
                container[str(random.choice(("", "id", "error", "cut \ud83d", "x" * 300)))] = container.pop(key)
            case 4 if isinstance(container, list):
                container += [container[key]] * random.choice((1, 2, 60))
            case _:
                container[key] = random.choice(([container[key]], {"0": container[key]}, str(container[key])[:200]))
    return root[0]


def with_many(random: Random, tree: object, dump: Dump) -> bytes:
    """Return ``tree`` as text in which one value is replaced by very many, up to as much as any answer may have."""
    root: list[Any] = [json.loads(json.dumps(tree))]
    container, key = random.choice(_places(root))
    container[key] = _MARK
    size = random.choice((64 * 1024, 256 * 1024, 2 * 1024 * 1024, 8 * 1024 * 1024, 16 * 1024 * 1024))
    text = dump(root[0])
    much = MANY[random.choice(list(MANY))](max(2, random.choice((size, size // 3)) - len(text)))
    return text.replace(dump(_MARK).strip(), much, 1)


def _places(value: object) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        found += _places(item)
    return found


def as_json(value: object) -> bytes:
    """Write halves of surrogates as PHP does."""
    return json.dumps(value).encode()
