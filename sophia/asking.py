"""Whether she asks: then a short "yes" over her last words is the answer, and no backchannel. A pure judgement."""

from __future__ import annotations

import re

TAIL = 80
"""Characters at a reply's end that may hold its question, some five seconds: "Shall I? Just say yes or no." asks."""

_MARKS = re.compile("[?？؟;՞፧⁇⁈⁉‽]")
_WORDS = re.compile(
    r"\b(yes or no|let me know|tell me|ja oder nein|sag(en sie)? (es )?mir|lass(en sie)? (es )?mich wissen)\b", re.I
)


def asks(text: str) -> bool:
    """Whether a reply with this text ends with a question, or nearly; in any script that marks its questions."""
    tail = text.rstrip()[-TAIL:]
    return bool(_MARKS.search(tail) or _WORDS.search(tail))
