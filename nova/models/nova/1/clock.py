"""Time and date questions, answered from the time that the prompt tells."""

import re
from datetime import date, timedelta

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_TIME = re.compile(
    r"\bwhat time\b|\bthe time\b|\bhow late\b|\bcurrent time\b|\bwhat hour\b|\btime is it\b|\bgot the time\b|^time$"
)
_NOT_TIME = re.compile(r"\btime (?:of|for|to|travel)\b|\bfirst time\b|\blast time\b|\bfree time\b")
_SHIFTS = (("the day after tomorrow", 2), ("day after tomorrow", 2), ("tomorrow", 1), ("yesterday", -1))
_FEASTS = {
    "christmas": (12, 25, "Christmas"), "new year": (1, 1, "New Year"), "halloween": (10, 31, "Halloween"),
    "valentine": (2, 14, "Valentine's Day"),
}  # fmt: skip


def answer(text, now):
    """The spoken answer, or None. ``text`` is plain, ``now`` local."""
    if countdown := _countdown(text, now):
        return countdown
    shift = next((days for word, days in _SHIFTS if word in text), 0)
    day = now.date() + timedelta(days=shift)
    asks = r"\b(what|which|tell me|is|was|will|do you know)\b"
    if re.search(r"\b(date|day|day of the week|today)\b", text) and re.search(asks + r"|^(the )?date", text):
        if re.search(r"\b(your|my|good|nice|birthday|how was|how is|how are|have a|weather)\b", text):
            return None
        if re.search(r"\bday\b", text) and not re.search(r"\bdate\b|\bday of the month\b", text):
            tense = {0: "Today is", 1: "Tomorrow is", -1: "Yesterday was"}.get(shift, "That will be")
            return f"{tense} {_DAYS[day.weekday()]}. The {_ordinal(day.day)} of {_MONTHS[day.month - 1]}."
        if re.search(r"\bdate\b|\bwhat is today\b", text):
            told = f"{_DAYS[day.weekday()]}, {_MONTHS[day.month - 1]} {_ordinal(day.day)}, {day.year}."
            return f"It's {told}" if shift == 0 else told
    if found := re.search(r"\bis (?:it|today) (\w+day)\b", text):
        today = _DAYS[now.weekday()]
        return f"Yes, it's {today}." if found[1] == today.lower() else f"No, it's {today}."
    if re.search(r"\b(what|which) (calendar )?week\b", text):
        return f"It's week {now.isocalendar().week}."
    if re.search(r"\bwhen is (it |the )?weekend\b", text):
        days = 5 - now.weekday()
        return "Right now." if days <= 0 else "Tomorrow." if days == 1 else f"In {days} days."
    if re.search(r"\b(what|which) month\b", text):
        return f"It's {_MONTHS[now.month - 1]}."
    if re.search(r"\b(what|which) year\b", text):
        return f"It's {now.year}."
    if _TIME.search(text) and not _NOT_TIME.search(text):
        elsewhere = re.search(r"\btime\b.* in (?!the\b|this\b|here\b)\w+", text)
        return f"It's {spoken_time(now)}" + (" here. I don't know the time elsewhere." if elsewhere else ".")
    return None


def spoken_time(now):
    """'4:05 PM', 'noon', 'midnight'."""
    if now.minute == 0 and now.hour in (0, 12):
        return "midnight" if now.hour == 0 else "noon"
    hour = now.hour % 12 or 12
    half = "AM" if now.hour < 12 else "PM"
    return f"{hour} {half}" if now.minute == 0 else f"{hour}:{now.minute:02d} {half}"


def _countdown(text, now):
    if not re.search(r"\bhow (many days|long)\b.*\b(until|till|to|before)\b", text):
        return None
    for word, (month, day, name) in _FEASTS.items():
        if word in text:
            feast = date(now.year, month, day)
            if feast < now.date():
                feast = date(now.year + 1, month, day)
            days = (feast - now.date()).days
            if days == 0:
                return f"It's {name} today!"
            return f"{days} day{'s' if days > 1 else ''} until {name}."
    return None


def _ordinal(day):
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
