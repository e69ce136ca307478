"""Decides which part of a model's stream may be spoken: not its thoughts, not its tool calls, not its special tokens.

A reasoning model writes ``<think>…</think>`` before it answers; some only write the closing tag, gpt-oss names a
channel for each message (OpenAI's harmony format). A tool call may come as text. A template without stop tokens on the
server lets ``<|im_end|>`` through. The stream may cut all of them anywhere. The filter is pure and gives the same text
however the stream is cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

THOUGHTS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, Nemotron, GLM, Hunyuan …
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # EXAONE
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<thoughts>", "</thoughts>"),
    ("<analysis>", "</analysis>"),
    ("<planning>", "</planning>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<longcat_think>", "</longcat_think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<|channel>thought", "<channel|>"),  # Gemma 4
)
"""Opening and closing tags of what a model says to itself."""

CALLS: tuple[tuple[str, str], ...] = (
    ("<tool_call>", "</tool_call>"),  # Qwen, Hermes, GLM
    ("<tool_calls>", "</tool_calls>"),
    ("<TOOLCALL>", "</TOOLCALL>"),  # Nemotron
    ("<function_call>", "</function_call>"),
    ("<function_calls>", "</function_calls>"),
    ("<functioncall>", "</functioncall>"),
    ("<function=", "</function>"),  # Llama 3.1's own functions
    ("<tool_response>", "</tool_response>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<seed:tool_call>", "</seed:tool_call>"),
    ("<|tool_call_start|>", "<|tool_call_end|>"),  # LFM
    ("<|tools_prefix|>", "<|tools_suffix|>"),  # Apertus
    ("```tool_code", "```"),  # Gemma 3
    ("```tool_call", "```"),
    ("```tool_outputs", "```"),
    ("<|tool_call>", "<tool_call|>"),  # Gemma 4
    ("<|tool_call|>", "<|/tool_call|>"),  # Phi
    ("<|START_ACTION|>", "<|END_ACTION|>"),  # Cohere
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),  # Kimi
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),  # DeepSeek
    ("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),  # DeepSeek V3.2
    ("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"),  # DeepSeek V4
)
"""Opening and closing tags of tool calls that come as text."""

_RESULTS = ("<tool_response>", "```tool_outputs")
"""Of these, those that hold what a tool said: a model that writes one invents it."""

ENDS: tuple[str, ...] = (
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|end_of_text|>", "<|endoftext|>", "<|return|>", "<|call|>",
    "<end_of_turn>", "<turn|>", "<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>", "<SPECIAL_12>", "<|python_tag|>",
    "[TOOL_CALLS]",
)  # fmt: skip
"""Behind these nothing is meant for the ear: the turn has ended, or a tool call follows (Llama, Mistral)."""

TO_THE_END = ("<|python_tag|>", "[TOOL_CALLS]", '{"name"', '{ "name"')
"""Where tools are offered, all the rest of the turn is a tool call from these on."""

TURNS: tuple[str, ...] = (
    "<|im_start|>", "<|start_header_id|>", "<|user|>", "<|start_of_role|>", "<start_of_turn>", "[INST]", "[/INST]",
)  # fmt: skip
"""Behind an answer these begin somebody else's turn, which a model invents where its end was not seen."""

STYLES = ("auto", "none", "opened", "harmony")

_CHANNEL, _START, _MESSAGE, _END = "<|channel|>", "<|start|>", "<|message|>", "<|end|>"
_BARE = ("analysis", "commentary", "final")
"""Channels as they begin a stream, and follow ``assistant``, where the server has left out harmony's special tokens."""

_TOKEN = r"<\|[A-Za-z0-9_]{1,40}\|>"
_TOKEN_BEGUN = re.compile(r"<(?:\|(?:[A-Za-z0-9_]{1,40}\|?)?)?\Z")
_HEADER = 200
"""Characters of a message's header that are kept."""

_TO = "to=functions."
_CALLED = re.compile(r"\bto=functions\.([\w.-]+)")
"""In harmony's header: the tool that the message is for, so that its text is the call's arguments."""


def pair_of(style: str) -> tuple[str, str] | None:
    """The two tags of a style such as ``<a> </a>``, ``None`` for a named one. Raises ``ValueError`` for others."""
    if style in STYLES:
        return None
    tags = style.split()
    if len(tags) != 2 or min(map(len, tags)) < 3:
        raise ValueError(f"must be one of {', '.join(STYLES)}, or an opening and a closing tag with a space between")
    return tags[0], tags[1]


