"""Runs one command after the other in this process, as the console script would; writes their exit codes to a file.

``python -m tests.harness.each_command CODES.json COMMANDS.json``: each command is a list of words.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from exporter.__main__ import main


def run() -> None:
    """Run all; what they print goes where it goes."""
    codes: list[object] = []
    into, commands = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    for words in commands:
        sys.argv = ["booking-sync-exporter", *words]
        try:
            main()
        except SystemExit as ended:
            codes.append(ended.code)
    sys.stdout.flush()
    into.write_text(json.dumps(codes))


if __name__ == "__main__":
    run()
