"""Mutants that change nothing that matters, each with the reason: the same in other words, or never seen."""

from __future__ import annotations

import re
from typing import Final

_NO_FAULT: Final = (
    ("", r"strict=True\)*.* -> .*strict=False", "a guard against our own slip: what is joined has one length"),
    (
        "counting/bookings.py",
        r"count: None if inside is None or .* -> None if",
        "who asks for statuses has the rows of the window",
    ),
    ("counting/bookings.py", r"^positions_in_any: return found\[0\]", "of one span the first is the last"),
    (
        "counting/bookings.py",
        r"^_spans: spans and window\.start .*(< spans\[-1\]|spans\[-0\])\.end$",
        "spans that touch or overlap bring the same bookings apart, only slower; and none begins by the end of an earlier span",
    ),
    ("counting/conflicts.py", r"^_tangles: last = 0 ->", "the first that may be the second of a tangle is at place 1"),
    (
        "counting/conflicts.py",
        r"^_tangles: .*-> .*islice\(starts, 0, None\)",
        "what overlaps nothing is a tangle of one, in which nothing conflicts, only slower",
    ),
    (
        "counting/conflicts.py",
        r"^_tangles: second < last -> second <= last$",
        "the first behind a tangle begins no earlier than all of it ended, so it is never the second of the next",
    ),
    (
        "counting/conflicts.py",
        r"^_tangles: last < len\(lane\) and .* -> last < len\(lane\)( and starts\[last\] <= latest_end)?$",
        "a longer tangle is looked at in the same order and has the same conflicts, only slower",
    ),
    (
        "counting/conflicts.py",
        r"^first_conflicts: break -> continue",
        "what comes after the last that is shown is cut off, only later",
    ),
    ("counting/table.py", r"^joined: distinct or .* -> distinct$", "where no id comes twice the slower way gives the same"),
    (
        "counting/conflicts.py",
        r"lane\[turn \+ 1\]\[0\] < end.*lane\[turn \+ 0\]",
        "the second of a tangle begins before the first ends",
    ),
    (
        "counting/windows.py",
        r"range\(366\) -> range\(36[57]\)",
        "the last day of a year is tried in the night before the first as well",
    ),
    (
        "counting/windows.py",
        r"^_sample_year: (half = .*-0\.5\)$|midnight \+ timedelta\()",
        "both sides of each midnight are tried in either order, and no promise says which moments between midnights are",
    ),
    ("counting/windows.py", r"^_time_of_day: .*before\[-1\]", "it gets the last step alone, or none"),
    ("counting/windows.py", r"^_end_of_gap: .* < local -> .* <= local", "in a gap no clock shows the local time"),
    (
        "counting/wall_clock.py",
        r"^_at: steps\.append\(DateMathStep\('\+' if (days|rest) > 0 .*(>= 0|> -1)",
        "there is no step of zero days or seconds",
    ),
    (
        "counting/wall_clock.py",
        r"^_at: steps\.append\(DateMathStep\('/', 1, 'd'\)\) ->",
        "the number of a step that rounds is neither done nor written",
    ),
    ("findings/account.py", r"warning\.target or '' -> warning\.target$", "what is accepted is accepted for a target"),
    (
        "findings/__init__.py",
        r"^findings\.order: .*finding\.since or -?1\.0",
        "no problem began in the first second of 1970",
    ),
    ("platforms/limiter.py", r"__init__: self\._level = 0\.0 -> .*-1\.0", "what leaks out of an empty bucket leaves it empty"),
    (
        "platforms/limiter.py",
        r"__init__: self\._refused_at = .* -> pass",
        "the first refusal sets it, and nobody reads it before",
    ),
    ("platforms/limiter.py", r"> _ROUNDING else .* -> .*>= _ROUNDING", "no wait is exactly what counts as rounding"),
    ("platforms/limiter.py", r"_wait: .* else 0\.0 -> .* else -1\.0", "whoever asks only asks whether it is above 0"),
    (
        "platforms/limiter.py",
        r"wait_for_pause: .* and self\._refusal is not None -> [^&]*paused_for\(\)\) > 0$",
        "a pause that runs has its refusal: the clause is for the types",
    ),
    ("platforms/limiter.py", r"pause: 0\.0 -> -1\.0", "neither makes any pause longer than it asks for itself"),
    (
        "bitrix24/operating.py",
        r"^_Account: (seconds|dearest_at|held_since): .* -> ",
        "an answer or a pause sets it before anybody reads it",
    ),
    (
        "bitrix24/operating.py",
        r"observe: .*seconds or 0\.0.* -> .*seconds or -1\.0",
        "what was too much is more than 0, since a budget is",
    ),
    ("bitrix24/operating.py", r"refused: longest = 0\.0 -> longest = -1\.0", "every rest is longer than 0"),
    ("bitrix24/paging.py", r"_each_once: del distinct -> pass", "it only says that the word is not needed here"),
    ("bitrix24/paging.py", r"sleep\(0\) -> .*sleep\(-1\)", "asyncio takes both for one turn of the loop"),
    (
        "bitrix24/paging.py",
        r"_Pages\.__init__: self\.needed = 0 -> ",
        "only a first page that is the last finds it, and 1 and -1 expect no further page either",
    ),
    (
        "bitrix24/paging.py",
        r"_Pages\.__init__: self\.complete = False -> ",
        "the first page sets it before anybody asks",
    ),
    (
        "bitrix24/paging.py",
        r"_Pages\.__init__: self\._largest = 0 -> |_lies_ahead: return",
        "ids are above 0, and where they do not lie ahead, another way, which takes longer, brings the same rows",
    ),
    ("bitrix24/paging.py", r"finish: self\._weights\.clear\(\) -> pass", "it only makes room in memory"),
    (
        "bitrix24/booking_pages.py",
        r"len\(self\) >= _KEPT_TEXTS -> len\(self\) > |_KEPT_TEXTS: Final = ",
        "one kept text more or less is nothing in memory",
    ),
    (
        "bitrix24/booking_pages.py",
        r"lt=10 \*\* MAX_DIGITS.* -> .*lt=9 \*\* MAX_DIGITS",
        "what the quick way leaves is read row by row, into the same page",
    ),
    ("bitrix24/blocksize.py", r"__init__: self\._told_at = .* -> pass", "nobody asks before the portal has named a limit"),
    (
        "bitrix24/blocksize.py",
        r"too_long: .*max\(1, commands // 2\).* -> .*max\(0, ",
        "a single command that is too long ends the batch and is not told",
    ),
    ("wix/paging.py", r"^module: Filter = ", "a type: nobody looks at it while the program runs"),
)
NO_FAULT: Final = tuple((module, re.compile(pattern), text) for module, pattern, text in _NO_FAULT)
"""The end of a module's path, a pattern of the mutant's name, and why it changes nothing that matters."""


def why(path: str, name: str) -> str:
    """Return why a mutant changes nothing that matters, ``""`` when nobody knows."""
    return next((text for module, pattern, text in NO_FAULT if path.endswith(module) and pattern.search(name)), "")
