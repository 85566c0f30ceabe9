"""compose.yaml as Compose reads it where no variable is set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def without_variables(text: str, **given: str) -> str:
    """Return ``text`` with each ``${NAME:-default}`` replaced by what is given for NAME, else by its default."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1], found[2]), text)


def shipped(**given: str) -> dict[str, Any]:
    """Return compose.yaml with these variables in `.env`."""
    document: dict[str, Any] = yaml.safe_load(without_variables((ROOT / "compose.yaml").read_text(), **given))
    return document
