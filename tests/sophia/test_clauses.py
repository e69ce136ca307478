"""Where a reply is cut, and where it must not be."""

import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.clauses import LONGEST_FENCE, ClauseSplitter
from sophia.marks import length
from sophia.markup import plain

REPLIES_EN = [
    "Thanks for waiting on the line, I have just found your order right here. It left our main warehouse early this "
    "morning and should arrive at home tomorrow. Is there anything else that I can help you with right now?",
    "Hi! I'm Sophia, and I run entirely on this machine. What would you like to talk about?",
    "It's 3 p.m. in Berlin right now, so the shops are still open.",
    "There are a few ways to do this, e.g. by train or by car. The train takes about 1,000 seconds.",
    "Well... I think that the best thing to do would be to restart the machine and then try again.",
    "Once upon a time there was a small robot who lived in a lighthouse at the edge of the sea. Every evening it lit "
    "the lamp, and every morning it put it out again.",
    "A photon is the smallest possible packet of light that carries electromagnetic energy through empty space.",
    "You can boil an egg in about eight minutes if you like the yolk firm.",
    "I don't know. My clock says it is a quarter past nine, but I can't look out of the window.",
    "Of course. The capital of Australia is Canberra, which surprises many people.",
    "Seventeen times twenty three is three hundred and ninety one.",
    "You just asked me what the weather was like, and I told you that I cannot know.",
    "That depends on how far you want to go, how much time you have, and what you want to see on the way.",
    "Water boils at 100 degrees Celsius at sea level, but on a high mountain it boils earlier.",
]
REPLIES_DE = [
    "Guten Tag! Ich bin Sophia, und ich helfe Ihnen gern.",
    "Das sind ca. 3,5 Mio. Euro, also etwa die Hälfte.",
    "Natürlich kann ich das für Sie ausrechnen und Ihnen danach das Ergebnis vorlesen.",
    "Es ist jetzt halb zehn. Soll ich Sie später an den Termin erinnern?",
    "Wenn Sie möchten, erzähle ich Ihnen eine Geschichte, die auf einem Leuchtturm spielt.",
    "Der schnellste Weg führt über die Brücke, aber schöner ist es am Fluss entlang.",
]


def cut(text, language="en-US"):
    splitter = ClauseSplitter(language)
    return splitter.feed(text) + splitter.flush()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Yes.", ["Yes."]),
        ("Hi! I'm Sophia.", ["Hi!", "I'm Sophia."]),
        ("Thanks for waiting on the line, I have it.", ["Thanks for waiting on the line,", "I have it."]),
        ("Well, yes, I suppose so.", ["Well, yes, I suppose so."]),
        ("The answer is 3.14, roughly speaking.", ["The answer is 3.14,", "roughly speaking."]),
        ("It was on May 3, 2024, in Rome.", ["It was on May 3, 2024,", "in Rome."]),
        ("Exactly 1,000 people came. Nobody left.", ["Exactly 1,000 people came.", "Nobody left."]),
        ("At 12:30 we eat. Then we go home.", ["At 12:30 we eat.", "Then we go home."]),
        ("It is 3 p.m. in Rome. It is late there.", ["It is 3 p.m. in Rome.", "It is late there."]),
        ("Dr. Smith met Mr. J. R. Jones. They spoke.", ["Dr. Smith met Mr. J. R. Jones.", "They spoke."]),
        ("Take fruit, e.g. an apple. Then eat it.", ["Take fruit, e.g. an apple.", "Then eat it."]),
        ("No. That is wrong.", ["No.", "That is wrong."]),
        ("Play track No. 5 again. It is lovely.", ["Play track No. 5 again.", "It is lovely."]),
        ("It is open from 8 a.m. - 5 p.m. on Rt. 66.", ["It is open from 8 a.m. - 5 p.m. on Rt. 66."]),
        ("Read [the docs](https://a.b) now. Then go on.", ["Read the docs now.", "Then go on."]),
        ("The answer is 42. What else is there?", ["The answer is 42.", "What else is there?"]),
        ("So do I. Then we agree on it.", ["So do I.", "Then we agree on it."]),
        ("See https://a.example/b,c?d=e.f for it. Bye now!", ["See https://a.example/b,c?d=e.f for it.", "Bye now!"]),
        ("Write to me@a.example.com. I answer soon.", ["Write to me@a.example.com.", "I answer soon."]),
        ("Go to example.com?q=1 now. It is free.", ["Go to example.com?q=1 now.", "It is free."]),
        ("Well... I am not so sure about it.", ["Well... I am not so sure about it."]),
        ("I am not so sure... Perhaps it is.", ["I am not so sure...", "Perhaps it is."]),
        (
            "It works (e.g. here. And there, too). Good for us.",
            ["It works (e.g. here. And there, too).", "Good for us."],
        ),
        ('She said "I see." Then she left.', ['She said "I see."', "Then she left."]),
        ("**Note the time.** It is late now.", ["**Note the time.**", "It is late now."]),
        ("1. Apples\n2. Pears\n", ["1. Apples", "2. Pears"]),
        ("Three things I know:\n\n- one\n- two", ["Three things I know:", "- one", "- two"]),
        (
            "Sure, here it is:\n```python\nprint('a. b, c!')\n\nx = 1\n```\nRun it like this.",
            ["Sure, here it is:", "```python\nprint('a. b, c!')\n\nx = 1\n```", "Run it like this."],
        ),
        ("Look: ```a. b``` and so on.", ["Look:", "```a. b```", "and so on."]),
        ("", []),
        (" \n \n", []),
        ("...", ["..."]),
    ],
)
def test_english(text, clauses):
    assert cut(text) == clauses


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Am 3. Mai ist es so weit. Ich freue mich.", ["Am 3. Mai ist es so weit.", "Ich freue mich."]),
        ("Im 19. Jahrhundert war das so. Heute nicht.", ["Im 19. Jahrhundert war das so.", "Heute nicht."]),
        ("Das sind z. B. Äpfel. Auch Birnen gehen.", ["Das sind z. B. Äpfel.", "Auch Birnen gehen."]),
        ("Bus Nr. 5 fährt um 14.30 Uhr. Dann nichts mehr.", ["Bus Nr. 5 fährt um 14.30 Uhr.", "Dann nichts mehr."]),
        ("Ca. 3,5 Mio. Euro, also viel Geld.", ["Ca. 3,5 Mio. Euro,", "also viel Geld."]),
        ("Sie wohnt in der Goethestr. 5 in Jena.", ["Sie wohnt in der Goethestr. 5 in Jena."]),
        ("Das war 1999. Seitdem ist viel passiert.", ["Das war 1999.", "Seitdem ist viel passiert."]),
        ("Guten Tag! Ich bin Sophia, und ich helfe.", ["Guten Tag!", "Ich bin Sophia,", "und ich helfe."]),
        ("Das dauert eine ganze Weile und dann geht es.", ["Das dauert eine ganze Weile", "und dann geht es."]),
    ],
)
def test_german(text, clauses):
    assert cut(text, "de-DE") == clauses


