"""Words of questions and of tools brought together: stems, and purposes that people name in words of their own."""

import re

_WORD = re.compile(r"[A-Z]?[a-zäöüß]+|[A-Z]+|\d+")
_STOP = set(
    """a an and are as at be by can could do does did for from get give have has how i if in into is it its let make me
    my now of on or our out please so some than that the their them then there these this those to up us use using want
    was we what when where which who will with would you your tell show need like know about should der die das den dem
    ein eine einen ist sind und mir mich für von zu im am auf mit wie was""".split()  # noqa: SIM905 - a list to read
)
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("tion", "t"), ("ed", ""), ("es", "e"), ("s", ""))
_SAME = {
    "calculate": "calculat", "calculator": "calculat", "conversion": "convert", "conver": "convert",
    "convers": "convert", "forecast": "weather", "timezone": "time", "delet": "delete",
}  # fmt: skip


def stems(text):
    """The words of a text or a name that say something, without their endings."""
    return {stem(word.lower()) for word in _WORD.findall(text)} - _STOP


def stem(word):
    """A word without its ending."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 2 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    word = word[:-1] if word.endswith("e") and len(word) > 4 else word
    return _SAME.get(word, word)


def _purpose(pattern, named, told=""):
    return re.compile(pattern), stems(named), stems(told)


PURPOSES = (
    _purpose(r"\bremind me\b|\berinner\w* mich\b|\breminder\b", "remind reminder"),
    _purpose(r"\b(cancel|stop|delete|clear|turn off|lösch\w*|beende)\b.*\b(timer|alarm|reminder|wecker)s?\b", "cancel"),
    _purpose(
        r"\b(which|what|list|how much time|how long|any|do i have|welche)\b.*\b(timer|reminder|alarm)s?\b", "list"
    ),
    _purpose(r"\btimers?\b|\balarm\b|\bcountdown\b|\bwake me\b|\bwecker\b", "timer alarm countdown"),
    _purpose(
        r"\bwhat time\b|\bthe time\b|\bhow late\b|\btime is it\b|\bcurrent time\b|\bwhat (?:is the |is today s )?date\b"
        r"|\bwhat day is\b|\bwie spät\b|\buhrzeit\b|\bwelcher tag\b|\bwelches datum\b",
        "time clock date now datetime",
    ),
    _purpose(
        r"\bhow (?:many|much) .*\b(?:is|are) (?:in|there in)\b|\bconvert\b|\bumrechnen\b|\bin what unit\b|"
        r"\d (?:degrees )?\w+ (?:in|to|into) (?:\w+ )?(?:miles|kilometers|km|meters|feet|inches|pounds|kilograms|"
        r"kilos|kg|grams|ounces|celsius|fahrenheit|kelvin|liters|gallons|cups|meilen|kilometer|zoll|pfund|gramm)\b",
        "convert unit",
        "convert unit",
    ),
    _purpose(
        r"\d\s*(?:\+|-|\*|×|x|/|÷|\^|plus\b|minus\b|times\b|mal\b|divided by\b|multiplied by\b|over\b|percent of\b|"
        r"% of\b|geteilt durch\b|hoch\b|to the power of\b)\s*-?\d|\bsquare root of \d|\bwurzel aus \d|\d squared\b",
        "calculat arithmetic math expression evaluate comput",
        "calculat",
    ),
    _purpose(r"\bweather\b|\brain\w*\b|\bforecast\b|\bumbrella\b|\bsnow\w*\b|\bwetter\b|\bregne\w*\b", "weather"),
    _purpose(r"\b(?:gpu|gpus|graphics card|grafikkarte)\b", "gpu machine metric", "gpu"),
    _purpose(
        r"\b(?:riva|triton|audio2face|prometheus|services?|stack)\b.*\b(?:up|down|running|there|alive|okay|healthy|run)\b|"
        r"^(?:is|are|läuft|laufen) (?:all |the )?(?:riva|triton|audio2face|services?|dienste)\b",
        "service stack health",
    ),
    _purpose(r"\balerts?\b|\balarms? (?:fir|from the monitor)|\bwarnungen\b", "alert"),
    _purpose(
        r"\bhow (?:quick|fast|slow) (?:are|were) you\b|\b(?:your|the) (?:latency|answer times?)\b", "answer latency"
    ),
    _purpose(
        r"^(?:(?:can|could|will) you )?(?:remember|keep in mind|note|merk dir)\b(?! my name\?)",
        "remember memory note keep",
        "remember",
    ),
    _purpose(r"\bforget\b|\bvergiss\b", "forget"),
    _purpose(
        r"\bwhat do you (?:know|remember) (?:about|of) me\b|\bwhat have you (?:kept|remembered)\b", "recall memory"
    ),
    _purpose(r"\b(?:search|google|look up|suche?)\b", "search web lookup"),
)
"""What people say, the words in a tool's name that serve it, and words that all stand in its name or description."""
