from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from embedded_talk import NOW, ask, part
from hypothesis import given
from hypothesis import strategies as st

from nova.generation import Prompting, TritonSettings
from nova.mind import Message
from nova.prompts import BUILT_IN
from nova.tools import Choice, Only, ToolCall, ToolSpec


def test_an_entry_of_a_prompt_begins_with_its_last_mark_and_ends_with_its_first() -> None:
    start, end = "<|im_start|>", "<|im_end|>"
    prompt = f"{start}user\nnever closed{start}user\none{end} {start}assistant\ntwo{end}{end}\n{start}assistant\n"
    assert part("chat").parse(prompt).pairs == [("user", "one"), ("assistant", "two")]
    unclosed = f"{start}user\n" * 3_000  # looked for one by one, they would take seconds
    assert part("chat").parse(unclosed).pairs == [("user", unclosed.strip())]


SUMS = [
    ("what is seventeen times twenty three", "That's 391."),
    ("What's 17 × 23?", "That's 391."),
    ("17 times 23", "That's 391."),
    ("17*23", "That's 391."),
    ("how much is 12 plus 30", "That's 42."),
    ("What is two hundred and five plus three thousand and twelve?", "That's 3217."),
    ("two thousand five hundred and six divided by seven", "That's 358."),
    ("ten minus four", "That's 6."),
    ("5 - 3", "That's 2."),
    ("what's three minus ten", "That's minus 7."),
    ("minus four plus nine", "That's 5."),
    ("3.5 times 2", "That's 7."),
    ("three point five times two", "That's 7."),
    ("ten divided by three", "That's about 3.33."),
    ("one divided by zero", "I can't divide by zero. Nobody can."),
    ("two plus three times four", "That's 14."),
    ("what is the square root of 144", "That's 12."),
    ("square root of two", "That's about 1.41."),
    ("twelve squared", "That's 144."),
    ("two to the power of ten", "That's 1024."),
    ("what is 15 percent of 80", "That's 12."),
    ("20% of 50", "That's 10."),
    ("half of ninety", "That's 45."),
    ("a dozen times five", "That's 60."),
    ("calculate one million minus one", "That's 999999."),
    ("was ist 17 mal 23", "That's 391."),
    ("sophia could you tell me what is 1,000 plus 1 please", "That's 1001."),
    ("nine to the power of nine to the power of nine", "That's a huge number. Too long to read out, I'm afraid."),
]

UNITS = [
    ("ten miles in kilometers", "That's about 16.1 kilometers."),
    ("How many kilometres are in ten miles?", "That's about 16.1 kilometers."),
    ("how many feet are in a mile", "That's 5280 feet."),
    ("how many feet in a mile", "That's 5280 feet."),
    ("what is seventy fahrenheit in celsius", "That's about 21.1 degrees Celsius."),
    ("convert 100 degrees celsius to fahrenheit", "That's 212 degrees Fahrenheit."),
    ("72°F in celsius", "That's about 22.2 degrees Celsius."),
    ("convert 5 kg to pounds", "That's about 11 pounds."),
    ("how many ounces in a pound", "That's 16 ounces."),
    ("how many minutes are there in two hours", "That's 120 minutes."),
    ("how much is one kilometer in meters", "That's 1000 meters."),
    ("how many liters are in one gallon", "That's about 3.79 liters."),
    ("ten miles in kilograms", "I can't turn miles into kilograms. They measure different things."),
]

CLOCK = [
    ("What time is it?", "It's 9:16 PM."),
    ("do you have the time", "It's 9:16 PM."),
    ("hello what time is it", "It's 9:16 PM."),
    ("what time is it in nowhere land", "It's 9:16 PM here. I don't know that place."),
    ("what day is it", "Today is Saturday. The 21st of November."),
    ("What day is it today?", "Today is Saturday. The 21st of November."),
    ("what day is tomorrow", "Tomorrow is Sunday. The 22nd of November."),
    ("what day was yesterday", "Yesterday was Friday. The 20th of November."),
    ("what's the date", "It's Saturday, November 21st, 2026."),
    ("what is today's date", "It's Saturday, November 21st, 2026."),
    ("which month is it", "It's November."),
    ("what year is it", "It's 2026."),
    ("how many days until christmas", "34 days until Christmas."),
    ("how long is it until new year", "41 days until New Year."),
]

