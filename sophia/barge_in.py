"""Barge-in: what a voice over hers means, and what becomes of her reply. Pure policy.

Only words take the floor. A voice without words makes her pause. Once it is clear that no words come, she goes on.
"""

from __future__ import annotations

from sophia.completeness import is_backchannel, words
from sophia.decisions import Duck, Pause, Resume, Unduck
from sophia.turn_state import Reply, TurnState
from sophia.utterance import Utterance

ANSWER_SECONDS = 1.5
"""A "yes" over so many of her last seconds answers her question: people answer once they know what is asked."""

ECHO_SHARE = 2 / 3
"""Words without a voice are her own if so many of them are in her reply; the rest is misheard."""


class BargeIn:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state

    def weigh(self, at: float, reply: Reply) -> None:
        """Ducks, pauses, resumes or gives up a committed reply, by what the user says over it."""
        heard, s = self._state.utterance, self._state.settings
        if heard.onset is None:
            return
        # In her first second the user most likely just goes on: stop at once, it may have been a cut-off.
        fresh = reply.audible_at is None or heard.onset < reply.audible_at + s.reopen_window
        may = s.barge_in or reply.audible_at is None
        if not may:
            self._give_back(at, reply, "nobody may interrupt her")  # paused before she was audible
        elif heard.voicing:
            self._make_way(at, reply, heard, fresh)
        # She has just asked for words: whatever comes is what she asked for.
        wanted = heard.commit_asked or not reply.text
        if heard.text and (wanted or not is_backchannel(heard.text, s.language)):
            if may:
                self._take_floor(at, reply, fresh, f"words: “{heard.text}”")
        elif heard.text:
            self._weigh_backchannel(at, reply, heard)
        else:
            self._weigh_voice(at, reply, heard)

    def echoes(self, reply: Reply, text: str) -> bool:
        """Whether words that came without a voice are the reply's own, as the microphone heard them."""
        if self._state.speaking or reply.audible_at is None or not reply.text:
            return False
        hers, said = set(words(reply.says)), words(text)
        return not hers or sum(word in hers for word in said) >= ECHO_SHARE * len(said)

    def _make_way(self, at: float, reply: Reply, heard: Utterance, fresh: bool) -> None:
        state = self._state
        if reply.paused_at is not None:
            return
        if reply.audible_at is not None and not reply.ducked:
            reply.ducked = True
            state.out.append(Duck(at=at, turn=reply.turn, generation=reply.generation, reason="a voice over hers"))
        voiced = state.voiced(at)
        if fresh or state.reached(at, at + state.settings.barge_in_pause - voiced):
            reply.paused_at = at
            why = "the user goes on" if fresh else f"{voiced:.2f} s of voice over hers"
            onset = at if heard.onset is None else heard.onset
            state.out.append(Pause(at=at, turn=reply.turn, generation=reply.generation, onset=onset, reason=why))

    def _weigh_backchannel(self, at: float, reply: Reply, heard: Utterance) -> None:
        """She goes on. If she ends soon, with a question, it was the answer: then the words are still there."""
        state, s, why = self._state, self._state.settings, f"backchannel “{heard.text}”"
        if heard.answers_until is None:
            if heard.voicing:
                if not state.reached(at, at + s.barge_in_voice - state.voiced(at)):
                    return
            elif not heard.settled and not state.reached(at, heard.last_voiced + s.resume_timeout):
                return
            onset = at if heard.onset is None else heard.onset
            sounded = (at if reply.paused_at is None else reply.paused_at) - onset
            heard.answers_until = at + max(0.0, ANSWER_SECONDS + self._give_back(at, reply, why, True) - sounded)
        elif not heard.voicing:
            self._give_back(at, reply, why, True)
        if state.reached(at, heard.answers_until):
            self._give_back(at, reply, why, True)
            state.dismiss(at, why)

    def _weigh_voice(self, at: float, reply: Reply, heard: Utterance) -> None:
        state, s, voiced = self._state, self._state.settings, self._state.voiced(at)
        if heard.voicing:
            if not state.reached(at, at + s.barge_in_voice - voiced):
                return
            why = f"no word in {voiced:.2f} s of voice"
        elif heard.rejected or voiced < s.barge_in_pause:
            why = "too short to be speech, or no words in it"
        elif state.reached(at, heard.last_voiced + s.resume_timeout):
            why = "no words came"
        else:
            return
        self._give_back(at, reply, why)
        state.dismiss(at, why)

    def _take_floor(self, at: float, reply: Reply, fresh: bool, why: str) -> None:
        if fresh and reply.text and not reply.held:
            self._state.reopen(at, reply, f"the user simply goes on ({why})")
        else:
            heard = self._state.utterance
            self._state.interrupt(at, why, heard.onset if heard.voicing or heard.voiced else None)

    def _give_back(self, at: float, reply: Reply, why: str, backchannel: bool = False) -> float:
        """She goes on if she had stopped; returns how many seconds earlier."""
        state, rewind = self._state, 0.0
        if reply.paused_at is not None:
            # She takes up the last words again, but stumbles over no syllable that was hardly interrupted.
            if reply.audible_at is not None:
                rewind = max(0.0, min(state.settings.resume_rewind, at - reply.paused_at))
            reply.paused_at = None
            state.out.append(
                Resume(
                    at=at, turn=reply.turn, generation=reply.generation,
                    rewind=rewind, backchannel=backchannel, reason=why,
                )
            )  # fmt: skip
        if reply.ducked:
            reply.ducked = False
            state.out.append(Unduck(at=at, turn=reply.turn, generation=reply.generation, reason=why))
        return rewind
