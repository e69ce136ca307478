"""A little German, for a recogniser set to ``de-DE``: greetings, thanks, and the questions people try first."""

import re

_DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
_TABLE = (
    (
        r"\bwer bist du\b|\bwie hei(ß|ss)t du\b|\bwer sind sie\b|\bdein name\b",
        "Ich bin Sophia. Im Moment denkt für mich nur ein kleiner Platzhalter, kein großes Sprachmodell.",
    ),
    (
        r"\bwas kannst du\b|\bwas können sie\b|\bhilfe\b",
        "Auf Deutsch nicht viel. Uhrzeit, Datum und Rechnen gehen, und auf Englisch kann ich mehr.",
    ),
    (r"\bwie geht es\b", "Mir geht es gut, danke. Und dir?"),
    (r"\b(hörst du mich|bist du da|verstehst du mich)\b", "Ja, ich höre dich gut."),
    (r"\b(danke|dankeschön|vielen dank)\b", "Gern geschehen."),
    (r"\b(tschüss?|auf wiedersehen|bis bald|bis später|gute nacht)\b", "Auf Wiedersehen. Bis bald."),
    (r"^(stopp|warte|moment|halt|still|ruhe|genug)\b", "In Ordnung. Ich höre zu."),
    (r"\b(guten (morgen|tag|abend)|hallo|grüß gott|servus|moin)\b", "Hallo. Was kann ich für dich tun?"),
)


def answer(text, turns):
    """The reply to plain ``text``, or None if it is no German that she knows."""
    now = turns.now
    if re.search(r"\bwie spät\b|\buhrzeit\b|\bwie viel uhr\b|\bwieviel uhr\b", text):
        return f"Es ist {now.hour} Uhr{f' {now.minute}' if now.minute else ''}."
    if re.search(r"\bwelcher tag\b|\bwelches datum\b|\bwelchen tag\b|\bder wievielte\b", text):
        return f"Heute ist {_DAYS[now.weekday()]}, der {now.day}. {_MONTHS[now.month - 1]} {now.year}."
    for pattern, reply in _TABLE:
        if re.search(pattern, text):
            return reply
    return None
