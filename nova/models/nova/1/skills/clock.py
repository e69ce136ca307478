"""Time and date questions, answered from the time that the prompt tells."""

import re
from datetime import timedelta

from ..dates import DAYS, MONTHS, ordinal

_TIME = re.compile(
    r"\bwhat time\b|\bthe time\b|\bhow late\b|\bcurrent time\b|\bwhat hour\b|\btime is it\b|\bgot the time\b|^time$"
)
_NOT_TIME = re.compile(r"\btime (?:of|for|to|travel)\b|\bfirst time\b|\blast time\b|\bfree time\b")
_SHIFTS = (("the day after tomorrow", 2), ("day after tomorrow", 2), ("tomorrow", 1), ("yesterday", -1))


def answer(text, turns):
    """The spoken answer to plain ``text``, or None."""
    now = turns.now
    shift = next((days for word, days in _SHIFTS if word in text), 0)
    day = now.date() + timedelta(days=shift)
    asks = r"\b(what|which|tell me|is|was|will|do you know)\b"
    if re.search(r"\b(date|day|day of the week|today)\b|^what is (tomorrow|yesterday)$", text) and re.search(
        asks + r"|^(the )?date", text
    ):
        if re.search(r"\b(your|my|good|nice|birthday|how was|how is|how are|have a|weather)\b", text):
            return None
        if re.search(r"\bday\b", text) and not re.search(r"\bdate\b|\bday of the month\b", text):
            tense = {0: "Today is", 1: "Tomorrow is", -1: "Yesterday was"}.get(shift, "That will be")
            return f"{tense} {DAYS[day.weekday()]}. The {ordinal(day.day)} of {MONTHS[day.month - 1]}."
        if re.search(r"\bdate\b|\bwhat is (today|tomorrow|yesterday)\b", text):
            told = f"{DAYS[day.weekday()]}, {MONTHS[day.month - 1]} {ordinal(day.day)}, {day.year}."
            return f"It's {told}" if shift == 0 else told
    if found := re.search(r"\bis (?:it|today) (\w+day)\b", text):
        today = DAYS[now.weekday()]
        return f"Yes, it's {today}." if found[1] == today.lower() else f"No, it's {today}."
    if re.search(r"\b(what|which) (calendar )?week\b", text):
        return f"It's week {now.isocalendar().week}."
    if re.search(r"\bwhen is (it |the )?weekend\b", text):
        days = 5 - now.weekday()
        return "Right now." if days <= 0 else "Tomorrow." if days == 1 else f"In {days} days."
    if re.search(r"\b(what|which) month\b", text):
        return f"It's {MONTHS[now.month - 1]}."
    if re.search(r"\b(what|which) year\b", text):
        return f"It's {now.year}."
    if _TIME.search(text) and not _NOT_TIME.search(text):
        elsewhere = re.search(r"\btime\b.* in (?!the\b|this\b|here\b)\w+", text)
        return f"It's {spoken_time(now)}" + (" here. I don't know that place." if elsewhere else ".")
    return None


def spoken_time(now):
    """'4:05 PM', 'noon', 'midnight'."""
    if now.minute == 0 and now.hour in (0, 12):
        return "midnight" if now.hour == 0 else "noon"
    hour = now.hour % 12 or 12
    half = "AM" if now.hour < 12 else "PM"
    return f"{hour} {half}" if now.minute == 0 else f"{hour}:{now.minute:02d} {half}"
