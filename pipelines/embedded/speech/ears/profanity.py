"""Words that the embedded recogniser must not write.

pocketsphinx' general vocabulary holds slurs and swear words and finds them in garbled sound. They are removed from the
language model when it is built, and masked in transcripts when a client sets ``profanity_filter``. The list is kept in
ROT13 so that nobody has to read it.
"""

from __future__ import annotations

import codecs

from pipelines.embedded.speech.languages import ENGLISH, GERMAN

_ROT13 = """
nefr nefrubyr nff nffrf nffubyr nffubyrf onfgneq onfgneqf ovgpu ovgpurf ovgpul ovgpuva' obaxva' ohttre ohyyfuvg pbpx
pbpxf pbpxfhpxre pbpxfhpxref phag phagf qnza qnzarq tbqqnza tbqqnzarq qvpx qvpxf qvpxurnq qlxr qlxrf snt snttbg
snttbgf sntf shpx shpxrq shpxre shpxref shpxva shpxva' shpxvat shpxf zbgureshpxre zbgureshpxref zbgureshpxvat tbbx
tbbxf ubzb ubzbf wnc wncf xvxr xvxrf antt avttn avttnf avttnu avttre avttref cvff cvffrq cvffvat cuhpx cevpx cevpxf
chffvrf chffl enturnq enturnqf enpurgr ergneq ergneqf fuvg fuvgf fuvggl fuvggvat fyhg fyhgf fyhggl fcvp fcvpf fcvx
gvgf gvggvrf genaal genaavrf genaar gjng jnax jnaxre jnaxref jrgonpx jrgonpxf jubre juber juberf jbc jbcf puvax puvaxf
pbba pbbaf cnxv cnxvf qntb qntbf fcrnepuhpxre obare obaref encr encrq encrf encvat encvfg encvfgf cbea cbeab
"""

WORDS: frozenset[str] = frozenset(codecs.decode(_ROT13, "rot13").split())
"""The words themselves, lower case, in English."""

_GERMAN = """
nefpu nefpurf nefputrvtr nefputrfvpug nefpuybpu nefpuyöpure onfgneq onfgneqr ovgpu ohzfra qerpxfnpx qerpxfnh svpx
svpxr svpxra svpxre svpxfg svpxg sbgmr sbgmra serffr shpx shpxvat trsvpxg uher uhera uherafbua uheraföuar
xnpxoengjhefg xnpxr xnanxr xnanxra zvfftroheg zvfgfgüpx zhfpuv zöfr zöfra artre artrea avttre ahggr ahggra craare
cvzzry cvffr cvffra cvffre cbeab cbeabf ebgmyössry fpurvffr fpurvß fpurvßqerpx fpurvßr fpurvßxrey fpuynzcr fpuynzcra
fpujnamyhgfpure fpujhpugry fpujhpugrya fuvg fcnfg fcnfgra fcnfgv gvggra ghagr ghagra iresvpxg iresvpxgr iresvpxgre
iresvpxgrf iretrjnygvtra iretrjnygvtg iretrjnygvthat irecvff jvpufr jvpufra jvpufre jvkre mvtrhare
"""
_BY_LANGUAGE = {ENGLISH: WORDS, GERMAN: frozenset(codecs.decode(_GERMAN, "rot13").split())}


def masked(word: str, language: str = ENGLISH) -> str:
    """The word with all but its first letter hidden if it is profane in ``language``, otherwise unchanged."""
    bare = word.strip(".,?!").lower().removesuffix("'s")
    return word if bare not in _BY_LANGUAGE[language] else word[0] + "*" * (len(bare) - 1) + word[len(bare) :]
