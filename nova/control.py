"""Control tokens in what people say: they must never reach the model as control.

A tokenizer reads ``<|im_end|>`` in a user's words as the end of the turn. So these tokens are taken out of every
message, wherever it came from. Each leaves a space, so that removing one cannot form another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHAPES = (
    r"<\|[^|<>]{1,60}\|>",  # ChatML, Llama 3, harmony, Phi, Granite, Cohere, Kimi
    r"<\|[\w/]{1,40}>|<[\w/]{1,40}\|>",  # Gemma 4
    r"<｜[^｜<>]{1,60}｜>",  # DeepSeek
    r"</?s>|<(?:bos|eos|pad|unk|mask|cls|sep)>|<(?:start|end)_of_turn>|<unused\d+>",  # Llama 2, Mistral, Gemma
    r"\[[gs]?MASK\]|<[se]op>",  # GLM
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|THINK|IMG)\]"
    r"|<</?SYS>>|<SPECIAL_\d+>",
    r"(?i:</?(?:tools?|(?:seed:|minimax:)?tool_?(?:calls?|response|result|output)s?|available_tools|function_(?:calls?|results?)"
    r"|think|thought|arg_key|arg_value|invoke|system)>|</?(?:function|parameter)(?:=[^<>]{1,80})?>)",  # round results
)
"""What control tokens of the usual models look like."""

_IN_TEMPLATE = re.compile(r"<<?[^<>\s{}'\"%(),=+]{1,60}>>?|\[/?[A-Z][A-Z_]{1,30}\]")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)

_PASSES = 8
"""Tokens that hold spaces may form again; after so many rounds every bracket is taken out."""


class ControlTokens:
    """The usual control tokens and ``special``, a model's own."""

    def __init__(self, special: Iterable[str] = ()) -> None:
        self.special = tuple(sorted({token for token in special if len(token.strip()) > 2}, key=lambda t: (-len(t), t)))
        self._any = re.compile("|".join([*map(re.escape, self.special), *_SHAPES]))

    def removed_from(self, text: str) -> str:
        """The text without any of them."""
        if not self._any.search(text):
            return text
        for _ in range(_PASSES):
            text, count = self._any.subn(" ", text)
            if not count:
                return text.strip()
        return re.sub(r"[<>\[\]|｜]", " ", text).strip()


def tokens_in(template: str) -> tuple[str, ...]:
    """What looks like a control token in a chat template's own text."""
    return tuple(dict.fromkeys(_IN_TEMPLATE.findall(_COMMENT.sub("", template))))
