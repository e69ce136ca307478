"""Dictation in German: numbers, letters, signs, units, and what asks for them. Data only."""

from __future__ import annotations

import re

from sophia.languages.dictation import Dictation, asks, either, listed

_COPULA = r"(?: (?:ist|sind|lautet|war|wäre|heißt|beginnt mit|fängt an mit|das ist|sie ist|sie lautet|die))*"
_NOUN = (
    r"(?:\w*nummer|\w*code|\w*kennzeichen|iban|bic|pin|[\w-]*passwort|\w*kennwort|koordinaten|\w*längengrad|\w*breitengrad|vorwahl|\w*kennung|aktenzeichen|"
    r"\w*schlüssel|durchwahl)"
)
_UNIT = "ein zwei drei vier fünf sechs sieben acht neun"
_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_TEENS = "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_ONE_WORD = rf"(?:{either(_UNIT)}und)?{either(_TENS)}|{either(_TEENS)}|{either(_UNIT)}s?"

_DIGITS = "null eins zwei drei vier fünf sechs sieben acht neun"

DICTATION = Dictation(
    digits=listed("null eins zwei zwo drei vier fünf sechs sieben acht neun"),
    numbers={
        **dict.fromkeys(_TEENS.split(), 2), **dict.fromkeys(_TENS.split(), 2),
        "hundert": 3, "tausend": 4, "million": 7, "millionen": 7,
    },
    tens=frozenset(),
    scales=listed("hundert tausend million millionen"),
    composed=re.compile(
        rf"(?=\w*(?:zig|ßig|hundert|tausend))(?:(?:{_ONE_WORD})?tausend(?:und)?)?(?:(?:{_ONE_WORD})?hundert(?:und)?)?"
        rf"(?:{_ONE_WORD})?$"
    ),
    ordinals=re.compile(r"(?:ersten?|zweiten?|dritten?|vierten?|siebten?|achten|\w+(?:zehn|zwölf|elf|[snftu]|zig|ßig)s?ten?)"),
    repeats={"doppel": 2, "doppelt": 2, "dreimal": 3, "zweimal": 2},
    letters=listed("ypsilon eszett"),
    alphabet=listed(
        "anton berta cäsar dora emil friedrich gustav heinrich ida julius kaufmann konrad ludwig martha nordpol otto "
        "paula quelle richard samuel siegfried schule theodor ulrich viktor wilhelm xanthippe xaver zacharias "
        "zeppelin"
    ),
    likened=("wie in", "wie"),
    signs=listed(
        "punkt komma bindestrich minus unterstrich schrägstrich doppelpunkt plus raute stern at ät @ klammeraffe dot "
        "www http https slash strich"
    ),
    dots=listed("punkt dot"),
    ats=listed("at ät @ klammeraffe"),
    links=listed(
        "und dann groß großes großer klein kleines kleiner ähm äh leerzeichen buchstabe ziffer zahl nord süd ost west"
    ),
    units=listed(
        "sekunde sekunden minute minuten stunde stunden tag tage tagen woche wochen monat monate monaten jahr jahre "
        "jahren uhr grad prozent früh abends morgens mittags nachts nachmittags"
    ),
    currencies=listed("euro cent dollar franken € $ pfund"),
    months=listed("januar jänner februar märz april mai juni juli august september oktober november dezember"),
    weekdays=listed("montag dienstag mittwoch donnerstag freitag samstag sonntag"),
    articles=listed("der die das den dem eine ein einen in im aus"),
    asks={
        "zip": asks(r"(?:postleitzahl|plz)" + _COPULA),
        "pin": asks(r"pin(?:-?nummer|-?code)?" + _COPULA),
        "card": asks(r"\w*kartennummer" + _COPULA),
        "phone": asks(
            r"(?:\w*(?:telefon|handy|mobil|fax|rückruf|festnetz)\w*" + _COPULA
            + r"|meine nummer" + _COPULA
            + r"|(?:erreich\w*|ruf\w*|anruf\w*)(?: \w+){0,2} unter(?: der)?(?: nummer)?"
            r"|(?:ruf|rufe|rufen sie|wähl|wähle|wählen sie)(?: (?:mich|uns|bitte|die))*)"
        ),
        "spelling": asks(
            r"(?:buchstabier\w*(?: (?:mal|das|ihn|es|sich|wird))*|schreib\w* (?:sich|man|mich|es)(?: so)?|"
            r"geschrieben(?: wird)?)"
        ),
        "name": asks(r"(?:\w*name(?: ist| lautet| wäre)*|ich heiße)"),
        "mail": asks(
            r"(?:\w*(?:mail|e-mail|email)(?:-?adresse)?(?: ist| lautet| wäre)+|e mail(?:-?adresse)?(?: ist| lautet)+"
            r"|(?:webseite|website|internetseite|homepage|internetadresse|domain|adresse der seite|link)"
            r"(?: ist| lautet)+|(?:schreib|schreibe|schick|schicke|sende)(?: es| das)? an)"
        ),
        "born": asks(
            r"(?:bin (?:am|im)|wurde (?:am|im)|geboren(?: am| im)?|(?:geburtsdatum|geburtstag)(?: ist| war)+"
            r"(?: der| am| im)?|hab\w* am|gültig bis|läuft ab(?: im| am)?|läuft (?:im|am))"
        ),
        "date": asks(
            r"(?:\w*(?:termin|treffen|datum|flug|ankunft|abreise|lieferung|reservierung|hochzeit|frist|prüfung|besuch)"
            r"(?: ist| war| wäre)+(?: am| um| im| der| für)*)"
        ),
        "address": asks(
            r"(?:\w*(?:adresse|anschrift|straße)(?: ist| lautet| wäre)+"
            r"|wohn\w* (?:in der|an der|am|im|auf der|in dem)"
            r"|(?:schick\w*|liefer\w*|send\w*) (?:es|das|sie|ihn) (?:in die|an die|zur|zum))"
        ),
        "price": asks(r"(?:kostet|kosten|bezahlt|\w*(?:preis|budget|betrag|summe|miete|rechnung)(?: ist| war)+)"),
        "quantity": asks(
            r"(?<!.)(?:bestell\w*|kauf\w*)|(?:setz|setze|schreib|schreibe) auf die \w*liste"
            r"|(?:habe|ist|nutze|läuft) version"
        ),
        "number": asks(_NOUN + _COPULA + r"|(?:notier\w*|schreib\w* auf|endet auf|beginnt mit)"),
        "clock": asks(
            r"(?:(?:timer|wecker|alarm|countdown|erinnerung)(?: \w+)? (?:auf|für|um|in|von)|weck\w* mich (?:um|in)"
            r"|erinner\w* mich (?:um|in))"
        ),
    },
    nouns=re.compile(
        rf"(?:(?:meine?|unsere?|die|der|das|hier ist meine?|hier kommt meine?) )?(?:{_NOUN}|postleitzahl|"
        r"\w*mail(?:-?adresse)?|\w*adresse|geburtsdatum|(?:vor|nach|familien)name)$"
    ),
    expectant=listed(
        "ist sind lautet wäre war unter auf für um in am an mit buchstabiere buchstabiert mich sich so heiße"
    ),
    inquiries=listed("was wer wo wann warum wieso wie welche welcher welches wohin woher ist sind war hat hast weißt"),
    manners=listed("wie"),
    others=listed("dein deine"),
    past=listed("halb viertel vor nach"),
    hours=listed("wecker alarm um"),
    days=re.compile(r"(?:am|den|vom|zum|bis|ab|ab dem|dem)$"),
    introduces=re.compile(r"(?:mein|sein|ihr) name|.*ich heiße"),
    states=listed(
        "nicht kaputt falsch richtig voll leer weg neu alt langsam gut zu sehr besetzt gesperrt abgelaufen down"
    ),
    secrets=("passwort", "kennwort", "benutzername"),
    pages=listed("webseite website internetseite homepage internetadresse domain link"),
    streets=re.compile(r"(?:straße|strasse|str|weg|gasse|allee|platz|ring|ufer|damm|markt)$"),
    halves=frozenset(),
    conjunctions=listed("und"),
    expires=re.compile(r"gültig|läuft"),
    breaks=listed("punkt dot bindestrich unterstrich schrägstrich slash @ klammeraffe"),
    ambiguous=frozenset(),
    values={
        **{word: str(n) for n, word in enumerate(_DIGITS.split())},
        "zwo": "2",
    },
)  # fmt: skip
