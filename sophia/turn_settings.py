"""What can be set about turn taking, with defaults and bounds; :mod:`sophia.turns` says what they do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TurnSettings(BaseModel):
    """Turn-taking policy. All times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field(
        "en-US", description="language whose words turn taking knows: en, de, es, fr, it; of any other it knows none"
    )
    languages: tuple[str, ...] = Field(
        (),
        description="languages in which she follows the user, beside the one above; by default those of "
        "tts.by_language, if the recogniser's language is auto",
    )
    pause_complete: float = Field(
        0.28, ge=0.1, le=2.0, description="silence that ends a turn whose text sounds complete"
    )
    pause_open: float = Field(0.55, ge=0.1, le=3.0, description="… when the text gives no hint")
    pause_unfinished: float = Field(1.3, ge=0.1, le=5.0, description="… when the text sounds unfinished (“and”, “um”)")
    sound_veto: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="below this probability of an end, by the sound, words count as a step less finished. 0: nobody "
        "judges the sound. Else the turn model on audio has to be there (extra 'turn')",
    )
    pause_learned_max: float = Field(
        1.0,
        ge=0.1,
        le=3.0,
        description="bound on what the learned pauses of a hesitant user can raise the first two to",
    )
    explore: float = Field(
        0.0,
        ge=0.0,
        le=0.2,
        description="share of turns in which she waits up to 0.32 s longer than she would, to learn what that is worth",
    )
    speculate: bool = Field(True, description="start the reply on a stable partial, unheard until the turn is decided")
    max_speculations: int = Field(
        3, ge=1, le=20, description="speculative starts in one turn before waiting for its end"
    )
    settle: float = Field(
        0.45, ge=0.0, le=5.0, description="silence in which the recogniser finds the end itself before it is asked to"
    )
    final_timeout: float = Field(0.7, ge=0.0, le=5.0, description="longest wait for the recogniser's last word")
    text_timeout: float = Field(
        1.0, ge=0.2, le=10.0, description="silence after speech without text before she asks again"
    )
    reprompt_voice: float = Field(0.4, ge=0.0, le=5.0, description="shortest speech worth asking again about")
    max_reprompts: int = Field(2, ge=0, le=10, description="reprompts in a row before she waits for real words")
    patience: float = Field(
        4.0,
        ge=0.0,
        le=60.0,
        description="how long a model or a voice that is away is tried again before she apologises",
    )
    reopen_window: float = Field(
        1.0, ge=0.0, le=5.0, description="how long after her first sound a user who simply goes on reopens the turn"
    )
    barge_in: bool = Field(True, description="let the user interrupt her")
    barge_in_pause: float = Field(
        0.13, ge=0.0, le=2.0, description="voice over hers that makes her pause; ducked before"
    )
    barge_in_voice: float = Field(
        2.0,
        ge=0.1,
        le=5.0,
        description="voice over hers after which she goes on if there is no word in it, and gives way if there is one",
    )
    resume_timeout: float = Field(
        0.8, ge=0.1, le=5.0, description="wordless silence after which a paused reply goes on"
    )
    resume_rewind: float = Field(0.2, ge=0.0, le=2.0, description="how far back a resumed reply starts at most")
