"""Time and date in German, from the time that the prompt tells."""

import re
from datetime import date, timedelta

DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
_SHIFTS = (("übermorgen", 2), ("vorgestern", -2), ("morgen", 1), ("gestern", -1))
_FEASTS = (
    (r"\bweihnacht\w*|\bheiligabend\b", "Heiligabend", 12, 24),
    (r"\bsilvester\b", "Silvester", 12, 31),
    (r"\bneujahr\b", "Neujahr", 1, 1),
    (r"\bnikolaus\b", "Nikolaus", 12, 6),
)


def answer(text, turns):
    """The spoken answer to plain ``text``, or None."""
    now = turns.now
    if re.search(r"\bwie spät\b|\buhrzeit\b|\bwieviel uhr\b|\bwie viel uhr\b", text):
        elsewhere = re.search(r"\bin (?!der\b|diesem\b|deutschland\b)\w+$", text)
        return f"Es ist {spoken_time(now)}{' hier. Andere Zeitzonen kenne ich nur auf Englisch' if elsewhere else ''}."
    if re.search(r"\b(wie lange|wieviel tage|wann)\b", text):
        for pattern, name, month, day in _FEASTS:
            if re.search(pattern, text):
                return _until(name, month, day, now.date())
    if re.search(r"\b(welche[rn]?|was für ein|was|der wievielte|welches)\b", text):
        shift = next((days for word, days in _SHIFTS if re.search(rf"\b{word}\b", text)), 0)
        day = now.date() + timedelta(days=shift)
        lead = {0: "Heute ist", 1: "Morgen ist", -1: "Gestern war", 2: "Übermorgen ist", -2: "Vorgestern war"}[shift]
        if re.search(r"\btag\b(?! des)|\bdatum\b|\bwievielte\b|\bwochentag\b", text) and "guten tag" not in text:
            year = f" {day.year}" if re.search(r"\bdatum\b|\bwievielte\b", text) else ""
            return f"{lead} {DAYS[day.weekday()]}, der {day.day}. {MONTHS[day.month - 1]}{year}."
        if re.search(r"\bjahr\b", text):
            return f"Wir haben das Jahr {now.year}."
        if re.search(r"\bmonat\b", text):
            return f"Es ist {MONTHS[now.month - 1]}."
        if re.search(r"\bkalenderwoche\b|\bwoche\b", text):
            return f"Es ist Woche {now.isocalendar().week}."
    if found := re.search(rf"\bist (?:heute|es) (?:ein )?({'|'.join(map(str.lower, DAYS))})\b", text):
        today = DAYS[now.weekday()]
        return f"Ja, heute ist {today}." if found[1] == today.lower() else f"Nein, heute ist {today}."
    return None


def spoken_time(now):
    """ "18 Uhr 5", "12 Uhr"."""
    return f"{now.hour} Uhr{f' {now.minute}' if now.minute else ''}"


def _until(name, month, day, today):
    then = date(today.year, month, day)
    then = then if then >= today else date(today.year + 1, month, day)
    days = (then - today).days
    if days == 0:
        return f"Heute ist {name}."
    return f"Bis {name} {'ist es noch ein Tag' if days == 1 else f'sind es noch {days} Tage'}."
