r"""Reads an answer into a typed value, from the outside in: lists, then relations, then sets, then expressions.

What the grammar does not cover becomes `Words`, which equal only the same words.
"""

from __future__ import annotations

import re

from tasks.answers.clean import clean
from tasks.answers.environments import read_environment
from tasks.answers.expression import DEGREE, Expr, Number, divide, multiply, nodes, split_coefficient
from tasks.answers.lexer import Token, tokenize
from tasks.answers.limits import MAX_ITEMS, Unreadable
from tasks.answers.parser import parse_expression
from tasks.answers.plus_minus import expand_plus_minus
from tasks.answers.special_forms import read_special_form
from tasks.answers.structure import is_sign, is_wrapped, split
from tasks.answers.units import PERCENT, split_unit
from tasks.answers.values import (
    Collection,
    Ordered,
    Quantity,
    Ratio,
    Relation,
    SetBuilder,
    SetExpression,
    Value,
    Words,
)
from tasks.answers.vocabulary import DOTS
from tasks.answers.words import words

EMPTY = Collection((), is_set=True)
RELATION_SIGNS = ("=", "<", ">", "<=", ">=", "!=", "~", "in", "notin", "===", "->", "=>", "<=>", "subset", "perp",
                  "parallel", "propto", "<->")  # fmt: skip
_SET_SIGNS = ("∪", "∩", "\\")
_WHOLE_WORDS = {"yes", "no", "none", "true", "false"}
_BRACES = re.compile(r"(?<=[0-9])\{:\}(?=[0-9])")


def read(text: str) -> Value:
    """The value of an answer; raises `Unreadable` only for an empty or over-long one."""
    cleaned = _BRACES.sub(":", clean(text))
    if not cleaned:
        raise Unreadable("empty")
    special = read_special_form(cleaned, read)
    if special is not None:
        return special
    if cleaned.isalpha() and cleaned.lower() in _WHOLE_WORDS:
        return words(cleaned)
    try:
        return read_tokens(tokenize(cleaned))
    except Unreadable:
        return words(cleaned)


def read_tokens(tokens: list[Token]) -> Value:
    """A whole answer or the inside of a bracket: a list, or one item."""
    tokens = _trim(tokens)
    tokens = _before_condition(tokens)
    if all(t.kind in ("word", "connective") for t in tokens):
        return words(" ".join(t.text for t in tokens))
    for cuts in ((";",), (",",)):
        value = _read_list(tokens, cuts)
        if value is not None:
            return value
    return read_item(tokens)


def _read_list(tokens: list[Token], signs: tuple[str, ...]) -> Value | None:
    """The list that `signs` and the connectives and, or divide `tokens` into; None where there are none."""
    pieces, cuts = split(tokens, lambda t: is_sign(t, signs) or (t.kind == "connective" and t.text in ("and", "or")))
    if not cuts or not any(is_sign(c, signs) or signs == (",",) for c in cuts):
        return None
    pieces = [p for p in (_trim(p) for p in pieces) if p]
    if len(pieces) > MAX_ITEMS:
        raise Unreadable("too many items")
    if len(pieces) == 1:
        return read_tokens(pieces[0])
    read_piece = read_tokens if signs == (";",) else read_item
    items = _share_unit(_share_label(_without_conditions([read_piece(p) for p in pieces])))
    if len(items) == 1:
        return items[0]
    if all(isinstance(i, Relation) and _is_inequality(i) for i in items):
        operator = "∪" if any(c.text == "or" for c in cuts) else "∩" if any(c.text == "and" for c in cuts) else ","
        return SetExpression(operator, tuple(items))
    return collection(items, is_set=False)


def collection(items: list[Value], *, is_set: bool) -> Value:
    """An unordered list; a plus-minus inside an item has already become a collection, which is spliced in."""
    flat: list[Value] = []
    for item in items:
        if isinstance(item, Collection) and not item.is_set:
            flat.extend(item.items)
        else:
            flat.append(item)
    return Collection(tuple(flat), is_set)


def _without_conditions(items: list[Value]) -> list[Value]:
    """Without trailing remarks such as `k ∈ ℤ` or `any integer n`, which say over what a variable runs."""
    while len(items) > 1 and _is_range(items[-1]):
        items = items[:-1]
    return items


def _is_range(item: Value) -> bool:
    if isinstance(item, Relation) and item.signs == ("in",):
        item = item.sides[1]
        return isinstance(item, Words) and item.text.startswith("numbers")
    return isinstance(item, Words) and "integer" in item.text and len(item.text.split()) > 1


