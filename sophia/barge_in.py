"""Barge-in: what a voice over hers means, and what becomes of her reply. Pure policy."""

from __future__ import annotations

from sophia.completeness import is_backchannel
from sophia.decisions import Duck, Pause, Resume, Unduck
from sophia.turn_state import Reply, TurnState


class BargeIn:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state

    def weigh(self, at: float, reply: Reply) -> None:
        """Ducks, pauses, resumes or gives up a committed reply, by what the user says over it."""
        state, heard, s = self._state, self._state.utterance, self._state.settings
        if heard.onset is None:
            return
        if not s.barge_in and reply.audible_at is not None:
            self._give_back(at, reply, "nobody may interrupt her")  # paused before she was audible
            return
        # In her first second the user most likely just goes on: stop at once, it may have been a cut-off.
        fresh = reply.audible_at is None or heard.onset < reply.audible_at + s.reopen_window
        voiced = state.voiced(at)
        if state.speaking and reply.paused_at is None:
            if reply.audible_at is not None and not reply.ducked:
                reply.ducked = True
                state.out.append(Duck(at=at, turn=reply.turn, generation=reply.generation, reason="a voice over hers"))
            if fresh or state.reached(at, at + s.barge_in_pause - voiced):
                reply.paused_at = at
                why = "the user goes on" if fresh else f"{voiced:.2f} s of voice over hers"
                state.out.append(
                    Pause(at=at, turn=reply.turn, generation=reply.generation, onset=heard.onset, reason=why)
                )
        if heard.text and (heard.commit_asked or not is_backchannel(heard.text, s.language)):
            self._take_floor(at, reply, fresh, f"words: “{heard.text}”")
        elif state.speaking:
            if state.reached(at, at + s.barge_in_voice - voiced):
                self._take_floor(at, reply, fresh, f"{voiced:.2f} s of voice")
        elif heard.text and (heard.settled or state.reached(at, heard.last_voiced + s.resume_timeout)):
            self._dismiss(at, reply, f"backchannel “{heard.text}”", backchannel=True)
        elif not heard.text and (heard.rejected or voiced < s.barge_in_pause):
            self._dismiss(at, reply, "too short to be speech, or no words in it", backchannel=False)
        elif not heard.text and state.reached(at, heard.last_voiced + s.resume_timeout):
            self._dismiss(at, reply, "no words came", backchannel=False)

    def _take_floor(self, at: float, reply: Reply, fresh: bool, why: str) -> None:
        if fresh and reply.text and not reply.held:
            self._state.reopen(at, reply, f"the user simply goes on ({why})")
        else:
            voice = self._state.speaking or self._state.utterance.voiced > 0
            self._state.interrupt(at, why, self._state.utterance.onset if voice else None)

    def _dismiss(self, at: float, reply: Reply, why: str, *, backchannel: bool) -> None:
        self._give_back(at, reply, why, backchannel=backchannel)
        self._state.dismiss(at, why)

    def _give_back(self, at: float, reply: Reply, why: str, *, backchannel: bool = False) -> None:
        state = self._state
        if reply.paused_at is not None:
            # She takes up the last words again, but stumbles over no syllable that was hardly interrupted.
            rewind = min(state.settings.resume_rewind, at - reply.paused_at) if reply.audible_at is not None else 0.0
            reply.paused_at = None
            state.out.append(
                Resume(
                    at=at, turn=reply.turn, generation=reply.generation,
                    rewind=max(0.0, rewind), backchannel=backchannel, reason=why,
                )
            )  # fmt: skip
        if reply.ducked:
            reply.ducked = False
            state.out.append(Unduck(at=at, turn=reply.turn, generation=reply.generation, reason=why))
