"""``python -m exporter`` is the console script ``booking-sync-exporter``."""

import os
import sys
from typing import NoReturn

from exporter.commands.fast_path import run_fast_path
from exporter.support.environment import forget_unused
from exporter.support.imports import without_garbage_collection
from exporter.support.standard_streams import escape_unencodable_output, open_closed_streams


def main() -> NoReturn:
    """Run the command line, in an environment without the variables that have no effect."""
    open_closed_streams()
    forget_unused(os.environ)  # before the import: aiohttp and prometheus-client read theirs when they are imported
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "1"  # what another package brings would see secrets, and is searched for
    escape_unencodable_output()
    if (code := run_fast_path(sys.argv[1:])) is not None:
        sys.exit(code)
    with without_garbage_collection():
        from exporter.cli import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
