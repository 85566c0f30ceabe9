"""What the shell completes: the scripts that ask for it, and the names that only a file or the simulator knows."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

VARIABLE: Final = "_BOOKING_SYNC_EXPORTER_COMPLETE"
"""With it in the environment the program answers what may come next on a command line, and does nothing else."""

# The library's own scripts lose `--flag=VALUE` in bash and zsh, which cut words at other places than fish. So all three hand
# over the line up to the cursor and read what fish reads: a line for each candidate, with a tab before what it means. Where a
# file is meant the typed word comes back, or an empty line; without them there is no candidate, and the shell offers files.
ASKING: Final = {
    VARIABLE: "complete_fish",
    "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    "COLUMNS": "1000",  # or the library breaks what a candidate means into lines, each of which would be a candidate
}
LINE: Final = "_TYPER_COMPLETE_ARGS"
_ASK: Final = " ".join([*(f"{name}={value}" for name, value in ASKING.items()), LINE])
_BASH: Final = r"""# bash completion of $program: source it, or put it into /etc/bash_completion.d/
_booking_sync_exporter() {
    local word=$${COMP_WORDS[COMP_CWORD]}
    mapfile -t COMPREPLY < <(
        env $ask="$${COMP_LINE:0:COMP_POINT}" "$$1" 2>/dev/null |
            grep -vxF -e '' -e "$${word#=}" | cut -f1
    )
}
complete -o bashdefault -o default -F _booking_sync_exporter $program
"""
_ZSH: Final = r"""#compdef $program
# zsh completion of $program: put it as _$program into a folder of $$fpath, or source it after compinit
_booking_sync_exporter() {
    local line tab=$$'\t'
    local -a candidates
    for line in "$${(@f)$$(env $ask="$${words[1,CURRENT]}" $$words[1] 2>/dev/null)}"; do
        [[ -z $$line || $$line == "$${words[CURRENT]#--*=}" ]] && continue
        candidates+=("$${$${line%%$$tab*}//:/\\:}:$${$${(M)line%$$tab*}#$$tab}")
    done
    [[ $$words[CURRENT] == --*=* ]] && compset -P '*='
    if (( $$#candidates )); then _describe -V $program candidates; else _files; fi
}
if [[ $$funcstack[1] == _$program ]]; then _booking_sync_exporter; else compdef _booking_sync_exporter $program; fi
"""
_FISH: Final = r"""# fish completion of $program: put it as $program.fish into ~/.config/fish/completions/
function __booking_sync_exporter
    set -l token (commandline -ct)
    set -l flag (string match -r -- '^(?:--[^=]*=)?' "$$token")
    set -l word (string replace -r -- '^--[^=]*=' '' "$$token")
    set -l candidates (
        env $ask=(commandline -cp) (commandline -o)[1] 2>/dev/null | grep -vxF -e '' -e "$$word"
    )
    test (count $$candidates) -gt 0
    or set candidates (__fish_complete_path "$$word")
    string join \n -- $$flag$$candidates
end
complete --command $program --no-files --keep-order --arguments '(__booking_sync_exporter)'
"""
_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str, program: str) -> str:
    """Return what makes ``shell`` complete the command lines of ``program``."""
    return Template(_SCRIPTS[shell]).substitute(program=program, ask=_ASK)


def target_names(config_file: Path) -> list[str]:
    """Return the names of the targets in a configuration, whatever else is wrong; none when it cannot be read."""
    from exporter.support.yaml_source import read_yaml  # noqa: PLC0415  a Tab is answered faster without

    try:
        written = read_yaml(config_file.read_text(encoding="utf-8-sig")).value if config_file.is_file() else None
    except (OSError, ValueError):
        return []
    targets = written.get("targets") if isinstance(written, dict) else None
    rows = [row for row in targets if isinstance(row, dict)] if isinstance(targets, list) else []
    return [row["name"] for row in rows if isinstance(row.get("name"), str)]


def scenario_names() -> list[tuple[str, str]]:
    """Return the scenarios of the simulator, each with what goes wrong in it."""
    from exporter.simulator.drills import SCENARIOS  # noqa: PLC0415

    return [(name, scenario.description) for name, scenario in SCENARIOS.items()]


def incident_names() -> list[tuple[str, str]]:
    """Return the incidents of the simulator, each with what it is."""
    from exporter.simulator.drills import INCIDENTS  # noqa: PLC0415

    return [(incident.name, incident.description) for incident in INCIDENTS]
