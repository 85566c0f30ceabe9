"""What a person wrote about an alert: the sections of its file in ``runbooks/``, read from the package."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files as package_files
from typing import Final

FIRST_STEPS: Final = "First three steps"
MITIGATION: Final = "Mitigation"
SILENCE: Final = "Silence"
REVIEWED: Final = "Last reviewed"
SECTIONS: Final = (
    "What it means",
    FIRST_STEPS,
    "How to find out",
    MITIGATION,
    "May I go back to bed?",
    SILENCE,
    REVIEWED,
)
"""The headings of a file, in their order."""

_HEADING: Final = re.compile(r"^## (.+)\n", re.MULTILINE)
_STEP: Final = re.compile(r"^\d\. (.+)$", re.MULTILINE)
_MARKS: Final = re.compile(r"[`*]")


@cache
def sections(name: str) -> dict[str, str]:
    """Return the text of each section of the alert ``name``, as Markdown, by its heading.

    Raises :class:`FileNotFoundError` where nobody wrote about the alert, :class:`ValueError` where a section is missing.
    """
    file = package_files("exporter.monitoring") / "runbooks" / f"{name.lower()}.md"
    if not file.is_file():
        raise FileNotFoundError(f"alert {name} has no runbook: write exporter/monitoring/runbooks/{file.name}")
    _, *parts = _HEADING.split(file.read_text(encoding="utf-8"))
    found = {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    if tuple(found) != SECTIONS:
        raise ValueError(f"runbook {file.name} has the sections {', '.join(found)} instead of {', '.join(SECTIONS)}")
    return found


def first_steps(name: str) -> tuple[str, str, str]:
    """Return the first three steps of the runbook of the alert ``name``, as plain sentences without Markdown.

    Messages carry them where the exporter that serves the runbooks is itself down. Raises what :func:`sections` raises, and
    :class:`ValueError` for more or fewer than three.
    """
    steps = [_MARKS.sub("", step) for step in _STEP.findall(sections(name)[FIRST_STEPS])]
    try:
        first, second, third = steps
    except ValueError:
        raise ValueError(f"the runbook of {name} has {len(steps)} first steps instead of three") from None
    return first, second, third
