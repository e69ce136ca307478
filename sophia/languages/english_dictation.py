"""Dictation in English: numbers, letters, signs, units, and what asks for them. Data only."""

from __future__ import annotations

import re

from sophia.languages.dictation import Dictation, asks, listed

_COPULA = (
    r"(?: (?:is|are|was|will be|would be|should be|it's|it is|that's|that is|starts with|begins with|reads|goes|"
    r"number is))*"
)
_NOUN = (
    r"(?:\w+ number|number(?= (?:is|are|was|it's|starts|begins|would)\b|$)|"
    r"(?:\w+ )?(?:code|coordinates|latitude|longitude|pin|id|iban|reference|password|passcode|plate|serial|extension|"
    r"vin|isbn|postcode|combination|confirmation|account|flight|username|handle))"
)
_PHONE = (
    r"(?:phone|telephone|mobile|cell|cellphone|fax|whatsapp|landline|callback|contact|home|work|office|direct)"
    r"(?: phone)?(?: number| line)?"
)
_OWN = r"(?:my|our|the|his|her|their|your|a|this|a new)"

_DIGITS = "zero one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"

DICTATION = Dictation(
    digits=listed("zero one two three four five six seven eight nine oh nought"),
    numbers={
        **dict.fromkeys(_TEENS.split(), 2),
        **dict.fromkeys(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2),
        "hundred": 3, "thousand": 4, "million": 7, "billion": 10,
    },
    tens=listed("twenty thirty forty fifty sixty seventy eighty ninety"),
    scales=listed("hundred thousand million billion"),
    composed=re.compile(r"(?!)"),
    ordinals=re.compile(
        r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
        r"\w+teenth|twentieth|thirtieth)"
    ),
    repeats={"double": 2, "triple": 3},
    letters=listed("zee zed double-u"),
    alphabet=listed(
        "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar "
        "papa quebec romeo sierra tango uniform victor whiskey x-ray xray yankee zulu"
    ),
    likened=("as in", "like in", "like", "for"),
    signs=listed(
        "dot point dash hyphen minus underscore slash colon plus hash pound star asterisk at @ www http https"
    ),
    dots=listed("dot point period"),
    ats=listed("at @"),
    links=listed(
        "and then capital uppercase lowercase upper lower case small big space um uh uhm er the letter number north "
        "south east west"
    ),
    units=listed(
        "second seconds minute minutes hour hours day days week weeks month months year years am pm a.m p.m o'clock "
        "oclock noon midnight morning evening afternoon tonight degrees percent"
    ),
    currencies=listed("dollar dollars euro euros pound pounds cent cents pence bucks $ € £ francs yen"),
    months=listed("january february march april may june july august september october november december"),
    weekdays=listed("monday tuesday wednesday thursday friday saturday sunday"),
    articles=listed("the a an in from"),
    asks={
        "zip": asks(r"(?:zip|postal)(?: code)?" + _COPULA),
        "pin": asks(r"pin(?: code| number)?" + _COPULA),
        "card": asks(r"(?:card|visa|mastercard)(?: number)?" + _COPULA),
        "phone": asks(
            rf"(?:{_OWN} {_PHONE}(?: is| are| was| would be| it's| it is|'s| starts with)+"
            rf"|{_PHONE.replace('(?: number| line)?', ' number')}{_COPULA}"
            r"|(?:text|message|sms|call) to"
            r"|(?:call|dial|ring|phone|text|reach|contact)(?: me| us| him| her| them| my \w+)?(?: back)?"
            r"(?: at| on| under)?"
            r"|(?:here's|here is|take down|write down|note down|note|give you) (?:my|our|the)(?: \w+)? number)"
        ),
        "spelling": asks(
            r"(?:spelled|spelt|spell (?:it|that|my name|the name|this)|spelling" + _COPULA + "|written)"
        ),
        "name": asks(r"(?:\w*name(?:'s)?(?: is| would be| it's)*|my surname)"),
        "mail": asks(
            r"(?:(?:e-mail|email|mail|website|web site|site|link|url|domain|homepage|web address|e mail)(?: address)?"
            r"(?:'s| is| are| would be| it's| it is)+|(?:e-mail|email|mail) (?:me|us) at"
            r"|(?:send|write)(?: it| this| that)? to)"
        ),
        "born": asks(
            r"(?:born(?: on| in)?|(?:date of birth|birth date|birthdate|birthday)(?: is|'s| was)+(?: on| in)?"
            r"|expir\w+(?: date)?(?: is| in| on)*|valid until)"
        ),
        "date": asks(
            r"(?:appointment|meeting|date|flight|arrival|departure|reservation|booking|delivery|deadline|event|wedding|"
            r"party|check-in|interview|exam)(?:'s| is| was| will be)+(?: on| at| for| from| by| due)*"
        ),
        "address": asks(
            r"(?:address(?:'s| is| would be| it's)+|(?:i|we) live (?:at|on)|street(?: is|'s)+|"
            r"(?:ship|send|deliver|bring) (?:it|them|this|that|the \w+) to(?= \d| (?:one|two|three|four|five|six|seven|"
            r"eight|nine|ten|eleven|twelve|\w+teen|\w+ty)(?: |$)))"
        ),
        "price": asks(
            r"(?:costs?|price(?:'s| is| was)+|paid|budget(?:'s| is)+|total(?:'s| is)+|amount(?:'s| is)+|"
            r"(?:bill|fee|rent|offer)(?:'s| is)+|(?:comes|adds up) to)"
        ),
        "quantity": asks(
            r"(?<!.)(?:add|order|buy)|(?:to|please) (?:add|order|buy)|(?:have|is|run|running|using) version"
        ),
        "number": asks(
            rf"(?<!about ){_NOUN}(?:'s)?{_COPULA}|(?:ends|starts|begins) (?:in|with)"
            r"|(?:write|take|note|jot)(?: this| it)? down"
        ),
        "clock": asks(
            r"(?:(?:timer|alarm|countdown|reminder)(?: \w+)? (?:for|to|at|on|in)|remind me (?:in|at)"
            r"|wake (?:me|us)(?: up)? (?:at|in|by)|snooze for)"
        ),
    },
    nouns=re.compile(
        rf"(?:(?:my|our|the|here's my|here is my|let me give you my|i'll give you my) )?(?:{_NOUN}|"
        rf"{_PHONE.replace('(?: number| line)?', ' number')}|(?:e-mail|email|mail)(?: address)?|"
        r"(?:\w+ )?address|date of birth|birth date|(?:first|last|full|middle|sur) ?name)$"
    ),
    expectant=listed(
        "is are was be it's that's name's at on under for to in by with spelled spelt spell reads goes that it this"
    ),
    inquiries=listed(
        "what what's who who's where where's when when's why how how's which whose is are was were do does did has "
        "have"
    ),
    manners=listed("how"),
    others=listed("your"),
    past=listed("past to half quarter"),
    hours=listed("alarm wake at"),
    days=re.compile(r"(?:on|for|from|to|until|till|by|through|since)(?: the)?$"),
    introduces=re.compile(r"(?:my|his|her|their) name"),
    states=listed(
        "not down up broken wrong right correct full empty fine good great slow new old gone lost dead missing too "
        "very"
    ),
    secrets=("password", "passcode", "username", "handle"),
    pages=listed("website web site link url domain homepage"),
    streets=re.compile(r"^(?:street|road|avenue|lane|drive|boulevard|square|court|place|way|park)$"),
    halves=listed("foot"),
    conjunctions=listed("and"),
    expires=re.compile(r"expir|valid"),
    breaks=listed("dot dash hyphen underscore slash @"),
    ambiguous=listed("a i"),
    values={
        **{word: str(n) for n, word in enumerate(_DIGITS.split())},
        "oh": "0", "nought": "0",
    },
)  # fmt: skip
