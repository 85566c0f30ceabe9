"""Writes the annotations that alerts really have into promtool's cases: ``python -m tools.promtool_annotations FILE...``.

Whoever changes the words of an alert need not copy them by hand into each case that expects it. When an alert fires, and with
which labels, stays what the case says; of an alert that is not there, or has other labels, ``promtool`` goes on complaining.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml

from exporter.fields.durations import parse_duration

Labels = frozenset[tuple[str, str]]
Moment = tuple[str, float, str, Labels]
"""Name of the case, seconds, name of the alert, labels."""

_GOT: Final = re.compile(r"Labels:\{(.*)\}\n\s+Annotations:\{(.*)\}")
_FAILED: Final = re.compile(r"(?:name: (.*),\n\s+)?alertname: (\w+), time: (\w+),")


def fired(output: str) -> dict[Moment, dict[str, str]]:
    """Return the annotations of each alert that ``promtool test rules`` got although the case expects something else."""
    found = {}
    starts = [(match, match.start()) for match in _FAILED.finditer(output)]
    for (start, _), end in zip(starts, [at for _, at in starts[1:]] + [len(output)], strict=False):
        case, alert, time = start.groups()
        for labels, texts in _GOT.findall(output[start.end() : end].rpartition("got:[")[2]):
            of_the_alert = {name: value for name, value in _pairs(labels).items() if name != "alertname"}
            found[case or "", parse_duration(time), alert, frozenset(of_the_alert.items())] = _pairs(texts)
    return found


def rewritten(text: str, annotations: Mapping[Moment, Mapping[str, str]]) -> str:
    """Return the text of a file of cases with ``annotations`` in place of those it had; all else stays letter by letter."""
    edits: dict[int, tuple[int, str]] = {}
    for moment, expected in _expected(yaml.compose(text)):
        if moment in annotations and id(expected) not in edits:
            labels, old = _entry(expected, "exp_labels"), _entry(expected, "exp_annotations")
            if labels is None:
                continue
            column = labels[0].start_mark.column
            block = "\n".join(" " * (column + 2) + line for line in _dumped(annotations[moment]))
            if old is None:
                end = _end_of_block(text, labels[1].end_mark.index)
                edits[end] = (end, f"\n{' ' * column}exp_annotations:\n{block}")
            else:
                start = old[0].start_mark.index
                edits[start] = (_end_of_block(text, old[1].end_mark.index), f"exp_annotations:\n{block}")
    for start, (end, new) in sorted(edits.items(), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _expected(root: yaml.Node | None) -> Iterator[tuple[Moment, yaml.MappingNode]]:
    for case in _items(root, "tests") if root else ():
        name = _scalar(case, "name")
        for test in _items(case, "alert_rule_test"):
            moment, alert = parse_duration(_scalar(test, "eval_time")), _scalar(test, "alertname")
            for expected in _items(test, "exp_alerts"):
                labels = _entry(expected, "exp_labels")
                pairs = [(key.value, value.value) for key, value in labels[1].value] if labels else []
                yield (name, moment, alert, frozenset(pairs)), expected


def _entry(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _items(node: yaml.Node, name: str) -> list[yaml.MappingNode]:
    entry = _entry(node, name)
    return list(entry[1].value) if entry else []


def _scalar(node: yaml.Node, name: str) -> str:
    entry = _entry(node, name)
    return str(entry[1].value) if entry else ""


def _end_of_block(text: str, index: int) -> int:
    """Return where the last word before ``index`` ends: a block node's own mark lies behind its last line break."""
    return len(text[:index].rstrip())


def _dumped(annotations: Mapping[str, str]) -> list[str]:
    return yaml.safe_dump(dict(annotations), sort_keys=False, allow_unicode=True, width=1_000_000).splitlines()


def _pairs(printed: str) -> dict[str, str]:
    quoted = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', printed)
    return {name: str(ast.literal_eval(value)) for name, value in quoted}


def rewrite(file: Path) -> int:
    """Rewrite one file of cases; return promtool's exit code for the new one."""
    code, said = _promtool(file)
    for _ in range(2):  # what two moments share by an anchor may be complained of twice
        if code:
            file.write_text(rewritten(file.read_text(encoding="utf-8"), fired(said)), encoding="utf-8")
            code, said = _promtool(file)
    print(f"{file}: {'as expected' if code == 0 else said}")
    return code


def _promtool(file: Path) -> tuple[int, str]:
    run = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return run.returncode, run.stdout + run.stderr


if __name__ == "__main__":
    sys.exit(max(rewrite(Path(name)) for name in sys.argv[1:]))
