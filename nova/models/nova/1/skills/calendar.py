"""The calendar: days between dates, weekdays of dates, feasts, leap years, ages, and the phase of the moon."""

import re
from calendar import isleap, monthrange
from datetime import date, datetime

from .. import dates

_LUNATION = 29.530588853  # days, the mean synodic month
_NEW_MOON = datetime(2000, 1, 6, 18, 14)  # UTC, the first new moon of 2000
_PHASES = ("new", "a waxing crescent", "at first quarter", "waxing, more than half", "full", "waning, more than half",
           "at last quarter", "a waning crescent")  # fmt: skip
_BETWEEN = re.compile(
    r"\bhow (?:many (?P<unit>days|weeks)|long)\b.*?\b(?:between|from) (?P<a>.+?) (?:and|to|until|"
    r"till) (?P<b>.+)$"
)
_UNTIL = re.compile(
    r"\bhow (?:many (?P<unit>days|weeks)|long|far|soon)\b.*?\b(?:until|till|to|before|away is|off "
    r"is) (?P<a>.+)$"
)
_SINCE = re.compile(r"\bhow (?:many (?P<unit>days|weeks)|long)\b.*?\b(?:since|ago was|ago is|passed since) (?P<a>.+)$")
_WEEKDAY = re.compile(
    r"\b(?:what|which) (?:week ?day|day|day of the week)\b.*?\b(?:is|was|will|does|did|on)\b(?P<a>.+)$"
)
_WHEN = re.compile(
    r"^(?:and )?(?:when is|when was|when will|what date is|what day is|on what day is|what is the date(?: of| on)?)"
    r"(?P<a> .+)$"
)
_BORN = re.compile(r"\bborn (?:in|on) (?P<a>.+)$|\bborn (?P<b>\d{4})\b")


def answer(text, turns):
    """The spoken answer to plain ``text``, or None."""
    today = turns.now.date()
    return (
        _moon(text, turns.now)
        or _leap(text, today)
        or _length(text, today)
        or _age(text, today)
        or _between(text, today)
        or _until(text, today)
        or _since(text, today)
        or _weekday(text, today)
    )


def _moon(text, now):
    if not re.search(
        r"\b(phase of the moon|moon phase|is it (a )?full moon|is the moon (full|new)|next full moon)\b", text
    ):
        return None
    age = (now - _NEW_MOON).total_seconds() / 86400 % _LUNATION
    if "next" in text or "when" in text:
        days = round((_LUNATION / 2 - age) % _LUNATION)
        return "Today, or very nearly." if days == 0 else f"In about {_many(days, 'day')}."
    phase = _PHASES[int(age / _LUNATION * 8 + 0.5) % 8]
    return f"The moon is {phase} now. That's by reckoning, for I can't see it."


def _leap(text, today):
    if "leap year" not in text or re.search(r"\bwhat (is|are)\b|\bhow many\b", text):
        return None
    year = dates.year_in(text)
    if year:
        tense = "is" if year >= today.year else "was"
        return f"Yes, {year} {tense} a leap year." if isleap(year) else f"No, {year} {tense} not a leap year."
    if re.search(r"\bthis year\b|\bis it\b", text):
        return f"Yes, {today.year} is one." if isleap(today.year) else f"No, {today.year} is a common year."
    following = next((y for y in range(today.year + 1, today.year + 9) if isleap(y)), None)
    return f"The next one is {following}." if following else None


def _length(text, today):
    found = re.search(r"\bhow many days (?:does|are in|are there in|has|in) (?P<m>.+?)(?: have| has)?$", text)
    if not found:
        return None
    month = next((at for at, name in enumerate(dates.MONTHS, 1) if re.search(rf"\b{name.lower()}\b", found["m"])), None)
    if month == 2 and not dates.year_in(found["m"]):
        return "28, and 29 in a leap year."
    if month:
        return f"{dates.MONTHS[month - 1]} has {monthrange(2001, month)[1]} days."
    if found["m"] == "a leap year":
        return "366."
    if re.fullmatch(r"(a |the |this |one )?year", found["m"]):
        days = 366 if isleap(today.year) else 365
        return f"This year has {days}." if "this" in found["m"] else "365, and 366 in a leap year."
    return None


def _age(text, today):
    born = _BORN.search(text)
    if not born or not re.search(r"\bhow old\b", text):
        return None
    told = born["a"] or born["b"]
    day = dates.found(told, today, past=True)
    if day and day[2] and day[0] <= today:
        age = today.year - day[0].year - ((today.month, today.day) < (day[0].month, day[0].day))
        return f"{age} years old."
    year = dates.year_in(told)
    if not year or year > today.year:
        return None
    return f"{today.year - year} this year." if year < today.year else "Not even one year old."


def _between(text, today):
    asked = _BETWEEN.search(text)
    first, last = (dates.found(asked[side], today) for side in "ab") if asked else (None, None)
    if not first or not last:
        return None
    end = last[0]
    if not last[2] and not first[2] and end < first[0]:
        end = _next_year(end)
    return f"{_span(abs((end - first[0]).days), asked['unit'])} from {first[1]} to {last[1]}."


def _until(text, today):
    asked = _UNTIL.search(text)
    day = dates.found(asked["a"], today) if asked else None
    if not day:
        return None
    days = (day[0] - today).days
    if days < 0:
        return f"That's over. {_capital(day[1])} was {_many(-days, 'day')} ago."
    return f"It's {day[1]} today!" if days == 0 else f"{_span(days, asked['unit'])} until {day[1]}."


def _since(text, today):
    asked = _SINCE.search(text)
    day = dates.found(asked["a"], today, past=True) if asked else None
    if not day:
        return None
    days = (today - day[0]).days
    if days < 0:
        return f"That's still to come. In {_many(-days, 'day')}."
    if days > 730 and not asked["unit"]:
        return f"About {days / 365.2425:.0f} years ago."
    return f"{_span(days, asked['unit'])} since {day[1]}."


def _weekday(text, today):
    asked = _WHEN.search(text) or _WEEKDAY.search(text)
    if not asked or re.search(r"\b(your|my|birthday|it in)\b", text):
        return None
    past = bool(re.search(r"\b(was|did)\b", text))
    day = dates.found(asked["a"], today, past)
    if not day or day[1] in ("today", "tomorrow", "yesterday", "day after tomorrow", "day before yesterday"):
        return None
    when, name, told = day
    tense = "is" if when >= today else "was"
    weekday = dates.DAYS[when.weekday()]
    if name in dict(dates.FEASTS.values()):
        year = "" if told else f", {when.year}"
        away = f" That's in {_many((when - today).days, 'day')}." if when > today else ""
        return f"{_capital(name)} {tense} on {weekday}, {dates.spoken(when)}{year}.{away}"
    if name in dates.DAYS:
        return f"{name} is {dates.spoken(when)}."
    return f"{weekday}. {name} {tense} a {weekday}." if not re.search(r"\bin\b", text) else f"{weekday}, {name}."


def _next_year(day):
    return date(day.year + 1, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _span(days, unit):
    if unit != "weeks":
        return _many(days, "day")
    weeks, rest = divmod(days, 7)
    return _many(weeks, "week") + (f" and {_many(rest, 'day')}" if rest else "")


def _many(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _capital(name):
    return name[0].upper() + name[1:]
