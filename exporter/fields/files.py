"""Small files that a configuration names: read whole, or told by what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from exporter.fields.kinds import field_error
from exporter.support.files import NotAFileError, read_file


def read_named_file(path: Path, where: str, max_bytes: int, *, absent: str, wanted: str, holds: str) -> bytes:
    """Return the content of a regular file of at most ``max_bytes`` bytes. Raises :func:`~exporter.fields.kinds.field_error`.

    ``where`` is the file in messages; ``absent`` is the fix for one that is not there, ``wanted`` for what is no file, and
    ``holds`` what it is too large for.
    """
    try:
        content = read_file(path, max_bytes + 1)
    except NotAFileError:
        raise field_error(f"{where} is not a file", wanted) from None
    except FileNotFoundError:
        raise field_error(f"{where} does not exist", absent) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise field_error(f"{where} cannot be read: {why}", "let the user of the exporter read it") from None
    if len(content) > max_bytes:
        raise field_error(f"{where} is too large for {holds}", "put nothing else in that file")
    return content
