"""The vocabulary of dictation, English and German: numbers, letters, signs, units, and what asks for them. Data only.

Patterns are matched against a text in lower case, without punctuation, its words joined by single blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Slot = Literal[
    "zip", "pin", "card", "phone", "spelling", "name", "mail", "born", "date", "address", "price", "number", "clock",
    "quantity",
]  # fmt: skip
"""What can be dictated. ``born``: a date that has a year. ``number``: one of unknown length, or a code.
``quantity``: a number that its rest, or what it counts, mostly follows."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _asks(pattern: str) -> re.Pattern[str]:
    """Matches whole words anywhere in the text."""
    return re.compile(rf"(?<![^ ])(?:{pattern})(?![^ ])")


def _either(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language's words. ``asks`` maps what is dictated to the pattern of words after which it is expected."""

    digits: frozenset[str]
    numbers: Mapping[str, int]  # number words beyond a digit, and how many digits they are written with
    tens: frozenset[str]  # a digit after one of these belongs to the same number
    scales: frozenset[str]  # a number before and after one of these is one number
    composed: re.Pattern[str]  # numbers that are written as one word
    ordinals: re.Pattern[str]
    repeats: Mapping[str, int]  # "double seven"
    letters: frozenset[str]  # names of letters that are words
    alphabet: frozenset[str]  # the spelling alphabets
    likened: tuple[str, ...]  # between a letter and its example: "as in"
    signs: frozenset[str]
    dots: frozenset[str]
    ats: frozenset[str]
    links: frozenset[str]  # may stand between two pieces of what is dictated
    units: frozenset[str]  # a duration, or a time of day, is whole with one of these
    currencies: frozenset[str]
    months: frozenset[str]
    weekdays: frozenset[str]
    articles: frozenset[str]
    asks: Mapping[Slot, re.Pattern[str]]
    nouns: re.Pattern[str]  # a clause that is nothing but this asks for it too
    expectant: frozenset[str]  # what asks ends on these if nothing of it was said yet
    inquiries: frozenset[str]  # first words of questions, which ask her for it
    manners: frozenset[str]  # "tell me how to spell it" asks her
    others: frozenset[str]  # whose name it is that is not the user's to spell
    past: frozenset[str]  # "half past", after which an hour is whole
    hours: frozenset[str]  # after these an hour and its minutes are a time of day
    days: re.Pattern[str]  # what comes before a day of the month
    introduces: re.Pattern[str]  # "my name is": a first name is whole
    states: frozenset[str]  # how something is, and not what it reads: "my e-mail is down"
    secrets: tuple[str, ...]  # may be a word
    pages: frozenset[str]  # have a link, and no mail address
    streets: re.Pattern[str]
    halves: frozenset[str]  # a smaller unit mostly follows: "five foot eleven"
    conjunctions: frozenset[str]
    expires: re.Pattern[str]  # what does so has a month and a year
    breaks: frozenset[str]  # signs that stand within names on the net and codes
    ambiguous: frozenset[str]  # letters that are words as well
    values: Mapping[str, str]  # digit words as figures


ENGLISH_COPULA = (
    r"(?: (?:is|are|was|will be|would be|should be|it's|it is|that's|that is|starts with|begins with|reads|goes|"
    r"number is))*"
)
_ENGLISH_NOUN = (
    r"(?:\w+ number|number(?= (?:is|are|was|it's|starts|begins|would)\b|$)|"
    r"(?:\w+ )?(?:code|coordinates|latitude|longitude|pin|id|iban|reference|password|passcode|plate|serial|extension|"
    r"vin|isbn|postcode|combination|confirmation|account|flight|username|handle))"
)
_ENGLISH_PHONE = (
    r"(?:phone|telephone|mobile|cell|cellphone|fax|whatsapp|landline|callback|contact|home|work|office|direct)"
    r"(?: phone)?(?: number| line)?"
)
_OWN = r"(?:my|our|the|his|her|their|your|a|this|a new)"

_ENGLISH_DIGITS = "zero one two three four five six seven eight nine"
_ENGLISH_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"

ENGLISH = Vocabulary(
    digits=_set("zero one two three four five six seven eight nine oh nought"),
    numbers={
        **dict.fromkeys(_ENGLISH_TEENS.split(), 2),
        **dict.fromkeys(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2),
        "hundred": 3, "thousand": 4, "million": 7, "billion": 10,
    },
    tens=_set("twenty thirty forty fifty sixty seventy eighty ninety"),
    scales=_set("hundred thousand million billion"),
    composed=re.compile(r"(?!)"),
    ordinals=re.compile(
        r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
        r"\w+teenth|twentieth|thirtieth)"
    ),
    repeats={"double": 2, "triple": 3},
    letters=_set("zee zed double-u"),
    alphabet=_set(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar "
        "papa quebec romeo sierra tango uniform victor whiskey x-ray xray yankee zulu"
    ),
    likened=("as in", "like in", "like", "for"),
    signs=_set("dot point dash hyphen minus underscore slash colon plus hash pound star asterisk at @ www http https"),
    dots=_set("dot point period"),
    ats=_set("at @"),
    links=_set("and then capital uppercase lowercase upper lower case small big space um uh uhm er the letter number "
               "north south east west"),
    units=_set(
        "second seconds minute minutes hour hours day days week weeks month months year years am pm a.m p.m o'clock "
        "oclock noon midnight morning evening afternoon tonight degrees percent"
    ),
    currencies=_set("dollar dollars euro euros pound pounds cent cents pence bucks $ € £ francs yen"),
    months=_set(
        "january february march april may june july august september october november december"
    ),
    weekdays=_set("monday tuesday wednesday thursday friday saturday sunday"),
    articles=_set("the a an in from"),
    asks={
        "zip": _asks(r"(?:zip|postal)(?: code)?" + ENGLISH_COPULA),
        "pin": _asks(r"pin(?: code| number)?" + ENGLISH_COPULA),
        "card": _asks(r"(?:card|visa|mastercard)(?: number)?" + ENGLISH_COPULA),
        "phone": _asks(
            rf"(?:{_OWN} {_ENGLISH_PHONE}(?: is| are| was| would be| it's| it is|'s| starts with)+"
            rf"|{_ENGLISH_PHONE.replace('(?: number| line)?', ' number')}{ENGLISH_COPULA}"
            r"|(?:text|message|sms|call) to"
            r"|(?:call|dial|ring|phone|text|reach|contact)(?: me| us| him| her| them| my \w+)?(?: back)?"
            r"(?: at| on| under)?"
            r"|(?:here's|here is|take down|write down|note down|note|give you) (?:my|our|the)(?: \w+)? number)"
        ),
        "spelling": _asks(
            r"(?:spelled|spelt|spell (?:it|that|my name|the name|this)|spelling" + ENGLISH_COPULA + "|written)"
        ),
        "name": _asks(r"(?:\w*name(?:'s)?(?: is| would be| it's)*|my surname)"),
        "mail": _asks(
            r"(?:(?:e-mail|email|mail|website|web site|site|link|url|domain|homepage|web address|e mail)(?: address)?"
            r"(?:'s| is| are| would be| it's| it is)+|(?:e-mail|email|mail) (?:me|us) at"
            r"|(?:send|write)(?: it| this| that)? to)"
        ),
        "born": _asks(
            r"(?:born(?: on| in)?|(?:date of birth|birth date|birthdate|birthday)(?: is|'s| was)+(?: on| in)?"
            r"|expir\w+(?: date)?(?: is| in| on)*|valid until)"
        ),
        "date": _asks(
            r"(?:appointment|meeting|date|flight|arrival|departure|reservation|booking|delivery|deadline|event|wedding|"
            r"party|check-in|interview|exam)(?:'s| is| was| will be)+(?: on| at| for| from| by| due)*"
        ),
        "address": _asks(
            r"(?:address(?:'s| is| would be| it's)+|(?:i|we) live (?:at|on)|street(?: is|'s)+|"
            r"(?:ship|send|deliver|bring) (?:it|them|this|that|the \w+) to(?= \d| (?:one|two|three|four|five|six|seven|"
            r"eight|nine|ten|eleven|twelve|\w+teen|\w+ty)(?: |$)))"
        ),
        "price": _asks(
            r"(?:costs?|price(?:'s| is| was)+|paid|budget(?:'s| is)+|total(?:'s| is)+|amount(?:'s| is)+|"
            r"(?:bill|fee|rent|offer)(?:'s| is)+|(?:comes|adds up) to)"
        ),
        "quantity": _asks(
            r"(?<!.)(?:add|order|buy)|(?:to|please) (?:add|order|buy)|(?:have|is|run|running|using) version"
        ),
        "number": _asks(
            rf"(?<!about ){_ENGLISH_NOUN}(?:'s)?{ENGLISH_COPULA}|(?:ends|starts|begins) (?:in|with)"
            r"|(?:write|take|note|jot)(?: this| it)? down"
        ),
        "clock": _asks(
            r"(?:(?:timer|alarm|countdown|reminder)(?: \w+)? (?:for|to|at|on|in)|remind me (?:in|at)"
            r"|wake (?:me|us)(?: up)? (?:at|in|by)|snooze for)"
        ),
    },
    nouns=re.compile(
        rf"(?:(?:my|our|the|here's my|here is my|let me give you my|i'll give you my) )?(?:{_ENGLISH_NOUN}|"
        rf"{_ENGLISH_PHONE.replace('(?: number| line)?', ' number')}|(?:e-mail|email|mail)(?: address)?|"
        r"(?:\w+ )?address|date of birth|birth date|(?:first|last|full|middle|sur) ?name)$"
    ),
    expectant=_set(
        "is are was be it's that's name's at on under for to in by with "
        "spelled spelt spell reads goes that it this"
    ),
    inquiries=_set(
        "what what's who who's where where's when when's why how how's which whose is are was were do does did has have"
    ),
    manners=_set("how"),
    others=_set("your"),
    past=_set("past to half quarter"),
    hours=_set("alarm wake at"),
    days=re.compile(r"(?:on|for|from|to|until|till|by|through|since)(?: the)?$"),
    introduces=re.compile(r"(?:my|his|her|their) name"),
    states=_set(
        "not down up broken wrong right correct full empty fine good great slow new old gone lost dead missing too very"
    ),
    secrets=("password", "passcode", "username", "handle"),
    pages=_set("website web site link url domain homepage"),
    streets=re.compile(r"^(?:street|road|avenue|lane|drive|boulevard|square|court|place|way|park)$"),
    halves=_set("foot"),
    conjunctions=_set("and"),
    expires=re.compile(r"expir|valid"),
    breaks=_set("dot dash hyphen underscore slash @"),
    ambiguous=_set("a i"),
    values={
        **{word: str(n) for n, word in enumerate(_ENGLISH_DIGITS.split())},
        "oh": "0", "nought": "0",
    },
)  # fmt: skip

GERMAN_COPULA = r"(?: (?:ist|sind|lautet|war|wäre|heißt|beginnt mit|fängt an mit|das ist|sie ist|sie lautet|die))*"
_GERMAN_NOUN = (
    r"(?:\w*nummer|\w*code|\w*kennzeichen|iban|bic|pin|[\w-]*passwort|\w*kennwort|koordinaten|\w*längengrad|\w*breitengrad|vorwahl|\w*kennung|aktenzeichen|"
    r"\w*schlüssel|durchwahl)"
)
_GERMAN_UNIT = "ein zwei drei vier fünf sechs sieben acht neun"
_GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_GERMAN_TEENS = "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_ONE_WORD = (
    rf"(?:{_either(_GERMAN_UNIT)}und)?{_either(_GERMAN_TENS)}|{_either(_GERMAN_TEENS)}|{_either(_GERMAN_UNIT)}s?"
)

