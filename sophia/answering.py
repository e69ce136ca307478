"""Answers that are not to words just said: a client asks, a reply was in the way, or the silence lasts. Pure policy."""

from __future__ import annotations

from sophia.replying import Reply
from sophia.turn_state import TurnState

ASKED = "a client asked for an answer"

MOST_PROMPTS = 3
"""So often she breaks a silence; then nobody is there, and she waits until somebody says something."""


class Answering:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state
        self._waiting = False  # for the end of what is being said
        self._after: Reply | None = None  # and that of this reply

    def ask(self, at: float, *, anew: bool) -> None:
        """Takes the request in. What is being said is over with it and is answered first, unless words were kept.

        A reply that has had effects, as tools have, may still be heard: what came of them is answered after it.
        """
        state = self._state
        self._after = state.committed
        if self._after and not self._after.held:
            state.refuse(at, "a reply is being made or heard already")
            return
        if anew and not self._after:
            state.drop(at, "a client wants another answer than was begun")
        if not (self._after or state.kept or state.policy.commits_only):
            state.utterance.commit_asked |= state.utterance.onset is not None
        self._waiting = True

    def forget(self) -> bool:
        """A client does not want it any more; false if none was waited for."""
        waited, self._waiting = self._waiting, False
        return waited

    def weigh(self, at: float) -> None:
        """Answers what was kept or what stands, where nobody is to be heard out before."""
        state, policy, utterance = self._state, self._state.policy, self._state.utterance
        if state.over or (self._after and state.committed is self._after):
            return
        self._after = None
        if state.committed:
            self._waiting = False
        elif self._waiting:
            if utterance.onset is not None and (utterance.commit_asked or not (state.kept or policy.commits_only)):
                return
            self._waiting = False
            if state.kept:
                state.answer_kept(at, ASKED)
            else:
                state.answer_what_stands(at, "asked", ASKED)
        elif utterance.onset is None and policy.unasked:
            if state.queued:
                state.answer_kept(at, "it was said while she spoke")
            else:
                self._weigh_silence(at)

    def _weigh_silence(self, at: float) -> None:
        state, idle = self._state, self._state.policy.idle
        if idle is None or state.prompts >= MOST_PROMPTS:
            return
        if state.quiet_since is not None and state.reached(at, state.quiet_since + idle):
            state.prompts += 1
            state.answer_what_stands(at, "idle", f"nobody has said anything for {idle:.1f} s")
