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


def test_the_commands_bring_the_parts_of_all_pods_to_each_and_the_newest_of_each(tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(mkdir -p parts\n.*?)```", TEXT, re.DOTALL)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL)
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    pods = [tmp_path / f"booking-sync-exporter-{index}" for index in range(3)]
    own = {pod: {f"state.json.{index}-of-3{ending}" for ending in ("", ".sites")} for index, pod in enumerate(pods)}
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PODS": str(tmp_path)}
    for turn in range(2):  # each process writes its own part on, while the others have a copy of what it was
        for index, pod in enumerate(pods):
            pod.mkdir(exist_ok=True)
            for name in (*own[pod], f"state.json.{index}-of-3.lock", "salon-b24.json"):
                (pod / name).write_text(f"{index} {turn}")
                os.utime(pod / name, (1e9 + 10 * turn + index,) * 2)
        done = subprocess.run(
            ["sh", "-eu", "-c", script.replace(STATE, ".")],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        for here, pod in enumerate(pods):
            files = frozenset().union(*own.values(), {f"state.json.{here}-of-3.lock", "salon-b24.json"})
            assert files == {path.name for path in pod.iterdir()}
            for index, names in enumerate(own.values()):
                for name in names:
                    copy = pod / name
                    assert (f"{index} {turn}", 1e9 + 10 * turn + index) == (copy.read_text(), copy.stat().st_mtime)
            assert f"{here} {turn}" == (pod / "salon-b24.json").read_text()
