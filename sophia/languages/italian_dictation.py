"""Dictation in Italian: numbers, letters, signs, units, and what asks for them. Data only."""

from __future__ import annotations

import re

from sophia.languages.dictation import Dictation, asks, listed

_COPULA = r"(?: (?:è|sono|era|sarebbe|inizia con|comincia con|finisce con|il|la))*"
_NOUN = r"(?:numero(?: di \w+| d'ordine)?|codice(?: \w+)?|password|targa|riferimento|iban|ordine|prenotazione)"
_OWN = r"(?:il mio|la mia|il nostro|la nostra|mio|mia|il|la|questo|questa)"
_PHONE = r"(?:telefono|cellulare|fisso|fax|whatsapp|numero di telefono|numero di cellulare)"
_DIGITS = "zero uno due tre quattro cinque sei sette otto nove"
_TEENS = "dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove"
_TENS = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"

DICTATION = Dictation(
    vague=True,
    phone=10,
    digits=listed(_DIGITS),
    numbers={
        **dict.fromkeys(f"{_TEENS} {_TENS}".split(), 2),
        "cento": 3, "mille": 4, "mila": 4, "milione": 7, "milioni": 7,
    },
    scales=listed("cento mille mila milione milioni"),
    composed=re.compile(r"(?:vent|trent|quarant|cinquant|sessant|settant|ottant|novant)[aiou]?(?:uno|due|tre|tré|quattro|cinque|sei|sette|otto|nove)$"),
    repeats={"doppio": 2, "triplo": 3},
    letters=listed("acca zeta ics ipsilon"),
    likened=("di", "come", "come in"),
    signs=listed("punto virgola trattino chiocciola @ più cancelletto asterisco barra underscore www http https"),
    dots=listed("punto"),
    ats=listed("chiocciola @"),
    links=listed("e o a poi ehm maiuscola minuscola spazio"),
    units=listed(
        "secondo secondi minuto minuti ora ore giorno giorni settimana settimane mese mesi anno anni gradi "
        "mezzogiorno mezzanotte mattina sera pomeriggio"
    ),
    currencies=listed("euro dollaro dollari centesimo centesimi franchi sterline € $"),
    months=listed("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    weekdays=listed("lunedì martedì mercoledì giovedì venerdì sabato domenica"),
    articles=listed("il lo la i gli le un uno una di in"),
    asks={
        "zip": asks(r"(?:cap|codice postale)" + _COPULA),
        "pin": asks(r"pin" + _COPULA),
        "card": asks(r"(?:carta(?: di credito)?|visa|mastercard)" + _COPULA),
        "phone": asks(
            rf"{_OWN} {_PHONE}(?: è| sono)*|(?:chiamami|chiama|richiamami|chiamatemi)(?: al| allo)+"
            r"|(?:segna|segnati|annota) (?:il mio |il )?(?:numero|telefono)"
        ),
        "spelling": asks(r"(?:si scrive|si compita|scritto)"),
        "name": asks(r"(?:il mio (?:nome|cognome)(?: è)?|mi chiamo)"),
        "mail": asks(r"(?:(?:mail|e-mail|email|posta elettronica|sito|indirizzo mail)(?: è)+)"),
        "price": asks(r"(?:costa|costano|prezzo(?: è)+|pagato|budget(?: è)+|totale(?: è)+)"),
        "number": asks(_NOUN + _COPULA),
        "clock": asks(
            r"(?:(?:sveglia|timer|promemoria)(?: \w+)? (?:per|alle|di|tra)(?: le)?|svegliami (?:alle|tra)"
            r"|ricordami (?:alle|tra))"
        ),
    },
    nouns=re.compile(rf"(?:{_OWN} )?(?:{_NOUN}|{_PHONE}|cap|e-mail|mail|indirizzo|nome|cognome)$"),
    expectant=listed("è sono era al alle in con per chiamo scrive tra"),
    inquiries=listed("che chi dove quando come quale quanto quanti quante è sono hai"),
    manners=listed("come"),
    others=listed("tuo tua"),
    past=listed("e mezza meno quarto"),
    hours=listed("sveglia svegliami alle"),
    introduces=re.compile(r"(?:mio|suo) nome|.*mi chiamo"),
    states=listed("non rotto rotta sbagliato pieno vuoto lento nuovo vecchio troppo molto"),
    secrets=("password",),
    pages=listed("sito"),
    conjunctions=listed("e"),
    breaks=listed("punto trattino barra underscore chiocciola @"),
    ambiguous=listed("i è"),
    values={word: str(n) for n, word in enumerate(_DIGITS.split())},
)  # fmt: skip
