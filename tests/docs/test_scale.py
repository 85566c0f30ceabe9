"""What ``docs/scale.md`` tells to type, and what it says of shards, is so."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from tests.docs.blocks import ROOT

TEXT: Final = (ROOT / "docs" / "scale.md").read_text()
STATE: Final = "/var/lib/booking-sync-exporter"
KUBECTL: Final = """#!/bin/sh
# exec --namespace monitoring [--stdin] POD -- COMMAND...: in the folder of the Pod
while [ "$1" != -- ]; do pod=$1; shift; done
shift
cd "$PODS/$pod" && exec "$@"
"""


def test_the_commands_bring_the_parts_of_all_pods_to_each_and_replace_none(tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(mkdir parts\n.*?)```", TEXT, re.DOTALL)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL)
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    parts = {f"state.json.{index}-of-3{ending}" for index in range(3) for ending in ("", ".sites")}
    for index in range(3):
        pod = tmp_path / f"booking-sync-exporter-{index}"
        pod.mkdir()
        for name in (*sorted(parts)[2 * index : 2 * index + 2], f"state.json.{index}-of-3.lock", "salon-b24.json"):
            (pod / name).write_text(f"{index}")
            os.utime(pod / name, (1e9 + index, 1e9 + index))
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PODS": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-eu", "-c", script.replace(STATE, ".")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    for index in range(3):
        pod = tmp_path / f"booking-sync-exporter-{index}"
        assert parts | {f"state.json.{index}-of-3.lock", "salon-b24.json"} == {path.name for path in pod.iterdir()}
        for name in parts:
            whose = int(name.split(".")[2][0])
            assert (f"{whose}", 1e9 + whose) == ((pod / name).read_text(), (pod / name).stat().st_mtime)
        assert f"{index}" == (pod / "salon-b24.json").read_text()
