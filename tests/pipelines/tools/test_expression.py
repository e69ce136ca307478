"""What is reckoned is right and exact where it can be, and nothing that is asked hangs, grows or fails otherwise."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tools.expression import DEEPEST, LONGEST, MOST_BITS, CannotReckon, evaluate, written


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1+1", "2"),
        ("7 × 23?", "161"),
        ("0.1 + 0.2", "0.3"),
        ("1/3 + 1/3 + 1/3", "1"),
        ("10/3", "about 3.33333333333"),
        ("15% of 80", "12"),
        ("10 percent of 50", "5"),
        ("50 * 20%", "10"),
        ("17 % 5", "2"),
        ("5 mod 3", "2"),
        ("2^10", "1024"),
        ("-2**2", "-4"),
        ("2**3**2", "512"),
        ("√16", "4"),
        ("sqrt(1/4)", "0.5"),
        ("5!", "120"),
        ("1,250 * 3", "3750"),
        ("max(1,2,3)", "3"),
        ("round(2.5)", "3"),
        ("round(-10/3, 2)", "-3.33"),
        ("100 // 7", "14"),
        ("2**64", "18446744073709551616"),
        ("300!", "about 3.06057512216 times 10 to the power of 614"),
        ("(-1)**99999999999", "-1"),
        ("mean(1, 2, 6)", "3"),
        ("π * 2", "about 6.28318530718"),
        ("2 times (3 plus 4)", "14"),
    ],
)
def test_it_reckons(text, result):
    assert written(evaluate(text)) == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9**9**9", "too large"),
        ("9**9**9**9**9", "too large"),
        ("300!!", "factorials"),
        ("round(1/3, 1000000000)", "rounding"),
        ("1e99999", "too large"),
        ("1/0", "divides by zero"),
        ("0**-1", "divides by zero"),
        ("sqrt(0-1)", "no real square root"),
        ("(-8)**0.5", "no real number"),
        ("log(0)", "not defined"),
        ("200 + 10%", "per cent of what"),
        ("(" * 200 + "1" + ")" * 20, "brackets"),
        ("-" * 250 + "1", "signs"),
        ("2**" * 90 + "2", "powers"),
        ("sqrt " * 50 + "2", "functions of functions"),
        ("1 2", "not expected"),
        ("(1", "not closed"),
        ("", "ends too early"),
        ("five", "no number or function"),
        ("__import__('os')", "no part of a calculation"),
        ("1" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_cannot_be_reckoned_is_told_why(text, why):
    with pytest.raises(CannotReckon, match=why):
        evaluate(text)


TOKENS = ["1", "2", "9", "0", "0.5", "1e300", "99999999999", "(", ")", "+", "-", "*", "/", "//", "%", "**", "!", ",",
          "of", "sqrt", "max", "round", "factorial", "exp", "pi", "x", "tan", "floor", " "]  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(TOKENS), max_size=60).map("".join)))
def test_any_text_has_a_bounded_result_or_a_reason(text):
    try:
        value = evaluate(text)
    except CannotReckon:
        return
    if isinstance(value, Fraction):
        assert max(value.numerator.bit_length(), value.denominator.bit_length()) <= 2 * MOST_BITS
    else:
        assert math.isfinite(value)
    assert len(written(value)) < 80


SUMS = st.recursive(
    st.integers(0, 999).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"),
        inner.map(lambda text: f"(-{text})"),
    ),
    max_leaves=8,
)


@given(SUMS.filter(lambda text: len(text) <= LONGEST and text.count("(") < DEEPEST))
def test_whole_numbers_come_to_what_python_makes_of_them(text):
    assert evaluate(text) == eval(text)


@given(st.fractions(max_denominator=50), st.fractions(max_denominator=50))
def test_fractions_are_exact(one, other):
    assert evaluate(f"({one.numerator}/{one.denominator}) - ({other})") == one - other
