"""From what was written about talks to what is played: sounds are read or spoken, the room and noise put in."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from pipelines.home import expanded
from pipelines.scenarios.alignment import align, unmarked
from pipelines.scenarios.room import amplified, echoed, mixed, noise, scaled, seamless, speech_level
from pipelines.scenarios.scenario import Cue, Line, Scenario, SpokenWord
from pipelines.scenarios.scenario import Talk as PlayedTalk
from pipelines.scenarios.spec import COLOURS, Background, LineSpec, Talk, TalkSpec, Unreadable, printable
from pipelines.scenarios.speech import DEFAULT_VOICE, CannotSay, Saying, parse, say
from pipelines.scenarios.voiced import Voice, find_voice
from pipelines.settings.layers import did_you_mean
from sophia.audio import EAR_RATE, Pcm
from sophia.recognition_wire import AUTO
from sophia.wav import Sound, WavError, read_wav

NOISE_LEAD: Final = 0.3
NOISE_TAIL: Final = 1.0
"""Seconds of a line's own noise before and after its sound, so that the silence that ends it is noisy, too."""

MOST_SECONDS: Final = 7200.0
"""Sound of a whole scenario. More is a folder that was named by mistake."""

_FADE = 0.05  # seconds in which a line's noise comes and goes
_LOOP = 10.0  # seconds after which a talk's noise repeats


@dataclass(slots=True)
class Renderer:
    """Makes a scenario of talks whose files lie in ``folder``. ``language`` is what the loop listens for."""

    folder: Path
    language: str
    notes: list[str] = field(default_factory=list)
    _mistakes: list[str] = field(default_factory=list)
    _sounds: dict[Path, Pcm | None] = field(default_factory=dict)
    _said: dict[Saying, Pcm] = field(default_factory=dict)
    _seconds: float = 0.0

    def scenario(self, name: str, talks: Sequence[Talk]) -> Scenario:
        """Everything that is played. Raises :class:`Unreadable` with every mistake, not only the first."""
        self._speak(talks)
        played = [self._talk(talk) for talk in talks]
        if self._mistakes:
            raise Unreadable(list(dict.fromkeys(self._mistakes)))
        return Scenario(printable(name), played, tuple(dict.fromkeys(map(printable, self.notes))))

    def _speak(self, talks: Sequence[Talk]) -> None:
        """Speaks every line that is written, all at once: starting an engine takes longer than a line."""
        wanted: dict[Saying, str] = {}
        for talk in talks:
            for spec, place in zip(talk.spec.lines, talk.places, strict=True):
                if spec.say is not None:
                    wanted.setdefault(_saying(spec.say, spec, talk.spec), place)
        if not wanted:
            return
        try:
            spoken = say(list(wanted))
        except CannotSay as error:
            each = error.each or {0: str(error)}
            places = list(wanted.values())
            raise Unreadable([f"{places[i]}: {why}" for i, why in each.items()]) from None
        self._said.update(zip(wanted, spoken.sounds, strict=True))
        if spoken.engine != "hibari":
            self.notes.append(
                f"{len(wanted)} lines are spoken by {spoken.engine}, for hibari cannot be loaded: a run on a machine "
                f"with hibari is another scenario"
            )

    def _talk(self, talk: Talk) -> PlayedTalk:
        lines: list[Line] = []
        tail = 0.0
        for number, (spec, place) in enumerate(zip(talk.spec.lines, talk.places, strict=True)):
            made = self._line(talk.spec, number, spec, place, tail)
            if made is not None:
                lines.append(made.line)
                tail = made.tail
                self._seconds += made.line.seconds
                if self._seconds > MOST_SECONDS:
                    raise Unreadable([f"{place}: there is more than {MOST_SECONDS / 3600:g} hours of sound; name less"])
        return PlayedTalk(talk.spec.name, lines, self._noise(talk, lines))

    def _noise(self, talk: Talk, lines: Sequence[Line]) -> Pcm | None:
        """The noise that goes on through the whole talk."""
        wanted = talk.spec.noise
        levels = [speech_level(line.pcm) for line in lines if line.voiced is not None]
        if wanted is None or not levels:
            return None
        seed = zlib.crc32(talk.spec.name.encode())
        sound = self._background(wanted, round(_LOOP * EAR_RATE), seed, talk.places[0])
        return None if sound is None else scaled(sound, float(np.median(levels)), wanted.snr)

    def _line(self, talk: TalkSpec, number: int, spec: LineSpec, place: str, before: float) -> _Made | None:
        """The line, or None where a mistake was noted. ``before``: seconds that were added to the end of the last."""
        sound = self._sound(talk, spec, place)
        if sound is None:
            return None
        name = spec.name or (printable(spec.wav.stem) if spec.wav else unmarked(spec.say or "")[:40])
        voice = find_voice(sound)
        span = voice.span if voice else None
        if span is None and spec.reaction == "reply":
            self._mistakes.append(f"{place}: {name} is silent; record it again, or write reaction: ignore")
            return None
        self._note(name, voice, talk, spec)
        seed = zlib.crc32(f"{talk.name}/{number}".encode())
        pcm = amplified(sound, spec.level) if spec.level else sound
        if spec.level and spec.level + _peak_db(sound) > 0:
            self.notes.append(f"{name}: {spec.level:+g} dB is louder than 16 bits hold; it is clipped")
        if t60 := spec.room if spec.room is not None else talk.room:
            pcm = echoed(pcm, t60, seed)
        cue, lead = _cue(spec, before)
        if spec.noise is not None:
            padded = np.pad(pcm, (round(lead * EAR_RATE), round(NOISE_TAIL * EAR_RATE)))
            background = self._background(spec.noise, len(padded), seed, place)
            if background is None:
                return None
            pcm = mixed(padded, _faded(np.resize(background, len(padded))), spec.noise.snr)
        shift = round(lead * EAR_RATE)
        transcript = spec.transcript if spec.say is None else spec.say
        words = align(sound, transcript) if transcript else ()
        line = Line(
            name,
            pcm,
            None if span is None else (span[0] + shift, span[1] + shift),
            unmarked(transcript or "") or None,
            tuple(SpokenWord(word.text, word.start + lead, word.end + lead) for word in words),
            spec.expect,
            spec.reaction,
            cue,
            spec.language or talk.language or "",
        )
        return _Made(line, (len(pcm) - shift - len(sound)) / EAR_RATE)

    def _sound(self, talk: TalkSpec, spec: LineSpec, place: str) -> Pcm | None:
        if spec.say is not None:
            return self._said[_saying(spec.say, spec, talk)]
        assert spec.wav is not None
        return self._wav(spec.wav, place)

    def _background(self, wanted: Background, samples: int, seed: int, place: str) -> Pcm | np.ndarray | None:
        for colour in COLOURS:
            if wanted.source == colour:
                return noise(colour, samples, seed)
        sound = self._wav(Path(wanted.source), place)
        if sound is not None and not sound.any():
            self._mistakes.append(
                f"{place}: noise {wanted.source} is silent; name another file, {' or '.join(COLOURS)}"
            )
            return None
        return None if sound is None else seamless(sound)

    def _wav(self, file: Path, place: str) -> Pcm | None:
        """The sound of a file, read once; None, and a mistake, where it cannot be used."""
        path = self.folder / expanded(file)
        if path not in self._sounds:
            self._sounds[path] = None
            try:
                sound = read_wav(path, EAR_RATE)
                self.notes += [f"{file}: {note}" for note in (sound.note, *_conversions(sound)) if note]
                self._sounds[path] = sound.pcm
            except WavError as error:
                missing = not path.exists()
                guess = _alike(path) if missing else None
                what = "is not there" if missing else error.what
                hint = (f"did you mean {guess}?" if guess else "check the name") if missing else error.hint
                self._mistakes.append(f"{place}: {file} {what}; {hint}")
        elif self._sounds[path] is None:
            self._mistakes.append(f"{place}: {file} cannot be used, as above")
        return self._sounds[path]

    def _note(self, name: str, voice: Voice | None, talk: TalkSpec, spec: LineSpec) -> None:
        language = spec.language or talk.language
        if language and self.language != AUTO and language.lower()[:2] != self.language.lower()[:2]:
            self.notes.append(f"{name} is said in {language}, but the loop listens for {self.language}")
        if voice is not None and voice.noisy:
            self.notes.append(f"{name} is noisy: the end of its voice is known to about 0.1 s only")


