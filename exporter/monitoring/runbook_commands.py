"""The commands of the runbooks as they are typed, by how the exporter was installed: one table for all pages.

A page names a command in one short form; the paths, names and flags around it are those of what we ship: the unit
``config/systemd``, ``compose.yaml`` and ``config/kubernetes``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

EXPORTER: Final = "booking-sync-exporter"
_CONFIG: Final = "--config.file=/etc/booking-sync-exporter/exporter.yml"
_IN_POD: Final = "--namespace monitoring deploy/booking-sync-exporter"


@dataclass(frozen=True, slots=True)
class Installed:
    """One way of installing it: ``exporter`` is what is typed for the console script, ``service`` what for its process."""

    name: str
    exporter: str
    service: Mapping[str, str]


_STATUS: Final = "systemctl status booking-sync-exporter"
_LOG: Final = "journalctl -u booking-sync-exporter -n 50"
_RESTART: Final = "systemctl restart booking-sync-exporter"
_RELOAD: Final = "systemctl reload booking-sync-exporter"

INSTALLED: Final = (
    Installed(
        "systemd",
        # By root: the configuration's secrets may be readable for the service alone.
        "sudo /opt/booking-sync-exporter/bin/booking-sync-exporter",
        MappingProxyType(
            {_STATUS: _STATUS, _LOG: f"sudo {_LOG}", _RESTART: f"sudo {_RESTART}", _RELOAD: f"sudo {_RELOAD}"},
        ),
    ),
    Installed(
        "Compose",
        "docker compose exec exporter booking-sync-exporter",
        MappingProxyType(
            {
                _STATUS: "docker compose ps --all exporter",
                _LOG: "docker compose logs --tail 50 exporter",
                _RESTART: "docker compose restart exporter",
                _RELOAD: "docker compose kill --signal HUP exporter",
            },
        ),
    ),
    Installed(
        "Kubernetes",
        f"kubectl exec {_IN_POD} -- booking-sync-exporter",
        MappingProxyType(
            {
                _STATUS: "kubectl get pods --namespace monitoring --selector app.kubernetes.io/name=booking-sync-exporter",
                _LOG: f"kubectl logs {_IN_POD} --tail 50",
                _RESTART: f"kubectl rollout restart {_IN_POD}",
                # A Pod's image has no kill, and a changed ConfigMap is loaded by itself (--config.watch).
                _RELOAD: f'kubectl exec {_IN_POD} -- python -c "import os; os.kill(1, 1)"',
            },
        ),
    ),
)

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Asks the exporter that runs: no platform is burdened, and no secret is needed.
        "probe": "--running http://127.0.0.1:10888",
        "list": _CONFIG,
        "check-config": _CONFIG,
    }
)
"""What a command of the console script needs after its arguments, where the exporter was installed as we ship it."""

_NAMED: Final = re.compile(rf"`({EXPORTER} [a-z][^`\n]*|(?:systemctl|journalctl) [^`\n]*{EXPORTER}[^`\n]*)`")


def commands_in(text: str) -> Iterator[str]:
    """Yield every command of the table that ``text``, Markdown, names between backticks, each once, in its short form."""
    yield from dict.fromkeys(_NAMED.findall(text))


def typed(command: str, installed: Installed) -> str:
    """Return the line to type for a command in its short form. Raises :class:`KeyError` for one that is not in the table."""
    if not command.startswith(EXPORTER):
        return installed.service[command]
    words = command.split()[1:]
    more = FLAGS.get(words[0], "")
    return " ".join((installed.exporter, *words, *([more] if more and more.partition("=")[0] not in command else ())))
