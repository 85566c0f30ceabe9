"""A flag before a command is the command's flag, or is refused by its name. None is dropped."""

from __future__ import annotations

from typing import Final

import pytest

from exporter.cli.tree import options_of
from tests.cli.trees import Ended, Path, Tree

TREE: Final = Tree()
WRONG_USAGE: Final[dict[Path, int]] = {("probe",): 3}  # to a monitoring system 2 is critical
FLAGS: Final = sorted({tuple(flag) for path in TREE.nodes for flag in TREE.flags(path)})
HELP: Final = [("-h",), ("--help",)]


def refused(path: Path) -> int:
    return WRONG_USAGE.get(path, 2)


def test_the_product_is_not_empty() -> None:
    assert len(TREE.leaves) >= 10
    assert len(FLAGS) >= 30
    assert ("--standby",) in FLAGS


@pytest.mark.parametrize("path", TREE.leaves, ids=" ".join)
def test_every_flag_before_a_command_works_or_is_refused_by_name(path: Path) -> None:
    own, needed = options_of(TREE.nodes[path]), TREE.required(path)
    others = [flag for flag in FLAGS if flag[0] not in own]
    for flag in (*map(tuple, TREE.flags(path)), *others):
        behind = TREE.run(*path, *flag, *needed)
        spellings = [flag, (f"{flag[0]}={flag[1]}",)] if len(flag) > 1 and flag[0].startswith("--") else [flag]
        for spelling in spellings:
            for before in ((*spelling, *path), (*spelling, "--", *path), (*path[:-1], *spelling, *path[-1:])):
                ended = TREE.run(*before, *needed)
                if flag[0] in own:
                    assert (" ".join(path), behind) == (ended.ran, ended), before
                else:
                    assert (None, refused(path)) == (ended.ran, ended.code), before
                    assert f"{' '.join(path)} has no {flag[0]}: " in ended.said, before


def test_a_flag_takes_a_value_in_every_command_or_in_none() -> None:
    arities: dict[str, set[bool]] = {}
    for node in TREE.nodes.values():
        for flag, takes_value in options_of(node).items():
            arities.setdefault(flag, set()).add(takes_value)
    assert [] == [flag for flag, found in arities.items() if len(found) > 1]


@pytest.mark.parametrize("path", TREE.leaves, ids=" ".join)
def test_several_flags_keep_their_order_and_the_one_behind_wins(path: Path) -> None:
    if "--config.file" not in options_of(TREE.nodes[path]):
        return
    needed = TREE.required(path)
    ended = TREE.run("--config.file", "a.yml", *path, "--config.file", "b.yml", *needed)
    assert ended == TREE.run(*path, "--config.file", "b.yml", *needed)
    assert "b.yml" in ended.given


@pytest.mark.parametrize("flag", FLAGS, ids="=".join)
def test_without_a_command_a_flag_is_the_daemons_or_says_whose_it_is(flag: tuple[str, ...]) -> None:
    ended = TREE.run(*flag)
    if flag[0] == "--version":
        assert Ended() == ended
    elif flag[0] in options_of(TREE.root):
        assert "the daemon" == ended.ran
    else:
        owners = [" ".join(path) for path in TREE.leaves if flag[0] in options_of(TREE.nodes[path])]
        assert (None, 2) == (ended.ran, ended.code)
        assert f"The exporter has no {flag[0]}: write it after {', '.join(owners)}." == ended.said


@pytest.mark.parametrize("path", TREE.leaves, ids=" ".join)
@pytest.mark.parametrize("flag", HELP, ids="".join)
def test_help_before_a_command_is_the_help_of_the_command(
    path: Path, flag: tuple[str], capsys: pytest.CaptureFixture[str]
) -> None:
    TREE.run(*flag, *path)
    before = capsys.readouterr().out
    TREE.run(*path, *flag)
    assert before == capsys.readouterr().out
    assert f"Usage: booking-sync-exporter {' '.join(path)} " in before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config.file", "x.yml", "prob"], "No such command 'prob'. Did you mean probe?"),
        (["check"], "No such command 'check'. Did you mean check-config or monitoring check?"),
        (["render"], "No such command 'render'. Did you mean monitoring render?"),
        (["monitoring", "rendr"], "No such command 'rendr'. Did you mean render?"),
        (["monitoring", "--slo", "0.9", "rendr"], "No such command 'rendr'. Did you mean render?"),
        (["qqqq"], "No such command 'qqqq'."),
        (["pro\x1b[31m"], "No such command 'pro\\x1b[31m'."),
        (["--config.file"], "Option '--config.file' requires an argument."),
        (["--nowhere", "probe"], "No such option: --nowhere"),
    ],
)
def test_a_word_that_is_no_command_and_no_flag_is_answered_with_the_nearest(words: list[str], said: str) -> None:
    ended = TREE.run(*words)
    assert (None, 2, said) == (ended.ran, ended.code, ended.said)
