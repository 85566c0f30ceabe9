"""The span of time in which a certificate is good: the one thing that Python's TLS does not tell of our own (RFC 5280, 4.1)."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from typing import Final, NamedTuple

_CERTIFICATE: Final = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION: Final = 0xA0  # the tag of the first field, which may be missing
_BEFORE_VALIDITY: Final = 3  # serial number, algorithm, issuer
_UTC_TIME: Final = 0x17
_LONG_FORM: Final = 0x80
_CENTURY_ENDS: Final = 50  # years below belong to 2000, others to 1900 (RFC 5280, 4.1.2.5.1)


class Validity(NamedTuple):
    """Both ends, as moments of the wall clock."""

    begins: float
    ends: float


def validity(pem: str) -> Validity | None:
    """Return the validity of the first certificate in ``pem``, which is a server's own; ``None`` when it cannot be read."""
    found = _CERTIFICATE.search(pem)
    if found is None:
        return None
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0])
        at, _ = _content(der, 0)
        at, _ = _content(der, at)  # the part that is signed
        if der[at] == _VERSION:
            _, at = _content(der, at)
        for _ in range(_BEFORE_VALIDITY):
            _, at = _content(der, at)
        at, _ = _content(der, at)
        _, second = _content(der, at)
        return Validity(_moment(der, at), _moment(der, second))
    except (ValueError, IndexError):
        return None


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at ``at`` begins and ends (X.690, 8.1.3)."""
    length, at = der[at + 1], at + 2
    if length & _LONG_FORM:
        digits = length - _LONG_FORM
        length, at = int.from_bytes(der[at : at + digits]), at + digits
    return at, at + length


def _moment(der: bytes, at: int) -> float:
    begins, ends = _content(der, at)
    text = der[begins:ends].decode("ascii")
    if der[at] == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY_ENDS else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
