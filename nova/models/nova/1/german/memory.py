"""Questions about the conversation itself, in German: what was said, once more, go on, and the user's name."""

import re

from ..skills.memory import INTERRUPTED, rest_of

_NAME = re.compile(r"\b(?:mein name ist|ich heiße|ich heisse|nenn mich) (?P<name>[^\W\d_]{2,20})\b")
_GO_ON = re.compile(r"^(und )?(weiter|mach weiter|erzähl weiter|sprich weiter|red weiter|fahr fort|und dann)\b")
_MINE = re.compile(
    r"\bwas (habe ich|hatte ich) (\w+ )?(gesagt|gefragt|erzählt)\b|\bwas war meine (letzte )?frage\b|\bwas sagte ich\b"
)
_FIRST = re.compile(r"\b(zuerst|erste[nrs]?|anfang)\b")
_AGAIN = re.compile(
    r"^(noch einmal|wie|was|wie war das|wiederhole?|wiederhol das|sag das noch einmal|das noch einmal)( noch einmal)?$"
    r"|\b(wiederhole?|sag das noch einmal)\b|^(das )?(habe ich )?nicht verstanden$"
)
_HERS = re.compile(r"\bwas hast du (\w+ )?(gesagt|geantwortet|erzählt)\b|\bwas (meinst|meintest) du\b")


def answer(text, turns, replay):
    """The reply to plain ``text``, or None. ``replay`` gives the full reply to an earlier state of the conversation."""
    return _name(text, turns) or _go_on(text, turns, replay) or _said(text, turns)


def _named(text):
    found = _NAME.search(text.lower())
    return found and found["name"].capitalize()


def _name(text, turns):
    if re.search(r"\bwie hei(ß|ss)e ich\b|\bwie ist mein name\b|\bwer bin ich\b|\bmeinen namen\b", text):
        name = next((name for said in reversed(turns.said_by("user")) if (name := _named(said))), None)
        return f"Du bist {name}. Das hast du mir gesagt." if name else "Das hast du noch nicht gesagt. Wie heißt du?"
    name = _named(turns.user)
    return name and f"Freut mich, {name}."


def _go_on(text, turns, replay):
    if not _GO_ON.search(text):
        return None
    for index in range(len(turns.pairs) - 2, -1, -1):
        role, heard = turns.pairs[index]
        if role != "assistant":
            continue
        if not heard.endswith(INTERRUPTED):
            return "Ich war schon fertig. Frag mich etwas anderes."
        rest = rest_of(replay(turns.before(index)), heard.removesuffix(INTERRUPTED))
        return rest or "Ich war fast fertig. Frag mich etwas anderes."
    return "Ich habe noch nichts gesagt. Frag mich etwas."


def _said(text, turns):
    mine, hers = turns.said_by("user"), turns.said_by("assistant")
    if _MINE.search(text):
        if not mine:
            return "Davor nichts. Das war deine erste Frage."
        return f"Du hast gesagt: {mine[0] if _FIRST.search(text) else mine[-1]}"
    again, meant = _AGAIN.search(text), _HERS.search(text)
    if not (again or meant):
        return None
    if not hers:
        return "Ich habe noch nichts gesagt. Frag mich etwas."
    said = hers[-1].removesuffix(INTERRUPTED).strip().removeprefix("Ich habe gesagt: ")
    return said if again else f"Ich habe gesagt: {said}"
