"""Takes markup out of a text as it streams in: tags, link targets, citation marks, entities, overlong code.

This comes before the cut into clauses, so that no construct is cut in two and read aloud. What is left is what people
read: signs are still signs (:mod:`sophia.spoken` turns them into words), and brackets and emphasis stay as written.

Plain text passes at once. A construct is held back until it is whole, or longer than one of its kind may be. Each
decision is made on a construct's own characters, so how the text was cut into deltas cannot matter.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from sophia.markup_forms import (
    ADDRESS_END,
    BLOCKS,
    CELLS,
    CITATION,
    CITATION_BEGUN,
    CITED,
    CITED_BEGUN,
    DECLARATIONS,
    DEFINITION,
    DEFINITION_BEGUN,
    ENTITY,
    ENTITY_BEGUN,
    FOOTNOTE,
    INDEXED,
    INLINE,
    LINK,
    LINK_BEGUN,
    MAY_CITE,
    NAME,
    NO_ELEMENT,
    POWER,
    SCRIPT,
    SCRIPT_BEGUN,
    SOURCE,
    SOURCE_BEGUN,
    SPECIAL,
    TAG,
    TAG_BEGUN,
    TARGET,
    TARGET_BEGUN,
    UNREAD,
)

LONGEST_TAG = 2_000
"""Characters of a tag or a link's target that are held back; of a longer one nothing is read until it ends."""

LONGEST_CITATION = 40
"""Characters of ``[1, 2]``, ``[^note]`` or ``【4†source】``; what is longer is text in brackets."""

LONGEST_LINK = 120
"""Characters of a link's words that are held back; the brackets of a longer one stay."""

LONGEST_CODE = 80
"""Characters of code in a line; until it is closed, a backtick may be just a backtick."""

LONGEST_BLOCK = 20_000
"""Characters of a block of code that are kept together; the rest of it is dropped."""

LONGEST_ADDRESS = 300
"""Characters of a web address that are kept; nobody speaks more than its host."""

LONGEST_RUN = 64
"""Backticks or tildes in a row that are taken for one fence."""

FENCE = "```"
"""How every block of code is fenced in the result, whatever fenced it before."""


class _Step(NamedTuple):
    """What comes next: how many characters are taken, and the text that they come to."""

    taken: int
    text: str
    gap: bool = False  # what follows is not of the same number


