"""What `relabel_configs` of Prometheus make of labels, as far as that is sure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from exporter.monitoring.patterns import anchored

_REFERENCE: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_OF_NAMES: Final = frozenset({"labelmap", "labeldrop", "labelkeep"})

Labels = Mapping[str, str]


def relabelled(labels: Labels, steps: Sequence[Mapping[str, Any]], unknown: Collection[str] = ()) -> Labels | None:
    """Return the labels after all steps; ``None`` when they are dropped.

    ``unknown`` are labels that are there, but of which nobody knows the value. A step that needs one of these, or one that is
    not among ``labels``, is left out.
    """
    found = dict(labels)
    known = set(labels) - set(unknown)
    for step in steps:
        target, listed = str(step.get("target_label", "")), step.get("source_labels")
        sources = [str(name) for name in listed] if isinstance(listed, list) else []
        if not known.issuperset(sources):
            known.discard(target)
            continue
        if not _applied(found, step, str(step.get("separator", ";")).join(found.get(name, "") for name in sources)):
            return None
        known.add(target)
    return found


def _applied(labels: dict[str, str], step: Mapping[str, Any], value: str) -> bool:
    """Change ``labels`` in place; return whether they are kept."""
    action, target = str(step.get("action", "replace")).lower(), str(step.get("target_label", ""))
    pattern = anchored(str(step.get("regex", "(.*)")))
    if pattern is None:
        return True
    if action in _OF_NAMES:
        _rename(labels, action, pattern, str(step.get("replacement", "$1")))
        return True
    fits = pattern.fullmatch(value)
    if action in {"keep", "drop"}:
        return (fits is not None) == (action == "keep")
    if action in {"lowercase", "uppercase"}:
        labels[target] = value.lower() if action == "lowercase" else value.upper()
    elif action == "replace" and fits:
        _set(labels, _expanded(target, fits), _expanded(str(step.get("replacement", "$1")), fits))
    return True


def _rename(labels: dict[str, str], action: str, pattern: re.Pattern[str], replacement: str) -> None:
    for name, value in list(labels.items()):
        fits = pattern.fullmatch(name)
        if action == "labelmap" and fits:
            _set(labels, _expanded(replacement, fits), value)
        elif (action == "labeldrop" and fits) or (action == "labelkeep" and not fits):
            del labels[name]


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _expanded(template: str, fits: re.Match[str]) -> str:
    def part(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return fits[int(name) if name.isdecimal() else name] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(part, template)
