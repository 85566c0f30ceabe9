"""The command tree whose commands run nothing: what each would be given is noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import typer.main

from exporter.cli import app
from exporter.cli.tree import Library, options_of, walk

VALUES: Final = {"FILE": "some.yml", "I/N": "0/3", "N": "3", "SHARE": "0.5", "HOST:PORT": "127.0.0.1:1"}
Path = tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """How a command line ended: what ran with which values, or the exit code and the sentence of a refusal."""

    ran: str | None = None
    given: str = ""
    code: int = 0
    said: str = ""


class Tree:
    """The real tree, with a note in place of each command."""

    def __init__(self) -> None:
        self.root: Library = typer.main.get_command(app)
        self.nodes: dict[Path, Library] = dict(walk(self.root))
        self.leaves = {path: node for path, node in self.nodes.items() if not hasattr(node, "commands")}
        self._noted: list[Ended] = []
        for path, node in self.leaves.items():
            node.callback = self._note(" ".join(path))
        self.root.callback = self._note("the daemon")  # comes before a command, too: the last note counts

    def run(self, *words: str) -> Ended:
        """Give ``words`` to the program."""
        self._noted.clear()
        try:
            self.root.main(list(words), prog_name="booking-sync-exporter", standalone_mode=False)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            return Ended(code=getattr(error, "exit_code", -1), said=error.format_message())
        return self._noted[-1] if self._noted else Ended()

    def required(self, path: Path) -> list[str]:
        """Return the words without which the command refuses to run."""
        return [
            word
            for param in self.nodes[path].params
            if param.required
            for word in ([param.opts[0], value_for(param)] if param.param_type_name == "option" else [value_for(param)])
        ]

    def flags(self, path: Path) -> list[list[str]]:
        """Return every flag of the command at ``path``, in each of its spellings, with a value that it takes."""
        takes_value = options_of(self.nodes[path])
        return [
            [name, value_for(param)] if takes_value[name] else [name]
            for param in self.nodes[path].params
            if param.param_type_name == "option"
            for name in (*param.opts, *param.secondary_opts)
        ]

    def _note(self, name: str) -> Library:
        def note(**given: object) -> None:
            self._noted.append(Ended(name, repr(given)))

        return note


def value_for(param: Library) -> str:
    """Return a value that is right for ``param``."""
    choices = getattr(param.type_descriptor, "choices", None)
    if choices:
        first = next(iter(choices))
        return str(getattr(first, "value", first))
    return VALUES.get(param.metavar or "", "name")
