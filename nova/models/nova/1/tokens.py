"""Text to token-sized pieces, the way a language model's tokenizer would roughly cut it."""

import re

_TOKEN = re.compile(r"\s?<tool_call>.*?</tool_call>|\s?\w{1,5}|\s?[^\w\s]|\s", re.DOTALL)


def tokens(text):
    """Pieces of at most six characters that join to the text again.

    A whole call is one: the pace of speech is no reason to have anybody wait for markup that nobody hears.
    """
    return _TOKEN.findall(text)


def cut_at(text, stops):
    """The text up to the first of the stop strings."""
    ends = [at for at in (text.find(stop) for stop in stops if stop) if at >= 0]
    return text[: min(ends)] if ends else text