TALK = [
    ("Who are you?", "I'm Sophia."),
    ("who are you", "I'm Sophia."),
    ("what's your name", "I'm Sophia."),
    ("tell me about yourself", "I'm Sophia."),
    ("what can you do", "Quite a few small things."),
    ("what can i ask you", "Quite a few small things."),
    ("how can you help me", "Quite a few small things."),
    ("are you human", "No, I'm a program."),
    ("are you a robot", "No, I'm a program."),
    ("how do you work", "In short, like this."),
    ("how do i plug in a real model", "That's easy."),
    ("where are you", "Right here, on your machine."),
    ("how are you", "I'm fine, thank you."),
    ("hey sophia how are you doing today", "I'm fine, thank you."),
    ("i'm fine thanks", "I'm glad to hear it."),
    ("i am fine", "I'm glad to hear it."),
    ("hello", "Hello. Nice to hear you."),
    ("hi there", "Hello. Nice to hear you."),
    ("good morning", "Good morning."),
    ("can you hear me", "Yes, I can hear you."),
    ("testing one two three", "Yes, I can hear you."),
    ("thank you", "You're welcome."),
    ("thanks a lot", "You're welcome."),
    ("goodbye", "Goodbye."),
    ("see you later", "Goodbye."),
    ("stop", "All right. I'm listening."),
    ("wait a second", "All right. I'm listening."),
    ("hold on", "All right. I'm listening."),
    ("tell me a story", "Gladly."),
    ("can you tell me another story please", "Gladly."),
    ("tell me a joke", "Here's one."),
    ("make me laugh", "Here's one."),
    ("what's the weather like", "I can't see the weather."),
    ("is it cold outside", "I can't see the weather."),
    ("play some music", "I can't do that here."),
    ("what's the meaning of life", "Forty-two, they say."),
    ("count to five", "1, 2, 3, 4, 5."),
    ("count from three to one", "3, 2, 1."),
    ("my name is anna", "Nice to meet you, Anna."),
    ("you are funny", "Thank you."),
    ("what is the capital of france", "Paris."),
    ("how far is the moon", "Not so far."),
    ("tell me something interesting", "Octopuses have three hearts."),
    ("who is the president of the united states", "I don't know that one."),
    ("okay", "Good. Go on."),
    ("can you see me", "I can't see you."),
    ("what are you doing", "Listening, mostly."),
    ("nice to meet you", "Nice to meet you too."),
    ("i am fine thank you", "I'm glad to hear it."),
    ("no thanks", "All right."),
    ("turn left", "I can't do that."),
    ("turn on the lights in the kitchen", "I can't do that here."),
    ("is it monday today", "No, it's Saturday."),
    ("when is the weekend", "Right now."),
    ("what week is it", "It's week 47."),
    ("I'm Anna.", "Nice to meet you, Anna."),
    ("I'm hungry.", "I don't know that one."),
    ("i have three apples and two pears", "I don't know that one."),
    ("sophia", "Hello."),
    ("...", "I didn't catch that."),
    ("guten tag", "Hallo."),
    ("wer bist du", "Ich bin Sophia."),
    ("wie geht's dir", "Mir geht es gut, danke."),
    ("wie spät ist es", "Es ist 21 Uhr 16."),
    ("danke", "Gern geschehen."),
]


@pytest.mark.parametrize(("question", "reply"), SUMS + UNITS + CLOCK)
def test_it_knows(question: str, reply: str) -> None:
    assert ask(question) == reply


@pytest.mark.parametrize(("question", "beginning"), TALK)
def test_it_says(question: str, beginning: str) -> None:
    assert ask(question).startswith(beginning)


@pytest.mark.parametrize("question", [q for q, _ in SUMS + UNITS + CLOCK + TALK])
def test_replies_are_made_for_a_voice(question: str) -> None:
    reply = ask(question)
    first = re.split(r"[.,!?;:](?:\s|$)", reply)[0]
    assert len(first) <= 40, first
    assert not re.search(r"[*_#`<>\[\]{}|\\]", reply)


