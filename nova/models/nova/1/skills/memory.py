"""Questions about the conversation itself: what was said, once more, go on, and the user's name."""

import re

INTERRUPTED = "—"
"""Ends a reply of the history that was cut off."""

_NAME = re.compile(r"\b(?:my name is|call me|i am called|ich heiße|mein name ist)(?: is)? (?P<name>[^\W\d_]{2,20})\b")
_GO_ON = re.compile(
    r"^(and )?(go on|go ahead|continue|carry on|keep going|keep talking|proceed|where were you|you were saying"
    r"|finish (it"
    r"|that|the story|your story)"
    r"|and then|what (happened|happens) (then|next)|weiter|erzähl weiter)\b(?! to)"
)
_MINE = re.compile(
    r"\bwhat (did|have) i (just )?(say|said|ask|asked|tell|told)\b(?! you to remember)|\bwhat was (my "
    r"(last )?(question|sentence)"
    r"|the first thing i (said|asked))\b"
    r"|\bwhat (was|were) i (saying|asking)\b"
    r"|\brepeat what i\b|\bsay what i said\b|\bdo you (remember|know) what i (said|asked)\b"
)
_FIRST = re.compile(r"\b(first|beginning|start(ed)?)\b")
_HERS = re.compile(
    r"\bwhat (did|have) you (just )?(say|said|tell|told|answer)\b"
    r"|\b(repeat|say) (that|it|yourself|this)( again| once more)?$"
    r"|^(once more|one more time|again|pardon|what|sorry what|i beg your pardon|come again|repeat|say again|huh"
    r"|excuse me what)( please)?$|\b(did|do) not (hear|catch|get|understand)( (that|you|it))?$"
    r"|^what was that$|^what do(es)? (you|that) mean$|\bnoch ?mal\b|^wie bitte$"
)
_MORE = re.compile(r"\b(tell me|know) (some )?more\b|\bexplain (that|it|this)\b")
_INTRODUCED = re.compile(r"\bI(?:'m| am) (?P<name>[A-Z][a-zäöü]{1,19})[.!]?$")
"""A recogniser that writes capitals tells a name from a mood."""


def name_in(text):
    """The name a user's raw text introduces, or None."""
    found = _NAME.search(text.lower()) or _INTRODUCED.search(text)
    return found["name"].capitalize() if found else None


def asks_again(text):
    """Whether plain ``text`` asks for what was said last."""
    return bool(_HERS.search(text))


def answer(text, turns, replay):
    """The reply to plain ``text``, or None. ``replay`` gives the full reply to an earlier state of the "
    "conversation."""
    return _name(text, turns) or _go_on(text, turns, replay) or _said(text, turns)


def _name(text, turns):
    if re.search(
        r"\b(what|do you (know|remember)) (is )?my name\b|\bwho am i\b|\bremember (me|my name)\b|\bwie hei(ß"
        r"|ss)e ich\b",
        text,
    ):
        for said in reversed(turns.said_by("user")):
            if name := name_in(said):
                return f"You're {name}. You told me."
        return "You haven't told me yet. What's your name?"
    if name := name_in(turns.user):
        return f"Nice to meet you, {name}."
    return None


def _go_on(text, turns, replay):
    more = bool(_MORE.search(text))
    if not more and not _GO_ON.search(text):
        return None
    for index in range(len(turns.pairs) - 2, -1, -1):
        role, heard = turns.pairs[index]
        if role != "assistant":
            continue
        if not heard.endswith(INTERRUPTED):
            return "That's all I know, I'm afraid." if more else "I had finished. Ask me something else."
        rest = rest_of(replay(turns.before(index)), heard.removesuffix(INTERRUPTED))
        return rest or "I had almost finished. Ask me something else."
    return "I haven't said anything yet. Ask me something."


def rest_of(full, heard):
    """What follows in ``full`` after the words of ``heard``, from the start of the sentence that was cut."""
    words = re.findall(r"\w+", heard.lower())
    if not words:  # it was cut off before anything was heard
        return full
    at, count = 0, 0
    for found in re.finditer(r"\w+", full):
        if count == len(words) or not found[0].lower().startswith(words[count]):
            break
        count += 1
        at = found.end()
    if count == 0:
        return ""
    # The last word may have been cut in two, and a sentence is best taken up from its beginning.
    starts = [0, *(m.end() for m in re.finditer(r"[.!?]\s+", full))]
    start = max(s for s in starts if s <= at)
    ended = re.match(r"[.!?]\s+", full[at:])
    return full[at + ended.end() :] if ended else full[start:]


def _said(text, turns):
    mine, hers = turns.said_by("user"), turns.said_by("assistant")
    if _MINE.search(text):
        if not mine:
            return "Nothing before this. It was your first question."
        said = mine[0] if _FIRST.search(text) else mine[-1]
        return f"You said: {said}"
    if _HERS.search(text):
        if not hers:
            return "I haven't said anything yet. Ask me something."
        said = hers[-1].removesuffix(INTERRUPTED).strip().removeprefix("I said: ")
        return said if text.endswith("again") or "repeat" in text or "once more" in text else f"I said: {said}"
    return None