_GERMAN_DIGITS = "null eins zwei drei vier fünf sechs sieben acht neun"

GERMAN = Vocabulary(
    digits=_set("null eins zwei zwo drei vier fünf sechs sieben acht neun"),
    numbers={
        **dict.fromkeys(_GERMAN_TEENS.split(), 2), **dict.fromkeys(_GERMAN_TENS.split(), 2),
        "hundert": 3, "tausend": 4, "million": 7, "millionen": 7,
    },
    tens=frozenset(),
    scales=_set("hundert tausend million millionen"),
    composed=re.compile(
        rf"(?=\w*(?:zig|ßig|hundert|tausend))(?:(?:{_ONE_WORD})?tausend(?:und)?)?(?:(?:{_ONE_WORD})?hundert(?:und)?)?"
        rf"(?:{_ONE_WORD})?$"
    ),
    ordinals=re.compile(r"(?:ersten?|zweiten?|dritten?|vierten?|siebten?|achten|\w+(?:zehn|zwölf|elf|[snftu]|zig|ßig)s?ten?)"),
    repeats={"doppel": 2, "doppelt": 2, "dreimal": 3, "zweimal": 2},
    letters=_set("ypsilon eszett"),
    alphabet=_set(
        "anton berta cäsar dora emil friedrich gustav heinrich ida julius kaufmann konrad ludwig martha nordpol otto "
        "paula quelle richard samuel siegfried schule theodor ulrich viktor wilhelm xanthippe xaver zacharias zeppelin"
    ),
    likened=("wie in", "wie"),
    signs=_set(
        "punkt komma bindestrich minus unterstrich schrägstrich doppelpunkt plus raute stern at ät @ klammeraffe dot "
        "www http https slash strich"
    ),
    dots=_set("punkt dot"),
    ats=_set("at ät @ klammeraffe"),
    links=_set("und dann groß großes großer klein kleines kleiner ähm äh leerzeichen buchstabe ziffer zahl "
               "nord süd ost west"),
    units=_set(
        "sekunde sekunden minute minuten stunde stunden tag tage tagen woche wochen monat monate monaten jahr jahre "
        "jahren uhr grad prozent früh abends morgens mittags nachts nachmittags"
    ),
    currencies=_set("euro cent dollar franken € $ pfund"),
    months=_set("januar jänner februar märz april mai juni juli august september oktober november dezember"),
    weekdays=_set("montag dienstag mittwoch donnerstag freitag samstag sonntag"),
    articles=_set("der die das den dem eine ein einen in im aus"),
    asks={
        "zip": _asks(r"(?:postleitzahl|plz)" + GERMAN_COPULA),
        "pin": _asks(r"pin(?:-?nummer|-?code)?" + GERMAN_COPULA),
        "card": _asks(r"\w*kartennummer" + GERMAN_COPULA),
        "phone": _asks(
            r"(?:\w*(?:telefon|handy|mobil|fax|rückruf|festnetz)\w*" + GERMAN_COPULA
            + r"|meine nummer" + GERMAN_COPULA
            + r"|(?:erreich\w*|ruf\w*|anruf\w*)(?: \w+){0,2} unter(?: der)?(?: nummer)?"
            r"|(?:ruf|rufe|rufen sie|wähl|wähle|wählen sie)(?: (?:mich|uns|bitte|die))*)"
        ),
        "spelling": _asks(
            r"(?:buchstabier\w*(?: (?:mal|das|ihn|es|sich|wird))*|schreib\w* (?:sich|man|mich|es)(?: so)?|"
            r"geschrieben(?: wird)?)"
        ),
        "name": _asks(r"(?:\w*name(?: ist| lautet| wäre)*|ich heiße)"),
        "mail": _asks(
            r"(?:\w*(?:mail|e-mail|email)(?:-?adresse)?(?: ist| lautet| wäre)+|e mail(?:-?adresse)?(?: ist| lautet)+"
            r"|(?:webseite|website|internetseite|homepage|internetadresse|domain|adresse der seite|link)"
            r"(?: ist| lautet)+|(?:schreib|schreibe|schick|schicke|sende)(?: es| das)? an)"
        ),
        "born": _asks(
            r"(?:bin (?:am|im)|wurde (?:am|im)|geboren(?: am| im)?|(?:geburtsdatum|geburtstag)(?: ist| war)+"
            r"(?: der| am| im)?|hab\w* am|gültig bis|läuft ab(?: im| am)?|läuft (?:im|am))"
        ),
        "date": _asks(
            r"(?:\w*(?:termin|treffen|datum|flug|ankunft|abreise|lieferung|reservierung|hochzeit|frist|prüfung|besuch)"
            r"(?: ist| war| wäre)+(?: am| um| im| der| für)*)"
        ),
        "address": _asks(
            r"(?:\w*(?:adresse|anschrift|straße)(?: ist| lautet| wäre)+"
            r"|wohn\w* (?:in der|an der|am|im|auf der|in dem)"
            r"|(?:schick\w*|liefer\w*|send\w*) (?:es|das|sie|ihn) (?:in die|an die|zur|zum))"
        ),
        "price": _asks(r"(?:kostet|kosten|bezahlt|\w*(?:preis|budget|betrag|summe|miete|rechnung)(?: ist| war)+)"),
        "quantity": _asks(
            r"(?<!.)(?:bestell\w*|kauf\w*)|(?:setz|setze|schreib|schreibe) auf die \w*liste"
            r"|(?:habe|ist|nutze|läuft) version"
        ),
        "number": _asks(_GERMAN_NOUN + GERMAN_COPULA + r"|(?:notier\w*|schreib\w* auf|endet auf|beginnt mit)"),
        "clock": _asks(
            r"(?:(?:timer|wecker|alarm|countdown|erinnerung)(?: \w+)? (?:auf|für|um|in|von)|weck\w* mich (?:um|in)"
            r"|erinner\w* mich (?:um|in))"
        ),
    },
    nouns=re.compile(
        rf"(?:(?:meine?|unsere?|die|der|das|hier ist meine?|hier kommt meine?) )?(?:{_GERMAN_NOUN}|postleitzahl|"
        r"\w*mail(?:-?adresse)?|\w*adresse|geburtsdatum|(?:vor|nach|familien)name)$"
    ),
    expectant=_set(
        "ist sind lautet wäre war unter auf für um in am an mit buchstabiere buchstabiert mich sich so heiße"
    ),
    inquiries=_set("was wer wo wann warum wieso wie welche welcher welches wohin woher ist sind war hat hast weißt"),
    manners=_set("wie"),
    others=_set("dein deine"),
    past=_set("halb viertel vor nach"),
    hours=_set("wecker alarm um"),
    days=re.compile(r"(?:am|den|vom|zum|bis|ab|ab dem|dem)$"),
    introduces=re.compile(r"(?:mein|sein|ihr) name|.*ich heiße"),
    states=_set(
        "nicht kaputt falsch richtig voll leer weg neu alt langsam gut zu sehr besetzt gesperrt abgelaufen down"
    ),
    secrets=("passwort", "kennwort", "benutzername"),
    pages=_set("webseite website internetseite homepage internetadresse domain link"),
    streets=re.compile(r"(?:straße|strasse|str|weg|gasse|allee|platz|ring|ufer|damm|markt)$"),
    halves=frozenset(),
    conjunctions=_set("und"),
    expires=re.compile(r"gültig|läuft"),
    breaks=_set("punkt dot bindestrich unterstrich schrägstrich slash @ klammeraffe"),
    ambiguous=frozenset(),
    values={
        **{word: str(n) for n, word in enumerate(_GERMAN_DIGITS.split())},
        "zwo": "2",
    },
)  # fmt: skip

TLDS = _set("com org net de eu io uk at ch info dev ai edu gov fm tv app me us fr it es nl be pl dk se no fi ca au biz")
"""Ends of names on the net that are whole with them; ``co`` is not one, since ``uk`` may follow."""

PROVIDERS = _set(
    "gmail outlook yahoo hotmail icloud proton gmx web googlemail posteo aol live mail protonmail t-online"
)

EMERGENCY = _set("911 112 110 999 115 116 117 118 116117 144")

ACRONYMS = _set(
    "us usa uk eu tv pc cd dvd ai it id uno uefa am pm bbc cnn fbi cia nasa gps usb wifi ok kfz lkw pkw edv"
)


def vocabulary(language: str) -> Vocabulary:
    """The words of a language tag: German for ``de-*``, else English."""
    return GERMAN if language.lower().startswith("de") else ENGLISH
