"""Plants a forbidden import in each room, one after the other, and shows that ``make lint`` sees it.

Run from the root of a clean checkout: ``python -m tools.forbidden_imports``. Ends with 1 when one is not seen.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

# In each file, an import that its room may not have.
_PLANTED: Final = {
    "errors.py": "from exporter.model import Value",
    "model.py": "from exporter.errors import PollError",
    "clock/system.py": "from exporter.errors import PollError",
    "support/backoff.py": "from exporter.model import Value",
    "counting/bookings.py": "from exporter.support.secret import Secret",
    "fields/durations.py": "from exporter.model import Value",
    "platforms/limiter.py": "from exporter.state.snapshot import Snapshot",
    "platforms/base.py": "from exporter.platforms.wix import WIX",
    "platforms/registry.py": "from exporter.config import Config",
    "platforms/wix/api.py": "from exporter.platforms.bitrix24 import BITRIX24",
    "platforms/bitrix24/api.py": "from exporter.platforms.registry import PLATFORMS",
    "state/snapshot.py": "from exporter.polling.poll import Job",
    "polling/poll.py": "from exporter.metrics import Page",
    "config/load.py": "from exporter.state.snapshot import Snapshot",
    "metrics/page.py": "from exporter.platforms.registry import PLATFORMS",
    "monitoring/render.py": "from exporter.web import create_app",
    "web/app.py": "from exporter.config import Config",
    "simulator/faults.py": "from exporter.platforms.base import Services",
    "simulator/wix/errors.py": "from exporter.simulator.bitrix24.errors import Refusal",
    "runtime/targets.py": "from exporter.simulator import Simulator",
    "commands/probe.py": "from exporter.cli import app",
}


def main() -> int:
    """Plant, lint and take away each of them; print a table."""
    unseen = 0
    print("| room | planted | seen |\n|---|---|---|")
    for name, line in _PLANTED.items():
        for form in (line, f"if TYPE_CHECKING:\n    {line}"):
            path = Path("exporter", name)
            text = path.read_text()
            path.write_text(f"{text}\nfrom typing import TYPE_CHECKING\n\n{form}\n")
            try:
                seen = _is_red()
            finally:
                path.write_text(text)
            unseen += not seen
            print(f"| `{name}` | `{' '.join(form.split())}` | {'yes' if seen else '**no**'} |")
    return min(unseen, 1)


def _is_red() -> bool:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", "tools/importlinter.toml"]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0  # noqa: S603  this checkout's own linter


if __name__ == "__main__":
    sys.exit(main())
