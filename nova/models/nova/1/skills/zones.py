"""The time elsewhere: 'what time is it in Tokyo', reckoned from the time that the prompt tells.

That time is the user's, and has no zone. It is taken for this machine's, as with a mind on the machine in front of her.
"""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .. import dates, places
from .clock import spoken_time

_ASKED = re.compile(
    r"\b(?:time|hour|late|clock|date|day)\b.*\b(?:in|at|over in|for) (?P<there>[a-z][a-z .']*?)(?: (?:right )?now| "
    r"at the moment)?$"
)
_AHEAD = re.compile(r"\btime (?:difference|zone)\b.*\b(?:to|between here and|with|in|of|is) (?P<there>[a-z .']+)$")


def answer(text, turns):
    """The spoken answer to plain ``text``, or None."""
    asked = _AHEAD.search(text) or _ASKED.search(text)
    if not asked or re.search(r"\btime (of|for|to|travel)\b", text):
        return None
    found = places.zone(asked["there"])
    if not found:
        return None
    zone, name = found
    try:
        there = turns.now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, OverflowError, OSError, ValueError):
        return f"I can't tell for {name}. This machine has no time zones."
    if asked.re is _AHEAD:
        return _difference(name, there.utcoffset() - turns.now.astimezone().utcoffset())
    shift = (there.date() - turns.now.date()).days
    day = {0: "", 1: " tomorrow", -1: " yesterday"}.get(shift, "")
    if re.search(r"\b(date|day)\b", text):
        return f"In {name}, it's {dates.DAYS[there.weekday()]}, {dates.spoken(there)}."
    return f"In {name}, it's {spoken_time(there)}{day}."


def _difference(name, ahead):
    minutes = int(ahead.total_seconds() / 60)
    if minutes == 0:
        return f"None. {name} has our time."
    hours, rest = divmod(abs(minutes), 60)
    told = f"{hours} hour{'s' if hours != 1 else ''}" if hours else ""
    told += (" and " if hours and rest else "") + (f"{rest} minutes" if rest else "")
    return f"{name} is {told} {'ahead of' if minutes > 0 else 'behind'} us."
