"""How wide a text is on a dashboard: Inter, as Grafana has it, at 14 pixels with its spacing."""

from __future__ import annotations

from typing import Final

FONT_SIZE: Final = 14.0
PADDING: Final = 24.0
"""Pixels of a cell of a table beside its text, as a real Grafana (9.4) cuts it; newer ones leave a little more."""
PADDING_OF_NUMBERS: Final = 16.0
"""The same of a number and of a heading, which end at the edge."""
_SPACING: Final = 11
_OTHER: Final = 700
"""A letter that the table lacks, as wide as wide ones are."""
_WIDTHS: Final = {
    letter: width
    for width, letters in {
        242: "ijl",
        269: "I",
        281: " ",
        288: "!,.:",
        300: "'",
        302: ";",
        327: "t",
        333: "|",
        365: "()[]",
        360: "/\\",
        370: "f",
        376: "r",
        407: "1",
        426: "{}",
        456: "_",
        460: "-",
        466: '"',
        511: "?",
        528: "s",
        546: "x",
        549: "k",
        552: "z",
        562: "avy",
        565: "L",
        566: "7",
        571: "cJ",
        583: "e",
        590: "F",
        591: "hnu",
        593: "5",
        600: "o",
        601: "E",
        612: "bdpq",
        613: "g",
        620: "234689$",
        631: "0",
        642: "SR#T",
        662: "+<=>~",
        654: "B",
        672: "K",
        682: "XY",
        690: "AV",
        639: "PZ",
        722: "D",
        730: "C",
        745: "GHU",
        753: "N",
        765: "OQ",
        818: "w",
        876: "m",
        903: "M",
        966: "@",
        982: "%W",
    }.items()
    for letter in letters
}
"""Thousandths of the font's size."""


def width_of(text: str) -> float:
    """Return the pixels that ``text`` takes in one line."""
    return sum(_WIDTHS.get(letter, _OTHER) + _SPACING for letter in text) * FONT_SIZE / 1_000


def lines_of(text: str, width: float) -> int:
    """Return how many lines ``text`` takes in so many pixels; a word is not broken."""
    lines, left = 1, width
    for word in text.split():
        if (room := width_of(word)) > left:
            lines, left = lines + 1, width
        left -= room + width_of(" ")
    return lines


def is_cut(text: str, width: float) -> bool:
    """Return whether a word of ``text`` is wider than so many pixels."""
    return any(width_of(word) > width for word in text.split())
