"""The conventions of docs/answers.md, each with pairs that it makes equal and pairs that it keeps apart."""

from __future__ import annotations

import pytest

from tasks.answers import same_answer

EQUAL = {
    "mathematical equality decides": [
        (r"2^{10}", "1024"),
        (r"\sqrt{12}", r"2\sqrt3"),
        (r"x^2-4", "(x-2)(x+2)"),
        (r"0.\overline{3}", "1/3"),
        (r"2\frac12", "2.5"),
        (r"\tan^2 y+1", r"\sec^2 y"),
        (r"\sqrt2+\sqrt3", r"\sqrt{5+2\sqrt6}"),
    ],
    "a percentage is a hundredth": [(r"50\%", "0.5"), ("1/2", "50 percent")],
    "a unit may be missing": [(r"10\text{ cm}", "10"), ("10", r"\$10"), (r"45^\circ", "45"), ("3", "3 apples")],
    "a unit has many spellings": [("36 square inches", r"36 \text{ in}^2"), ("60 mph", r"60\text{ miles per hour}")],
    "a label may be missing": [("x=5", "5"), ("f(x)=x^2", "x^2"), ("y=2x+3", "f(x)=2x+3"), (r"\angle ABC=60", "60")],
    "equations agree up to a factor": [("4x-5y=-50", r"y=\frac45x+10"), ("x+y=1", "1=y+x")],
    "inequalities are sets": [("x>2", r"(2,\infty)"), ("|x|>8", r"(-\infty,-8)\cup(8,\infty)"), ("x<1", "-x>-1")],
    "set builders are sets": [(r"\{x\mid -2\le x<1\}", "[-2,1)"), (r"x\ne 3", r"(-\infty,3)\cup(3,\infty)")],
    "the order of a list does not count": [("1,2", r"\{2,1\}"), (r"1\pm\sqrt2", r"1-\sqrt2\text{ and }1+\sqrt2")],
    "solutions may be named": [("(p,q)=(3,2)", "(3,2)"), ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"), ("x=1,y=2", "(1,2)")],
    "matrices have many environments": [
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]"),
        (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", "-2"),
    ],
    "words ignore case and type": [("Yes", r"\text{yes}"), ("Evelyn", "EVELYN"), ("two", "2"), ("(A)", r"\text{A}.")],
    "wrappers do not count": [
        (r"\frac12", r"$\boxed{\dfrac{1}{2}}$."),
        ("12", "１２"),
        ("-3", "−3"),
        ("14{,}916", "14,916"),
        ("1/2", "{1 \\over 2}"),
        ("5", "**5**"),
    ],
    "branches may come in any order": [
        (
            r"\begin{cases} x & x>0\\ -x & x\le 0\end{cases}",
            r"\begin{cases} -x,& x\le 0\\ x,&\text{if } x>0\end{cases}",
        ),
    ],
    "ratios are proportions": [("2:3", "4:6"), ("V_1:V_2=11:21", "11:21")],
    "sums, integrals and limits are worked out": [
        (r"\sum_{k=1}^{\infty}\frac1{k^2}", r"\frac{\pi^2}6"),
        (r"\int_0^1 x^2\,dx", "1/3"),
        (r"\lim_{x\to0}\frac{\sin x}{x}", "1"),
        (r"\sum_{k=1}^{n}k", r"\frac{n(n+1)}2"),
    ],
}
DIFFERENT = {
    "an exact reference needs an exact answer": [
        ("1/3", "0.3333"),
        (r"\sqrt2", "1.414"),
        (r"\pi", "3.14"),
        ("40000", "40001"),
        (r"\frac23", "0.66666"),
    ],
    "fifty is not fifty per cent": [("0.5", "50"), ("50", r"\frac12")],
    "another unit is another answer": [("10 cm", "10 km"), ("2 hours", "2 minutes")],
    "a statement is not its right side": [("x+y=1", "1"), ("7=11a+c", "11a+c"), ("E(X)=2", "E(X)=3"), ("x=5", "y=5")],
    "brackets count": [("[1,2]", "(1,2)"), ("(1,2,3)", "[1,2,3]"), ("(3,-4)", r"\{3,-4\}"), ("[0,1)", "[0,1]")],
    "order counts in tuples": [("(1,2)", "(2,1)"), (r"f(2)<f(1)<f(4)", "f(2)<f(4)<f(1)")],
    "every element counts": [("1,2,3", "1,2"), (r"1\pm\sqrt2", r"1+\sqrt2"), (r"\{0\}", r"\emptyset")],
    "a base counts": [("204_5", "204_6"), ("204_5", "205_5")],
    "the letters of words count": [("odd", "oddd"), ("Yes", "No"), (r"\text{infinitely many}", "finitely many")],
    "an undefined answer equals nothing": [("0", r"\frac10"), ("5", "nan"), ("5", "?"), ("5", "")],
    "a time is not a number": [("3:30", "3.5"), ("3:30", "3:03"), ("3:30 am", "3:30 pm")],
    "huge numbers that differ by one differ": [(r"10^{10^{10}}", r"10^{10^{10}}+1"), ("2^{200}", "2^{200}+1")],
}


def _pairs(table: dict[str, list[tuple[str, str]]]) -> list[object]:
    return [pytest.param(a, b, id=f"{rule}: {a} | {b}") for rule, pairs in table.items() for a, b in pairs]


@pytest.mark.parametrize(("reference", "predicted"), _pairs(EQUAL))
def test_the_convention_makes_these_the_same(reference: str, predicted: str) -> None:
    assert same_answer(reference, predicted)


@pytest.mark.parametrize(("reference", "predicted"), _pairs(EQUAL))
def test_equality_holds_in_the_other_order_too(reference: str, predicted: str) -> None:
    assert same_answer(predicted, reference)


@pytest.mark.parametrize(("reference", "predicted"), _pairs(DIFFERENT))
def test_the_convention_keeps_these_apart(reference: str, predicted: str) -> None:
    assert not same_answer(reference, predicted)
