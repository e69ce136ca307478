"""Pronunciations in IPA or ARPAbet as sounds of American English, the way flite writes them. Pure.

Riva takes both: IPA as ``təˈmeɪˌtoʊ``, ARPAbet as ``T AH0 M EY1 T OW0`` or ``{@T}{@AH0}{@M}{@EY1}{@T}{@OW0}``.
"""

from __future__ import annotations

import re
import unicodedata

_VOWELS = {"aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw"}
_CONSONANTS = {
    "b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "th", "v", "w",
    "y", "z", "zh",
}  # fmt: skip

_IPA = {
    "aɪ": "ay", "aʊ": "aw", "ɔɪ": "oy", "oʊ": "ow", "əʊ": "ow", "eɪ": "ey", "tʃ": "ch", "dʒ": "jh",
    "i": "iy", "ɪ": "ih", "ᵻ": "ih", "ɨ": "ih", "e": "ey", "ɛ": "eh", "æ": "ae", "a": "aa", "ɑ": "aa", "ɒ": "aa",
    "ɔ": "ao", "o": "ow", "ʊ": "uh", "u": "uw", "ʌ": "ah", "ɐ": "ah", "ə": "ax", "ɚ": "er", "ɝ": "er", "ɜ": "er",
    "p": "p", "b": "b", "t": "t", "ɾ": "t", "d": "d", "k": "k", "g": "g", "ɡ": "g", "f": "f", "v": "v", "θ": "th",
    "ð": "dh", "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "h": "hh", "m": "m", "n": "n", "ŋ": "ng", "l": "l",
    "ɫ": "l", "r": "r", "ɹ": "r", "ɻ": "r", "j": "y", "w": "w", "ʍ": "w", "ʧ": "ch", "ʤ": "jh",
}  # fmt: skip
_PRIMARY, _SECONDARY = "ˈ'", "ˌ,"
_SILENT = " .ː:ˑ‿|ʔ\u02b0-"


class Unpronounceable(ValueError):
    """A pronunciation that is none; the message names the sound that is not known."""


def sounds_of(pronunciation: str, alphabet: str = "") -> str:
    """The sounds as engines take them, ``t ax0 m ey1 t ow0``; raises :class:`Unpronounceable`.

    ``alphabet`` is ``ipa`` or ``x-arpabet``; where it is empty, the text tells.
    """
    tokens = pronunciation.replace("{@", " ").replace("}", " ").split()
    arpabet = bool(tokens) and all(re.fullmatch(r"[A-Za-z]{1,2}[0-2]?", token) for token in tokens)
    if alphabet == "x-arpabet" or (not alphabet and (arpabet and pronunciation.upper() == pronunciation)):
        sounds = [_from_arpabet(token) for token in tokens]
    elif alphabet in ("", "ipa"):
        sounds = _from_ipa(pronunciation)
    else:
        raise Unpronounceable(f"the alphabet {alphabet} is not known; there are ipa and x-arpabet")
    vowels = [at for at, (sound, _) in enumerate(sounds) if sound in _VOWELS]
    if not vowels:
        raise Unpronounceable(f"the pronunciation {pronunciation!r} has no vowel")
    if not any(stressed for _, stressed in sounds):
        first = next((at for at in vowels if sounds[at][0] != "ax"), vowels[0])
        sounds[first] = (sounds[first][0], True)
    return " ".join(f"{sound}{int(stressed)}" if sound in _VOWELS else sound for sound, stressed in sounds)


def _from_arpabet(token: str) -> tuple[str, bool]:
    sound, stress = token.rstrip("012").lower(), token[-1:]
    if sound == "ah" and stress == "0":
        sound = "ax"
    if sound not in _VOWELS | _CONSONANTS:
        raise Unpronounceable(f"ARPAbet has no sound {token!r}")
    return sound, stress == "1"


def _from_ipa(text: str) -> list[tuple[str, bool]]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    sounds: list[tuple[str, bool]] = []
    stressed, at = False, 0
    while at < len(plain):
        pair = plain[at : at + 2]
        found = pair if pair in _IPA else plain[at]
        at += len(found)
        if found in _PRIMARY or found in _SECONDARY:
            stressed = found in _PRIMARY
        elif found in _IPA:
            sound = _IPA[found]
            sounds.append((sound, stressed and sound in _VOWELS))
            stressed = stressed and sound not in _VOWELS
        elif found not in _SILENT:
            raise Unpronounceable(f"IPA of English has no sound {found!r}")
    return sounds
