"""``python -m exporter`` is the console script ``booking-sync-exporter``."""

import os
import sys
from typing import NoReturn

from exporter.commands.plainly import run_plainly
from exporter.support.environment import forget_unused
from exporter.support.imports import undisturbed
from exporter.support.printed import open_what_is_closed, write_out_what_the_terminal_lacks


def main() -> NoReturn:
    """Run the command line, in an environment without the variables that have no effect."""
    open_what_is_closed()
    forget_unused(os.environ)  # before the import: aiohttp and prometheus-client read theirs when they are imported
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "1"  # what another package brings would see secrets, and is searched for
    write_out_what_the_terminal_lacks()
    if (code := run_plainly(sys.argv[1:])) is not None:
        sys.exit(code)
    with undisturbed():
        from exporter.cli import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
