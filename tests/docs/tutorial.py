"""docs/tutorial.md as one script: what a person pastes, and what a person fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.docs.blocks import ROOT

TUTORIAL: Final = ROOT / "docs" / "tutorial.md"
OWN_ACCOUNTS: Final = "<!-- own accounts -->\n"

_STEP: Final = re.compile(rf"^## (.+?)\n|({OWN_ACCOUNTS})?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PASTED: Final = re.compile(r"^\(umask 077; (?:cat|tr -d '\\n') >(?:\w+/)?(\w+)\)$", re.MULTILINE)


def script(filled_in: Mapping[str, str], pasted: Mapping[str, str], waits: Mapping[str, str]) -> str:
    """Return the blocks of the way without accounts, in their order, each step told with a line that begins with ``>>``.

    ``filled_in`` replaces texts of the page, ``pasted`` is typed into a ``cat`` by the name of its file, and ``waits`` are
    commands that stand at the end of a step, by a word of its title: a person looks at the phone there.
    """
    parts, title = ["set -u"], ""
    for heading, own, block in _STEP.findall(TUTORIAL.read_text()):
        if heading:
            parts += [command for word, command in waits.items() if word in title]
            title = heading
            parts.append(f"echo '>> {heading}'")
        elif not own:
            # Who reads this is root already, in a machine without systemd.
            parts.append("\n".join(line for line in block.splitlines() if not line.startswith("sudo ")))
    text = "\n".join(parts)
    for there, here in filled_in.items():
        if there not in text:
            raise LookupError(f"the tutorial says nothing of {there}")
        text = text.replace(there, here)
    return _PASTED.sub(lambda found: f"{found[0]} <<'PASTED'\n{pasted[found[1]]}\nPASTED", text) + "\n"