def test_a_story_is_long_enough_to_interrupt() -> None:
    stories = part("skills.stories")
    assert all(len(story.split()) >= 120 for story in stories.STORIES)
    beginnings = {text[:24] for text in stories.STORIES + stories.JOKES}
    assert len(beginnings) == len(stories.STORIES) + len(stories.JOKES)


def test_each_story_is_another() -> None:
    first = ask("tell me a story")
    second = ask("tell me a story", first, "another one")
    third = ask("tell me a story", first, "one more", second, "another story")
    assert len({first, second, third}) == 3


def test_it_goes_on_from_where_it_was_interrupted() -> None:
    story = ask("tell me a story")
    heard = story[: story.index("biggest pot")] + "big"
    rest = ask("tell me a story", heard + " —", "go on")
    assert rest.startswith("She ran down, took the biggest pot")
    assert story.endswith(rest)


def test_it_goes_on_twice() -> None:
    story = ask("tell me a story")
    first_heard = "Gladly. Once there was a lighthouse —"
    second = ask("tell me a story", first_heard, "continue")
    second_heard = second[: second.index("On the third night")] + "On the —"
    rest = ask("tell me a story", first_heard, "continue", second_heard, "go on")
    assert rest.startswith("On the third night")
    assert story.endswith(rest)


def test_a_reply_that_was_never_heard_is_told_whole_and_nothing_that_she_said() -> None:
    story = ask("tell me a story")
    assert ask("tell me a story", "—", "go on") == story
    assert ask("hello", "Hello.", "tell me a story", "—", "what did you say") == "I said: Hello."
    assert ask("…", "I didn't catch that.", "what did I say") == "Nothing before this. It was your first question."


def test_it_does_not_go_on_when_it_had_finished() -> None:
    assert ask("hello", "Hello.", "go on") == "I had finished. Ask me something else."
    assert ask("continue").startswith("I haven't said anything yet.")


def test_it_remembers_what_was_said() -> None:
    talk = ("what time is it", "It's 9:16 PM.", "thank you", "You're welcome. Anything else?")
    assert ask(*talk, "What did I just say?") == "You said: thank you"
    assert ask(*talk, "what was the first thing i said") == "You said: what time is it"
    assert ask(*talk, "what did you just say") == "I said: You're welcome. Anything else?"
    assert ask(*talk, "say that again") == "You're welcome. Anything else?"
    assert ask("what did i just say") == "Nothing before this. It was your first question."
    assert ask("what did i say first", "Nothing.", "thanks", "Welcome.", "what did i say first").endswith("i say first")


def test_it_remembers_a_name() -> None:
    talk = ("my name is anna", "Nice to meet you, Anna.")
    assert ask(*talk, "what's my name") == "You're Anna. You told me."
    assert ask("do you know my name") == "You haven't told me yet. What's your name?"


def test_sums_go_on_from_the_last_result() -> None:
    assert ask("17 times 23", "That's 391.", "plus nine") == "That's 400."
    assert ask("3 minus 10", "That's minus 7.", "times two") == "That's minus 14."
    assert ask("17 times 23", "That's 391.", "and divide that by two") == "That's 195.5."


def test_the_fallback_gets_shorter() -> None:
    first = ask("purple fourteen")
    second = ask("purple fourteen", first, "fourteen purple")
    assert len(first) > 2 * len(second)
    assert "real language model" in first.lower()


def test_the_same_prompt_gives_the_same_reply() -> None:
    assert ask("tell me a joke") == ask("tell me a joke")
    assert ask("what time is it", now=datetime(2026, 1, 1, 0, 0)) == "It's midnight."
    assert ask("what time is it", now=datetime(2026, 1, 1, 12, 0)) == "It's noon."
    assert ask("what time is it", now=datetime(2026, 1, 1, 7, 0)) == "It's 7 AM."


def test_a_bare_prompt_is_the_users_text() -> None:
    assert part("talk").answer("what is 2 plus 2") == "That's 4."


@given(st.text(max_size=300))
def test_any_text_gets_a_reply(text: str) -> None:
    assert ask(text)


HEAP = "minus plus times ( ) sqrt of the square root half a hundred 9 0 point and"


@given(st.lists(st.sampled_from(HEAP.split())))
def test_any_heap_of_number_words_gets_a_reply(words: list[str]) -> None:
    assert ask(" ".join(words))