class SpokenText:
    """Streams text without thoughts and tool calls, up to the first of ``stops``.

    ``style`` is one of :data:`STYLES` or a pair of tags. With ``opened`` the answer begins inside a thought, and so it
    does with ``thinking``, when the prompt itself has opened one. With ``harmony`` only the channel ``final`` is
    spoken. With ``none`` there are no thoughts; tool calls and channels are left out all the same.

    With ``tools`` the model may call some. ``called`` collects the text of its calls, tags and all; an answer that
    begins with a brace is one, too, as Llama writes it. Of one that is only begun nothing is spoken either.

    With ``doubt`` nobody knows whether the prompt has opened a thought. So all is held back until the answer shows it,
    or :meth:`flush`, or until ``doubt`` is set to false. ``opened`` is what the answer has shown: true after a closing
    tag for which no tag had opened a thought, false where a tag or a channel begins one, ``None`` before.

    After a stop string has been met, ``stopped`` is true and nothing more comes out. White space before the first
    spoken character and around thoughts is dropped; a thought is never spoken that is known to be one.
    """

    def __init__(
        self,
        stops: Sequence[str] = (),
        *,
        style: str = "auto",
        thinking: bool = False,
        doubt: bool = False,
        tools: bool = False,
    ) -> None:
        pair = pair_of(style)
        thoughts = () if style == "none" else (*THOUGHTS, *([pair] if pair else []))
        self._openings = {opening.lower() for opening, _ in thoughts}
        self._closings = {closing.lower() for _, closing in thoughts}
        self._calls = {opening.lower(): closing for opening, closing in CALLS}
        opens = TO_THE_END if tools else ()
        self._stops = ({stop for stop in stops if stop} | set(ENDS)) - set(opens)
        channels = (_CHANNEL, _START, _MESSAGE, _END)
        bare = tuple(f"assistant{channel}" for channel in _BARE)
        self._text = _marks(
            (*self._stops, *TURNS, *channels, *opens), (*self._openings, *self._closings, *self._calls), tokens=True
        )
        self._thought = _marks((), tuple(closing.lower() for _, closing in (*THOUGHTS, *thoughts)))
        self._silent = _marks((*channels, "<|return|>", "<|call|>"))
        self._to_the_end = _marks(tuple(self._stops))
        self._bare_text, self._bare_silent = self._text.more(bare), self._silent.more(bare)
        self._buffer = ""
        self._header: str | None = None  # of the message that begins, if one does
        self._named = False  # whether that header has named a channel
        self._tool = ""  # which the message that begins is for
        self._hidden: _Marks | None = None  # what is looked for while nothing is spoken
        if style == "opened" or (thinking and style != "none"):
            self._hidden = self._thought
        self._harmony = style == "harmony"
        self._undecided = self._harmony and not thinking  # whether the stream has special tokens
        self._trim = True
        self._tools = tools
        self._call: str | None = None  # the text of the call that is being written
        self.called: list[str] = []
        self._withheld = ""
        self.doubt = doubt
        self.opened: bool | None = None
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that may now be spoken."""
        plain = not (self._buffer or self._hidden or self._trim or self.stopped or self._undecided)
        if not plain or self._text.begins(text):  # else nearly every token of nearly every answer
            self._buffer += text
            text = self._take(final=False)
        return self._withhold(text) if self.doubt or self._withheld else text

    def flush(self) -> str:
        """What is left when the stream has ended: a mark that was only begun is text after all."""
        rest = self._take(final=True)
        self._end_call()
        self.doubt = False
        return self._withhold(rest)

    def _withhold(self, text: str) -> str:
        """What was held back and the text, once there is no doubt."""
        text, self._withheld = self._withheld + text, ""
        if self.doubt:
            text, self._withheld = "", text
        return text

    def _take(self, *, final: bool) -> str:
        out: list[str] = []
        if self._undecided and not self._decide(final):
            return ""
        while not self.stopped:
            if self._trim and not self._hidden:
                self._buffer = self._buffer.lstrip()  # before looking for stops: a blank line here ends nothing
                if self._tools and self._buffer[:1] == "{":
                    self._call, self._hidden = "", self._to_the_end
            marks = self._hidden or self._text
            at, mark = marks.first(self._buffer)
            if mark is None or (not final and marks.growing(self._buffer, at, mark)):
                break
            before, self._buffer = self._buffer[:at], self._buffer[at + len(mark) :]
            out.append(self._before(before))
            self._met(mark)
            if self.doubt and self.opened is not None:
                if self.opened:  # all of it was the thought
                    out, self._withheld, self._trim = [], "", True
                    self.called.clear()
                self.doubt = False
        if self.stopped:
            self._buffer = ""
            return "".join(out)
        marks = self._hidden or self._text
        safe = len(self._buffer) if final else marks.safe(self._buffer)
        rest, self._buffer = self._buffer[:safe], self._buffer[safe:]
        out.append(self._before(rest))
        return "".join(out)

    def _before(self, text: str) -> str:
        """What of the text before a mark is spoken."""
        if self._hidden:
            if self._header is not None:
                self._header = (self._header + text)[:_HEADER]
            if self._call is not None:
                self._call += text
            return ""
        self._trim = self._trim and not text
        return text

    def _met(self, mark: str) -> None:
        """What a mark leads to."""
        low = mark.lower()
        if self.opened is None and self._hidden is None:
            own = low in self._openings or mark == _CHANNEL
            self.opened = True if low in self._closings else False if own else None
        if self._hidden is self._to_the_end:
            self._end_call()
            self.stopped = True
        elif self._hidden and self._hidden not in (self._silent, self._bare_silent):  # its closing tag
            self._end_call(mark)
            self._speak()
        elif mark in (_CHANNEL, _START):
            self._end_call()
            self._harmony, self._hidden = True, self._silent
            if mark == _START or not self._tool:
                found = _CALLED.search(self._header or "") if mark == _CHANNEL else None
                self._tool = found[1] if found else ""
            self._header, self._named = "", mark == _CHANNEL
        elif mark == _MESSAGE:
            words = (self._header or "").split()
            name = words[0] if words else ""
            found = _CALLED.search(self._header or "")
            if self._tools and (tool := found[1] if found else self._tool):
                self._call, self._hidden, self._tool = f"{_TO}{tool}{_MESSAGE}", self._silent, ""
                self._header = None
                return
            final = name == "final" if self._named else name == "assistant"
            self._header = None
            if final and " to=" not in f" {' '.join(words)}":
                self._speak()
            elif self._hidden is None:
                self._hidden = self._silent
        elif mark == _END:
            self._end_call()
            if self._harmony:
                self._hidden = self._silent
            else:
                self.stopped = True  # Phi ends its turns with it
        elif low.startswith("assistant") and low[9:] in _BARE and mark not in self._stops:
            self._hidden = None if low[9:] == "final" else self._bare_silent
            self._trim = True
        elif mark in self._stops:
            self.stopped = True
        elif mark in TURNS:
            self.stopped = not self._trim  # at the very beginning it is the answer's own
        elif low in self._openings:
            self._hidden = self._thought
        elif low in self._calls:
            self._hidden = _marks((), (self._calls[low].lower(),))
            if self._tools and low not in _RESULTS:
                self._call = mark
        elif mark in TO_THE_END:
            self._call, self._hidden = mark, self._to_the_end

    def _end_call(self, closing: str = "") -> None:
        if self._call is not None:
            self.called.append(self._call + closing)
            self._call = None

    def _speak(self) -> None:
        self._hidden, self._trim = None, True

    def _decide(self, final: bool) -> bool:
        """Whether it is known by now how a harmony stream is written; without its tokens it begins with a channel."""
        text = self._buffer.lstrip()
        if not final and any(name.startswith(text) for name in (*_BARE, _TO)):
            return False
        self._undecided = False
        if text.startswith(_TO):  # the header that the prompt has begun goes on
            self._header, self._hidden = "", self._silent
        name = next((name for name in _BARE if text.startswith(name)), None)
        if name:
            self._text, self._silent = self._bare_text, self._bare_silent
            self._buffer = text[len(name) :]
            self._hidden = None if name == "final" else self._bare_silent
        return True


class _Marks:
    """Strings that are looked for: ``exact`` as they are, ``tags`` (in lower case) whatever their case."""

    def __init__(self, exact: tuple[str, ...], tags: tuple[str, ...], *, tokens: bool) -> None:
        self._exact, self._tags, self._tokens = exact, tags, tokens
        known = sorted([(mark, True) for mark in exact] + [(tag, False) for tag in tags], key=lambda m: -len(m[0]))
        patterns = [re.escape(mark) if case else f"(?i:{re.escape(mark)})" for mark, case in known]
        self._any = re.compile("|".join([*patterns, _TOKEN if tokens else "(?!)"]))
        self._longest = max(44 if tokens else 1, *(len(mark) for mark, _ in known))
        first = {mark[0] for mark, _ in known} | {tag[0].upper() for tag in tags}
        self.begins = re.compile(f"[{re.escape(''.join(sorted(first)))}]").search

    def more(self, exact: tuple[str, ...]) -> _Marks:
        """The same marks and others."""
        return _marks((*self._exact, *exact), self._tags, tokens=self._tokens)

    def first(self, text: str) -> tuple[int, str | None]:
        """Position and text of the first mark; the longest wins at a tie."""
        found = self._any.search(text)
        return (found.start(), found[0]) if found else (len(text), None)

    def growing(self, text: str, at: int, mark: str) -> bool:
        """Whether a longer or earlier mark may still be completed by the next piece."""
        begun = range(max(0, len(text) - self._longest + 1), at + 1)
        return any(self._may_be(text[start:], longer=mark if start == at else "") for start in begun)

    def safe(self, text: str) -> int:
        """How much of the text can no longer become part of a mark."""
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            if self._may_be(text[start:]):
                return start
        return len(text)

    def _may_be(self, tail: str, longer: str = "") -> bool:
        low, size = tail.lower(), len(longer)
        if self._tokens and not longer and _TOKEN_BEGUN.match(tail):
            return True
        return any(len(mark) > max(size, len(tail)) and mark.startswith(tail) for mark in self._exact) or any(
            len(tag) > max(size, len(tail)) and tag.startswith(low) for tag in self._tags
        )


@lru_cache(64)
def _marks(exact: tuple[str, ...], tags: tuple[str, ...] = (), *, tokens: bool = False) -> _Marks:
    """Each kind is made once, and not anew for each reply."""
    return _Marks(exact, tags, tokens=tokens)