@dataclass(frozen=True, slots=True)
class _Made:
    line: Line
    tail: float  # seconds of echo and noise after the line's own sound


def _saying(text: str, spec: LineSpec, talk: TalkSpec) -> Saying:
    return Saying(parse(text), spec.voice or talk.voice or DEFAULT_VOICE, spec.speed or talk.speed or 1.0)


def _cue(spec: LineSpec, before: float) -> tuple[Cue, float]:
    """When the line's sound begins, and how much of its noise fits before; what is written counts between voices."""
    if spec.gap is not None:
        lead = NOISE_LEAD if spec.noise is not None else 0.0
        return Cue("gap", spec.gap - before - lead), lead
    kind, seconds = ("over", spec.over) if spec.over is not None else ("reply", spec.pause)
    if seconds is None:
        seconds = Cue().seconds
    lead = min(NOISE_LEAD, seconds) if spec.noise is not None else 0.0
    return Cue("over" if kind == "over" else "reply", seconds - lead), lead


def _faded(sound: Pcm | np.ndarray) -> np.ndarray:
    """A noise that comes and goes without a click."""
    fade = min(round(_FADE * EAR_RATE), len(sound) // 2)
    ramp = np.ones(len(sound))
    ramp[:fade] = np.arange(fade) / fade
    ramp[len(ramp) - fade :] = ramp[:fade][::-1]
    return np.asarray(sound, np.float64) * ramp


def _peak_db(pcm: Pcm) -> float:
    return 20 * float(np.log10(max(1.0, float(np.abs(pcm.astype(np.int32)).max(initial=0))) / 32768))


def _conversions(sound: Sound) -> Iterator[str]:
    """What :func:`sophia.wav.read_wav` did to a file that it could read."""
    if sound.recorded_rate != EAR_RATE:
        yield f"resampled from {sound.recorded_rate} Hz"
    if sound.channels > 1:
        yield f"{sound.channels} channels made one"


def _alike(path: Path) -> str | None:
    """The WAV file beside a missing one that is called nearly the same."""
    if not path.parent.is_dir():
        return None
    there = {other.stem.lower(): other.name for other in path.parent.iterdir() if other.suffix.lower() == ".wav"}
    return there.get(did_you_mean(path.stem, there) or "")
