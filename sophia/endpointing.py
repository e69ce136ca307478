"""Endpointing and speculation: when an utterance is over, and when a reply to it is begun on a guess. Pure policy."""

from __future__ import annotations

from dataclasses import replace

from sophia.completeness import words
from sophia.decisions import FinishUtterance, Wait
from sophia.transcripts import Transcript
from sophia.turn_state import TurnState
from sophia.utterance import Utterance

COMMITTED = "a client asked for it"

EXPLORED = 0.32
"""Seconds by which an explored turn waits longer at most: every length up to it is as likely."""

JUDGED_WITHIN = 0.2
"""Seconds from the word that a voice has ended to the judgement of its sound, where one is made. Words do not wait
longer for it."""


class Endpointing:
    """The policy over one session's state."""

    def __init__(self, state: TurnState) -> None:
        self._state = state

    def weigh(self, at: float) -> None:
        """Begins a guess, asks for the recogniser's last word, decides the turn, or waits; nothing is committed yet."""
        state, utterance, s = self._state, self._state.utterance, self._state.settings
        if utterance.onset is None or (state.policy.commits_only and not utterance.commit_asked):
            return
        if s.speculate and state.policy.unasked and not (state.reply or state.kept):
            self._guess(at, utterance)
        if state.speaking and not utterance.commit_asked:
            # Noise can hold the voice detector for ever. If the recogniser finds no more words in what it hears, it
            # knows better; one that has not closed the utterance may only be slow, and gets longer.
            silent_since = max(utterance.news_at, state.voice_from)
            patience = self._longest() + (s.text_timeout if utterance.interim else 0.0)
            if not utterance.text or not state.reached(at, silent_since + patience):
                return
            utterance.last_voiced = silent_since
        if not utterance.text:
            self._weigh_wordless(at, utterance)
            return
        utterance.wait, why = self._wait(utterance)
        if not utterance.commit_asked and not state.reached(at, utterance.last_voiced + utterance.wait.seconds):
            return
        if not utterance.settled and not self.last_word(at, utterance):
            return
        if self._sound_is_awaited(at, utterance):
            return
        if utterance.commit_asked:
            utterance.wait, why = None, COMMITTED
        state.decide(at, utterance, why)

    def _guess(self, at: float, utterance: Utterance) -> None:
        """Begins a reply before the turn is decided, if the words are likely all that comes.

        The recogniser's word is enough for that, even if the voice detector lags behind it. So is the detector's, if
        the words so far are of all its voice and sound complete. Of such guesses one fewer is made, since the surer
        one comes after them.
        """
        state, s = self._state, self._state.settings
        if utterance.settled:
            # Words from before the last voice are not all of them, or it was no voice: nothing to make a guess from.
            stale = not utterance.interim and utterance.final_at < state.voice_from
            most, why = s.max_speculations, "the recogniser’s " + ("stable partial" if utterance.interim else "final")
        else:
            wait, words_say = state.pause_after(utterance)
            stopped = utterance.voiced and not state.speaking
            stale = not stopped or not state.tells_all(utterance) or wait.sounds != "complete"
            most, why = s.max_speculations - 1, f"an interim of all the voice, complete: {words_say}"
        if not stale and utterance.speculations < most:
            utterance.speculations += 1
            state.out += state.tongue.follow(at, utterance)
            state.start(at, utterance, utterance.text, why, settled=utterance.settled)

    def _wait(self, utterance: Utterance) -> tuple[Wait, str]:
        """The silence that ends this turn, and why it is that long."""
        policy = self._state.policy
        wait, why = self._state.pause_after(utterance)
        if policy.ends == "silence":
            return replace(wait, seconds=policy.silence), f"and {policy.silence:.2f} s are set"
        pause = self._patient(wait.seconds)
        if policy.longest is None and (extra := self._extra(utterance)) > 0.0:
            explored = Wait(pause + extra, wait.sounds, explored=True)
            return explored, f"{extra:.2f} s longer to learn, {wait.sounds}: {why}"
        return replace(wait, seconds=pause), f"{wait.sounds}: {why}"

    def _extra(self, utterance: Utterance) -> float:
        """Seconds that this turn waits beside what it would: of few turns any, and never fewer than none."""
        if utterance.extra is None:
            chosen = self._state.chance() < self._state.settings.explore
            utterance.extra = self._state.chance() * EXPLORED if chosen else 0.0
        return utterance.extra

    def _sound_is_awaited(self, at: float, utterance: Utterance) -> bool:
        """Whether the sound may still have a word in it: the end is being judged, perhaps since it was heard late."""
        state = self._state
        judged = state.settings.sound_veto and state.policy.ends == "judged" and not utterance.commit_asked
        if not judged or utterance.heard is not None:
            return False
        return not state.reached(at, utterance.stopped_at + JUDGED_WITHIN)

    def _longest(self) -> float:
        """The silence in seconds that ends a turn whatever the words are."""
        policy = self._state.policy
        return policy.silence if policy.ends == "silence" else self._patient(self._state.settings.pause_unfinished)

    def _patient(self, pause: float) -> float:
        policy = self._state.policy
        pause *= policy.patience
        return pause if policy.longest is None else min(pause, policy.longest)

    def check_speculation(self, at: float, transcript: Transcript) -> None:
        """Drops an unheard reply whose question is no longer the question."""
        state, text = self._state, self._state.utterance.text
        reply = state.reply
        if not reply or reply.committed_at is not None:
            return
        if state.tongue.differs(state.utterance):
            state.drop(at, "the language became another")
            return
        if words(text) == words(reply.text):
            reply.settled |= state.utterance.settled
            return
        # In silence an unstable interim is only the recogniser thinking aloud. With a voice it is news, and so it is to
        # a guess that was made from one.
        if transcript.final or transcript.stable or state.speaking or not reply.settled:
            state.drop(at, f"the text became “{text}”")

    def late(self, at: float, transcript: Transcript, text: str) -> None:
        """Takes a final on words that were taken in before: the last word on what is answered already, or a double."""
        state, answered, reply = self._state, self._state.answered, self._state.committed
        if not state.pending:
            state.disregard(at, answered.turn, text, "it was told before")
            return
        state.pending = False
        before, utterance = answered.text, state.utterance
        if not text:
            return
        if utterance.guess and utterance.turn == answered.turn:  # it was reopened
            utterance.finals[utterance.finals.index(utterance.guess)], utterance.guess = text, ""
            self.check_speculation(at, transcript)
            return
        state.pending = answered.settle(at, transcript, text)
        if words(answered.text) == words(before):
            return
        if reply and reply.turn == answered.turn and reply.audible_at is None and not reply.held:
            # Nothing was heard yet, so nothing is lost but the work: answer what was really said.
            state.commit(at, answered, "the final differs from what was about to be answered")
        elif answered.generation or answered is state.kept:
            state.correct(at, answered, "it comes too late to be answered instead")
        else:
            state.disregard(at, answered.turn, text, "a client cancelled it")

    def last_word(self, at: float, utterance: Utterance) -> bool:
        """Whether the recogniser's last word need not be waited for any more.

        The pause is over but the text may still change: it is asked for, for a bounded time. Not too soon: the
        recogniser's own first pass is on its way, and an utterance cut short for us is recognised worse.
        """
        state, s = self._state, self._state.settings
        asked = utterance.asked_final_at
        if asked is None:
            # A fixed silence is what a client wants, and it is over: then it wants no better words either.
            settle = 0.0 if state.policy.ends == "silence" else s.settle
            if not utterance.commit_asked and not state.reached(at, utterance.last_voiced + settle):
                return False
            asked = at
            self._ask(at, utterance, f"silent for {max(0.0, at - utterance.last_voiced):.2f} s")
        return state.reached(at, asked + s.final_timeout)

    def _weigh_wordless(self, at: float, utterance: Utterance) -> None:
        state, s = self._state, self._state.settings
        if state.policy.commits_only:
            if utterance.rejected or self.last_word(at, utterance):
                state.decide(at, utterance, COMMITTED)
            return
        heard_until = max(utterance.last_voiced, state.deaf_until)
        verdict = heard_until + (s.pause_open if utterance.rejected else s.text_timeout)
        if utterance.asked_final_at is None and not utterance.rejected:
            if not utterance.commit_asked and not state.reached(at, utterance.last_voiced + s.pause_open):
                return
            self._ask(at, utterance, "speech, but no text yet")
        if state.deaf_since is not None and state.policy.unasked:  # it is not for the user to say it again
            if state.announced:
                state.dismiss(at, "her ears are away, and she has said so")
            return
        if not state.reached(at, verdict):
            return
        worth = utterance.voiced >= s.reprompt_voice
        if worth and not state.policy.unasked:
            state.decide(at, utterance, f"{utterance.voiced:.2f} s of speech without a word recognised")
            return
        if not worth or state.reprompts >= s.max_reprompts:
            state.dismiss(at, f"{utterance.voiced:.2f} s of voice without a word: not worth asking")
            return
        state.reprompt(at, utterance, f"{utterance.voiced:.2f} s of speech without a word recognised")

    def _ask(self, at: float, utterance: Utterance, reason: str) -> None:
        utterance.asked_final_at = at
        reply = self._state.reply
        generation = reply.generation if reply and reply.turn == utterance.turn else 0
        self._state.out.append(FinishUtterance(at=at, turn=utterance.turn, generation=generation, reason=reason))
