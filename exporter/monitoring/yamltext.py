"""Writes YAML for people: comments stay, expressions are block literals, keys keep their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent

import yaml

HEADER = (
    "# Written by `booking-sync-exporter monitoring render`; render it again with your own job, objective and addresses\n"
    "# instead of editing it.\n"
)


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  PyYAML's signature
        """Write values out that stand in two places: people read them, and compare them."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def dump(value: object) -> str:
    """Return ``value`` as YAML, long lines unbroken."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def switched_off(items: Sequence[tuple[str, Mapping[str, object]]], depth: int) -> str:
    """Return list items like :func:`dump_items`, commented out; no single blank follows a sign, as in prose."""
    return "".join(
        indent("".join(f"# {line}\n" for line in comment.splitlines()) + _off(dump([dict(item)])), " " * depth)
        for comment, item in items
    )


def switched_off_keys(keys: Mapping[str, object], depth: int) -> str:
    """Return more keys of what stands above, commented out; their signs stand at ``depth``."""
    return indent(_off(dump(dict(keys))), " " * depth)


def _off(text: str) -> str:
    return "".join(f"#{line}\n" for line in text.splitlines())


def dump_items(items: Sequence[tuple[str, Mapping[str, object]]], depth: int) -> str:
    """Return list items at ``depth`` spaces, each below its comment."""
    return "".join(
        indent("".join(f"# {line}\n" for line in comment.splitlines()) + dump([dict(item)]), " " * depth)
        for comment, item in items
    )
