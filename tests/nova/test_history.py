from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nova.history import INTERRUPTED, LEAST_ROOM, UNCLEAR, UNHEARD, History, estimate_tokens
from nova.mind import Message, Role
from nova.prompts import BUILT_IN


def words(text: str) -> int:
    return len(text.split())


def talk() -> History:
    history = History("Be kind.", max_tokens=100, count=words)
    history.user(1, "Hello.")
    history.assistant(1, "Hi there.")
    history.user(2, "A story, please.")
    history.assistant(2, "Once there", interrupted=True)
    return history


def test_messages_hold_what_was_heard() -> None:
    assert talk().messages("Go on.") == [
        Message("system", "Be kind."),
        Message("user", "Hello."),
        Message("assistant", "Hi there."),
        Message("user", "A story, please."),
        Message("assistant", "Once there" + INTERRUPTED),
        Message("user", "Go on."),
    ]


def test_an_answer_without_new_words_is_to_what_stands_there() -> None:
    history = talk()
    assert history.messages("")[-1] == Message("user", UNCLEAR)  # all was answered
    history.user(3, "And a wolf?")
    assert history.messages("")[-1] == Message("user", "And a wolf?")
    history.user(4, "")
    history.assistant(4, "Shall I go on?")
    assert history.messages("")[-3:] == [
        Message("user", UNCLEAR), Message("assistant", "Shall I go on?"), Message("user", UNCLEAR),
    ]  # fmt: skip
    assert History("Be kind.").messages("") == [Message("system", "Be kind."), Message("user", UNCLEAR)]


def test_a_reply_is_corrected_by_its_generation() -> None:
    history = talk()
    history.assistant(2, "Once there was a fox.")
    assert history.messages()[-1] == Message("assistant", "Once there was a fox.")
    assert len(history.messages()) == 5


def test_a_turn_that_was_decided_again_is_one_question() -> None:
    history = talk()
    history.user(3, "And a")
    history.user(3, "And a wolf?")
    assert history.messages()[-1] == Message("user", "And a wolf?")
    assert len(history.messages()) == 6


def test_withdrawing_takes_the_whole_turn_back() -> None:
    history = talk()
    history.withdraw(2)
    assert history.messages("A story, please. About a fox.")[-2:] == [
        Message("assistant", "Hi there."),
        Message("user", "A story, please. About a fox."),
    ]


def test_a_withdrawn_reply_stays_gone_whatever_playout_reports_later() -> None:
    history = talk()
    history.withdraw(2)
    history.user(3, "A story about a fox.")
    history.assistant(2, "Once there was")
    assert history.messages()[-1] == Message("user", "A story about a fox.")
    assert "Once" not in str(history.messages())


def test_a_reply_not_yet_recorded_can_be_withdrawn() -> None:
    history = talk()
    history.user(3, "I want")
    history.withdraw(3)
    history.withdraw(4)
    history.assistant(4, "Yes?")
    assert history.messages() == talk().messages()


def test_questions_that_nobody_answered_stay_apart() -> None:
    history = talk()
    history.user(3, "Wait.")
    history.assistant(3, "", interrupted=True)
    history.user(4, "No, go on.")
    assert history.messages()[-3:] == [
        Message("user", "Wait."),
        Message("assistant", UNHEARD),
        Message("user", "No, go on."),
    ]


def test_a_reply_that_was_not_heard_after_all_leaves_its_question_alone() -> None:
    history = History(count=words)
    history.user(1, "One.")
    history.assistant(1, "Yes.")
    history.user(2, "Two.")
    history.assistant(1, "")
    assert [message.content for message in history.messages()] == ["One.", UNHEARD, "Two."]
    history.assistant(1, "Yes.")  # and heard, in the end
    assert [message.content for message in history.messages()] == ["One.", "Yes.", "Two."]


def test_a_question_of_hers_answers_something_that_was_not_understood() -> None:
    history = History("Be kind.", count=words)
    history.assistant(1, "I didn't catch that.")
    history.assistant(2, "I still didn't")
    assert history.messages("Hello?") == [
        Message("system", "Be kind."),
        Message("user", UNCLEAR),
        Message("assistant", "I didn't catch that."),
        Message("user", UNCLEAR),
        Message("assistant", "I still didn't"),
        Message("user", "Hello?"),
    ]