class Plain:
    """One text's filter: feed it deltas, take text without markup, flush it at the end."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._held = ""
        self._read = "\n"  # the last characters that were taken; a text begins like a line
        self._written = "\n"  # the last characters that came out
        self._removed = False  # something, since then
        self._brackets: list[bool] = []  # that are open in this line; whether they are a link's
        self._closing = ""  # what ends the block that is being taken, if any
        self._drops = False  # whether that block is dropped
        self._block = 0  # characters of it so far
        self._address = 0  # characters of the web address that is being taken, if any

    def feed(self, delta: str) -> str:
        """The text that is certain by now."""
        if not (self._held or self._closing or self._address or self._removed or SPECIAL.search(delta)):
            return self._put(_Step(len(delta), delta), delta)
        self._held += delta
        return self._take(final=False)

    def flush(self) -> str:
        """The text is over: returns what was held back, and makes the filter new."""
        rest = self._take(final=True)
        self._reset()
        return rest

    def _take(self, *, final: bool) -> str:
        out: list[str] = []
        at, text = 0, self._held
        while at < len(text):
            step = self._next(text, at, final)
            if step is None:
                break
            out.append(self._put(step, text[at : at + step.taken]))
            at += step.taken
        self._held = text[at:]
        return "".join(out)

    def _put(self, step: _Step, raw: str) -> str:
        """The step's text; where something was removed between two digits or backticks, they stay two."""
        text = step.text
        self._read = (self._read + raw)[-4:] if len(raw) < 4 else raw[-4:]
        if not text:
            self._removed = self._removed or bool(raw)
            return ""
        before = self._written[-1]
        if self._removed and ((before.isdigit() and text[0].isdigit()) or before == text[0] == "`"):
            text = f" {text}"
        self._removed = step.gap
        self._written = (self._written + text)[-100:]
        if "\n" in text:
            self._brackets.clear()
        return text

    # --- what comes next, or None while that is not certain -----------------------------------------------------------

    def _next(self, text: str, at: int, final: bool) -> _Step | None:
        if self._closing:
            return self._in_block(text, at, final)
        if self._address:
            return self._in_address(text, at)
        found = SPECIAL.search(text, at)
        start = found.start() if found else len(text)
        if start > at:
            return _Step(start - at, text[at:start])
        match text[at]:
            case "&":
                return self._entity(text, at, final)
            case "<":
                return self._angle(text, at, final)
            case "[" | "【":
                return self._citation(text, at, final)
            case "]":
                return self._close(text, at, final) if self._brackets else _literal(text, at)
            case "`" | "~":
                return self._ticks(text, at, final)
            case "/":
                self._address = 1 if self._read.endswith(":/") else 0
                return _literal(text, at)
            case "!" if not (self._read[-1].isspace() or self._read[-1] == "["):
                return _literal(text, at)
        if at + 1 == len(text) and not final:  # ! and \: what they are is told by what follows
            return None
        if text[at] == "!":
            return _Step(1, "" if text[at + 1 : at + 2] == "[" else "!")
        return _Step(2, text[at : at + 2])

    def _entity(self, text: str, at: int, final: bool) -> _Step | None:
        if found := ENTITY.match(text, at):
            return _Step(len(found[0]), html.unescape(found[0]))
        return None if not final and ENTITY_BEGUN.match(text, at) else _literal(text, at)

    def _angle(self, text: str, at: int, final: bool) -> _Step | None:
        follows = text[at + 1 : at + 2]
        if not follows and not final:
            return None
        if follows in ("!", "?"):
            return self._declaration(text, at, final)
        window = text[at : at + LONGEST_TAG]
        if found := SCRIPT.match(window):
            return self._script(found)
        if not final and SCRIPT_BEGUN.match(window):
            return None
        if found := TAG.match(window):
            return self._tag(found)
        if not TAG_BEGUN.match(window):
            return _literal(text, at)
        if len(window) < LONGEST_TAG and not final:
            return None
        if "=" not in window:
            return _literal(text, at)
        return self._drop(">", len(window))

    def _script(self, found: re.Match[str]) -> _Step:
        """``10<sup>6</sup>`` is a power, ``H<sub>2</sub>O`` one word, ``5<sup>th</sup>`` as well; marks are dropped."""
        inner = found[2].strip()
        if CITATION.fullmatch(inner):
            return _Step(len(found[0]), "")
        self._removed = True
        power = found[1].lower() == "sup" and POWER.fullmatch(inner) and self._written[-1].isalnum()
        return _Step(len(found[0]), f"^{inner}" if power else inner, gap=True)

    def _tag(self, found: re.Match[str]) -> _Step:
        name = found[2].lower()
        known = name in INLINE or name in BLOCKS or name in CELLS
        if not known and (NO_ELEMENT.fullmatch(found[0]) or (self._written[-1].isalnum() and "=" not in found[0])):
            return _literal(found[0], 0) if not found[1] else _Step(len(found[0]), "")
        if not found[1] and name in UNREAD:
            return self._drop(UNREAD[name], len(found[0]))
        return _Step(len(found[0]), "\n" if name in BLOCKS else " " if name in CELLS else "")

    def _declaration(self, text: str, at: int, final: bool) -> _Step | None:
        """Comments, document types, processing instructions."""
        begun = text[at : at + 9].lower()
        for opening, closing in DECLARATIONS.items():
            if begun.startswith(opening):
                return self._drop(closing, len(opening))
        if not final and any(opening.startswith(begun) for opening in DECLARATIONS):
            return None
        return _literal(text, at)

    def _citation(self, text: str, at: int, final: bool) -> _Step | None:
        if self._read[-1] == "\n":  # where a link's target may be defined
            line = text[at : at + LONGEST_ADDRESS]
            if found := DEFINITION.match(line):
                return self._drop("\n", len(found[0])) if not found[0].endswith("\n") else _Step(len(found[0]), "")
            if len(line) < LONGEST_ADDRESS and not final and DEFINITION_BEGUN.match(line):
                return None
            if found := FOOTNOTE.match(line):
                return _Step(len(found[0]), "")
        window = text[at : at + LONGEST_TAG]
        if found := CITED.match(window):
            return _Step(len(found[0]), "")
        if len(window) < LONGEST_TAG and not final and CITED_BEGUN.match(window):
            return None
        window = window[:LONGEST_CITATION]
        if found := CITATION.match(window):
            mark = found[0]
            noted = mark.startswith("[^") or (mark[0] == "【" and ("†" in mark or mark[1:-1].strip().isdigit()))
            if noted or (mark[0] == "[" and MAY_CITE.match(self._written[-1]) and not self._indexes(mark)):
                rest = text[at + len(mark) : at + len(mark) + LONGEST_TAG]
                if len(rest) < LONGEST_TAG and not final and SOURCE_BEGUN.match(rest):
                    return None
                source = SOURCE.match(rest)
                return _Step(len(mark) + (len(source[0]) if source else 0), "")
        elif len(window) < LONGEST_CITATION and not final and CITATION_BEGUN.match(window):
            return None
        return self._open(text, at, final)

    def _indexes(self, mark: str) -> bool:
        """Whether a number in brackets picks something out of what was named before: arr[5], items[0]."""
        name = NAME.search(self._written)
        return mark[1:-1].strip() == "0" or bool(name and INDEXED.fullmatch(name[0]))

    def _open(self, text: str, at: int, final: bool) -> _Step | None:
        """A bracket opens. A link's are left out, as its target is."""
        window = text[at : at + LONGEST_LINK]
        found = LINK.match(window)
        if window[0] == "[" and not found and len(window) < LONGEST_LINK and not final and LINK_BEGUN.match(window):
            return None
        link = bool(found and (found[0][-1] == "(" or not MAY_CITE.match(self._written[-1])))
        if window[0] == "[":
            self._brackets.append(link)
        return _Step(1, "" if link else text[at])

    def _close(self, text: str, at: int, final: bool) -> _Step | None:
        link = self._brackets[-1]
        step = self._target(text, at, final, link)
        if step:
            self._brackets.pop()
        return step._replace(text="") if step and link else step

    def _target(self, text: str, at: int, final: bool, link: bool) -> _Step | None:
        window = text[at : at + LONGEST_TAG]
        links = link or window[1:2] == "("
        if found := TARGET.match(window):
            return _Step(len(found[0]), "]") if links else _literal(text, at)
        if not TARGET_BEGUN.match(window):
            return _literal(text, at)
        if len(window) < LONGEST_TAG and not final:
            return None
        if window[1:2] != "(" or (final and not window[2:3]) or " " in window.strip():
            return _literal(text, at)
        return self._drop(")", len(window), "]")

    def _ticks(self, text: str, at: int, final: bool) -> _Step | None:
        mark = text[at]
        if mark == "~" and self._read[-1] != "\n":
            return _literal(text, at)
        end = at + 1
        while end < len(text) and text[end] == mark and end - at < LONGEST_RUN:
            end += 1
        run = end - at
        if end == len(text) and run < LONGEST_RUN and not final:
            return None
        if run >= len(FENCE):
            self._closing, self._drops, self._block = mark * run, False, 0
            return _Step(run, FENCE)
        return self._code(text, at, run, final) if mark == "`" else _Step(run, mark * run)

    def _code(self, text: str, at: int, run: int, final: bool) -> _Step | None:
        """Code in a line is taken as it is."""
        window = text[at : at + LONGEST_CODE + 1]
        line = window.partition("\n")[0]
        found = re.compile(rf"`{{{run}}}[^`]+`{{{run}}}(?!`)").match(line)
        whole = len(line) < len(window) or len(window) > LONGEST_CODE or final
        if found and (whole or found.end() < len(line)):
            return _Step(found.end(), found[0])
        return _Step(run, "`" * run) if whole else None

    def _drop(self, closing: str, taken: int, text: str = "") -> _Step:
        self._closing, self._drops, self._block = closing, True, 0
        return _Step(taken, text)

    # --- inside something long ----------------------------------------------------------------------------------------

    def _in_block(self, text: str, at: int, final: bool) -> _Step | None:
        closing = self._closing
        found = text.find(closing, at)
        if found == at:
            return self._leave(text, at, final)
        end = found if found >= 0 else len(text) if final else _before_begun(text, at, closing)
        if end == at:
            return None
        room = max(0, LONGEST_BLOCK - self._block)
        if self._drops:
            end = min(end, at + room)
            self._closing = "" if end == at + room else closing
        inner = text[at:end]
        self._block += len(inner)
        if self._drops:
            return _Step(len(inner), "")
        return _Step(len(inner), inner[:room] if closing == FENCE else inner[:room].replace("`", "'"))

    def _leave(self, text: str, at: int, final: bool) -> _Step | None:
        closing = self._closing
        if self._drops:
            self._closing = ">" if closing.startswith("</") else ""
            return _Step(len(closing), "")
        end = at + len(closing)
        while end < len(text) and text[end] == closing[0] and end - at < LONGEST_RUN:
            end += 1
        if end == len(text) and end - at < LONGEST_RUN and not final:
            return None
        self._closing = ""
        return _Step(end - at, FENCE)

    def _in_address(self, text: str, at: int) -> _Step:
        found = ADDRESS_END.search(text, at)
        end = found.start() if found else len(text)
        room = max(0, LONGEST_ADDRESS - self._address)
        self._address = self._address + end - at if not found else 0
        return _Step(end - at, text[at : min(end, at + room)])


def plain(text: str) -> str:
    """A whole text without its markup."""
    taken = Plain()
    return taken.feed(text) + taken.flush()


def _literal(text: str, at: int) -> _Step:
    return _Step(1, text[at])


def _before_begun(text: str, at: int, closing: str) -> int:
    """Where the text ends, or what may become ``closing`` begins."""
    for start in range(max(at, len(text) - len(closing) + 1), len(text)):
        if closing.startswith(text[start:]):
            return start
    return len(text)