@pytest.mark.parametrize(
    ("language", "text", "clauses"),
    [
        (
            "zh-CN",
            "你好！我是索菲亚，很高兴认识你。今天天气很好。",
            ["你好！", "我是索菲亚，", "很高兴认识你。", "今天天气很好。"],
        ),
        ("zh-CN", "他说：「你好。今天很热。」然后他走了。", ["他说：「你好。今天很热。」", "然后他走了。"]),
        ("zh-CN", "他说“你好。今天很热。”然后他走了。", ["他说“你好。今天很热。”", "然后他走了。"]),
        ("zh-CN", "一共１，０００元。那是2023年。", ["一共１，０００元。", "那是2023年。"]),
        (
            "ja-JP",
            "こんにちは。私はソフィアです。何をしましょうか？",
            ["こんにちは。", "私はソフィアです。", "何をしましょうか？"],
        ),
        ("th-TH", "สวัสดีค่ะ ฉันชื่อโซเฟีย ยินดีที่ได้รู้จัก", ["สวัสดีค่ะ ฉันชื่อโซเฟีย", "ยินดีที่ได้รู้จัก"]),
        ("hi-IN", "नमस्ते। मैं सोफिया हूँ। आप कैसे हैं?", ["नमस्ते।", "मैं सोफिया हूँ।", "आप कैसे हैं?"]),
        (
            "ar-SA",
            "مرحبا! كيف يمكنني مساعدتك اليوم؟ الطقس جميل.",
            ["مرحبا!", "كيف يمكنني مساعدتك اليوم؟", "الطقس جميل."],
        ),
        ("ur-PK", "میں صوفیہ ہوں۔ آپ کیسے ہیں؟", ["میں صوفیہ ہوں۔", "آپ کیسے ہیں؟"]),
        ("hy-AM", "Բարեւ։ Ես Սոֆիան եմ։", ["Բարեւ։", "Ես Սոֆիան եմ։"]),
        ("am-ET", "ሰላም። እኔ ሶፊያ ነኝ። እንዴት ነህ፧", ["ሰላም።", "እኔ ሶፊያ ነኝ።", "እንዴት ነህ፧"]),
        ("km-KH", "សួស្តី។ ខ្ញុំឈ្មោះសូហ្វីយ៉ា។", ["សួស្តី។", "ខ្ញុំឈ្មោះសូហ្វីយ៉ា។"]),
        ("my-MM", "မင်္ဂလာပါ။ နေကောင်းလား။", ["မင်္ဂလာပါ။", "နေကောင်းလား။"]),
        ("el-GR", "Τι κάνεις; Είμαι η Σοφία.", ["Τι κάνεις;", "Είμαι η Σοφία."]),
        ("ko-KR", "안녕하세요! 저는 소피아예요. 반가워요.", ["안녕하세요!", "저는 소피아예요.", "반가워요."]),
    ],
)
def test_every_script_ends_its_sentences(language, text, clauses):
    assert cut(text, language) == clauses
    splitter = ClauseSplitter(language)
    after = text.removeprefix(clauses[0])
    assert splitter.feed(clauses[0] + after[:2]) == clauses[:1]  # at once, or with the next word


