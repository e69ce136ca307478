"""Lines of a text in any script: broken at spaces, or between syllables where there are none. No mark begins one."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from sophia.marks import segments, unspaced

_MEASURE = Console(width=80)  # rich wants one to wrap text; its width is not used


def wrapped(words: Text, width: int) -> list[Text]:
    """The words in lines of ``width`` cells at most."""
    plain = words.plain
    begin, cuts = 0, list[int]()
    for start, end in segments(plain) if any(map(unspaced, plain)) else ():
        if cell_len(plain[begin:end]) <= width:
            continue
        if start > begin:
            cuts.append(begin := start)
        while cell_len(plain[begin:end]) > width:  # one word is longer than a line
            cuts.append(begin := begin + _fitting(plain[begin:end], width))
    lines = list(words.divide(cuts) if cuts else words.wrap(_MEASURE, width, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines


def _fitting(text: str, width: int) -> int:
    """How many characters fit, at least one."""
    fits = (count for count in range(len(text), 1, -1) if cell_len(text[:count]) <= width)
    return next(fits, 1)
