"""Text to token-sized pieces, the way a language model's tokenizer would roughly cut it."""

import re

_TOKEN = re.compile(r"\s?</?tool_call>|\s?[{}\[\]\":,]{2,4}|\s?\w{1,5}|\s?[^\w\s]|\s")


def tokens(text):
    """Pieces of at most six characters that join to the text again; the tag of a call is one."""
    return _TOKEN.findall(text)


def cut_at(text, stops):
    """The text up to the first of the stop strings."""
    ends = [at for at in (text.find(stop) for stop in stops if stop) if at >= 0]
    return text[: min(ends)] if ends else text