@given(st.integers(-9999, 9999), st.integers(-9999, 9999))
def test_sums_are_right(a: int, b: int) -> None:
    left, right = (f"{'minus ' if n < 0 else ''}{abs(n)}" for n in (a, b))
    total = a + b
    assert ask(f"{left} plus {right}") == f"That's {'minus ' if total < 0 else ''}{abs(total)}."


def in_words(n: int) -> str:
    ones = part("numerals")._ONES
    tens = part("numerals")._TENS
    names = {v: k for k, v in (ones | tens).items()}
    if n in names:
        return str(names[n])
    if n < 100:
        return f"{names[n - n % 10]} {names[n % 10]}"
    for scale, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= scale:
            rest = n % scale
            return f"{in_words(n // scale)} {name}" + (
                f"{' and' if rest < 100 else ''} {in_words(rest)}" if rest else ""
            )
    raise AssertionError(n)


@given(st.integers(0, 9_999_999))
def test_numbers_in_words_are_understood(n: int) -> None:
    words = in_words(n).split()
    assert part("numerals").read(words, 0) == (n, len(words))


@given(st.text(max_size=80))
def test_tokens_join_to_the_text(text: str) -> None:
    tokens = part("tokens").tokens(text)
    assert "".join(tokens) == text
    assert all(1 <= len(token) <= 6 or token.endswith("tool_call>") for token in tokens)


WEATHER = ToolSpec(
    "get_weather", "", {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
)
LIGHT = ToolSpec(
    "light",
    "",
    {"type": "object", "properties": {"on": {"type": "boolean"}, "room": {"enum": ["kitchen", "hall"]}}},
)


def uses(question: str, *more: Message, choice: Choice = "auto") -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """What she says to a question while she has tools, and what she calls, as the client reads it."""
    prompting = Prompting(TritonSettings(), None, lambda: NOW)
    messages = [Message("system", "You are Sophia."), Message("user", question), *more]
    prompt = prompting.prompt(messages, (WEATHER, LIGHT), choice)
    cleaner = prompting.cleaner(prompt, cumulative=False, tools=(WEATHER, LIGHT), choice=choice)
    out = [*cleaner.take(str(part("talk").answer(prompt))), *cleaner.take(None)]
    calls = [(call.name, call.parsed()) for call in out if isinstance(call, ToolCall)]
    return "".join(piece for piece in out if isinstance(piece, str)), calls


def test_a_tool_is_called_when_the_question_plainly_names_it() -> None:
    assert uses("Can you get the weather in Ulm, please?") == ("", [("get_weather", {"city": "Ulm"})])
    assert uses("Turn the kitchen light off.")[1] == [("light", {"on": False, "room": "kitchen"})]
    assert uses("What is one plus one?") == ("That's 2.", [])
    both = uses("get the weather for ulm and the hall light on")[1]
    assert [name for name, _ in both] == ["get_weather", "light"]


def test_what_a_tool_says_is_read_out() -> None:
    call = ToolCall("c", "get_weather", '{"city": "ulm"}')
    for said in ("", "One moment."):
        answered = Message("assistant", said, (call,)), Message("tool", '{"sky": "clear", "degrees": 21}', answers=call)
        assert uses("get the weather in ulm", *answered)[0] == "Here is what I got. Sky clear, degrees 21."
    later = Message("assistant", "It is clear."), Message("user", "What is one plus one?")
    assert uses("get the weather in ulm", *answered, *later)[0] == "That's 2."


def test_a_call_that_must_be_is_made() -> None:
    assert uses("hello", choice="required")[1][0][0] in ("get_weather", "light")
    assert uses("hello", choice=Only("light"))[1] == [("light", {"on": True})]


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_tools_are_told_and_say_there_is_an_answer(name: str, result: str) -> None:
    call = ToolCall("c", "light")
    tool = ToolSpec(name, name, {"properties": {name: {"enum": [name]}}})
    messages = [Message("user", name), Message("assistant", "", (call,)), Message("tool", result, answers=call)]
    assert part("talk").answer(BUILT_IN["chatml"].render(messages, [tool]))
    assert part("talk").answer(BUILT_IN["chatml"].render(messages[:1], [tool]))
