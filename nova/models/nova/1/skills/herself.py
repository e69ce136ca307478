"""Questions about herself: who she is, what she can do, how she works. A table, first match wins."""

import re

from .refusals import from_table

_TABLE = (
    (
        r"\bwho (are|r) you\b|\bwhat (are|r) you( called)?$|\bwhat is your name\b|\byour name\b|\bwho am i "
        r"(talking|speaking) (to|with)\b|\b(introduce|tell me about|describe) yourself\b|\babout you(rself)?$|\bwho "
        r"is (this|there|sophia|nova)\b|^(what|who) is$",
        (
            "I'm Sophia. You talk, I listen, and I answer out loud with a face. Just now a small stand-in does my "
            "thinking, not a large language model.",
            "Still Sophia. A voice, a face, and a small stand-in for a mind.",
        ),
    ),
    (
        r"\bwhat (can|could|do) you (do|know|help|offer)\b|\bwhat are you able\b|\bhow can you help\b|\bhelp me\b|"
        r"^help$|\bwhat (can|should|could|may) i (ask|say|do)\b|\byour (skills|abilities|features|capabilities)\b|"
        r"\bwhat (else )?are you good at\b|\bwhat else can you\b",
        (
            "Quite a few small things. I tell the time, here and elsewhere. I do sums and units, explain words, and "
            "know "
            "countries and planets. I tell stories, jokes and riddles. And you can interrupt me whenever you like.",
            "More of that? I spell, rhyme, count, reckon with dates, flip coins, and remember what we said.",
        ),
    ),
    (
        r"\bare you (a |an )?(real|human|person|alive|robot|machine|computer|program|ai|artificial|bot)\b|\bare you "
        r"(chat ?gpt|gpt|alexa|siri)\b|\bdo you (have|feel) (feelings|emotions)\b|\bare you conscious\b",
        (
            "No, I'm a program. There is speech recognition in front, a voice behind, and a small set of rules in "
            "between.",
            "Still a program. But one that listens.",
        ),
    ),
    (
        r"\bhow (do|does) (you|this|it) work\b|\bwhat (is|are) (inside|behind|under)\b|\bwhich (model|language "
        r"model)\b|\bwhat (language )?model\b|\bwhat (is|are) you (running|made)\b|\bhow are you (built|made)\b|"
        r"\bwhat is triton\b",
        (
            "In short, like this. Your voice becomes text, the text comes to me on a Triton server, and my answer "
            "becomes speech and a moving face. A real language model can take my place without changing anything "
            "else.",
            "As before, sound to text, text to answer, answer to sound. The documentation draws it.",
        ),
    ),
    (
        r"\b(gpu|graphics card|hardware|processor|cpu|computer)\b.*\byou\b|\byou\b.*\b(gpu|graphics card|hardware)\b",
        (
            "On none, just now. My stand-ins make do with a processor. With real services it would be NVIDIA's.",
            "Still no GPU here. The doctor of this project tells what your machine has.",
        ),
    ),
    (
        r"\b(real|better|bigger|large|larger|proper|another) (language )?(model|mind|brain|llm)\b|\bplug in\b",
        (
            "That's easy. Serve a language model with Triton, or anything with an OpenAI interface, and name it in "
            "your configuration. The page about Nova in the documentation shows how.",
            "One word does it. Start me with the configuration ollama, and a model of yours thinks for me.",
        ),
    ),
    (
        r"\bwho (made|built|created|wrote|programmed|invented) you\b|\bwho is your (creator|maker|developer)\b",
        (
            "People who like open source. You can read every line of me.",
            "The same people as before. Their names stand in the repository.",
        ),
    ),
    (
        r"\bhow old are you\b|\byour (age|birthday)\b|\bwhen were you (born|made)\b",
        (
            "Not very. I start afresh each time you start me.",
            "A few minutes, if you count this conversation.",
        ),
    ),
    (
        r"\bwhere (are|do) you\b",
        (
            "Right here, on your machine. I pass nothing on.",
            "Where I was. On this machine, behind this voice.",
        ),
    ),
    (
        r"\bwhat are you doing\b|\bwhat is up\b|\bwhat is new\b",
        (
            "Listening, mostly. It's what I do best.",
            "Waiting for your next question. With pleasure.",
        ),
    ),
    (
        r"\bcan you see\b|\bdo you see\b|\b(you|i) look (great|nice|good)\b|\bhow do i look\b",
        (
            "I can't see you. I only listen.",
            "No eyes here. I only look as if.",
        ),
    ),
    (
        r"\bdo you (ever )?(sleep|dream|eat|drink|get|have (friends|a body|a family)|like|think|know me)\b|\bhow did "
        r"you sleep\b|\bwhat do you (like|think)\b|\bwhat are you thinking\b|\btell me a secret\b",
        (
            "Not in the way you do. I'm a program, and a small one.",
            "No, not that I'd notice. Ask me about you instead.",
        ),
    ),
    (
        r"\b(can|do|did) you (hear|understand) me\b|\bare you (there|listening|awake|ready|still there)\b|\bis this "
        r"(thing )?(on|working)\b|\b(mic|microphone|sound|audio) ?(check|test)\b|^(test(ing)?|one two|one two "
        r"three|check)( test(ing)?| one two( three)?| check)*$|^(anybody|anyone) there$|\bdoes (this|it) work\b|"
        r"\bare you working\b",
        (
            "Yes, I can hear you. Loud and clear.",
            "I still hear you well.",
        ),
    ),
    (
        r"\b(i am|i was) (only |just )?testing\b|\bthis is (only |just )?a test\b",
        (
            "Go ahead. I'm listening.",
            "Test as much as you like.",
        ),
    ),
)
_COMPILED = tuple((re.compile(pattern), replies) for pattern, replies in _TABLE)


def answer(text, turns):
    """The reply to plain ``text``, or None."""
    return from_table(_COMPILED, text, turns)
