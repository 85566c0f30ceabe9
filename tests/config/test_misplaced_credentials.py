"""A credential that was put into a wrong place of the file is told by its length; the slip of a pen is still quoted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load_config
from exporter.errors import ConfigError

SITE = "7f1c2d3e-1111-4222-8333-444455556666"
GOOD: dict[str, Any] = {"name": "salon", "platform": "wix", "site_id": SITE, "api_key": "IST.of-another-account"}
PORTAL: dict[str, Any] = {"name": "portal", "platform": "bitrix24"}
CREDENTIALS = (
    "hunter2hunter2",
    "x7Kp9mQ2w",
    "a1b2c3d4e5f6",
    "Tr0ub4dor",
    "Zm9vYmFyYmF6cXV4",
    SITE[::-1],
    "k9$m2!vq",
    "IAmNoWord",
    "q" * 16,
)

Place = Callable[[str], dict[str, Any]]
PLACES: dict[str, Place] = {
    "key at the top": lambda text: {"targets": [GOOD], text: 1},
    "key of a target": lambda text: {"targets": [{**GOOD, text: 1}]},
    "name of a target": lambda text: {"targets": [{**GOOD, "name": text}, {**GOOD, "name": text}]},
    "platform": lambda text: {"targets": [{**GOOD, "platform": text}]},
    "zone": lambda text: {"timezone": text, "targets": [GOOD]},
    "duration": lambda text: {"targets": [{**GOOD, "timeout": text}]},
    "site": lambda text: {"targets": [{**GOOD, "site_id": f"{text} "}]},
    "label": lambda text: {"targets": [{**GOOD, "labels": {f"{text}-": "a"}}]},
    "label without a value": lambda text: {"targets": [{**GOOD, "labels": {text: None}}]},
    "CA file": lambda text: {"targets": [{**GOOD, "tls": {"ca_file": text}}]},
    "collector": lambda text: {"targets": [{**GOOD, "collectors": {text: {}}}]},
    "status": lambda text: {"targets": [{**GOOD, "collectors": {"bookings": {"statuses": [text]}}}]},
    "window of a collector": lambda text: {"targets": [{**GOOD, "collectors": {"bookings": {"windows": [text]}}}]},
    "name of a window": lambda text: {"windows": [{"name": f"{text}!", "from": "now", "to": "now+1d"}], "targets": [GOOD]},
    "begin of a window": lambda text: {"windows": [{"name": "a", "from": text, "to": "now+1d"}], "targets": [GOOD]},
    "prefix": lambda text: {"targets": [{**GOOD, "collectors": {"bookings": {"reader_prefix": text}}}]},
    "count": lambda text: {
        "targets": [
            {**PORTAL, "webhook_url": "https://a.example/rest/1/c0d3c0d3/", "collectors": {"bookings": {"count": text}}}
        ]
    },
    "file": lambda text: {"targets": [{**GOOD, "api_key": {"file": text}}]},
    "variable": lambda text: {"targets": [{**GOOD, "api_key": {"env": text}}]},
}


def told(content: object, folder: Path, environ: dict[str, str] | None = None) -> str:
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ or {})
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.mark.slow
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_credential_in_a_wrong_place_is_not_shown(place: Place, credential: str, tmp_path: Path) -> None:
    text = told(place(credential), tmp_path)
    assert credential.lower() not in text.lower()


@pytest.mark.parametrize(
    ("place", "slip", "quoted"),
    [
        ("zone", "Europe/Berln", "'Europe/Berln'"),
        ("duration", "5 minutes", "'5 minutes'"),
        ("status", "CANCELLED", "'CANCELLED'"),
        ("platform", "bitrix", "'bitrix'"),
        ("window of a collector", "next_48h", "'next_48h'"),
        ("begin of a window", "now/d@24:00", "'now/d@24:00'"),
        ("name of a target", "salon-b24", "'salon-b24'"),
        ("name of a target", "Café Zoë", "'Café Zoë'"),
        ("key of a target", "colectors", "did you mean collectors?"),
        ("file", "secrets/wix_api_key", "secrets/wix_api_key does not exist"),
        ("variable", "WIX_API_KEY", "WIX_API_KEY is not set"),
    ],
)
def test_a_slip_of_the_pen_is_quoted(place: str, slip: str, quoted: str, tmp_path: Path) -> None:
    assert quoted in told(PLACES[place](slip), tmp_path)


def test_what_is_not_quoted_is_told_by_its_length(tmp_path: Path) -> None:
    assert "timezone: a value of 14 characters is not an IANA time zone" in told(PLACES["zone"]("hunter2hunter2"), tmp_path)


@pytest.mark.parametrize("place", PLACES)
def test_a_credential_of_the_same_file_is_masked_in_each_place(place: str, tmp_path: Path) -> None:
    content = PLACES[place]("key-secret-of-berlin")
    content["targets"] = [*content["targets"], {**GOOD, "name": "second", "api_key": {"env": "KEY"}}]
    assert "key-secret-of-berlin" not in told(content, tmp_path, {"KEY": "key-secret-of-berlin"})
