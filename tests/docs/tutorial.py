"""docs/tutorial.md as one script: what a person pastes, and what a person fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.docs.blocks import ROOT

TUTORIAL: Final = ROOT / "docs" / "tutorial.md"
OWN_ACCOUNTS: Final = "<!-- own accounts -->\n"
SIMULATED: Final = "127.0.0.1:10889"

_STEP: Final = re.compile(rf"^## (.+?)\n|({OWN_ACCOUNTS})?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PASTED: Final = re.compile(r"^\(umask 077; (?:cat|tr -d '\\n') >(?:\w+/)?(\w+)\)$", re.MULTILINE)


def script(filled_in: Mapping[str, str], pasted: Mapping[str, str], waits: Mapping[str, str], *, own: bool = False) -> str:
    """Return the blocks of one way, in their order, each step told with a line that begins with ``>>``.

    ``own`` is the way with one's own accounts; without it, that with the simulator.

    ``filled_in`` replaces texts of the page, ``pasted`` is typed into a ``cat`` by the name of its file, and ``waits`` are
    commands that stand at the end of a step, by a word of its title: a person looks at the phone there.
    """
    parts, title = ["set -u"], ""
    for heading, marked, block in _STEP.findall(TUTORIAL.read_text()):
        if heading:
            parts += [command for word, command in waits.items() if word in title]
            title = heading
            parts.append(f"echo '>> {heading}'")
        elif own == bool(marked) or not (marked or SIMULATED in block):
            # Who reads this is root already, in a machine without systemd.
            parts.append("\n".join(line for line in block.splitlines() if not line.startswith("sudo ")))
    text = "\n".join(parts)
    for there, here in filled_in.items():
        if there not in text:
            raise LookupError(f"the tutorial says nothing of {there}")
        text = text.replace(there, here)
    return _PASTED.sub(lambda found: f"{found[0]} <<'PASTED'\n{pasted[found[1]]}\nPASTED", text) + "\n"
