"""Letters inside an expression: variables with subscripts, constants, and functions applied to arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.answers.cursor import END
from tasks.answers.expression import EULER, IMAGINARY, Call, Expr, Symbol
from tasks.answers.limits import Unreadable

if TYPE_CHECKING:
    from tasks.answers.parser import Parser


def letter(parser: Parser, name: str) -> Expr:
    symbol = subscripted(parser, name)
    if symbol == name and name in ("e", "i") and name not in parser.bound:
        return EULER if name == "e" else IMAGINARY
    if symbol == name and name == "C" and parser.at("_"):
        raise Unreadable("combination notation")
    while parser.at("'") and _applies(parser, symbol, 1):
        parser.take()
        symbol += "'"
    if name in "fgh" and parser.at("^") and _inverse(parser):
        symbol += "^-1"
    if parser.at("(") and _applies(parser, name, 0):
        return Call(f"apply:{symbol}", parser.arguments())
    return Symbol(symbol)


def _applies(parser: Parser, name: str, offset: int) -> bool:
    """Whether `name(` applies a function: f, g, h always; a capital only to one letter or number."""
    if parser.peek(offset).text != "(" or parser.peek(offset).kind != "sign":
        return False
    if name[0] in "fgh":
        return True
    single = parser.peek(offset + 1).kind in ("letter", "number") and parser.peek(offset + 2).text == ")"
    return single and name[0].isupper() and name[0].isascii()


def _inverse(parser: Parser) -> bool:
    texts = [parser.peek(n).text for n in range(5)]
    if texts[1:4] == ["{", "-", "1"] and texts[4] == "}" and parser.peek(5).text == "(":
        parser.position += 5
        return True
    return False


def subscripted(parser: Parser, name: str) -> str:
    while parser.at("_"):
        parser.take()
        if parser.at("{"):
            parser.take()
            parts = []
            depth = 0
            while depth or not parser.at("}"):
                token = parser.take()
                if token is END:
                    raise Unreadable("subscript never closes")
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                parts.append(token.text)
            parser.take()
            name += "_" + "".join(parts)
        else:
            token = parser.take()
            if token.kind == "sign" or token is END:
                raise Unreadable("empty subscript")
            name += "_" + token.text
    return name
