"""Signs become words or gaps, and numbers stay what they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.spoken import spoken

BOTH = [
    ("The company was founded in 1998[2].", "The company was founded in 1998."),
    ("It was founded in 1998[2] and has 300[3].", "It was founded in 1998 and has 300."),
    ("As of 2023[^1], it is 5.", "As of 2023, it is 5."),
    ("In 1998¹ and 2001², a word.³", "In 1998 and 2001, a word."),
    ("Use C:\\2024\\05 here.", "Use C: 2024 05 here."),
    ("Pick {5}{6}.", "Pick 5 6."),
    ("H₂O and CO₂, x₁, 5₂6", "H2O and CO2, x1, 5 2 6"),
    ("5🎉6 1️⃣2️⃣ 7\u200b8 9\u200d1", "5 6 1 2 7 8 9 1"),
    ("①②", "1 2"),
    ("5|6 7_8 1_000", "5, 6 7 8 1 000"),
    ("a • b", "a, b"),
    ("Settings > Network → Wi-Fi", "Settings, Network, Wi-Fi"),
    ("3:1, v1.2.3, 12:30, $5, 5 €, 50%, 20 °C, 1/2, 1,000, 2024-05-01, 555-1234", None),
    ("5⁄6 16∶9", "5/6 16:9"),
    (".5 percent", ".5 percent"),
    ("| a | b |\n|:-:|--:|\n| 5 | 6 |", "a, b, 5, 6,"),
    ("snake_case and __init__", "snake case and init"),
    ("C++, C#, F#, AT&T, R&D, Node.js, a :8080 port, ;!flag, ./run.sh or ../x", None),
    ("It is (see [1]) so; • it is.", "It is (see 1) so; it is."),
    ("Fine :) or ;-) then", "Fine or then"),
    ("𝗛𝗲𝗹𝗹𝗼 𝟱𝟬 Ａ１ ﬁne ℝ", "Hello 50 A1 fine R"),
    ("a ⊛ b ⋈ c", "a b c"),
    ("می\u200cخواهم", "می\u200cخواهم"),
]
ENGLISH = [
    ("10^6, 2^10, 10^{-3}", "10 to the 6, 2 to the 10, 10 to the minus 3"),
    ("10**3, 10⁶, 10⁻³", "10 to the 3, 10 to the 6, 10 to the minus 3"),
    ("3*10^8 m/s", "3 times 10 to the 8 m/s"),
    ("10<sup>6</sup>", "10 to the 6"),
    ("10²³, 2³, 10⁶–10⁷", "10 to the 23, 2 cubed, 10 to the 6 to 10 to the 7"),
    ("3 > 2 > 1, x > y", "3 is greater than 2 is greater than 1, x is greater than y"),
    ("E = mc², 5 m³", "E equals mc squared, 5 cubic meters"),
    ("0→100 km/h, 5 -> 10, 10% => 20%", "0 to 100 km/h, 5 to 10, 10% to 20%"),
    ("a <5 minute walk, a < 5, a<5", "a less than 5 minute walk, a is less than 5, a is less than 5"),
    ("3<5 and 7>4.", "3 is less than 5 and 7 is greater than 4."),
    ("The latency is <5 ms, >100 in all, <= 9, ≥ 2.", "The latency is less than 5 ms, more than 100 in all, at most 9, "
     "at least 2."),
    ("if x >= 5 and y != 3, a<b", "if x is at least 5 and y is not equal to 3, a is less than b"),
    ("p &lt; 0.05", "p is less than 0.05"),
    ("~5 or ≈ 6, 5±2", "about 5 or about 6, 5 plus or minus 2"),
    ("5−3, −5 °C, 2+2=4", "5 minus 3, minus 5 °C, 2 plus 2 equals 4"),
    ("10–20 people, 2019‒2021, €5–€10, 12:30–13:15", "10 to 20 people, 2019 to 2021, €5 to €10, 12:30 to 13:15"),
    ("½ of it, 3½ cups, ¾, ⅝", "one half of it, 3 and one half cups, three quarters, 5/8"),
    (r"\frac{1}{2}, \frac12, \alpha", "1 over 2, 1 over 2, alpha"),
    (r"$x^2 \times 3$, \(a \leq b\)", "x to the 2 times 3, a is at most b"),
    ("1'000'000 or 1\u202f000", "1,000,000 or 1,000"),
    ("#5, №6, § 7, C#", "number 5, number 6, section 7, C#"),
    ("√16, ∞, 5‰, 2 × 3 ÷ 4 · 5", "the square root of 16, infinity, 5 per mille, 2 times 3 divided by 4 times 5"),
    ("It costs $5 and $6.", "It costs $5 and $6."),
    ("Ca²⁺ and SO₄²⁻, Na⁺", "Ca 2 plus and SO4 2 minus, Na plus"),
    ("5 m², 2 km³, 9.8 m/s²", "5 square meters, 2 cubic kilometers, 9.8 m/s squared"),
    ("3-4 days, 10-20 %, $5-$10, 7pm–9pm", "3 to 4 days, 10 to 20 %, $5 to $10, 7pm to 9pm"),
    ("555-1234, flight 4-17, score 5-3, 20-10 people, 2024-11-29", None),
    ("5 + 3 - 2 = 6 and pages 5 - 7", "5 plus 3 minus 2 equals 6 and pages 5 - 7"),
    ("a*b*c, x**2 + y**2, SELECT * FROM t", "a times b times c, x to the 2 plus y to the 2, SELECT FROM t"),
    (r"$x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$",
     "x equals minus b plus or minus the square root of b to the 2 minus 4ac over 2a"),
    (r"\[ \int_0^1 x dx, \sum_{i=1}^{n} i \]",
     "the integral of, from 0 to 1, x dx, the sum of, from i equals 1 to n, i"),
    (r"$\text{speed} \in \mathbb{R}$", "speed in R"),
    ("x ∈ A ∪ B, ∀x, p ∧ ¬q", "x in A union B, for all x, p and not q"),
    ("1e-5, ▲ 2%, ↓5%", "1 e minus 5, up 2%, down 5%"),
    ("| SSO | ✓ | ✗ |\n✅ done", "SSO, yes, no, done"),
    (".NET and the .env file", "dot NET and the dot env file"),
    ("(a + b)² is that, (in short)² a note", "(a plus b) squared is that, (in short) a note"),
    ("Mon–Fri 9:00 - 17:00, 8 a.m. - 5 p.m., May-July", "Mon to Fri 9:00 to 17:00, 8 a.m. to 5 p.m., May to July"),
    ("rock & roll, a && b || c, x := 5, std::max", "rock and roll, a and b or c, x equals 5, std max"),
    (r"$10\%$ of $\$50$, $n! + 1$, $f'(x)$, $\binom{5}{2}$", "10% of $50, n! plus 1, f'(x), 5 choose 2"),
    (r"$$\begin{aligned} a &= b \\ c &= d \end{aligned}$$", "a equals b, c equals d"),
    ("P(A|B), x+=1, a^2+b^2, the 5^th", "P(A given B), x+ equals 1, a to the 2 plus b to the 2, the 5th"),
    ("1920x1080, 2x4x8, 0x10, 5x", "1920 by 1080, 2 by 4 by 8, 0x10, 5x"),
    ("5′11″ and (_so_)", "5'11\" and (so)"),
    ("He paid $5 a day, $6 at night and $HOME is $x-$y.", "He paid $5 a day, $6 at night and $HOME is $x-$y."),
    ("^_^ and :smile: or $x$ and npm i @vue/cli@5.0.8", "and or x and npm i @vue/cli@5.0.8"),
]  # fmt: skip
GERMAN = [
    ("10^6 und 10⁻³", "10 hoch 6 und 10 hoch minus 3"),
    ("0→100 km/h, 10–20", "0 bis 100 km/h, 10 bis 20"),
    ("3<5, <5 ms, ≥ 2", "3 ist kleiner als 5, weniger als 5 ms, mindestens 2"),
    ("½, 3½, 5 ± 2, ~5", "ein halb, 3 und ein halb, 5 plus minus 2, etwa 5"),
    ("1'000'000, #5, § 7", "1.000.000, Nummer 5, Paragraf 7"),
    (r"\frac{1}{2}", "1 durch 2"),
    ("§§ 1–5, Mo–Fr, Müller & Söhne, R&D", "Paragraf 1 bis 5, Mo bis Fr, Müller und Söhne, R&D"),
    ("Vom 1.–5. Mai", "Vom 1. bis 5. Mai"),
    ("5 m², 3-4 Tage, ▲ 2 %, x ∈ A", "5 Quadratmeter, 3 bis 4 Tage, plus 2 %, x Element von A"),
]
OTHERS = [
    ("2^3 = 8, a@b.es", "2 elevado a 3 es igual a 8, a arroba b punto es", "es-ES"),
    ("<5, 3 × 4, x², 1\u202f000", "moins de 5, 3 fois 4, x au carré, 1 000", "fr-FR"),
    ("½ ± 2, 10–20, 1'000", "un mezzo più o meno 2, 10 a 20, 1.000", "it-IT"),
    ("```x``` 5 → 6 <7, a@b.pl", "5, 6 7, a@b.pl", "pl-PL"),
    ("6 € o <7 €, x < 8, x<9", "6 € o menos de 7 €, x es menor que 8, x es menor que 9", "es-ES"),
    ("−5 °C, 2 + 2, 10–20", "-5 °C, 2 + 2, 10-20", "ja-JP"),
]
CASES = [
    *((written, said, "en-US") for written, said in BOTH + ENGLISH),
    *((written, said, "de-DE") for written, said in BOTH + GERMAN),
    *OTHERS,
]


@pytest.mark.parametrize(("written", "said", "language"), CASES)
def test_signs(written, said, language):
    assert spoken(written, language) == (written if said is None else said)


SIGNS = [
    *"0123456789", *"0123456789", *"^{}|\\/*_~`=+-−–—→←·×÷±≈≤≥≠°%$€£#@!?.,;:'\"()\n\t <>]¶†‡′″«»√∞∑",
    "->", "=>", "<=", ">=", "<->", "**", "~~", "\\times", "\\cdot ", "C:\\", "km", " and ", "x", "🎉", "🇩🇪",
    "\ufe0f\u20e3", "\u200b", "\u200d", "\u2060", "\u00ad", "\u00a0", "\u202f", "\u2009", "’", "§", "<b>", "</p>",
    "<br>", "&amp;", "&lt;",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(SIGNS), max_size=30).map("".join), st.sampled_from(["en-US", "de-DE", "fr-FR", "pl-PL"])
)
def test_numbers_neither_merge_nor_get_lost(written, language):
    written = written.replace("`" * 3, "` ").replace("://", ": /")  # code is announced, an address said by its host
    written = re.sub(r"~{3,}", "~ ", written)
    assert re.findall(r"[0-9]+", spoken(written, language)) == re.findall(r"[0-9]+", written)


@given(
    st.text("0123 a.²³⁰¹⁻ⁿ₀₁½⅝①Ⅷ⁄∶√∞∑∫±≤≥<>^_{}\\$*~`|=+-–→§№‰°\u0301\u200d\ufe0f\u20e3🎉\ud7ff[]()&;#", max_size=20)
)
def test_whatever_comes_is_said_in_one_line(written):
    for language in ("en-US", "de-DE"):
        said = spoken(written, language)
        assert said == " ".join(said.split())
        assert not set(said) & set("*{}<>`^_\\\n\ue000")


@given(st.integers(0, 10**6), st.sampled_from("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉½⅓¼①②Ⅷ❶"), st.integers(0, 10**6))
def test_small_figures_join_no_number(before, sign, after):
    said = re.findall(r"[0-9]+", spoken(f"{before}{sign}{after}"))
    assert (said[0], said[-1]) == (str(before), str(after))


@pytest.mark.parametrize(
    "unit",
    [
        "5<",
        "x^",
        "$x",
        "\\frac{",
        "\\",
        "1'000",
        "²",
        "a²",
        "½",
        "=",
        "->",
        "C:\\",
        "{",
        "1_",
        "$$",
        "5–",
        "5\u200b",
        "5 - ",
        "(a",
        "(²",
        "P(a|",
        "Mon-",
        "3-4 ",
        "\\[",
        "$a ",
        "∫_{",
        "::",
        " & ",
        ":a_",
        "✓|",
        "\\begin{",
        "word",
    ],
)
def test_hostile_input_takes_linear_time(unit):
    """With a pattern of quadratic cost, one of these runs into the suite's time limit."""
    spoken(unit * 20_000)
