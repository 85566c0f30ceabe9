"""Writes the licences of what is installed with the exporter: ``python -m tools.licences docs/licences.md``.

The packages are those of ``requirements.lock``; what each says of itself is read from its installed metadata. A test compares
the committed file with :func:`render`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements.lock"
_PINNED: Final = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))?(?: \\)?$", re.MULTILINE)

_WORDS: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""What packages write that have no expression of SPDX yet, each looked up in the package's own text."""

_INTRODUCTION: Final = """\
# Licences of what is installed with the exporter

*Generated from the installed packages by `python -m tools.licences docs/licences.md`.*

The exporter itself is under the [Apache licence 2.0](../LICENSE). It copies nothing of these packages: `pip` installs them
beside it, each with the text of its licence in its `dist-info` folder, and so it is in an [image](install/container.md).
`make sbom` writes the same list for programs, as CycloneDX.

The packages of the extra `ics` are installed only with it. They are under the LGPL and are called, unchanged, by a process of
its own; whoever hands on an image with them hands on their source, or says where it is.
"""


def pinned() -> dict[str, str]:
    """Return the version of each package of the lock that can be installed on Linux, by name."""
    found = _PINNED.finditer(LOCK.read_text())
    return {one["name"]: one["version"] for one in found if "win32" not in (one["marker"] or "")}


def licence_of(name: str) -> str:
    """Return the licence of an installed package as an expression of SPDX. Raises :class:`KeyError` for one of other words."""
    told = metadata.metadata(name).json
    if expression := told.get("license_expression"):
        return str(expression)
    classifiers = [one.rpartition(" :: ")[2] for one in told.get("classifier", ()) if one.startswith("License ::")]
    words = str(told.get("license") or classifiers[0])
    return words if re.fullmatch(r"[A-Za-z]+(-[A-Za-z0-9.]+)+|MIT", words) else _WORDS[words]


def of_extra(extra: str) -> frozenset[str]:
    """Return the packages that are installed only with ``extra``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = _reached(project["dependencies"])
    return _reached(project["optional-dependencies"][extra]) - core


def _reached(asked: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    left = list(asked)
    while left:
        name = plain_name(re.split(r"[^A-Za-z0-9._-]", left.pop(), maxsplit=1)[0])
        if name in found or name not in pinned():
            continue
        found.add(name)
        left += [one for one in metadata.requires(name) or () if "extra ==" not in one]
    return frozenset(found)


def plain_name(name: str) -> str:
    """Return the name of a package as a lock has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def render() -> str:
    """Return the text of ``docs/licences.md``."""
    extra = of_extra("ics")
    rows = [
        f"| {name} | {version} | {licence_of(name)} | {'extra `ics`' if name in extra else 'always'} |"
        for name, version in sorted(pinned().items())
    ]
    return "\n".join([_INTRODUCTION, "| package | version | licence | installed |", "|---|---|---|---|", *rows, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
