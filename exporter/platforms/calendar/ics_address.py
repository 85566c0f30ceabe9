"""The address of a calendar that is published as a feed: a credential as a whole, since whoever knows it reads the calendar."""

from __future__ import annotations

import re
import shlex
import sys
from typing import Annotated, Final

from pydantic import PlainValidator, ValidationInfo

from exporter.fields.credentials import SECRET_SCHEMA, plain_ascii, secret_text, source_of, split_url
from exporter.fields.kinds import field_errors
from exporter.support.secret import Secret, pasted

EXTRA: Final = f"{shlex.quote(sys.executable)} -m pip install 'booking-sync-exporter[ics]'"
"""Adds what is missing to the exporter that runs, from whatever it was installed: pip takes the version that is there."""

_FORM: Final = "https://<host>/<path>.ics"
_WEBCAL: Final = re.compile("^webcals?://", re.IGNORECASE)


def is_subscribed(address: str) -> bool:
    """Return whether ``address`` is one that calendar programs subscribe to by a click, which have a scheme of their own."""
    return _WEBCAL.match(address) is not None


def _feed(value: object, info: ValidationInfo) -> Secret:
    text = pasted(secret_text(value, info, "https://{}.unopened.invalid/feed.ics"))
    plain_ascii(re.sub("^[a-z]+://[^/?#@]*", "", text, flags=re.IGNORECASE), " outside of the host name")
    # A calendar that is subscribed to by a click has a scheme of its own, which stands for https.
    text = _WEBCAL.sub("https://", text)
    # None of these messages shows the address.
    address, _, query = text.partition("#")[0].partition("?")
    parts, wrong = split_url(address, _FORM)
    if "#" in text:
        wrong.append(("has a # part", "copy the address of the feed, not that of a page"))
    if parts.path in {"", "/"}:
        wrong.append(("has no path, so it is not the address of a feed", f"copy the whole address: {_FORM}"))
    if wrong:
        raise field_errors(wrong)
    origin = f"{parts.scheme}://{parts.netloc}"
    return Secret(f"{origin}{parts.path}{'?' if query else ''}{query}", f"{source_of(value)} {origin}")


FeedAddress = Annotated[Secret, PlainValidator(_feed), SECRET_SCHEMA]
"""A field of a setting: ``https://`` or ``webcal://``; a query is allowed."""
