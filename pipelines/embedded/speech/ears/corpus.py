"""What people say to an assistant: the sentences that tune the general language model to this domain.

All sentences are our own. They are lower case, without punctuation and with numbers spelt out, as the recogniser
writes them. Plain data and a little combinatorics; no I/O.
"""

from __future__ import annotations

from itertools import product

_SMALL = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS, TENS = (words.split() for words in (_SMALL, _TENS))


def spell(number: int) -> str:
    """The English words of an integer from 0 to 999, as spoken without "and"."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return TENS[tens - 2] + (f" {UNITS[unit]}" if unit else "")
    hundreds, rest = divmod(number, 100)
    return f"{UNITS[hundreds]} hundred" + (f" {spell(rest)}" if rest else "")


_PHRASES = """
hello | hi | hey | hello there | hi there | hello sophia | hi sophia | hey sophia | good morning | good morning sophia
good afternoon | good evening | good night | good night sophia | goodbye | goodbye sophia | bye | bye bye
see you later | see you soon | see you tomorrow | thank you | thanks | thank you very much | thanks a lot
thank you sophia | many thanks | you are welcome | hello sophia how are you | hello sophia who are you
hello sophia can you hear me | hello sophia what can you do | yes | yes please | yeah | yes i do | yes of course | no
no thanks | no thank you | no i do not | okay | okay thank you | all right | sure | maybe | of course | right
exactly | i think so | i do not think so | i do not know | i am not sure | that is true | not really | stop | stop it
stop that | stop talking | stop talking please | please stop | stop please | be quiet | be quiet please | quiet | wait
wait a minute | wait a second | wait wait | hold on | hold on a second | one moment please | just a moment
never mind | cancel | cancel that | forget it | go on | go on please | please go on | continue | please continue
carry on | keep going | go ahead | and then | what happened then | what happens next | repeat that
repeat that please | can you repeat that | could you repeat that | could you repeat that please | say that again
please say that again | could you say that again | once more please | again please | i did not hear you
i did not understand | i do not understand | i did not understand you | what did you say | what did you just say
what did i say | what did i just say | what did i just ask you | what did i ask you before | what was my last question
what was that | what do you mean | what does that mean | that is right | that is wrong | that is correct
that is not correct | that is not what i meant | that is not what i said | i meant something else | sorry | i am sorry
excuse me | pardon | pardon me | i beg your pardon | speak louder please | speak up please | please speak more slowly
speak slower please | can you speak louder | can you talk a bit faster | volume up | volume down | turn the volume up
turn the volume down | mute | start over | start again | let us start again | help | help me | help me please
can you help me | i need help | i need your help | what can i say | what can i ask you | who are you | what are you
what is your name | what are you called | who made you | who built you | who created you | where are you
where are you from | where do you come from | how old are you | are you a robot | are you a human | are you a machine
are you real | are you there | are you listening | are you alive | are you an artificial intelligence
can you hear me | can you see me | do you hear me | do you know me | do you remember me | do you know my name
what is my name | do you like music | do you like me | do you have feelings | do you sleep | do you dream
do you have friends | do you have a body | do you ever get tired | do you understand me | what do you think
what can you do | what can you do for me | what else can you do | what do you know | what do you like
what are you doing | how do you work | how does this work | how are you | how are you today | how are you doing
how are you doing today | how do you feel | how is it going | what is up | what is new | how did you sleep
how was your day | do you speak english | do you speak german | what languages do you speak | nice to meet you
it is nice to meet you | pleased to meet you | you look great | you look nice | you are funny | you are smart
you are beautiful | i like you | i love you | i like your voice | well done | good job | great | very good | wonderful
that is great | that is interesting | that is funny | tell me about yourself | tell me something about yourself
tell me something | tell me more | tell me more about that | tell me something interesting | tell me a secret
i am fine | i am fine thank you | i am very well thank you | i am good | i am happy | i am tired | i am hungry
i am bored | i am sad | i feel sad | i feel good today | i have a question | can i ask you a question
may i ask you something | i want to ask you something | i have to go | i have to go now | talk to me | tell me a story
tell me a short story | tell me a long story | tell me another story | please tell me a story
can you tell me a story | could you tell me a story please | i want to hear a story | i would like to hear a story
tell me a story about a robot | tell me a story about a dragon | tell me a story about the sea | tell me a fairy tale
tell me a bedtime story | finish the story | continue the story | how does the story end | tell me a joke
tell me another joke | do you know a joke | do you know any good jokes | make me laugh | sing a song | sing me a song
sing a song for me | tell me a poem | recite a poem | tell me the news | what time is it | what time is it now
what time is it please | what is the time | what is the time now | tell me the time | tell me the time please
do you know what time it is | do you have the time | what time is it in london | what time is it in new york
what time is it in tokyo | what day is it | what day is it today | what day is today | what day is tomorrow
what is the date | what is the date today | what is today's date | what is tomorrow's date | what date is it
which day is it | what month is it | what year is it | what week is it | how many days until christmas
is it monday today | when is the weekend | is it late | go forward ten meters | go forward | go back | go backward
go left | go right | turn left | turn right | turn around | come here | come back | move forward | move back
look at me | look left | look right | look up | look down | sit down | stand up | raise your hand | smile
smile please | nod your head | close your eyes | open your eyes | follow me | faster | slower | louder | hello world
testing | test | testing one two three | one two three | can you count to ten | count to ten | count to twenty
what is natural language processing | what is machine learning | what is artificial intelligence
what is a neural network | what is a language model | what is speech recognition | what is the meaning of life
what is the speed of light | what is the largest country in the world | what is the highest mountain in the world
what is the longest river in the world | what is the population of china | what is the distance to the moon
how far is the moon | how far is the sun | why is the sky blue | why is the grass green | why do we sleep
why do birds fly south | why | why not | how | when | where | who | what | really | how tall is mount everest
how big is the earth | how old is the universe | who was albert einstein | who wrote romeo and juliet
who invented the telephone | who is the president of the united states | how do airplanes fly
how does a computer work | how does a car work | explain that | explain that again | explain it again please
can you explain that | can you explain how this works | what is the weather like | how is the weather
what is the weather today | what will the weather be tomorrow | is it raining | is it going to rain
is it cold outside | is it sunny | is it warm outside | do i need an umbrella | do i need a jacket today
play some music | play the next song | play something relaxing | turn on the radio | turn off the radio | play a game
let us play a game | let us talk about music | let us talk about something else | let us talk | can we talk
change the subject | read my messages | send a message to maria | call john | call my mother
what is on my calendar today | do i have any meetings tomorrow | what is next on my schedule
what is on my shopping list | good to hear your voice | can you recommend a good book | can you recommend a movie
can you translate that | how do you spell that | how do you say that in german | i would like to order a pizza
i would like to book a table for two | how do i get to the station | how do i get to the airport
where is the nearest restaurant | where is the nearest train station | when is the next train
how far is it to the airport | what do you call that | is that true | are you sure | i do not believe you
i am testing you | i am just testing | this is a test | what are you thinking about | what is your favorite color
what is your favorite movie | what is your favorite food | do you like pizza | four queen of clubs | seven of spades
ace of hearts | king of diamonds | ten of clubs | queen of hearts | jack of diamonds
"""

_NAMES = ["john", "maria", "david", "anna", "peter", "sarah", "michael", "emma", "thomas", "alex", "paul", "julia"]
_PLACES = ["london", "paris", "berlin", "new york", "tokyo", "rome", "madrid", "san francisco", "munich", "chicago"]
_WHEN = ["today", "tomorrow", "tonight", "this weekend", "on monday", "on sunday", "next week"]
_COUNTRIES = [
    "france",
    "germany",
    "italy",
    "spain",
    "england",
    "japan",
    "china",
    "the united states",
    "canada",
    "austria",
]

_TEMPLATES: list[tuple[str, list[list[str]]]] = [
    ("my name is {}", [_NAMES]),
    ("i am {}", [_NAMES[:5]]),
    ("what is the weather {} in {}", [["", "like"], _PLACES]),
    ("how is the weather in {}", [_PLACES]),
    ("what will the weather be {}", [_WHEN]),
    ("how will the weather be {} in {}", [_WHEN[:3], _PLACES[:5]]),
    ("will it {} {}", [["rain", "snow", "be sunny"], _WHEN]),
    ("what is the capital of {}", [_COUNTRIES]),
    ("where is {}", [[*_PLACES[:5], "my phone", "the bathroom", "the station", "the kitchen"]]),
    ("what time is it in {}", [_PLACES]),
    ("set a timer for {} {}", [[spell(n) for n in (2, 3, 5, 10, 15, 20, 30, 45)], ["minutes", "seconds"]]),
    ("set a timer for {}", [["one minute", "one hour", "half an hour"]]),
    ("set an alarm for {} {}", [[spell(n) for n in range(5, 11)], ["o'clock", "a m"]]),
    ("wake me up at {}", [["six thirty", "seven o'clock", "half past eight", "quarter to nine", "seven"]]),
    ("remind me to {}", [["call my mother", "buy milk", "take my medicine", "pay the rent tomorrow", "send an email"]]),
    ("add {} to my shopping list", [["milk", "bread", "eggs", "coffee", "apples and bananas"]]),
    ("turn {} the {}", [["on", "off"], ["light", "lights", "television", "heating", "lights in the kitchen"]]),
    ("{} the {}", [["open", "close"], ["door", "window", "curtains"]]),
    ("go {} {} meters", [["forward", "back"], [spell(n) for n in (1, 2, 3, 5, 8, 10, 15, 20)]]),
    ("turn {} {} degrees", [["left", "right"], ["thirty", "forty five", "ninety", "one hundred eighty"]]),
    ("tell me about {}", [["robots", "the moon", "the history of france", "space", "music", "london", "yourself"]]),
    ("i want to {}", [["go home", "hear a story", "talk to you", "watch a movie", "learn english", "know more"]]),
    ("please {}", [["help me", "tell me a joke", "say it again", "wait for me", "turn on the light", "tell me more"]]),
    (
        "could you {}",
        [["tell me more", "tell me the time", "explain it in one sentence", "help me please", "say it again"]],
    ),
    (
        "can you {}",
        [["tell me a joke", "tell me the time", "sing a song", "do math", "tell me more", "help me with that"]],
    ),
]

_CONVERSIONS = [
    ("miles", "kilometers"), ("kilometers", "miles"), ("feet", "meters"), ("meters", "feet"), ("inches", "centimeters"),
    ("pounds", "kilograms"), ("kilograms", "pounds"),
    ("degrees fahrenheit", "celsius"), ("degrees celsius", "fahrenheit"),
    ("liters", "gallons"), ("gallons", "liters"), ("hours", "minutes"), ("days", "hours"), ("ounces", "grams"),
]  # fmt: skip


def _arithmetic() -> list[str]:
    """Every number from 0 to 100 on both sides of every operation, each pair once: about 300 sentences."""
    operations = ["times", "plus", "minus", "divided by", "multiplied by"]
    questions = ["what is", "how much is", "what is", "calculate"]
    out = []
    for turn, operation in enumerate(operations):
        for left in range(1 + turn % 2, 101, 2):
            right = (left * 37 + turn * 11) % 100 + 1  # 37 is coprime to 100: each right side appears once
            out.append(f"{questions[(left + turn) % 4]} {spell(left)} {operation} {spell(right)}")
    for n in range(2, 101, 7):
        out += [f"what is the square root of {spell(n * n % 400)}", f"what is {spell(n)} squared"]
        out.append(f"what is {spell(n)} percent of {spell(n * 13 % 900 + 50)}")
    return out


def _units() -> list[str]:
    out = []
    for i, (this, that) in enumerate(_CONVERSIONS):
        for n in (1 + i, 5 * (1 + i), 10, 72 + i, 100):
            out.append(f"what is {spell(n)} {this} in {that}")
        out += [f"how many {that} are {spell(10 + i)} {this}", f"how many {that} are there in ten {this}"]
        out.append(f"convert {spell(20 + i)} {this} to {that}")
    return out


def sentences() -> list[str]:
    """The corpus: one spoken sentence each, some twice because they are said more often. Always the same."""
    phrases = [p.strip() for p in _PHRASES.replace("\n", "|").split("|") if p.strip()]
    filled = [" ".join(t.format(*values).split()) for t, slots in _TEMPLATES for values in product(*slots)]
    return phrases * 2 + filled + _arithmetic() + _units()
