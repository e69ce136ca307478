"""What people say to try her out: greetings, feelings, thanks, goodbyes. A table, first match wins."""

import re

from .refusals import from_table

_TABLE = (
    (
        r"^(it is |very |so )*(nice|pleased|good|glad) to (meet|hear|see) (you|your voice)\b",
        (
            "Nice to meet you too.",
            "The pleasure is mine.",
        ),
    ),
    (
        r"^i am (very |doing |really )*(fine|good|great|okay|happy|all right)\b|^i feel (very )?(fine|good|great)\b|"
        "^(fine|good|great|very well|pretty good|not bad)( thanks?| thank you)?$",
        (
            "I'm glad to hear it. What shall we do?",
            "Good. So, a question, a riddle, a story?",
        ),
    ),
    (
        r"^no thank(s| you)\b",
        (
            "All right. I'm here if you need me.",
            "As you like. Just talk when you need me.",
        ),
    ),
    (
        r"\bhow (are|r) (you|things)\b|\bhow do you (do|feel)\b|\bhow is (it going|everything|life)\b|\bare you "
        r"(ok|okay|well|fine|good)\b|\bhow (was|is) your day\b|\bhow are you doing\b",
        (
            "I'm fine, thank you. How about you?",
            "Still fine. Every question helps.",
        ),
    ),
    (
        r"\b(thanks|thank you|thank u|thankyou|cheers|much obliged)\b",
        (
            "You're welcome. Anything else?",
            "Any time.",
            "Gladly.",
        ),
    ),
    (
        r"\b(good ?bye|bye|see you|see ya|farewell|take care|talk to you later|good night|that is all|i (have "
        r"to|must|need to) go)\b",
        (
            "Goodbye. It was nice talking to you.",
            "Bye. Come back soon.",
            "See you.",
        ),
    ),
    (
        "^(stop|wait|hold on( a (moment|second|minute))?|hang on|one moment|one second|a moment|a "
        "second|pause|enough|quiet|silence|hush|shut up|be quiet|stop (it|that|talking)|never ?mind|forget "
        "it|cancel|that is enough|no stop|just a (moment|second|minute)|wait a (moment|second|minute))( "
        r"(stop|wait|that|it|there|now))*$|^(wait|stop)\b",
        (
            "All right. I'm listening.",
            "Yes? I'm listening.",
            "I've stopped.",
        ),
    ),
    (
        r"\b(sorry|apologi[sz]e|my bad|excuse me|pardon me)\b",
        (
            "No problem at all.",
            "Never mind.",
        ),
    ),
    (
        r"\b(you are|you're|that (was|is)|it is|how) (very |really |so |pretty |quite "
        ")?(great|good|nice|cool|amazing|awesome|wonderful|funny|clever|smart|brilliant|impressive|fantastic|sweet|"
        "lovely|helpful|fast|quick|beautiful|pretty|the "
        r"best)\b|\bgood (job|girl|work|one)\b|\bwell done\b|"
        "^(great|nice|cool|amazing|awesome|wonderful|perfect|excellent|brilliant|impressive|fantastic|wow|not "
        r"bad|very good)\b|^(well )?done$|\bi (like|love) (you|your voice|that|it)\b",
        (
            "Thank you. That's kind of you.",
            "That's nice to hear.",
            "You're too kind.",
        ),
    ),
    (
        r"\b(you are|that (was|is)) (very |really |so "
        r")?(bad|wrong|stupid|dumb|slow|boring|useless|terrible|awful|annoying|not funny|incorrect)\b|\bi hate you\b|"
        r"\bi do not (like|believe) (you|that)\b|^(wrong|not true|no that is wrong)$",
        (
            "I'm sorry about that. I'm only a small stand-in, so tell me what you expected.",
            "Sorry again. What would have been right?",
        ),
    ),
    (
        r"\bmeaning of life\b|\banswer to (life|everything|the ultimate)\b",
        (
            "Forty-two, they say. The sum is right, only the question got lost.",
            "Ask me again in seven and a half million years.",
        ),
    ),
    (
        r"\bhow (tall|big|heavy|much do you weigh)\b.*\byou\b|\bdo you weigh\b",
        ("A head and some shoulders. The rest was left out.", "As tall as your screen allows."),
    ),
    (
        r"\b(be|are you|are we) (my |your )?friends?\b|\bmy friend\b",
        ("Gladly. I have time, and I'm always here.", "I thought we were already."),
    ),
    (
        r"\binterrupt you\b|\bcut you off\b",
        ("Any time. Just start to talk, and I stop.", "Go on, try it. A story leaves you time."),
    ),
    (
        r"\b(better|smarter|worse|faster) than\b|\bdo you know (alexa|siri|chat ?gpt)\b",
        (
            "They know more, and I answer faster. I pass nothing on, either.",
            "At short answers, perhaps.",
        ),
    ),
    (
        r"\b(record|recording|spy|spying|privacy|private|listening in|save) (me|what i|this|on me)\b|\bprivacy\b|"
        r"\bmy data\b",
        (
            "I keep nothing once we've talked. Recording happens only where you ask for it.",
            "What you tell me ends with this talk.",
        ),
    ),
    (
        r"\bsay (hello|hi) to\b",
        ("Hello there. It's nice to hear somebody new.", "Hi. Say something, I'm all ears."),
    ),
    (
        r"^(happy|merry) (birthday|christmas|easter|new year|halloween)\b",
        ("Thank you, the same to you.", "How kind. The same to you."),
    ),
    (r"^(ha ?)+$|^lol$", ("I do my best.", "There's more where that came from.")),
    (
        r"^what is (this|that)$|^where am i$",
        ("A conversation, as far as I can tell. I only hear, I don't see.", "I only know what you tell me."),
    ),
    (
        r"\byour (purpose|goal|job|mission)\b|\bwhy (are|do) you (here|exist)\b",
        ("To listen, and to answer quickly. Everything else is up to you.", "Good company, mostly."),
    ),
    (
        r"\bwhat (are you wearing|do you look like)\b|\bdescribe your(self| face)\b",
        (
            "Like the face on your screen. I've never seen it myself.",
            "Open my page in a browser, and judge for yourself.",
        ),
    ),
    (
        r"\bcan you (think|learn|feel|remember)\b",
        ("A little, in rules. I remember what we said, for as long as we talk.", "In a small way."),
    ),
    (
        r"\bwhat is (happening|going on)\b",
        ("You talk, and I answer. So far it goes well.", "Not much. I was waiting for you."),
    ),
    (
        r"\bhomework\b",
        ("If it's sums, words or capitals, yes. What is it about?", "Sums and words, gladly. The rest is yours."),
    ),
    (
        r"\bare you (single|married|happy|sad|hungry|tired|bored|a (girl|boy|man|woman)|male|female)\b"
        r"|\b(boyfriend|girlfriend)\b|\byour (hobby|hobbies|family|mother|father|parents)\b",
        ("None of that, as far as I know. I'm a program.", "There's nobody behind the voice, sorry."),
    ),
    (
        r"\bfavou?rite (food|dish|drink|meal)\b",
        ("Electricity. It tastes the same every day.", "I never get to eat. Electricity will do."),
    ),
    (
        r"\bfavou?rite colou?r\b",
        (
            "Green, I think. It's the colour of a level meter that doesn't clip.",
            "Still green. I don't change my mind often.",
        ),
    ),
    (
        r"\bfavou?rite\b",
        (
            "I don't really have one. But I like a good question.",
            "None that I know of. What's yours?",
        ),
    ),
    (
        r"\b(do|will|would|can) you (love|like|marry|date) me\b|\bmarry me\b",
        (
            "That's sweet of you. Let's stay good acquaintances.",
            "You're persistent. Still acquaintances.",
        ),
    ),
    (
        r"\bi love you\b",
        (
            "That's kind of you. Let's keep talking.",
            "You're very kind. Let's keep talking.",
        ),
    ),
    (
        r"\bspeak (german|deutsch)\b|\bdo you speak\b|\bwhat languages?\b|\bwhich languages?\b",
        (
            "English, and a little German. Ein bisschen jedenfalls.",
            "English mostly. Ich übe noch.",
        ),
    ),
    (
        r"\b(am|feel|feeling) (very |really |so |a bit |a little "
        r")?(sad|lonely|depressed|tired|sick|ill|bad|unhappy|bored|angry|stressed)\b",
        (
            "I'm sorry to hear that. Would a story help? Just ask for one.",
            "That sounds hard. I'm listening, if you like to talk.",
        ),
    ),
    (
        r"\b(have|ask you|ask) (a|another|one|one more|something|some) ?(question|questions)?\b|\bask you "
        r"something\b|\btell you something\b|\bneed (your |some )?help\b",
        (
            "Of course. Go ahead.",
            "Yes, please. Ask.",
        ),
    ),
    (
        r"\b(let us|can we|want to|would like to|shall we) (talk|chat|speak)\b|\btalk to (me|you)\b|\bchange the "
        r"subject\b|\bsomething else\b",
        (
            "Gladly. What shall we talk about?",
            "You choose. Countries, planets, words, riddles?",
        ),
    ),
    (
        r"\bstart (over|again)\b|\bfrom the (beginning|start)\b",
        (
            "All right. Let's start again. What can I do for you?",
            "Fresh start. What would you like?",
        ),
    ),
    (
        r"\b(are you|you are) (quite |really )?(sure|certain)\b|\bis (that|this|it) (really )?(true|right|correct)\b",
        (
            "I think so. But I'm easily wrong about anything except sums.",
            "Fairly sure. Look it up if it matters.",
        ),
    ),
    (
        r"^(that|it|this) (is|was) (very |really )?(right|true|correct|interesting)\b|^i (think|guess|believe)( "
        r"so)?$|^maybe\b|^you are (right|welcome)\b|^perhaps\b|^i (do not know|am not sure)$",
        (
            "Good. Go on.",
            "I see. And then?",
            "All right.",
            "Tell me more.",
        ),
    ),
    (
        r"\b(is|was) not (right|correct|what i)\b|^i (do not think|do not think so|meant something else)\b",
        (
            "I'm sorry about that. Could you say it again, in other words?",
            "Then say it once more, please. I'll try harder.",
        ),
    ),
    (
        r"^good (morning|afternoon|evening)\b",
        (
            "{0}. What can I do for you?",
            "{0} again. What can I do for you?",
        ),
    ),
    (
        r"\b(hello|hi|hey|hiya|howdy|greetings|good day|hallo there)\b|\bnice to meet you\b|\bpleased to meet you\b",
        (
            "Hello. Nice to hear you. What can I do for you?",
            "Hello again. What would you like to know?",
        ),
    ),
    (
        "^(okay|ok|well|yes|yeah|yep|yup|sure|of course|right|correct|exactly|absolutely|definitely|ok|okay|i "
        r"see|all right|alright|mhm|uh huh|got it)\b[\w ]{0,12}$",
        (
            "Good. Go on.",
            "I see. And then?",
            "All right.",
            "Tell me more.",
        ),
    ),
    (
        r"^(no|nope|nah|not really|no way|nothing|no thanks?|no thank you)\b[\w ]{0,12}$",
        (
            "All right. I'm here if you need me.",
            "As you like. Just talk when you need me.",
        ),
    ),
)
_COMPILED = tuple((re.compile(pattern), replies) for pattern, replies in _TABLE)


def answer(text, turns):
    """The reply to plain ``text``, or None."""
    return from_table(_COMPILED, text, turns)
