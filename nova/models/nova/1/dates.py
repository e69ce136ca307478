"""Finds the days that somebody names: dates, feasts, weekdays, and how far they are from today."""

import re
from datetime import date, timedelta

from . import numerals

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_SHIFTS = {"day after tomorrow": 2, "day before yesterday": -2, "tomorrow": 1, "yesterday": -1, "today": 0}
_MONTH = "|".join(month.lower() for month in MONTHS)
_DAY = r"(?:the )?(?P<day>\d{1,2}(?:st|nd|rd|th)?|(?:twenty |thirty )?[a-z]+)"
_DATE = re.compile(
    rf"\b(?:(?P<m1>{_MONTH}) {_DAY}|{_DAY.replace('day>', 'day2>')} "
    rf"(?:of )?(?P<m2>{_MONTH}))\b(?P<rest>.*)"
)
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_AWAY = re.compile(r"\bin (?P<n>[\w ]+?) (?P<unit>day|week|month|year)s?\b")
_HENCE = re.compile(
    r"\b(?P<n>[a-z0-9]+(?: [a-z]+)?) (?P<unit>day|week|month|year)s? (?P<way>from now|from today|"
    r"ago)\b"
)


def easter(year):
    """Easter Sunday of the Gregorian calendar, by the rule of Butcher and Meeus."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    m = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def nth(year, month, weekday, count):
    """The ``count``-th such weekday of a month; the last one for -1."""
    if count < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


FEASTS = {
    "christmas eve": ("Christmas Eve", lambda y: date(y, 12, 24)),
    "christmas": ("Christmas", lambda y: date(y, 12, 25)),
    "boxing day": ("Boxing Day", lambda y: date(y, 12, 26)),
    "new year's eve": ("New Year's Eve", lambda y: date(y, 12, 31)),
    "new years eve": ("New Year's Eve", lambda y: date(y, 12, 31)),
    "new year": ("New Year", lambda y: date(y, 1, 1)),
    "halloween": ("Halloween", lambda y: date(y, 10, 31)),
    "valentine": ("Valentine's Day", lambda y: date(y, 2, 14)),
    "saint patrick": ("Saint Patrick's Day", lambda y: date(y, 3, 17)),
    "st patrick": ("Saint Patrick's Day", lambda y: date(y, 3, 17)),
    "april fool": ("April Fools' Day", lambda y: date(y, 4, 1)),
    "good friday": ("Good Friday", lambda y: easter(y) - timedelta(days=2)),
    "easter monday": ("Easter Monday", lambda y: easter(y) + timedelta(days=1)),
    "ash wednesday": ("Ash Wednesday", lambda y: easter(y) - timedelta(days=46)),
    "easter": ("Easter", easter),
    "ascension": ("Ascension Day", lambda y: easter(y) + timedelta(days=39)),
    "pentecost": ("Pentecost", lambda y: easter(y) + timedelta(days=49)),
    "thanksgiving": ("Thanksgiving", lambda y: nth(y, 11, 3, 4)),
    "mother's day": ("Mother's Day", lambda y: nth(y, 5, 6, 2)),
    "mothers day": ("Mother's Day", lambda y: nth(y, 5, 6, 2)),
    "father's day": ("Father's Day", lambda y: nth(y, 6, 6, 3)),
    "fathers day": ("Father's Day", lambda y: nth(y, 6, 6, 3)),
    "labor day": ("Labor Day", lambda y: nth(y, 9, 0, 1)),
    "memorial day": ("Memorial Day", lambda y: nth(y, 5, 0, -1)),
    "independence day": ("Independence Day", lambda y: date(y, 7, 4)),
    "winter solstice": ("the winter solstice", lambda y: date(y, 12, 21)),
    "summer solstice": ("the summer solstice", lambda y: date(y, 6, 21)),
}
"""Those that follow from a rule; American where countries differ. Solstices are a day early or late in some years."""


def found(text, today, past=False):
    """The first day that plain ``text`` names, with what to call it and whether its year was said; or None.

    Without a year it is the next such day, the last one where ``past`` is meant.
    """
    feast = next((key for key in FEASTS if re.search(rf"\b{key}", text)), None)
    if feast:
        name, of = FEASTS[feast]
        rest = text[text.index(feast) :]
        year = year_in(rest)
        return (of(year), name, True) if year else (_near(of, today, past), name, False)
    if iso := _ISO.search(text):
        day = _date(int(iso[1]), int(iso[2]), int(iso[3]))
        return (day, spoken(day, True), True) if day else None
    if dated := _DATE.search(text):
        month = [m.lower() for m in MONTHS].index(dated["m1"] or dated["m2"]) + 1
        number = _day(dated["day"] or dated["day2"])
        year = year_in(dated["rest"])
        if number and (month, number) == (2, 29) and not year:
            leap = today.year + (not past) * -today.year % 4
            day = _date(leap, 2, 29) or _date(leap - leap % 4, 2, 29)
            return (day, spoken(day, True), False) if day else None
        if number and _date(2000, month, number):
            if not year:
                day = _near(lambda y: date(y, month, number), today, past)
                return day, spoken(day), False
            day = _date(year, month, number)
            return (day, spoken(day, True), True) if day else None
    return _relative(text, today)


def _relative(text, today):
    for words, shift in _SHIFTS.items():
        if re.search(rf"\b{words}\b", text):
            day = _shifted(today, shift)
            return day and (day, words, True)
    if away := _HENCE.search(text) or _AWAY.search(text):
        words = away["n"].split()
        read = numerals.read(words, 0) or numerals.read(words[-1:], 0)
        count = 1 if words[-1] in ("a", "an") else int(read[0]) if read else 0
        if count:
            days = count * {"day": 1, "week": 7, "month": 30, "year": 365}[away["unit"]]
            day = _shifted(today, -days if away.groupdict().get("way") == "ago" else days)
            return day and (day, spoken(day, day.year != today.year), True)
    if weekday := re.search(
        r"\b(?:next |this |coming )?(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b", text
    ):
        at = [day.lower() for day in DAYS].index(weekday[1])
        day = _shifted(today, (at - today.weekday() - 1) % 7 + 1)
        return day and (day, weekday[1].capitalize(), False)
    return None


def year_in(text):
    """A year in digits or words ('nineteen seventy six'), or None."""
    if digits := re.search(r"\b(\d{4})\b", text):
        return int(digits[1]) or None
    words = text.split()
    for at in range(len(words)):
        read = numerals.read(words, at)
        if read is None:
            continue
        value, end = read
        if 1000 <= value <= 9999 and value.denominator == 1:
            return int(value)
        if value in range(10, 21) and end < len(words):
            end += words[end] in ("oh", "o")
            more = numerals.read(words, end) if end < len(words) else None
            if more and more[0] in range(1, 100):
                return int(value) * 100 + int(more[0])
            if words[end : end + 1] == ["hundred"]:
                return int(value) * 100
    return None


def spoken(day, year=False):
    """'July 4th', with the year if asked."""
    return f"{MONTHS[day.month - 1]} {ordinal(day.day)}" + (f", {day.year}" if year else "")


def ordinal(number):
    """'1st', '22nd'."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _day(words):
    """A day of the month from '4', '4th', 'fourth', 'twenty first' or 'four'; None if it is none."""
    if digits := re.match(r"\d{1,2}", words):
        return int(digits[0])
    total = 0
    for word in words.split():
        if word in ("twenty", "thirty"):
            total += 20 if word == "twenty" else 30
        elif word in _ORDINALS:
            total += _ORDINALS[word]
        else:
            read = numerals.read([word], 0)
            total += int(read[0]) if read else 100
    return total if 1 <= total <= 31 else None


def _near(of, today, past):
    day = of(today.year)
    if past:
        return day if day <= today else of(max(1, today.year - 1))
    return day if day >= today else of(min(9999, today.year + 1))


def _date(year, month, day):
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _shifted(today, days):
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None