@pytest.mark.parametrize("letters", ["一二三四五", "あいうえお", "กขคงจ", "ကခဂဃ", "កខគឃ", "ཀཁགང", "가나다라"])
def test_scripts_without_spaces_are_bounded(letters):
    text = letters * 120
    clauses = cut(text)
    assert "".join(clauses) == text
    if letters[0] != "가":  # Korean has spaces between words: this is one word
        assert length(clauses[0]) <= 60
        assert max(map(length, clauses)) <= 200


@pytest.mark.parametrize("whole", ["コンピュータ", "ありがとう", "กำ", "เรา", "नमस्ते", "３１４", "2023", "Python"])
def test_no_syllable_or_number_is_torn(whole):
    text = "一" * 13 + whole + "一" * 40
    for shift in range(12):
        clauses = cut("二" * shift + text)
        torn = whole if whole != "ありがとう" else "と"
        assert sum(clause.count(torn) for clause in clauses) == 1


def test_the_first_clause_of_ordinary_replies_is_short():
    firsts = [cut(text)[0] for text in REPLIES_EN] + [cut(text, "de-DE")[0] for text in REPLIES_DE]
    assert statistics.median(map(len, firsts)) <= 40
    assert max(map(len, firsts)) <= 60


@pytest.mark.parametrize(
    ("delivered", "clause"),
    [
        ("Thanks for waiting on the line,", "Thanks for waiting on the line,"),
        ("Really?", "Really?"),
        ("Of course!", "Of course!"),
        ("Here it is.\n", "Here it is."),
        ("Here it is. ", "Here it is."),
    ],
)
def test_what_is_certain_is_not_waited_for(delivered, clause):
    assert ClauseSplitter().feed(delivered) == [clause]


@pytest.mark.parametrize("delivered", ["It is 3.", "It is 3,", "Go to example.com?", "It costs 5!", "See Dr.", "I am"])
def test_what_is_uncertain_is(delivered):
    assert ClauseSplitter().feed(delivered) == []


def test_long_talk_without_marks_is_cut_between_words_that_part():
    text = "the little robot walked along the shore " * 20
    clauses = cut(text)
    assert len(clauses[0]) <= 60
    assert max(map(len, clauses)) <= 200
    assert " ".join(clauses) == text.strip()


def test_a_sum_is_not_torn_however_long_the_talk():
    clauses = cut("the sum of " + "17 × 23 + 5 million − 12 km and " * 30)
    for clause in clauses:
        assert not re.search(r"(\d|[×+−])$", clause)
        assert not re.match(r"(\d|[×+−]|million|km)", clause)


def test_what_never_ends_is_bounded():
    splitter = ClauseSplitter()
    clauses = splitter.feed("x" * 5000) + splitter.flush()
    assert "".join(clauses) == "x" * 5000
    assert max(map(len, clauses)) <= 401
    splitter = ClauseSplitter()
    clauses = splitter.feed("```" + "code, " * 10_000) + splitter.flush()
    assert max(map(len, clauses)) <= LONGEST_FENCE


def test_a_flushed_splitter_is_new():
    splitter = ClauseSplitter()
    splitter.feed("```code (")
    splitter.flush()
    assert splitter.feed("Thanks for waiting on the line, I") == ["Thanks for waiting on the line,"]


PIECES = (
    "a I the robot walked and but because Dr. e.g. z. B. 3. 3.14 1,000 12:30 p.m. 17 × 23 , ; : . ... … ! ? ?! – - "
    '( ) [ ] " * ** ``` ` \n \n\n https://a.b/c?d,e me@a.b word, word. word! (word 5, 7 No. Mai und'
)
talk = st.lists(
    st.tuples(st.sampled_from(PIECES.split(" ")), st.sampled_from([" ", " ", " ", "", "\n"])), max_size=80
).map(lambda parts: "".join(word + space for word, space in parts))


@given(st.one_of(talk, st.text(max_size=300)), st.lists(st.integers(1, 30)), st.sampled_from(["en-US", "de-DE"]))
def test_deltas_do_not_matter_and_nothing_is_lost(text, sizes, language):
    whole = cut(text, language)
    splitter = ClauseSplitter(language)
    pieced, rest = [], text
    for size in sizes:
        pieced += splitter.feed(rest[:size])
        rest = rest[size:]
    pieced += splitter.feed(rest) + splitter.flush()
    assert pieced == whole
    assert re.sub(r"\s", "", "".join(whole)) == re.sub(r"\s", "", plain(text))
    assert all(clause and clause == clause.strip() for clause in whole)


@given(st.lists(st.sampled_from(["3.14", "1,000", "12:30", "e.g.", "17 × 23", "www.a.b/c,d", "a@b.c", "Dr. No"])))
def test_no_token_is_ever_torn(tokens):
    filler = "we walked along the shore"
    text = " ".join(f"{filler} {token}" for token in tokens)
    clauses = cut(text)
    for token in set(tokens):
        assert sum(clause.count(token) for clause in clauses) == text.count(token)
