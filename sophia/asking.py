"""Whether she asks: then a short "yes" over her last words is the answer, and no backchannel. A pure judgement."""

from __future__ import annotations

import re

from sophia.languages import language as table

TAIL = 80
"""Characters at a reply's end that may hold its question, some five seconds: "Shall I? Just say yes or no." asks."""

_MARKS = re.compile("[?？؟;՞፧⁇⁈⁉‽]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def asks(text: str, language: str = "en-US") -> bool:
    """Whether a reply with this text ends with a question, or nearly; in any script that marks its questions."""
    tail = text.rstrip()[-TAIL:]
    if _MARKS.search(tail):
        return True
    said = f" {' '.join(_WORD.findall(tail.lower()))} "
    return any(f" {words} " in said for words in table(language).inviting)
