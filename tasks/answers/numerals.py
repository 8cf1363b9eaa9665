"""Numbers inside an expression: repeating decimals, digits in another base, mixed numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.answers.expression import Call, Expr, Number, add, divide
from tasks.answers.limits import Unreadable
from tasks.answers.numbers import number_text, number_value, repeating_decimal
from tasks.answers.vocabulary import DOTS

if TYPE_CHECKING:
    from tasks.answers.parser import Parser

FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac", "sfrac"}


def number(parser: Parser, text: str) -> Expr:
    repeating = _repeating(parser, text)
    if repeating is not None:
        return repeating
    if parser.at("_"):
        parser.take()
        base = parser.argument()
        return Call(f"base:{number_text(text)}", (base,))
    value = number_value(text)
    return _mixed(parser, text, value) or value


def _repeating(parser: Parser, text: str) -> Expr | None:
    r"""`0.1\overline{6}`, `0.\dot{6}`, `0.(6)`, with `text` the digits read so far; else None."""
    start = parser.position
    if parser.at("."):
        parser.take()
        text += "."
    token = parser.peek()
    if "." not in text or not (
        (token.kind == "command" and token.text in ("overline", "bar", "dot"))
        or (token.text == "(" and token.kind == "sign" and _is_period(parser))
        or token.text in DOTS
    ):
        parser.position = start
        return None
    parser.take()
    if token.text in DOTS:
        return _continued(text)
    if token.text == "(":
        digits = parser.take().text
        parser.expect(")")
    else:
        digits = _digits(parser)
    if token.text == "dot":  # dots stand over the first and the last digit of the period
        if parser.peek().kind == "number":
            digits += parser.take().text
        if parser.peek().text == "dot" and parser.take():
            digits += _digits(parser)
    return repeating_decimal(text, digits)


def _is_period(parser: Parser) -> bool:
    """Whether the bracket ahead holds digits only and ends the answer: `0.1(6)`."""
    after = parser.peek(3)
    return parser.peek(1).text.isdigit() and parser.peek(2).text == ")" and after.kind in ("end", "word")


def _continued(text: str) -> Expr:
    """`0.1666...`: the shortest period that the digits show, seen twice at least and three digits long in all.

    Raises `Unreadable` where the digits show none (`3.14...`).
    """
    whole, _, digits = text.partition(".")
    for length in range(1, len(digits) // 2 + 1):
        period = digits[-length:]
        seen = 0
        while digits[: len(digits) - seen * length].endswith(period):
            seen += 1
        if seen >= 2 and seen * length >= 3:
            return repeating_decimal(f"{whole}.{digits[: len(digits) - seen * length]}", period)
    raise Unreadable("no period to be seen")


def _digits(parser: Parser) -> str:
    if parser.at("{"):
        parser.take()
        text = parser.take().text
        parser.expect("}")
        return text
    return parser.take().text


def _mixed(parser: Parser, text: str, whole: Expr) -> Expr | None:
    r"""`2\frac12` and `2 1/2` as sums; an improper or symbolic fraction multiplies instead."""
    if not text.isdigit():
        return None
    start = parser.position
    token = parser.peek()
    if token.kind == "command" and token.text in FRACTIONS:
        before = list(parser.tokens)
        parser.take()
        top, bottom = parser.argument(), parser.argument()
        if _is_proper(top, bottom):
            return add((whole, divide(top, bottom)))
        parser.tokens, parser.position = before, start
    elif token.kind == "number" and parser.peek(1).text == "/" and parser.peek(2).kind == "number":
        top, bottom = number_value(token.text), number_value(parser.peek(2).text)
        if not _is_proper(top, bottom):
            raise Unreadable("two numbers side by side")
        parser.position += 3
        return add((whole, divide(top, bottom)))
    return None


def _is_proper(top: Expr, bottom: Expr) -> bool:
    if not isinstance(top, Number) or not isinstance(bottom, Number):
        return False
    return 0 < top.value < bottom.value and top.value.denominator == bottom.value.denominator == 1
