"""What she cannot do, said in one short sentence with something that she can; never the same twice in a row."""

import re

_UNABLE = (
    (
        r"\bdifference between\b|\bcompare\b",
        ("I can't compare those. Ask me for each, one by one.", "One at a time, please. What is the first?"),
    ),
    (
        r"\bweather\b|\b(is|will) it (going to |be )?(rain|raining|rainy|snow|snowing|sunny|cold|warm|hot)\b|"
        r"\btemperature outside\b|\bforecast\b|\bumbrella\b",
        (
            "I can't see the weather. I have no window, and I don't look things up.",
            "Still no window here. Ask me about a city instead.",
        ),
    ),
    (
        r"\bnews\b|\bheadlines\b|\bwho won\b|\bscores?\b|\bstock price\b|\bexchange rates?\b|\bhow much is (a |"
        r"one )?(dollar|euro|bitcoin)\b",
        (
            "I don't know the news. I don't look things up.",
            "No news from me. But I know curious things that don't age.",
        ),
    ),
    (
        r"\b(president|prime minister|chancellor|king|queen|pope|mayor|ceo)\b.*\b(of|now|today|current)\b|\bcurrent "
        r"(president|prime minister|king|queen|pope)\b",
        (
            "I don't know that one. It changes, and I don't look things up.",
            "Offices change too fast for me. Capitals don't, so ask me for one.",
        ),
    ),
    (
        r"\b(set|start|make) (a |an |the |me )*(\w+ ){0,3}(alarm|timer|reminder|stopwatch)\b|\bremind me\b|\bwake "
        r"me\b|"
        r"\b(alarm|timer)\b",
        (
            "I can't do that here. Not yet, for I only speak when spoken to.",
            "Timers are beyond me so far. The time itself I do know.",
        ),
    ),
    (
        r"\btranslate\b|\bhow do (you|i) say\b|\b(in|into) (spanish|french|italian|chinese|japanese|latin|dutch|"
        r"russian)$",
        (
            "I can't translate. I speak English, and a little German.",
            "Only English and a little German here. Shall I define a word instead?",
        ),
    ),
    (
        r"\b(play|turn on|put on|skip|pause) (some |the |a |my )?(music|radio|song|video|movie|game|playlist|next)\b",
        ("I can't do that here. I only talk.", "No music from me. A story, perhaps?"),
    ),
    (
        r"\b(sing|song|rap|beatbox|hum)\b",
        ("I'd rather not. My voice is made for talking.", "You'd regret it. Ask me for a rhyme instead."),
    ),
    (
        r"\b(call|text|email|mail|message|phone|ring) (my|mom|mum|dad|him|her|\w+$)\b|\bsend (an?|the|my)\b|"
        r"\bcall \w+$",
        ("I can't do that here. I only talk.", "I reach nobody but you. Tell me, and I'll remember it while we talk."),
    ),
    (
        r"\bturn \w+ the\b|\bturn the \w+ (on|off)\b|\bswitch (on|off|the)\b|\b(open|close|lock|unlock) (the|my)\b|"
        r"\b(lights?|heating|thermostat)\b.*\b(on|off|up|down)\b",
        ("I can't do that here. I only talk.", "My hands reach nothing. A tool that you give me could."),
    ),
    (
        r"\b(buy|order|book|reserve|pay|shop for)\b|\bshopping list\b",
        ("I can't do that here. I only talk.", "I can't buy anything. Sums about it are free."),
    ),
    (
        r"\b(search|google|look up|browse|find me|website|download|nearest|restaurants?|directions?|the next (train|"
        r"bus)|navigate|get to the|near me)\b",
        (
            "I don't look things up. But try me with a word, a city or a country.",
            "There's no web behind me. I know words, countries, stars and dates.",
        ),
    ),
    (
        r"\b(calendar|meetings?|schedule|appointments?|my messages|my emails?)\b",
        ("I can't see your calendar. Dates I can reckon.", "Your appointments are yours alone. Ask me for a weekday."),
    ),
    (
        r"\b(write|compose|draft) (me |a |an |some |my )*(poem|essay|code|program|letter|story|email|song|text|"
        r"script)\b|\bpoem\b",
        (
            "I can't write. That takes a real language model, and I have stories ready.",
            "Writing is beyond me. Shall I tell a story?",
        ),
    ),
    (
        r"\b(draw|paint|picture of|take a photo|an image)\b",
        ("I can't draw. I have a face, but no hands.", "No pictures from me. I could describe a planet."),
    ),
    (
        r"\b(recommend|suggest|should i|what do you think|your opinion|advice)\b",
        ("I can't judge that. Flip a coin, and I'll do it for you.", "That's yours to decide. I could roll a die."),
    ),
    (
        r"^(go|walk|move|turn|look|come|step|run|jump) (forward|back|backward|backwards|left|right|up|down|around|"
        r"here|"
        r"at|to)\b|\b(sit|stand|lie) (down|up)\b|\b(raise|nod|shake|lift|close|open) your\b|^smile\b|\bfollow "
        r"me\b|^dance\b|\bgo forward\b",
        ("I can't do that. I'm only a face and a voice.", "I have no legs for that. A riddle I could manage."),
    ),
    (
        r"\b(louder|quieter|volume|mute|slower|faster|slowly|more quickly|speak up)\b",
        (
            "I can't change that from here. Your volume control can.",
            "My voice stays as it is. The settings know its rate.",
        ),
    ),
)
_COMPILED = tuple((re.compile(pattern), replies) for pattern, replies in _UNABLE)

UNKNOWN = (
    "I don't know that one. I'm only a small stand-in, good for words, countries, sums, dates, or a story. Plug in a "
    "real "
    "language model, and you can ask me anything.",
    "That's beyond me, sorry. Ask me what a word means.",
    "No answer from me, sorry. Try a capital, or a riddle.",
    "I can't say. The time in another city, that I know.",
    "Not in my head. Shall I tell you something curious?",
    "That one I don't have. Sums and units always work.",
    "I'd only be guessing. A story, perhaps?",
    "Too hard for a stand-in. Ask me how a word is spelled.",
)


def answer(text, turns):
    """The refusal that plain ``text`` meets, or None."""
    return from_table(_COMPILED, text, turns)


def unknown(turns):
    """What she says to a question that no skill knows; shorter from the second time on."""
    return fresh(UNKNOWN, turns)


def from_table(table, text, turns):
    """Of the first pattern in ``table`` that plain ``text`` fits, the reply that is next; {0} is what fitted."""
    for pattern, replies in table:
        if found := pattern.search(text):
            return fresh([reply.replace("{0}", found[0].capitalize()) for reply in replies], turns)
    return None


def fresh(replies, turns):
    """The first of ``replies`` that she has not given yet; the one given longest ago where all were."""
    hers = turns.said_by("assistant")
    for reply in replies:
        if not any(said.startswith(reply[:16]) for said in hers):
            return reply
    last = {reply: max(at for at, said in enumerate(hers) if said.startswith(reply[:16])) for reply in replies}
    return min(replies, key=lambda reply: last[reply])