def _share_label(items: list[Value]) -> list[Value]:
    """`x = 2, 3` labels both: the label of a first equation is dropped when the others have none."""
    first = items[0]
    if not isinstance(first, Relation) or first.signs != ("=",) or len(items) < 2:
        return items
    if any(isinstance(i, Relation) for i in items[1:]):
        return items
    left = first.sides[0]
    if isinstance(left, Quantity | Ordered) and type(items[1]) is type(first.sides[1]):
        return [first.sides[1], *items[1:]]
    return items


def _share_unit(items: list[Value]) -> list[Value]:
    """`3 and 5 cm` gives both the unit."""
    last = items[-1]
    if not isinstance(last, Quantity) or not last.unit or last.unit == PERCENT:
        return items
    if any(not isinstance(i, Quantity) or i.unit for i in items[:-1]):
        return items
    return [Quantity(i.expr, last.unit) for i in items if isinstance(i, Quantity)]


def _is_inequality(relation: Relation) -> bool:
    return all(s in ("<", "<=", ">", ">=", "!=") for s in relation.signs)


def read_item(tokens: list[Token]) -> Value:
    """One element: a relation, a union, a bracket, a ratio or a quantity."""
    tokens = _trim(tokens)
    if not tokens:
        raise Unreadable("empty item")
    if len(tokens) == 1 and tokens[0].kind == "command" and tokens[0].text in DOTS:
        return Words("…")
    if all(t.kind == "word" for t in tokens):
        return words(" ".join(t.text for t in tokens))
    pieces, cuts = split(tokens, lambda t: is_sign(t, RELATION_SIGNS))
    if cuts:
        return _relation(pieces, [c.text for c in cuts])
    for sign in _SET_SIGNS:
        pieces, cuts = split(tokens, lambda t, sign=sign: is_sign(t, (sign,)))  # type: ignore[misc]
        if cuts:
            return SetExpression(sign, tuple(read_item(p) for p in pieces))
    environment = read_environment(tokens, read_tokens)
    if environment is not None:
        return environment
    if is_wrapped(tokens):
        bracketed = _bracketed(tokens)
        if bracketed is not None:
            return bracketed
    pieces, cuts = split(tokens, lambda t: is_sign(t, (":",)) or (t.kind == "connective" and t.text == "to"))
    if cuts:
        return _ratio(pieces)
    quantity = _quantity(tokens)
    return expand_plus_minus(quantity) if isinstance(quantity, Quantity) else quantity


def _relation(pieces: list[list[Token]], signs: list[str]) -> Value:
    pieces = [_trim(p) for p in pieces]
    if not pieces[0] and signs[0] in ("=", "in", "~"):
        pieces, signs = pieces[1:], signs[1:]
    elif not pieces[-1]:
        raise Unreadable("a relation without its right side")
    if not signs:
        return read_tokens(pieces[0])
    sides = [_side(p, first=index == 0) for index, p in enumerate(pieces)]
    return distribute(Relation(tuple(sides), tuple(signs)))


def distribute(relation: Relation) -> Value:
    """`x = ±2` as the list `x = 2, x = -2`; any other relation unchanged."""
    last = relation.sides[-1]
    if set(relation.signs) == {"="} and isinstance(last, Collection) and not last.is_set:
        return Collection(tuple(Relation((*relation.sides[:-1], i), relation.signs) for i in last.items), is_set=False)
    return relation


def _side(tokens: list[Token], *, first: bool) -> Value:
    """One side of a relation; the left one may be in words (`the area = 5`)."""
    try:
        return read_item(tokens)
    except Unreadable:
        if first and tokens and all(t.kind in ("word", "letter", "connective") for t in tokens):
            return Words(" ".join(t.text for t in tokens).lower())
        raise


def _bracketed(tokens: list[Token]) -> Value | None:
    """A tuple, interval, set or set builder; None for brackets around one expression."""
    opening, closing, inside = tokens[0].text, tokens[-1].text, tokens[1:-1]
    if opening in ("⌊", "⌈"):
        return None
    if opening in ("{", "\\{"):
        return _braced(inside, is_set=opening == "\\{")
    pieces, cuts = split(inside, lambda t: is_sign(t, (";",)))
    if not cuts:
        pieces, cuts = split(inside, lambda t: is_sign(t, (",",)))
    if not cuts:
        if opening == "⟨" or opening + closing not in ("()", "[]"):
            raise Unreadable("a bracket around one element")
        value = read_tokens(inside) if inside else None
        # Round brackets around one thing only group it; square ones around one number are not scored either way.
        return value if isinstance(value, Ordered | Collection | Relation | SetExpression | Words | Ratio) else None
    items = tuple(read_item(p) for p in pieces if opening == "(" or p)
    if len(items) > MAX_ITEMS:
        raise Unreadable("too many items")
    return Ordered(items, opening, closing)


