from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nova.history import INTERRUPTED, History, estimate_tokens
from nova.mind import Message


def words(text: str) -> int:
    return len(text.split())


def talk() -> History:
    history = History("Be kind.", max_tokens=100, count=words)
    history.user("Hello.")
    history.assistant(1, "Hi there.")
    history.user("A story, please.")
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


def test_a_reply_is_corrected_by_its_generation() -> None:
    history = talk()
    history.assistant(2, "Once there was a fox.")
    assert history.messages()[-1] == Message("assistant", "Once there was a fox.")
    assert len(history.messages()) == 5


def test_withdrawing_gives_the_users_words_back() -> None:
    history = talk()
    assert history.withdraw(2) == "A story, please."
    assert history.messages("A story, please. About a fox.")[-2:] == [
        Message("assistant", "Hi there."),
        Message("user", "A story, please. About a fox."),
    ]


def test_a_withdrawn_reply_stays_gone_whatever_playout_reports_later() -> None:
    history = talk()
    history.withdraw(2)
    history.user("A story about a fox.")
    history.assistant(2, "Once there was")
    assert history.messages()[-1] == Message("user", "A story about a fox.")


def test_a_reply_not_yet_recorded_can_be_withdrawn() -> None:
    history = talk()
    history.user("I want")
    assert history.withdraw(3) == "I want"
    assert history.messages()[-1].role == "assistant"


def test_only_the_last_turn_can_be_withdrawn() -> None:
    history = talk()
    assert history.withdraw(1) == ""
    history.user("Next.")
    assert history.withdraw(2) == ""
    assert history.messages()[-1] == Message("user", "Next.")
    assert history.withdraw(3) == "Next."
    assert history.withdraw(3) == ""


def test_words_of_the_user_with_nothing_heard_between_are_one_turn() -> None:
    history = talk()
    history.user("Wait.")
    history.assistant(3, "")
    history.user("No, go on.")
    assert history.messages()[-1] == Message("user", "Wait. No, go on.")


def test_a_reply_that_was_not_heard_after_all_is_removed() -> None:
    history = History(count=words)
    history.user("One.")
    history.assistant(1, "Yes.")
    history.user("Two.")
    history.assistant(1, "")
    assert history.messages() == [Message("user", "One. Two.")]


def test_two_replies_in_a_row_are_one_message() -> None:
    history = talk()
    history.assistant(3, "I didn't catch that.")
    assert history.messages()[-1] == Message("assistant", f"Once there{INTERRUPTED} I didn't catch that.")
    history.assistant(3, "I didn't")
    assert history.messages()[-1] == Message("assistant", f"Once there{INTERRUPTED} I didn't")


def test_oldest_turns_go_first_and_the_persona_stays() -> None:
    history = History("one two three", max_tokens=12, count=words)
    for n in range(10):
        history.user(f"question {n} is")
        history.assistant(n, f"answer {n}")
    messages = history.messages("and now")
    assert messages[0] == Message("system", "one two three")
    assert messages[1].role == "user"
    assert messages[-1] == Message("user", "and now")
    assert sum(words(m.content) for m in messages) <= 12


def test_endless_words_are_cut_at_the_front() -> None:
    history = History("persona", max_tokens=10, count=words)
    messages = history.messages(" ".join(f"w{n}" for n in range(500)))
    assert len(messages) == 2
    assert messages[1].content.endswith("w499")
    assert words(messages[1].content) <= 9


def test_the_estimate_is_cautious() -> None:
    assert estimate_tokens("") == 4
    assert 6 <= estimate_tokens("Hello there.") <= 12


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.history = History("stay", max_tokens=40, count=words)
        self.generation = 0
        self.withdrawn: set[int] = set()

    @rule(text=st.text("ab ", max_size=12))
    def user(self, text: str) -> None:
        self.history.user(text)

    @rule(heard=st.text("xy ", max_size=12), interrupted=st.booleans(), again=st.booleans())
    def heard(self, heard: str, interrupted: bool, again: bool) -> None:
        if not again or self.generation == 0:
            self.generation += 1
        self.history.assistant(self.generation, f"{heard} g{self.generation}" if heard.strip() else "", interrupted)

    @rule(offset=st.integers(0, 2))
    def withdraw(self, offset: int) -> None:
        generation = self.generation + 1 - offset
        before = self.history.messages()
        text = self.history.withdraw(generation)
        if text:
            self.withdrawn.add(generation)
            self.generation = max(self.generation, generation)
            assert any(m.role == "user" and m.content == text for m in before)

    @invariant()
    def stays_well_formed(self) -> None:
        messages = self.history.messages("pending")
        assert messages[0] == Message("system", "stay")
        assert messages[-1].role == "user"
        assert messages[-1].content.endswith("pending")
        assert not any(a.role == b.role for a, b in pairwise(messages))
        assert sum(words(m.content) for m in messages) <= 40
        for generation in self.withdrawn:
            assert not any(m.role == "assistant" and f"g{generation}" in m.content.split() for m in messages)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(st.lists(st.text(min_size=1, max_size=30), max_size=10), st.integers(5, 60))
def test_never_more_than_the_limit(texts: list[str], limit: int) -> None:
    history = History("", max_tokens=limit)
    for text in texts:
        history.user(text)
    assert sum(estimate_tokens(m.content) for m in history.messages()) <= max(limit, 10)


def test_a_correction_brings_nothing_back_that_was_removed_or_is_forgotten():
    history = History(max_tokens=40)
    history.user("hello")
    history.assistant(1, "good morning")
    history.assistant(1, "")
    history.assistant(1, "good")
    assert [message.content for message in history.messages()] == ["hello"]
    history.assistant(2, "good day")
    history.user("tell me " + "very " * 20 + "much")
    assert "good day" not in str(history.messages())
    history.assistant(2, "good")
    assert [message.role for message in history.messages()] == ["user"]
