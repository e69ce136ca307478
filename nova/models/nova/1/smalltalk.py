"""What people say to try her out: greetings, questions about herself, thanks, goodbyes. A table, first match wins."""

import re

_TABLE = (
    # About herself
    (
        r"\bwho (are|r) you\b|\bwhat (are|r) you( called)?$|\bwhat is your name\b|\byour name\b|\bwho am i (talking"
        r"|speaking) (to|with)\b"
        r"|\b(introduce|tell me about|describe) yourself\b|\babout you(rself)?$|\bwho is (this|there|sophia|nova)\b",
        "I'm Sophia. You talk, I listen, and I answer out loud with a face. Just now a small stand-in does my "
        "thinking, "
        "not a large language model.",
    ),
    (
        r"\bwhat (can|could|do) you (do|know|help|offer)\b|\bwhat are you able\b|\bhow can you help\b|\bhelp me\b"
        r"|^help$"
        r"|\bwhat (can|should|could|may) i (ask|say|do)\b|\byour (skills|abilities|features|capabilities)\b"
        r"|\bwhat (else )?are you good at\b|\bwhat else can you\b",
        "Quite a few small things. I tell the time and the date. I do sums, and I convert units. I can tell a story "
        "or a "
        "joke, count, and remember what we said. And you can interrupt me whenever you like.",
    ),
    (
        r"\bare you (a |an )?(real|human|person|alive|robot|machine|computer|program|ai|artificial|bot)\b"
        r"|\bare you (chat ?gpt|gpt|alexa|siri)\b|\bdo you (have|feel) (feelings|emotions)\b|\bare you conscious\b",
        "No, I'm a program. There is speech recognition in front, a voice behind, and a small set of rules in between.",
    ),
    (
        r"\bhow (do|does) (you|this|it) work\b|\bwhat (is|are) (inside|behind|under)\b|\bwhich (model|language model)\b"
        r"|\bwhat (language )?model\b|\bwhat (is|are) you (running|made)\b|\bhow are you (built|made)\b"
        r"|\bwhat is triton\b",
        "In short, like this. Your voice becomes text, the text comes to me on a Triton server, and my answer becomes "
        "speech and a moving face. A real language model can take my place without changing anything else.",
    ),
    (
        r"\b(real|better|bigger|large|larger|proper|another) (language )?(model|mind|brain|llm)\b|\bplug in\b",
        "That's easy. Serve a language model with Triton, or anything with an OpenAI interface, and name it in your "
        "configuration. The page about Nova in the documentation shows how.",
    ),
    (
        r"\bwho (made|built|created|wrote|programmed|invented) you\b|\bwho is your (creator|maker|developer)\b",
        "People who like open source. You can read every line of me.",
    ),
    (
        r"\bhow old are you\b|\byour (age|birthday)\b|\bwhen were you (born|made)\b",
        "Not very. I start afresh each time you start me.",
    ),
    (
        r"\bwhere (are|do) you\b",
        "Right here, on your machine. Nothing that you say to me leaves it.",
    ),
    (r"\bwhat are you doing\b|\bwhat is up\b|\bwhat is new\b", "Listening, mostly. It's what I do best."),
    (
        r"\bcan you see\b|\bdo you see\b|\b(you|i) look (great|nice|good)\b|\bhow do i look\b",
        "I can't see you. I only listen.",
    ),
    (
        r"\bdo you (ever )?(sleep|dream|eat|drink|get|have (friends|a body|a family)|like|think|know me)\b"
        r"|\bhow did you sleep\b"
        r"|\bwhat do you (like|think)\b|\bwhat are you thinking\b|\btell me a secret\b",
        "Not in the way you do. I'm a program, and a small one.",
    ),
    # Can you hear me
    (
        r"\b(can|do|did) you (hear|understand) me\b|\bare you (there|listening|awake|ready|still there)\b"
        r"|\bis this (thing )?(on|working)\b"
        r"|\b(mic|microphone|sound|audio) ?(check|test)\b|^(test(ing)?|one two|one two three|check)( test(ing)?"
        r"| one two( three)?| check)*$"
        r"|^(anybody|anyone) there$|\bdoes (this|it) work\b|\bare you working\b",
        "Yes, I can hear you. Loud and clear.",
    ),
    (r"\b(i am|i was) (only |just )?testing\b|\bthis is (only |just )?a test\b", "Go ahead. I'm listening."),
    # Feelings and manners
    (r"^(it is |very |so )*(nice|pleased|good|glad) to (meet|hear|see) (you|your voice)\b", "Nice to meet you too."),
    (
        r"^i am (very |doing |really )*(fine|good|great|okay|happy|all right)\b|^i feel (very )?(fine|good|great)\b"
        r"|^(fine|good|great|very well|pretty good|not bad)( thanks?| thank you)?$",
        "I'm glad to hear it. What shall we do?",
    ),
    (r"^no thank(s| you)\b", "All right. I'm here if you need me."),
    (
        r"\bhow (are|r) (you|things)\b|\bhow do you (do|feel)\b|\bhow is (it going|everything|life)\b|\bare you (ok"
        r"|okay|well|fine|good)\b"
        r"|\bhow (was|is) your day\b|\bhow are you doing\b",
        "I'm fine, thank you. How about you?",
    ),
    (
        r"\b(thanks|thank you|thank u|thankyou|cheers|much obliged)\b",
        "You're welcome. Anything else?",
    ),
    (
        r"\b(good ?bye|bye|see you|see ya|farewell|take care|talk to you later|good night|that is all|i (have to|must"
        r"|need to) go)\b",
        "Goodbye. It was nice talking to you.",
    ),
    (
        r"^(stop|wait|hold on( a (moment|second|minute))?|hang on|one moment|one second|a moment|a second|pause"
        r"|enough|quiet|silence|hush|shut up"
        r"|be quiet|"
        r"stop (it|that|talking)|never ?mind|forget it|cancel|that is enough|no stop|just a (moment|second|minute)"
        r"|wait a (moment|second|minute))"
        r"( (stop|wait|that|it|there|now))*$|^(wait|stop)\b",
        "All right. I'm listening.",
    ),
    (r"\b(sorry|apologi[sz]e|my bad|excuse me|pardon me)\b", "No problem at all."),
    (
        r"\b(you are|you're|that (was|is)|it is|how) (very |really |so |pretty |quite )?(great|good|nice|cool|amazing"
        r"|awesome|wonderful|funny|clever|smart|"
        r"brilliant|impressive|fantastic|sweet|lovely|helpful|fast|quick|beautiful|pretty|the best)\b|\bgood (job"
        r"|girl|work|one)\b|\bwell done\b"
        r"|^(great|nice|cool|amazing|awesome|wonderful|perfect|excellent|brilliant|impressive|fantastic|wow|not bad"
        r"|very good)\b|^(well )?done$|\bi (like|love) (you|your voice|that|it)\b",
        "Thank you. That's kind of you.",
    ),
    (
        r"\b(you are|that (was|is)) (very |really |so )?(bad|wrong|stupid|dumb|slow|boring|useless|terrible|awful"
        r"|annoying|not funny|incorrect)\b|\bi hate you\b"
        r"|\bi do not (like|believe) (you|that)\b|^(wrong|not true|no that is wrong)$",
        "I'm sorry about that. I'm only a small stand-in, so tell me what you expected.",
    ),
    # A few of the usual questions
    (
        r"\bweather\b|\b(is|will) it (going to |be )?(rain|raining|rainy|snow|snowing|sunny|cold|warm|hot)\b"
        r"|\btemperature outside\b"
        r"|\bforecast\b|\bumbrella\b",
        "I can't see the weather. I have no window, and I don't look things up.",
    ),
    (r"\bnews\b|\bheadlines\b", "I don't know the news. I don't look things up."),
    (
        r"\bmeaning of life\b|\banswer to (life|everything|the ultimate)\b",
        "Forty-two, they say. The sum is right, only the question got lost.",
    ),
    (r"\b(sing|song)\b", "I'd rather not. My voice is made for talking."),
    (r"\bfavou?rite colou?r\b", "Green, I think. It's the colour of a level meter that doesn't clip."),
    (r"\bfavou?rite\b", "I don't really have one. But I like a good question."),
    (
        r"\b(play|turn on|put on) (some |the )?(music|radio|song)\b|\bset (a |an |the )?(alarm|timer|reminder)\b"
        r"|\bremind me\b|\b(call|text|email|message) (my|mom|mum|dad)\b|"
        r"\bturn (on|off) the\b|\bopen (the )?(door|app|browser|window)\b|\border\b|\bsearch\b|\bgoogle\b",
        "I can't do that here. I only talk.",
    ),
    (
        r"\b(do|will|would|can) you (love|like|marry|date) me\b|\bmarry me\b",
        "That's sweet of you. Let's stay good acquaintances.",
    ),
    (r"\bi love you\b", "That's kind of you. Let's keep talking."),
    (
        r"\bspeak (german|deutsch)\b|\bdo you speak\b|\bwhat languages?\b|\bwhich languages?\b",
        "English, and a little German. Ein bisschen jedenfalls.",
    ),
    (r"\bspell\b", "I'm not good at spelling aloud. Try me with a sum."),
    (
        r"\b(am|feel|feeling) (very |really |so |a bit |a little )?(sad|lonely|depressed|tired|sick|ill|bad|unhappy"
        r"|bored|angry|stressed)\b",
        "I'm sorry to hear that. Would a story help? Just ask for one.",
    ),
    (
        r"\b(louder|quieter|volume|mute|slower|faster|slowly|more quickly)\b|\bspeak up\b",
        "I can't change that from here. Your volume control can.",
    ),
    (
        r"^(go|walk|move|turn|look|come|step|run) (forward|back|backward|backwards|left|right|up|down|around|here|at"
        r"|to)\b"
        r"|\b(sit|stand|lie) (down|up)\b|\b(raise|nod|shake|close|open|lift) your\b|^smile\b|\bfollow me\b|^dance\b",
        "I can't do that. I'm only a face and a voice.",
    ),
    (
        r"\b(have|ask you|ask) (a|another|one|one more|something|some) ?(question|questions)?\b|\bask you something\b"
        r"|\btell you something\b|\bneed (your |some )?help\b",
        "Of course. Go ahead.",
    ),
    (
        r"\b(let us|can we|want to|would like to|shall we) (talk|chat|speak)\b|\btalk to (me|you)\b"
        r"|\bchange the subject\b"
        r"|\bsomething else\b",
        "Gladly. What shall we talk about?",
    ),
    (r"\bstart (over|again)\b|\bfrom the (beginning|start)\b", "All right. Let's start again. What can I do for you?"),
    (
        r"\b(are you|you are) (quite |really )?(sure|certain)\b|\bis (that|this|it) (really )?(true|right|correct)\b",
        "I think so. But I'm easily wrong about anything except sums.",
    ),
    (
        r"^(that|it|this) (is|was) (very |really )?(right|true|correct|interesting)\b|^i (think|guess|believe)( so)?$"
        r"|^maybe\b"
        r"|^you are (right|welcome)\b|^perhaps\b|^i (do not know|am not sure)$",
        "Good. Go on.",
    ),
    (
        r"\b(is|was) not (right|correct|what i)\b|^i (do not think|do not think so|meant something else)\b",
        "I'm sorry about that. Could you say it again, in other words?",
    ),
    (
        r"\b(calendar|meetings?|schedule|shopping list|my messages|remind|timer|alarm|wake me|book a|translate"
        r"|recommend|"
        r"play|nearest|the next train|get to the)\b|\b(turn|switch) \w+ the\b|^(open|close) the\b|^call \w+$"
        r"|\bsend an?\b",
        "I can't do that here. I only talk.",
    ),
    # Greetings come late, so that "hello, what time is it" is about the time
    (r"^good (morning|afternoon|evening)\b", "{0}. What can I do for you?"),
    (
        r"\b(hello|hi|hey|hiya|howdy|greetings|good day|hallo there)\b|\bnice to meet you\b|\bpleased to meet you\b",
        "Hello. Nice to hear you. What can I do for you?",
    ),
    (
        r"^(okay|ok|well|yes|yeah|yep|yup|sure|of course|right|correct|exactly|absolutely|definitely|ok|okay|i see"
        r"|all right"
        r"|alright|mhm|uh huh|got it)\b[\w ]{0,12}$",
        "Good. Go on.",
    ),
    (
        r"^(no|nope|nah|not really|no way|nothing|no thanks?|no thank you)\b[\w ]{0,12}$",
        "All right. I'm here if you need me.",
    ),
    (
        r"^(why|why not|how come|how|what|really|who|where|when)$",
        "Good question. I'm not sure what you mean, so ask me once more in full.",
    ),
)
_COMPILED = tuple((re.compile(pattern), reply) for pattern, reply in _TABLE)
_COUNT = re.compile(r"\bcount (?:up )?(?:from (?P<low>[\w ]+?) )?(?:up )?to (?P<high>[\w ]+)$")


def answer(text):
    """The reply to plain ``text``, or None."""
    for pattern, reply in _COMPILED:
        if found := pattern.search(text):
            return reply.format(found[0].capitalize()) if "{0}" in reply else reply
    return None


def count(text, read):
    """Counts aloud: 'count to twenty', 'count from five to nine'; None if not asked to. ``read`` parses a number."""
    found = _COUNT.search(text)
    if not found:
        return None
    low = read((found["low"] or "one").split(), 0)
    high = read(found["high"].split(), 0)
    if low is None or high is None or low[0].denominator != 1 or high[0].denominator != 1:
        return None
    first, last = int(low[0]), int(high[0])
    if abs(last - first) > 100:
        return "That would take all day. Try something up to a hundred."
    step = 1 if last >= first else -1
    return ", ".join(str(n) for n in range(first, last + step, step)) + "."