def _braced(inside: list[Token], *, is_set: bool) -> Value | None:
    if not inside:
        return EMPTY
    if not is_set and any(t.kind == "command" and t.text in ("over", "choose") for t in inside):
        return None
    pieces, cuts = split(inside, lambda t: is_sign(t, ("|", ":")))
    if is_set and len(cuts) in (1, 3) and not _is_absolute(pieces, cuts):
        rest = inside[len(pieces[0]) + 1 :]
        return SetBuilder(read_item(pieces[0]), read_tokens(rest))
    value = read_tokens(inside)
    if not is_set and not isinstance(value, Collection):
        return value if not isinstance(value, Quantity) else None  # a TeX group around one expression
    items: list[Value] = list(value.items) if isinstance(value, Collection) else [value]
    return collection(items, is_set=True)


def _is_absolute(pieces: list[list[Token]], cuts: list[Token]) -> bool:
    """Whether the bars belong to `|x|` inside the set rather than dividing it."""
    return not pieces[0] or (len(cuts) == 1 and cuts[0].text == ":" and all(t.kind == "number" for t in pieces[0]))


def _ratio(pieces: list[list[Token]]) -> Value:
    unit = ""
    last = pieces[-1]
    word: list[str] = []
    while last and last[-1].kind == "word":
        word.insert(0, last.pop().text.lower().strip("."))
    if word:
        unit = "".join(word).replace(".", "")
    terms = [q for p in pieces if isinstance(q := _quantity(p), Quantity)]
    if len(terms) < len(pieces):
        raise Unreadable("a ratio of sets")
    is_clock = all(len(p) == 1 and p[0].kind == "number" for p in pieces) and all(
        len(p[0].text) == 2 and p[0].text < "60" for p in pieces[1:]
    )
    if unit and not is_clock:
        terms = [Quantity(t.expr) for t in terms]
    return Ratio(tuple(terms), is_clock and len(pieces) <= 3, unit)


def _quantity(tokens: list[Token]) -> Quantity | Collection:
    body, unit, scale = split_unit(tokens)
    if not body:
        raise Unreadable("words only")
    expr = parse_expression(body)
    if scale != 1:
        expr = multiply((Number(scale), expr))
    if expr.key == "#empty" and not unit:
        return EMPTY
    if unit == PERCENT:
        return Quantity(divide(expr, Number(100)))
    return _degrees(expr) if not unit else Quantity(expr, unit)


def _degrees(expr: Expr) -> Quantity:
    """A degree sign on the whole value is its unit: `45°`, `(2x+10)°`, `30° + x°` stays as it is."""
    if not any(n is DEGREE or n == DEGREE for n in nodes(expr)):
        return Quantity(expr)
    coefficient, rest = split_coefficient(expr)
    if rest == DEGREE:
        return Quantity(Number(coefficient), "degree")
    without = divide(expr, DEGREE)
    if not any(n == DEGREE for n in nodes(without)):
        return Quantity(without, "degree")
    return Quantity(multiply((expr,)))


def _trim(tokens: list[Token]) -> list[Token]:
    """Without separators and connectives at the ends."""
    start, end = 0, len(tokens)
    while start < end and _is_separator(tokens[start]):
        start += 1
    while end > start and _is_separator(tokens[end - 1]):
        end -= 1
    return tokens[start:end]


def _is_separator(token: Token) -> bool:
    if token.kind == "command":
        return token.text in ("quad", "qquad", "therefore", "because")
    return is_sign(token, (",", ";", ".", ":", "?", "&", "\\\\")) or (
        token.kind == "connective" and token.text in ("and", "or", "if", "where")
    )


def _before_condition(tokens: list[Token]) -> list[Token]:
    """`2n, where n is an integer` without its condition; the condition stays where it is all there is."""
    pieces, cuts = split(tokens, lambda t: t.kind == "connective" and t.text in ("if", "where"))
    if not cuts or not _trim(pieces[0]):
        return tokens
    return _trim(pieces[0])
