"""What markup looks like: tags, links, citations, entities, as patterns. :mod:`sophia.markup` takes them out.

A pattern ``…_BEGUN`` matches what may still become the construct when more of the text is here.
"""

from __future__ import annotations

import re

SPECIAL = re.compile(r"[&<\[\]`~!/【\\]")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
ENTITY_BEGUN = re.compile(r"&(?:#\d{0,7}|#[xX][0-9a-fA-F]{0,6}|[A-Za-z][A-Za-z0-9]{0,30})?\Z")
ATTRIBUTE = (
    r"""(?:[\w:@.\-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+)|(?:async|autoplay|checked|controls|default|defer|disabled"""
    r"""|download|hidden|loop|multiple|muted|open|readonly|required|reversed|selected)(?=[\s/>]))"""
)
"""``name=value``, or one of HTML's flags: other bare words are no attributes, so "a <b and c> d" is no tag."""
TAG = re.compile(rf"""<(/?)([A-Za-z][\w:.\-]{{0,63}})(?:\s+{ATTRIBUTE})*+\s*/?>""", re.IGNORECASE)
TAG_BEGUN = re.compile(
    rf"""</?(?:[A-Za-z][\w:.\-]{{0,63}}(?:\s+{ATTRIBUTE})*+"""
    r"""(?:\s+[\w:@.\-]{1,64}(?:\s*=\s*(?:"[^"]*|'[^']*|[^\s"'<>=`]*)?)?)?\s*/?)?\Z""",
    re.IGNORECASE,
)
SCRIPT = re.compile(r"<(su[bp])>([^<>]{1,40})</\1>", re.IGNORECASE)
SCRIPT_BEGUN = re.compile(r"<su[bp]>[^<>]{0,40}(?:</?s?u?[bp]?)?\Z", re.IGNORECASE)
POWER = re.compile(r"[+\-−]?\d+|[a-z]")
CITATION = re.compile(r"\[(?:\^[\w.\-]*|[ \d,;\-–]*\d[ \d,;\-–]*)\]|【[^【】\n]*】")
CITATION_BEGUN = re.compile(r"\[(?:\^[\w.\-]*|[ \d,;\-–]*)\Z|【[^【】\n]*\Z")
NAME = re.compile(r"[^\W\d]\w*\Z")
INDEXED = re.compile(
    r"\w*[a-z]_\w*|[a-z]+[A-Z]\w*|[A-Za-z]|arg[sv]|arr|array|buf|cols?|dict|dp|idx|list|lst|mat|nums|ptr|str|tmp|vec"
)
"""A program's names: [5] behind one is an index, not a citation."""
LINK = re.compile(r"\[(?!\^)(?:[^\[\]\n]*[^\W_][^\[\]\n]*|!\[[^\[\]\n]*\]\([^()\n]*\))\](?:\(|(?<![\d\s]\])\[)")
LINK_BEGUN = re.compile(r"\[(?:[^\[\]\n]*|!\[[^\[\]\n]*(?:\](?:\([^()\n]*\)?)?)?)\]?\Z")
SOURCE = re.compile(r"\((?:https?://|www\.|[/#])[^()\s]*\)")
CITED = re.compile(rf"\[\[\d{{1,3}}\]\]{SOURCE.pattern}")
CITED_BEGUN = re.compile(r"\[(?:\[(?:\d{1,3}(?:\](?:\](?:\((?:[hw/#][^()\s]*)?)?)?)?)?)?\Z")
SOURCE_BEGUN = re.compile(r"(?:\((?:[hw/#][^()\s]*)?)?\Z")
"""Where a citation's own link leads."""
DEFINITION = re.compile(r"\[[^\[\]\n]+\]:[ \t]*<?(?:https?://|www\.|mailto:)[^\n]*(?:\n|\Z)")
DEFINITION_BEGUN = re.compile(
    r"\[[^\[\]\n]*(?:\](?::[ \t]*(?:<?(?:[hwm]\S{0,6}|(?:https?:/|www\.|mailto:)[^\n]*)?)?)?)?\Z"
)
FOOTNOTE = re.compile(r"\[\^[^\[\]\n]+\]:[ \t]*")
TARGET = re.compile(r"\]\((?:[^()\n]|\([^()\n]*\))*+\)|\]\[[^\[\]\n]*\]")
TARGET_BEGUN = re.compile(r"\](?:\((?:[^()\n]|\([^()\n]*\))*+(?:\([^()\n]*)?|\[[^\[\]\n]*)?\Z")
ADDRESS_END = re.compile(r"[\s<>\[\]()\"'`]")
MAY_CITE = re.compile(r"[\w.,;:!?)\"'”’»°%€$]")

BLOCKS = frozenset(
    """
    address article blockquote br dd div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p paragraph
    pre section sentence table tr ul
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Elements that begin a line."""
CELLS = frozenset({"td", "th", "img", "input", "break"})
DECLARATIONS = {"<!--": "-->", "<!doctype": ">", "<?xml": "?>"}
INLINE = frozenset(
    """
    a abbr audio b bdi bdo big blink button center cite code col data del dfn em emphasis font i ins kbd label map mark
    math meter p phoneme prosody q ruby s samp say-as small span speak strike strong sub sup template thead tbody time
    tt u var video voice wbr
    """.split()  # noqa: SIM905 - as above
)
"""Elements within a line, of HTML and of SSML."""
NO_ELEMENT = re.compile(r"<(?=[^>\s]*[A-Z_.])[\w.\-]+>")
"""A placeholder, a key or a type: <YOUR_NAME>, <Enter>, List<String>, <stdio.h>."""
UNREAD = {"script": "</script", "style": "</style", "svg": "</svg"}
"""Elements whose content is no text, and what ends them."""
