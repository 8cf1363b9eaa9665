"""Sums, products, integrals and limits inside an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.answers.expression import Expr, Number, Series
from tasks.answers.limits import Unreadable
from tasks.answers.names import subscripted

if TYPE_CHECKING:
    from tasks.answers.parser import Parser


def series(parser: Parser, kind: str) -> Expr:
    parser.expect("_")
    parser.expect("{")
    variable = subscripted(parser, parser.take().text)
    parser.expect("=")
    lower = parser.sum()
    parser.expect("}")
    parser.expect("^")
    upper = parser.exponent()
    parser.bound.add(variable)
    body = parser.product()
    parser.bound.discard(variable)
    return Series(kind, variable, lower, upper, body)


def integral(parser: Parser) -> Expr:
    lower = upper = None
    for _ in range(2):
        if parser.at("_"):
            parser.take()
            lower = parser.argument()
        elif parser.at("^"):
            parser.take()
            upper = parser.exponent()
    end = parser.position
    while not (parser.tokens[end : end + 1] and parser.tokens[end].text == "d" and parser.tokens[end + 1 : end + 2]
               and parser.tokens[end + 1].kind == "letter"):  # fmt: skip
        end += 1
        if end >= len(parser.tokens):
            raise Unreadable("integral without a differential")
    body = _body(parser, end) if end > parser.position else Number(1)
    parser.position = end + 2
    if lower is None or upper is None:
        raise Unreadable("indefinite integral")
    return Series("integral", parser.tokens[end + 1].text, lower, upper, body)


def limit(parser: Parser) -> Expr:
    parser.expect("_")
    parser.expect("{")
    variable = parser.take().text
    parser.expect("->")
    point = parser.sum()
    parser.expect("}")
    return Series("limit", variable, point, point, parser.product())


def _body(parser: Parser, end: int) -> Expr:
    """The integrand: everything up to the differential at `end`."""
    inner = type(parser)(parser.tokens[parser.position : end])
    inner.depth = parser.depth
    body = inner.sum()
    if inner.position < end - parser.position:
        raise Unreadable("cannot read the integrand")
    return body
