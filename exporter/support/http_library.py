"""aiohttp, imported as if the host had no certificates.

It loads them when it is imported, a tenth of a start, which it uses for nothing here, and would wait for a pipe. Ours come
later (``exporter.platforms.trust``), and look at the file first.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

_CERTIFICATES: Final = "SSL_CERT_FILE"


def import_aiohttp(environ: MutableMapping[str, str] = os.environ) -> None:
    """Import the library; what ``environ`` says of certificates is the same afterwards."""
    named = environ.get(_CERTIFICATES)
    environ[_CERTIFICATES] = os.devnull
    try:
        import aiohttp  # noqa: F401, PLC0415
    finally:
        if named is None:
            del environ[_CERTIFICATES]
        else:
            environ[_CERTIFICATES] = named