def test_oldest_turns_go_first_and_the_persona_stays() -> None:
    history = History("one two three", max_tokens=12, count=words)
    for n in range(10):
        history.user(n, f"question {n} is")
        history.assistant(n, f"answer {n}")
    assert history.messages("and now") == [
        Message("system", "one two three"),
        Message("user", "question 9 is"),
        Message("assistant", "answer 9"),
        Message("user", "and now"),
    ]


@given(persona=st.text(max_size=400), question=st.text(min_size=1, max_size=400), limit=st.integers(1, 200))
def test_the_newest_question_is_whole_however_little_room_there_is(persona: str, question: str, limit: int) -> None:
    history = History(persona, limit)
    for n in range(3):
        history.user(n, f"question {n}")
        history.assistant(n, f"answer {n}")
    if question.strip():
        assert history.messages(question)[-1] == Message("user", question.strip())
    history.user(3, question)
    if question.strip():
        assert history.messages()[-1] == Message("user", question.strip())


def test_the_estimate_is_cautious() -> None:
    assert estimate_tokens("") == 4
    assert 6 <= estimate_tokens("Hello there.") <= 12
    assert estimate_tokens("word " * 40) <= LEAST_ROOM // 2


class Conversation(RuleBasedStateMachine):
    """Against a plain list of what was said and heard, turn by turn."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History("stay", max_tokens=10_000, count=words)
        self.small = History("stay", max_tokens=40, count=words)
        self.turns: dict[int, list[str]] = {}
        self.newest = 0

    def _turn(self, again: bool) -> tuple[int, list[str]]:
        if not again:
            self.newest += 1
            self.turns[self.newest] = ["", ""]
        return self.newest, self.turns.get(self.newest, ["", ""])

    @rule(text=st.text("ab ", max_size=12), again=st.booleans())
    def user(self, text: str, again: bool) -> None:
        generation, turn = self._turn(again and self.newest > 0)
        turn[0] = text.strip()
        for history in (self.history, self.small):
            history.user(generation, text)

    @rule(heard=st.text("xy ", max_size=12), interrupted=st.booleans(), again=st.booleans())
    def heard(self, heard: str, interrupted: bool, again: bool) -> None:
        generation, turn = self._turn(again and self.newest > 0)
        turn[1] = heard.strip() + INTERRUPTED * interrupted if heard.strip() else ""
        for history in (self.history, self.small):
            history.assistant(generation, heard, interrupted)

    @rule(offset=st.integers(-1, 3))
    def withdraw(self, offset: int) -> None:
        generation = self.newest - offset
        self.turns.pop(generation, None)
        self.newest = max(self.newest, generation)
        for history in (self.history, self.small):
            history.withdraw(generation)

    @invariant()
    def is_the_fold_of_what_was_said_and_heard(self) -> None:
        expected: list[tuple[Role, str]] = []
        for said, heard in self.turns.values():
            if said or heard:
                expected += [("user", said or UNCLEAR), ("assistant", heard or UNHEARD)]
        asked = [("system", "stay"), *expected, ("user", "pending")]
        assert [(m.role, m.content) for m in self.history.messages("pending")] == asked

    @invariant()
    def a_small_one_is_its_end(self) -> None:
        messages, asked = self.small.messages("pending"), self.history.messages("pending")
        assert messages[0] == Message("system", "stay")
        assert messages[1:] == asked[len(asked) - len(messages) + 1 :]
        assert messages[1].role == "user"
        assert not any(a.role == b.role for a, b in pairwise(messages))
        assert sum(words(m.content) for m in messages) <= 40
        for template in BUILT_IN.values():
            template.render(messages)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("limit", [40, 400])
@given(texts=st.lists(st.text(min_size=1, max_size=30), max_size=30))
def test_what_is_kept_is_bounded(limit: int, texts: list[str]) -> None:
    history = History("", max_tokens=limit)
    for n, text in enumerate(texts):
        history.user(n, text)
        history.assistant(n, text)
        kept = history.messages()
        assert len(kept) <= 2 or sum(estimate_tokens(m.content) for m in kept) <= limit


def test_nothing_comes_back_that_was_forgotten() -> None:
    history = History(max_tokens=40)
    history.user(1, "hello")
    history.assistant(1, "good morning")
    history.user(2, "tell me " + "very " * 20 + "much")
    history.assistant(1, "good")
    assert [message.role for message in history.messages()] == ["user"]
