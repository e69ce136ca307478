"""Saying what she is asked to say, and her part of a knock-knock joke."""

import re

_SAY = re.compile(r"^(?:can you |could you )?(?:repeat after me|say after me|say the words?|say) (?P<words>.{2,120})$")
_OTHERS = re.compile(r"\b(something|anything|that|it|again|more|please|what|why|how|yourself|i|you|one|a|your)\b")
_WHO = "Who's there?"


def answer(text, turns):
    """The reply to plain ``text``, or None."""
    hers = turns.said_by("assistant")
    if re.match(r"^(knock ){1,3}knock$|^knock$", text):
        return _WHO
    if hers and hers[-1] == _WHO and len(text.split()) <= 4:
        return f"{text.capitalize()} who?"
    if hers and hers[-1].endswith(" who?") and text.split():
        return "Very good. I'll tell that one to the next microphone I meet."
    found = _SAY.match(text)
    if not found or _OTHERS.match(found["words"]):
        return None
    return f"{found['words'][0].upper()}{found['words'][1:]}."
