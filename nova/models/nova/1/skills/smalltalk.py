"""What people say to try her out: greetings, questions about herself, thanks, goodbyes. A table, first match wins."""

import re

from .refusals import fresh

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
            "Right here, on your machine. Nothing that you say to me leaves it.",
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
            "They know more, and I answer faster. I keep what you say on this machine, too.",
            "At short answers, perhaps.",
        ),
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
    for pattern, replies in _COMPILED:
        if found := pattern.search(text):
            return fresh([reply.format(found[0].capitalize()) for reply in replies], turns)
    return None
