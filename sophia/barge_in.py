"""Barge-in: what a voice over hers means, and what becomes of her reply. Pure policy.

Only words take the floor. A voice without words makes her pause, and so do words of which the recogniser is not sure.
Once it is clear that no words come, she goes on.
"""

from __future__ import annotations

from sophia.completeness import is_backchannel, words
from sophia.decisions import Duck, Pause, Resume, Unduck
from sophia.endpointing import Endpointing
from sophia.replying import Reply
from sophia.transcripts import Transcript
from sophia.turn_state import TurnState
from sophia.utterance import Utterance

ANSWER_SECONDS = 1.5
"""A "yes" over so many of her last seconds answers her question: people answer once they know what is asked."""

ECHO_SHARE = 2 / 3
"""Words without a voice are her own if so many of them are in her reply; the rest is misheard."""


LATE_SECONDS = 2.0
"""Words that come so soon after a voice may be that voice's, although it was taken for noise by then."""

FINALS_ONLY_SECONDS = 8.0
"""Seconds of voice over hers in which a recogniser that gives no interims may still find words at its end."""


class BargeIn:
    """The policy over one session's state. ``endpointing`` asks for the recogniser's last word on what is said."""

    def __init__(self, state: TurnState, endpointing: Endpointing) -> None:
        self._state = state
        self._endpointing = endpointing

    def weigh(self, at: float, reply: Reply) -> None:
        """Ducks, pauses, resumes or gives up a committed reply, by what the user says over it."""
        heard, s = self._state.utterance, self._state.settings
        if heard.onset is None:
            return
        if self._state.policy.commits_only:
            self._give_back(at, reply, "only a client ends her reply")
            self._endpointing.weigh(at)
            return
        # In her first second the user most likely just goes on: stop at once, it may have been a cut-off.
        fresh = reply.audible_at is None or heard.onset < reply.audible_at + s.reopen_window
        may = self._state.policy.interrupts and (s.barge_in or reply.audible_at is None)
        # She has just asked for words: whatever comes is what she asked for.
        wanted = heard.commit_asked or reply.canned
        talks = bool(heard.text) and (wanted or not self._listens(heard))
        if talks and may and self._is_sure(at, heard):
            self._take_floor(at, reply, fresh, f"words: “{heard.text}”")
            return
        if not may:
            self._give_back(at, reply, "nobody may interrupt her")  # paused before she was audible
        elif talks or heard.voicing:
            self._make_way(at, reply, heard, fresh, talks)
        if talks and not self._state.policy.interrupts:
            self._endpointing.weigh(at)  # it is answered after her reply
        elif not heard.text:
            self._weigh_voice(at, reply, heard)
        elif not talks:
            self._weigh_backchannel(at, reply, heard)

    def _listens(self, heard: Utterance) -> bool:
        """Whether the words only say that the user listens, in the conversation's language or in that of the words."""
        tongue = self._state.tongue
        return any(is_backchannel(heard.text, language) for language in {tongue.now, tongue.of(heard)})

    def echoes(self, reply: Reply, transcript: Transcript, text: str) -> bool:
        """Whether words that came without a voice are the reply's own, as the microphone heard them."""
        state = self._state
        if reply.audible_at is None or reply.canned:
            return False
        if state.speaking or state.now < state.noise_until + LATE_SECONDS:
            return False
        if transcript.ends and state.sound_began + transcript.ends < reply.audible_at:
            return False  # it was said before she was heard
        hers, said = set(words(reply.says)), words(text)
        return not hers or sum(word in hers for word in said) >= ECHO_SHARE * len(said)

    def _is_sure(self, at: float, heard: Utterance) -> bool:
        """Whether the words will hardly come to nothing: what a recogniser first makes of a noise often does.

        It costs no time, for she has paused, and the turn waits for the same word.
        """
        if heard.settled or heard.commit_asked:
            return True
        if self._state.speaking:
            return self._state.reached(at, (heard.onset or 0.0) + self._state.settings.barge_in_voice)
        return self._endpointing.last_word(at, heard)

    def _make_way(self, at: float, reply: Reply, heard: Utterance, fresh: bool, talks: bool) -> None:
        state = self._state
        if reply.paused_at is not None:
            return
        if reply.audible_at is not None and not reply.ducked:
            reply.ducked = True
            state.out.append(Duck(at=at, turn=reply.turn, generation=reply.generation, reason="a voice over hers"))
        voiced = state.voiced(at)
        if talks or fresh or state.reached(at, at + state.settings.barge_in_pause - voiced):
            reply.paused_at = at
            why = "the user goes on" if fresh else f"{voiced:.2f} s of voice over hers"
            why = f"it may be words: “{heard.text}”" if talks else why
            onset = at if heard.onset is None else heard.onset
            state.out.append(Pause(at=at, turn=reply.turn, generation=reply.generation, onset=onset, reason=why))

    def _weigh_backchannel(self, at: float, reply: Reply, heard: Utterance) -> None:
        """She goes on. If she ends soon, with a question, it was the answer: then the words are still there."""
        state, s, why = self._state, self._state.settings, f"backchannel “{heard.text}”"
        if heard.voicing:
            if not state.reached(at, at + s.barge_in_voice - state.voiced(at)):
                return
        elif not heard.settled and not state.reached(at, heard.last_voiced + s.resume_timeout):
            return
        began = max(heard.onset or 0.0, reply.resumed_at)
        sounded = max(0.0, (at if reply.paused_at is None else reply.paused_at) - began)
        self._give_back(at, reply, why, True)
        if heard.answers_until is None:
            heard.answers_until = max(at, reply.resumed_at) + max(0.0, ANSWER_SECONDS - sounded)
        if state.reached(at, heard.answers_until):
            state.dismiss(at, why)

    def _weigh_voice(self, at: float, reply: Reply, heard: Utterance) -> None:
        state, s, voiced = self._state, self._state.settings, self._state.voiced(at)
        if heard.voicing:
            longest = s.barge_in_voice if state.interims else max(s.barge_in_voice, FINALS_ONLY_SECONDS)
            if not state.reached(at, at + longest - voiced):
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

    def _give_back(self, at: float, reply: Reply, why: str, backchannel: bool = False) -> None:
        """She goes on if she had stopped."""
        state = self._state
        if reply.paused_at is not None:
            # She takes up the last words again, but stumbles over no syllable that was hardly interrupted.
            stopped, rewind = at - reply.paused_at, 0.0
            if reply.audible_at is not None:
                rewind = max(0.0, min(state.settings.resume_rewind, stopped))
            if state.utterance.answers_until is not None:
                state.utterance.answers_until += stopped + rewind
            reply.paused_at, reply.resumed_at = None, at + rewind
            state.out.append(
                Resume(
                    at=at, turn=reply.turn, generation=reply.generation,
                    rewind=rewind, backchannel=backchannel, reason=why,
                )
            )  # fmt: skip
        if reply.ducked:
            reply.ducked = False
            state.out.append(Unduck(at=at, turn=reply.turn, generation=reply.generation, reason=why))
