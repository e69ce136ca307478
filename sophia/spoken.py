"""What of a text can be said aloud: no markup, no emoji, nothing that a synthesiser takes for a command.

Language models write markdown; Riva's voices reserve ``*``, ``{``, ``}`` and ``<tag>``. The result is plain words and
punctuation, or nothing. What is shown to people stays as the model wrote it: the two go side by side, clause by clause.
"""

from __future__ import annotations

import html
import re
import unicodedata

_CODE = {"de": " Codebeispiel. ", "en": " Code example. "}
_TIMES = {"de": " mal ", "en": " times "}
_DIVIDED = {"de": " geteilt durch ", "en": " divided by "}
_AT = {"de": " ät ", "en": " at "}
_DOT = {"de": " Punkt ", "en": " dot "}

_BLANKS = re.compile(r"[^\S\n]+")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?: [^()]*)?\)")
_REFERENCE = re.compile(r"\[([^\[\]]*)\]\[[^\[\]]*\]")
_URL = re.compile(
    r"<?(?:https?://|www\.)(?:www\.)?([\w.\-]+)(?::\d+)?(?:[/?#](?:[^\s<>()\"']*[\w/=&\-])?)?>?", re.IGNORECASE
)
_EMAIL = re.compile(r"<?(?:mailto:)?\b([\w.+\-]{1,64})@([\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8})>?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TABLE_RULE = re.compile(r"^ ?\|?[ :|\-]*---[ :|\-]*$", re.MULTILINE)
_RULE = re.compile(r"^ ?(?:[*_\-] ?){3,}$", re.MULTILINE)
_LINE_MARK = re.compile(r"^ ?(?:#{1,6}|>+|[*+•▪◦‣\-](?= )) ?(?:\[[ xX]\] )?", re.MULTILINE)
_HEADING_END = re.compile(r" #+ ?$", re.MULTILINE)
_TIMES_SIGN = re.compile(r"(?<=[\d)]) ?[*×·⋅] ?(?=[\d(])")
_DIVIDED_SIGN = re.compile(r"(?<=[\d)]) ?÷ ?(?=[\d(])")
_BAR = re.compile(r" ?\| ?")
_LINE_END = re.compile(r"(?<=[^\W_]) ?\n\s*")
_RESERVED = re.compile(r"[*{}<>`\\~^\[\]←-⇿⟰-⟿⤀-⥿]+")  # and arrows
_UNDERSCORE = re.compile(r"_+")
_REPEATED = re.compile(r"([!?,;:])(?:\s*\1)+")
_ELLIPSIS = re.compile(r"\.{2,}|…")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,;:!?…])|\s+(?=\.(?!\d))")
_LEADING = re.compile(r"\A(?:[\s.,;:!?…)\"'”’»–—]|-(?!\d))+")


def spoken(text: str, language: str = "en-US") -> str:
    """What to say for ``text``, a clause as a language model wrote it; empty if there is nothing to say.

    A block of code is announced, not read. Of a link its words are read, of a bare address the host. ``language``, a
    BCP 47 tag, chooses the few words that are put in; English where it is not German.
    """
    tongue = "de" if language.lower().startswith("de") else "en"
    text = html.unescape(unicodedata.normalize("NFC", text))
    text = _BLANKS.sub(" ", text)  # first, so that no pattern below meets a long run of them
    text = _FENCE.sub(_CODE[tongue], text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _EMAIL.sub(lambda found: found[1].replace(".", _DOT[tongue]) + _AT[tongue] + _host(found[2], tongue), text)
    text = _URL.sub(lambda found: _host(found[1], tongue), text)
    text = _TAG.sub(" ", text)
    text = _TABLE_RULE.sub("", text)
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    text = _HEADING_END.sub("", text)
    text = _TIMES_SIGN.sub(_TIMES[tongue], text)
    text = _DIVIDED_SIGN.sub(_DIVIDED[tongue], text)
    text = _BAR.sub(", ", text)
    text = _RESERVED.sub("", text)
    text = _UNDERSCORE.sub(" ", text)
    text = "".join(character for character in text if _sayable(character))
    text = _LINE_END.sub(", ", text.strip())
    text = _ELLIPSIS.sub("…", " ".join(text.split()))
    text = _REPEATED.sub(r"\1", _SPACE_BEFORE_MARK.sub("", text))
    text = _LEADING.sub("", text).replace("…", "...")
    return text if any(character.isalnum() for character in text) else ""


def _host(name: str, tongue: str) -> str:
    """A host name in words, and the full stop that a sentence left at its end."""
    bare = name.rstrip(".")
    return bare.replace(".", _DOT[tongue]) + name[len(bare) :]


def _sayable(character: str) -> bool:
    """False for emoji, pictures, arrows, flags, joiners and control characters; true for words, marks and units."""
    if character.isspace():
        return True
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Sk") or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3":
        return False
    return category != "So" or character in "°№℃℉"
