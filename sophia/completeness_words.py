"""The words by which :mod:`sophia.completeness` judges: English and German. Data only, in lower case, without marks."""

from __future__ import annotations

from dataclasses import dataclass


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language's words."""

    trailing: frozenset[str]  # a sentence does not end on these
    stranded: frozenset[str]  # … nor on these, unless it is a question: "what are you waiting for"
    fillers: frozenset[str]
    numbers: frozenset[str]  # a number may go on after these
    openers: frozenset[str]  # a question or request that begins so and has a few words is usually whole
    requests: frozenset[str]  # so is one that begins so, but what it asks for may be dictated
    verbs: frozenset[str]  # a statement that has one of these between two other words is usually whole
    modals: frozenset[str]  # … but with one of these only if it ends on an infinitive
    genitive: frozenset[str]  # after an article and a noun its own noun is to come: "the capital of"
    pronouns: frozenset[str]
    relatives: frozenset[str]  # after these a pronoun and a verb may end a sentence: "where it is"
    subordinate: frozenset[str]  # what begins so has a main clause to come
    whole: frozenset[str]  # whole utterances, joined by blanks
    backchannels: frozenset[str]


ENGLISH = Vocabulary(
    trailing=_set(
        "and or but because if when while although though unless until since whereas "
        "the a an my your his our its their these those any every each even either neither "
        "i'm i'd i'll i've you're we're they're let's what's who's where's that's "
        "than into onto during without against very quite plus minus times divided equals is are was were will would"
    ),
    stranded=_set(
        "to of in on at by for with from about over under between through as like i we he she they am be been can "
        "could should shall may might must that which who whose whom where her this more still not"
    ),
    fillers=_set("um uh uhm umm erm er hmm well like actually basically so"),
    numbers=_set("hundred thousand million twenty thirty forty fifty sixty seventy eighty ninety point dot zero oh"),
    openers=_set(
        "what who where when why how which whose is are was were do does did can could would will should have has "
        "tell give show play stop start go turn open close call set remind say repeat continue please let help move"
    ),
    requests=_set(
        "add book buy bring cancel check convert count delete dim find lock look make mute navigate order pause put "
        "read search send ship skip switch take text translate wake write"
    ),
    verbs=_set(
        "am is are was were isn't aren't wasn't weren't have has had haven't hasn't hadn't do does did don't doesn't "
        "didn't can can't cannot could couldn't will won't would wouldn't shall should shouldn't may might must "
        "i'm you're he's she's it's we're they're that's there's here's i've you've we've they've i'll we'll "
        "got need needs want wants like likes love loves live lives work works know knows feel feels look looks "
        "seem seems get gets take takes took make makes made come comes came go goes went see saw find found lose lost "
        "leave leaves left start starts started run runs ran play plays drive drives wear wears bought paid cost costs "
        "prefer prefers forgot remember keep keeps use uses hope moved booked ordered"
    ),
    modals=frozenset(),
    genitive=_set("of"),
    pronouns=_set("i you he she it we they this that"),
    relatives=_set("than as what who where when why how which whatever wherever"),
    subordinate=_set("if because although though unless until since whereas while once after before"),
    whole=frozenset({"yes", "no", "yeah", "nope", "okay", "ok", "sure", "stop", "wait", "thanks", "thank you", "hello",
                     "yes please", "no thanks",
                     "hi", "hey", "goodbye", "bye", "hello sophia", "hi sophia", "hey sophia", "good morning",
                     "good evening", "of course", "never mind", "go on", "go ahead", "continue", "repeat that",
                     "that's it", "that's all", "how are you", "what's up"}),
    backchannels=frozenset({"mhm", "mm", "mmm", "mm hmm", "mmhmm", "uh huh", "uhuh", "hmm", "hm", "yeah", "yes", "yep",
                            "ok", "okay", "right", "i see", "sure", "oh", "ah", "aha", "wow", "cool", "nice", "great",
                            "got it", "oh really", "really", "true", "exactly", "alright", "all right", "huh"}),
)  # fmt: skip

GERMAN = Vocabulary(
    trailing=_set(
        "und oder aber sondern denn weil dass ob wenn als während obwohl damit bis seit der die den dem des "
        "eine einen einem einer eines mein meine meinen dein deine sein seine ihre unser unsere dieser diese dieses "
        "kein keine jeder jede zu von im am für zwischen durch ohne gegen wie sehr plus minus mal geteilt"
    ),
    stranded=_set(
        "in an auf mit bei nach aus über unter um vor ein das ich wir er sie ihr ist sind war waren bin bist wird "
        "werden würde kann können könnte soll sollte muss müssen will wollen möchte möchten darf hat haben habe hatte "
        "dann"
    ),
    fillers=_set("äh ähm hm hmm also naja tja öhm halt eigentlich"),
    numbers=_set("hundert tausend million komma null und"),
    openers=_set(
        "was wer wo wann warum wieso wie welche welcher welches wohin woher ist sind war kannst können könntest hast "
        "haben willst würdest soll erzähl erzähle sag sage zeig zeige spiel stopp geh mach gib wiederhole hilf"
    ),
    requests=_set(
        "bestell bestelle bring bringe buch buche dreh drehe füge gibt kauf kaufe leg lege lies nenn nenne öffne "
        "reservier reserviere schalte schick schicke schließ schließe schreib schreibe setz setze stell stelle such "
        "suche weck wecke zähl zähle übersetze"
    ),
    verbs=_set(
        "bin bist ist sind seid war waren habe hab hast hat haben hatte hatten wird wurde wurden heiße heißt wohne "
        "wohnt wohnen lebe lebt komme kommt kommen gehe geht gehen ging mache macht machen brauche braucht brauchen "
        "kostet kosten stimmt steht stehe liegt liege fahre fährt fahren nehme nimmt nehmen treffe treffen gibt "
        "arbeite arbeitet spiele spielt liebe mag suche sucht finde findet kenne kennt weiß sehe sieht höre hört "
        "bleibe bleibt läuft"
    ),
    modals=_set("möchte möchten würde würden kann können könnte soll sollte muss müssen will wollen darf dürfen werde"),
    genitive=_set("von"),
    pronouns=_set("ich du er sie es wir ihr das"),
    relatives=_set("als wie was wer wo wann warum dass ob wenn weil"),
    subordinate=_set("wenn weil obwohl falls während bevor nachdem sobald solange seit"),
    whole=frozenset({"ja", "nein", "doch", "okay", "ok", "klar", "stopp", "stop", "halt", "warte", "danke", "hallo",
                     "danke schön", "vielen dank", "tschüss", "auf wiedersehen", "guten morgen", "guten tag",
                     "guten abend", "hallo sophia", "weiter", "mach weiter", "genau", "wie geht's", "wie geht es dir",
                     "nö", "ja bitte", "ja gerne", "nein danke"}),
    backchannels=frozenset({"mhm", "mm", "hm", "hmm", "ja", "ja ja", "jaja", "ok", "okay", "genau", "klar", "stimmt",
                            "aha", "ach so", "achso", "ach", "oh", "ah", "gut", "alles klar", "verstehe", "richtig",
                            "echt", "wirklich", "cool", "super", "na klar"}),
)  # fmt: skip

BEFORE = _set("sophia hey hello yes no yeah yep nope okay ok ja nein doch nö bitte")
"""Words that may stand before the question or the request itself: a name, a greeting, an answer."""


def vocabulary(language: str) -> Vocabulary:
    """That of a language code, ``de-*`` or any other."""
    return GERMAN if language.lower().startswith("de") else ENGLISH
