"""Calls of tools and their results in the history: in their turn, bounded, and whole whatever became of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nova.history import CUT, MOST_CALLS, NO_RESULT, UNCLEAR, UNHEARD, History
from nova.mind import Message
from nova.prompts import BUILT_IN
from nova.results import as_data
from nova.tools import ToolCall

CALL = ToolCall("call_1", "get_weather", '{"city": "Ulm"}')
OTHER = ToolCall("call_2", "now")


def words(text: str) -> int:
    return len(text.split())


def asked() -> History:
    history = History("Be kind.", max_tokens=100, count=words)
    history.user(1, "How is it in Ulm?")
    assert history.called(1, CALL)
    return history


def test_results_follow_the_call_and_are_answered_without_a_new_question() -> None:
    history = asked()
    history.assistant(1, "Let me look.")
    assert history.called(1, OTHER)
    assert history.answered("call_2", "noon")
    assert history.answered("call_1", "warm")
    talk = [
        Message("system", "Be kind."),
        Message("user", "How is it in Ulm?"),
        Message("assistant", "Let me look.", (CALL, OTHER)),
        Message("tool", "warm", answers=CALL),
        Message("tool", "noon", answers=OTHER),
    ]
    assert history.messages("") == talk
    history.user(2, "")
    assert history.messages("") == talk
    history.assistant(2, "It is warm.")
    assert history.messages("And tomorrow?")[5:] == [
        Message("assistant", "It is warm."),
        Message("user", "And tomorrow?"),
    ]


def test_the_answer_to_a_result_may_call_again() -> None:
    history = asked()
    history.answered("call_1", "warm")
    history.user(2, "")
    history.called(2, OTHER)
    history.answered("call_2", "noon")
    assert [message.role for message in history.messages("")][1:] == ["user", "assistant", "tool", "assistant", "tool"]


def test_a_call_without_a_result_breaks_no_later_request() -> None:
    history = asked()
    assert history.messages("Never mind.")[1:] == [
        Message("user", "How is it in Ulm?"),
        Message("assistant", "", (CALL,)),
        Message("tool", NO_RESULT, answers=CALL),
        Message("assistant", UNHEARD),
        Message("user", "Never mind."),
    ]
    history.user(2, "Never mind.")
    history.assistant(2, "As you like.")
    assert history.answered("call_1", "warm")  # late, and in its place
    assert history.messages("Thanks.")[3] == Message("tool", "warm", answers=CALL)


def test_a_result_counts_once_and_only_for_a_call_that_waits() -> None:
    history = asked()
    assert not history.answered("call_9", "x")
    assert history.answered("call_1", "warm")
    assert not history.answered("call_1", "cold")
    assert history.messages("")[-1].content == "warm"


def test_a_withdrawn_turn_takes_its_calls_with_it() -> None:
    history = asked()
    history.withdraw(1)
    assert not history.knows("call_1")
    assert not history.called(1, CALL)
    assert not history.answered("call_1", "warm")
    assert history.messages("Hello.") == [Message("system", "Be kind."), Message("user", "Hello.")]


def test_a_wordless_answer_where_nothing_was_called_has_a_question() -> None:
    history = History()
    history.user(1, "Hello.")
    history.assistant(1, "Hi.")
    history.user(2, "")
    history.assistant(2, "Are you there?")
    assert [message.content for message in history.messages()] == ["Hello.", "Hi.", UNCLEAR, "Are you there?"]


def test_a_long_result_is_cut() -> None:
    history = asked()
    history.answered("call_1", "hot " * 10_000)
    result = history.messages("")[-1].content
    assert result.endswith(CUT)
    assert 40 < words(result) <= 50


def test_what_is_forgotten_is_forgotten_with_its_results_and_their_answer() -> None:
    history = asked()
    history.answered("call_1", "warm " * 40)
    history.user(2, "")
    history.assistant(2, "It is warm.")
    history.user(3, "word " * 60)
    assert [message.role for message in history.messages()] == ["system", "user"]
    assert not history.knows("call_1")


def test_the_calls_of_a_turn_are_bounded() -> None:
    history = asked()
    for number in range(MOST_CALLS - 1):
        assert history.called(1, ToolCall(f"c{number}", "now"))
    assert not history.called(1, OTHER)


def test_a_call_that_a_client_tells_of_stands_with_the_newest_turn() -> None:
    empty = History()
    assert empty.recall(CALL)
    empty.answered("call_1", "warm")
    assert [message.role for message in empty.messages("And now?")] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    history = asked()
    history.withdraw(1)
    assert not history.recall(CALL)


def valid(messages: list[Message]) -> None:
    """What chat templates and servers insist on."""
    roles = [message.role for message in messages if message.role != "system"]
    if roles:
        assert roles[0] == "user"
    open_calls: list[str] = []
    for before, message in zip([None, *messages], messages, strict=False):
        if message.role == "tool":
            assert message.answers
            assert open_calls.pop(0) == message.answers.id
        else:
            assert not open_calls, "each call has its result before anything else"
            if before and before.role == "tool":
                assert message.role == "assistant"
            elif before and before.role != "system":
                assert message.role != before.role
            open_calls = [call.id for call in message.calls]
    assert not open_calls


TEXTS = st.sampled_from(["", "hello", "one two three", "word " * 30])


class Talks(RuleBasedStateMachine):
    """Whatever happens, in any order: what the model gets is whole, and bounded."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History("Be kind.", max_tokens=60, count=words)
        self.newest = self.calls = 0

    @rule(text=TEXTS)
    def says(self, text: str) -> None:
        self.newest += 1
        self.history.user(self.newest, text)

    @rule(text=TEXTS, back=st.integers(0, 2), cut=st.booleans())
    def hears(self, text: str, back: int, cut: bool) -> None:
        self.history.assistant(max(0, self.newest - back), text, interrupted=cut)

    @rule(back=st.integers(0, 2))
    def calls_a_tool(self, back: int) -> None:
        self.calls += 1
        self.history.called(max(0, self.newest - back), ToolCall(f"c{self.calls}", "now"))

    @rule()
    def recalls(self) -> None:
        self.calls += 1
        self.history.recall(ToolCall(f"c{self.calls}", "now"))

    @rule(back=st.integers(0, 3), text=TEXTS)
    def answers(self, back: int, text: str) -> None:
        self.history.answered(f"c{self.calls - back}", text)

    @rule(back=st.integers(0, 2))
    def withdraws(self, back: int) -> None:
        self.history.withdraw(max(0, self.newest - back))

    @invariant()
    def the_messages_are_whole(self) -> None:
        for pending in (None, "", "more"):
            messages = self.history.messages(pending)
            valid(messages)
            if pending is not None:
                assert messages[-1].role in ("user", "tool")
            BUILT_IN["chatml"].render(messages or [Message("user", "x")])
            turns = sum(message.role == "user" for message in messages)
            if turns > 1:
                assert sum(words(message.content) for message in messages) <= 60


TestTalks = Talks.TestCase
TestTalks.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


@given(st.text(max_size=400).map(as_data), st.integers(1, 4))
def test_whatever_a_result_is_it_fits(text: str, count: int) -> None:
    history = History(max_tokens=200)
    history.user(1, "go")
    for number in range(count):
        history.called(1, ToolCall(f"c{number}", "now"))
        history.answered(f"c{number}", text)
    results = [message.content for message in history.messages("") if message.role == "tool"]
    assert len(results) == count
    assert all(result == text or (result.endswith(CUT) and text.startswith(result[: -len(CUT)])) for result in results)
