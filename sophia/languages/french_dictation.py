"""Dictation in French: numbers, letters, signs, units, and what asks for them. Data only."""

from __future__ import annotations

import re

from sophia.languages.dictation import Dictation, asks, listed

_COPULA = r"(?: (?:est|sont|c'est|était|serait|commence par|finit par|se termine par|le|la))*"
_NOUN = r"(?:numéro(?: de \w+)?|code(?: \w+)?|mot de passe|référence|iban|plaque|identifiant|commande|réservation)"
_OWN = r"(?:mon|notre|son|ton|votre|le|la|ce|cette)"
_PHONE = r"(?:téléphone|portable|mobile|fixe|fax|whatsapp|numéro de téléphone|numéro de portable)"
_DIGITS = "zéro un deux trois quatre cinq six sept huit neuf"
_TEENS = "dix onze douze treize quatorze quinze seize"
_TENS = "vingt vingts trente quarante cinquante soixante septante huitante nonante"

DICTATION = Dictation(
    vague=True,
    phone=10,
    digits=listed(_DIGITS),
    numbers={
        **dict.fromkeys(f"{_TEENS} {_TENS}".split(), 2),
        "cent": 3, "cents": 3, "mille": 4, "million": 7, "millions": 7,
    },
    scales=listed("cent cents mille million millions"),
    repeats={"double": 2, "triple": 3},
    letters=listed("accent"),
    likened=("comme", "comme dans"),
    signs=listed("point virgule tiret arobase @ plus dièse étoile barre underscore www http https"),
    dots=listed("point"),
    ats=listed("arobase @"),
    links=listed("et puis euh à majuscule minuscule espace"),
    units=listed(
        "seconde secondes minute minutes heure heures jour jours semaine semaines mois an ans année années degrés "
        "midi minuit matin soir h"
    ),
    currencies=listed("euro euros dollar dollars centime centimes franc francs € $"),
    months=listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    weekdays=listed("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    articles=listed("le la les l' un une du des de au en"),
    asks={
        "zip": asks(r"code postal" + _COPULA),
        "pin": asks(r"(?:code )?pin" + _COPULA),
        "card": asks(r"(?:carte(?: bancaire| bleue)?|visa|mastercard)" + _COPULA),
        "phone": asks(
            rf"{_OWN} {_PHONE}(?: c'est| est| sont)*|(?:appelle|appelez|appelle-moi|appelez-moi|joindre)(?: moi| me)?"
            r"(?: au)+|(?:note|notez) (?:mon|le) (?:numéro|téléphone)"
        ),
        "spelling": asks(r"(?:s'écrit|ça s'écrit|s'épelle|j'épelle|épelé)"),
        "name": asks(r"(?:mon (?:nom|prénom)(?: est| c'est)?|je m'appelle)"),
        "mail": asks(r"(?:(?:mail|e-mail|email|adresse mail|adresse e-mail|site|courriel)(?: est| c'est)+)"),
        "price": asks(r"(?:coûte|coûtent|prix(?: est)+|payé|budget(?: est)+|total(?: est)+)"),
        "number": asks(_NOUN + _COPULA),
        "clock": asks(
            r"(?:(?:alarme|réveil|minuteur|rappel)(?: \w+)? (?:à|pour|de|dans)|réveille-moi à|réveillez-moi à"
            r"|rappelle-moi (?:à|dans)|rappelez-moi (?:à|dans))"
        ),
    },
    nouns=re.compile(rf"(?:{_OWN} )?(?:{_NOUN}|{_PHONE}|code postal|adresse(?: mail)?|e-mail|mail|nom|prénom)$"),
    expectant=listed("est sont c'est au à dans pour m'appelle s'écrit par"),
    inquiries=listed("que qui quoi où quand comment quel quelle combien est sont as avez"),
    manners=listed("comment"),
    others=listed("ton votre"),
    past=listed("et demie quart moins"),
    hours=listed("alarme réveil à"),
    introduces=re.compile(r"(?:mon|son) (?:nom|prénom)|.*m'appelle"),
    states=listed("pas cassé mauvais bon plein vide lent nouveau vieux trop très en"),
    secrets=("passe", "identifiant"),
    pages=listed("site"),
    conjunctions=listed("et"),
    breaks=listed("point tiret barre underscore arobase @"),
    ambiguous=listed("a y ô"),
    values={word: str(n) for n, word in enumerate(_DIGITS.split())},
)  # fmt: skip
