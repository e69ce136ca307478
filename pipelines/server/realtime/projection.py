"""Our events and decisions as the protocol's: one function of what happened. Pure.

What a client is told is what is true for it:

- A guess is invisible: no response begins before its turn is decided.
- ``speech_started`` makes a client throw away the sound that it holds. So while a response runs, it is held back until
  turn taking says that she is interrupted. A backchannel or a noise over her voice is never told. A client that said
  that nothing interrupts her is told at once.
- That the user stopped is told with the decision, together with the words, and before the response begins.
- The words of a reply go out with their sound, and what was cut off is corrected to what was heard.
"""

from __future__ import annotations

from pipelines.conversation.events import (
    Failed,
    Felt,
    GenerationOver,
    Happening,
    LimitReached,
    PlayoutFinished,
    PolicyChanged,
    Shown,
    Stopped,
    TextTyped,
    ToolCalled,
    UserText,
)
from pipelines.server.realtime.answers import Answers
from pipelines.server.realtime.questions import Questions
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event
from sophia.decisions import (
    Announce,
    Apologise,
    Begin,
    Commit,
    Correct,
    Dismiss,
    Drop,
    Farewell,
    Interrupt,
    Keep,
    Notify,
    Pause,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
)


class Projection:
    """The standard events of one connection."""

    def __init__(self, state: State, questions: Questions, answers: Answers) -> None:
        self._state = state
        self._questions = questions
        self._answers = answers

    def told(self, happening: Happening) -> list[Event]:
        """The standard events that follow from what happened."""
        questions, answers = self._questions, self._answers
        match happening:
            case Begin(at=at, turn=turn, origin=origin, onset=onset):
                if origin in ("voice", "words"):
                    questions.listen(turn, at if onset is None else onset)
                    held_back = answers.response and self._state.policy.interrupts
                    return [] if held_back else questions.start()
                if origin == "idle":
                    return questions.fell_silent(turn, at)
            case UserText(turn=turn, text=text):
                return questions.hear(turn, text)
            case TextTyped():
                return questions.typed(happening)
            case Start(turn=turn, generation=generation):
                answers.guess(turn, generation)
            case Shown(generation=generation, delta=delta):
                return answers.shown(generation, delta)
            case LimitReached(generation=generation):
                answers.limited(generation)
            case Felt():
                return answers.felt(happening)
            case Commit(turn=turn, generation=generation):
                return questions.decided(happening) + answers.respond(turn, generation)
            case Keep():
                return questions.kept(happening)
            case PolicyChanged(policy=policy):
                self._state.policy = policy
            case Correct(turn=turn, text=text):
                return questions.correct(turn, text)
            case Reprompt(at=at, turn=turn, generation=generation):
                return questions.finish("", at, turn, kept=True) + answers.respond(turn, generation, asks=True)
            case (
                Announce(turn=turn, generation=generation)
                | Notify(turn=turn, generation=generation)
                | Farewell(turn=turn, generation=generation)
                | Say(turn=turn, generation=generation)
            ):
                return answers.respond(turn, generation)
            case Drop():
                return self._drop(happening)
            case Pause(generation=generation):
                return answers.playout("pause", generation)
            case Resume(generation=generation, rewind=rewind):
                return answers.playout("resume", generation, rewind)
            case Interrupt(generation=generation):
                return questions.start() + answers.cut_off(generation)  # in this order: the first silences the client
            case Reopen(turn=turn, generation=generation, joined=joined):
                questions.reopen(turn, joined)
                return questions.start() + answers.cut_off(generation)
            case Dismiss(at=at, turn=turn, text=text):
                return questions.dismiss(text, at, turn)
            case ToolCalled():
                return answers.called(happening)
            case Apologise(generation=generation):
                answers.apologised(generation)
            case PlayoutFinished(generation=generation):
                return answers.finished(generation)
            case Failed():
                return answers.failed(happening)
            case Refuse():
                answers.manners.once = None
            case Stopped():
                answers.cancelling = True
            case GenerationOver():
                events = answers.over(happening)
                return events if answers.response else events + questions.start()
            case _:
                pass
        return []

    def _drop(self, decision: Drop) -> list[Event]:
        response = self._answers.running(decision.generation)
        if not response or not response.asks:
            self._answers.drop(decision.generation)
            return []
        self._questions.listen(decision.turn, decision.at)  # words came after all: the turn goes on
        return self._questions.start() + self._answers.cut_off(decision.generation)
