r"""Reads one expression from tokens by precedence climbing; every level of nesting is counted against a bound.

Readings that a person would make: `2\frac12` is two and a half, `\sin 2x` takes `2x`, `1/2x` is half of x,
`\sin^{-1}` is the inverse, `f(x)` applies f while `x(x+1)` multiplies, `e` and `i` are the constants unless a
sum runs over them.
"""

from __future__ import annotations

from tasks.answers.expression import (
    DEGREE,
    EULER,
    IMAGINARY,
    INFINITY,
    PI,
    Call,
    Constant,
    Expr,
    Number,
    Series,
    Symbol,
    add,
    divide,
    multiply,
    negate,
    power,
    substitute,
)
from tasks.answers.lexer import Token
from tasks.answers.limits import MAX_DEPTH, Unreadable
from tasks.answers.numbers import number_text, number_value, repeating_decimal
from tasks.answers.vocabulary import ACCENTS, DOTS, INVERSES, TRIGONOMETRIC

_END = Token("end", "")
_CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉", "|": "|", "\\{": "\\}"}
_FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac", "sfrac"}
_BINOMIALS = {"binom", "dbinom", "tbinom"}
_RADIANS = {"#degree": divide(PI, Number(180))}
_STARTERS = {"(", "[", "{", "|", "⌊", "⌈"}


def parse_expression(tokens: list[Token]) -> Expr:
    """The expression that `tokens` spell; raises `Unreadable` unless every token is used."""
    parser = _Parser(tokens)
    result = parser.sum()
    if parser.peek() is not _END:
        raise Unreadable(f"cannot read on at {parser.peek().text!r}")
    return result


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.bars = 0
        self.bound: set[str] = set()

    def peek(self, offset: int = 0) -> Token:
        index = self.position + offset
        return self.tokens[index] if index < len(self.tokens) else _END

    def take(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        token = self.peek()
        return token.kind == "sign" and token.text in texts

    def expect(self, text: str) -> None:
        if not self.at(text):
            raise Unreadable(f"expected {text!r}, found {self.peek().text!r}")
        self.position += 1

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        terms = [self.product()]
        while self.at("+", "-", "±", "∓"):
            sign = self.take().text
            term = self.product()
            terms.append(term if sign == "+" else negate(term) if sign == "-" else Call(sign, (term,)))
        self.depth -= 1
        return add(terms)

    def product(self) -> Expr:
        result = self.signed()
        while True:
            if self.at("*"):
                self.take()
                result = multiply((result, self.signed()))
            elif self.at("/"):
                self.take()
                result = divide(result, self.signed())
            elif self.at("mod"):
                self.take()
                result = Call("mod", (result, self.signed()))
            elif self.starts_factor():
                result = multiply((result, self.powered()))
            else:
                return result

    def signed(self) -> Expr:
        signs = []
        while self.at("+", "-", "±", "∓"):
            signs.append(self.take().text)
            if len(signs) > 8:
                raise Unreadable("too many signs")
        result = self.powered()
        for sign in reversed(signs):
            result = result if sign == "+" else negate(result) if sign == "-" else Call(sign, (result,))
        return result

    def starts_factor(self) -> bool:
        token = self.peek()
        if token.kind == "sign":
            if token.text == "|":
                return self.bars == 0
            return token.text in _STARTERS
        if token.kind == "command":
            return token.text not in {"circ", "degree", "over", "choose", "begin", "end", "quad", "qquad", *DOTS}
        if token.kind == "number":
            previous = self.tokens[self.position - 1 : self.position]
            # Digits side by side are a mistake, except after an exponent: 2^6 3^5.
            return not previous or previous[0].kind != "number" or self.tokens[self.position - 2].text == "^"
        return token.kind in ("letter", "function")

    def powered(self) -> Expr:
        base = self.postfix(self.primary())
        if not self.at("^"):
            return base
        self.take()
        if self.peek().text in ("circ", "degree") or (
            self.at("{") and self.peek(1).text in ("circ", "degree") and self.peek(2).text == "}"
        ):
            self.position += 3 if self.at("{") else 1
            return self.postfix(multiply((base, DEGREE)))
        return self.postfix(power(base, self.exponent()))

    def exponent(self) -> Expr:
        """A group, a signed number, a letter or a command: TeX's one token, but all digits of a plain `x^10`."""
        if self.at("-", "+"):
            sign = self.take().text
            value = self.exponent()
            return negate(value) if sign == "-" else value
        if self.peek().kind == "number":
            return number_value(self.take().text)
        result = self.primary()
        return power(result, self.exponent()) if self.at("^") and self.take() else result

    def postfix(self, base: Expr) -> Expr:
        while True:
            if self.at("!"):
                self.take()
                base = Call("factorial", (base,))
            elif self.at("'"):
                self.take()
                base = Call("prime", (base,))
            elif self.peek().kind == "command" and self.peek().text == "degree":
                self.take()
                base = multiply((base, DEGREE))
            else:
                return base

    def group(self, opening: str) -> Expr:
        """What stands between `opening` (already taken) and its closing sign."""
        bars, self.bars = self.bars, 1 if opening == "|" else 0
        inner = self.tex_group() if opening == "{" else self.sum()
        self.bars = bars
        self.expect(_CLOSING[opening])
        return inner

    def tex_group(self) -> Expr:
        r"""A braced group, with TeX's infix `\over` and `\choose`."""
        left = self.sum()
        if self.peek().kind == "command" and self.peek().text in ("over", "choose"):
            infix = self.take().text
            right = self.sum()
            return divide(left, right) if infix == "over" else Call("binomial", (left, right))
        return left

    def argument(self) -> Expr:
        """The argument of a LaTeX command: a group, or one digit, letter or command."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            self.tokens[self.position : self.position + 1] = [
                Token("number", token.text[0]),
                Token("split", token.text[1:]),
            ]
            self.take()
            self.tokens[self.position] = Token("number", token.text[1:])
            return number_value(token.text[0])
        if token.text == "{" and token.kind == "sign":
            self.take()
            return self.group("{")
        if token.kind == "number":
            return number_value(self.take().text)
        if self.at("-"):
            raise Unreadable("a sign is no argument")
        return self.primary()

    def primary(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        result = self._primary(self.take())
        self.depth -= 1
        return result

    def _primary(self, token: Token) -> Expr:
        if token.kind == "number":
            return self.number(token.text)
        if token.kind == "letter":
            return self.letter(token.text)
        if token.kind == "function":
            return self.function(token.text)
        if token.kind == "command":
            return self.command(token.text)
        if token.kind == "sign" and token.text in _CLOSING and token.text != "\\{":
            inner = self.group(token.text)
            if token.text == "(" and self.at("_") and isinstance(inner, Number):
                self.take()
                return Call(f"base:{inner.value}", (self.argument(),))
            name = {"|": "abs", "⌊": "floor", "⌈": "ceil"}.get(token.text)
            return Call(name, (inner,)) if name else inner
        raise Unreadable(f"unexpected {token.text!r}" if token is not _END else "the answer breaks off")

    def number(self, text: str) -> Expr:
        repeating = self.repeating(text)
        if repeating is not None:
            return repeating
        if self.at("_"):
            self.take()
            base = self.argument()
            return Call(f"base:{number_text(text)}", (base,))
        value = number_value(text)
        return self.mixed(text, value) or value

    def repeating(self, text: str) -> Expr | None:
        r"""`0.1\overline{6}`, `0.\dot{6}`, `0.(6)`, with `text` the digits read so far; else None."""
        start = self.position
        if self.at("."):
            self.take()
            text += "."
        token = self.peek()
        if "." not in text or not (
            (token.kind == "command" and token.text in ("overline", "bar", "dot"))
            or (text.endswith(".") and token.text == "(" and token.kind == "sign")
            or (token.kind == "command" and token.text in DOTS)
        ):
            self.position = start
            return None
        self.take()
        if token.text in DOTS:
            return repeating_decimal(text, text[-1:]) if text[-3:] == text[-1:] * 3 else None
        if token.text == "(":
            digits = self.take().text
            self.expect(")")
        else:
            digits = self.digits()
        if token.text == "dot":  # dots stand over the first and the last digit of the period
            if self.peek().kind == "number":
                digits += self.take().text
            if self.peek().text == "dot" and self.take():
                digits += self.digits()
        return repeating_decimal(text, digits)

    def digits(self) -> str:
        if self.at("{"):
            self.take()
            text = self.take().text
            self.expect("}")
            return text
        return self.take().text

    def mixed(self, text: str, whole: Expr) -> Expr | None:
        r"""`2\frac12` and `2 1/2` as sums; an improper or symbolic fraction multiplies instead."""
        if not text.isdigit():
            return None
        start = self.position
        token = self.peek()
        if token.kind == "command" and token.text in _FRACTIONS:
            before = list(self.tokens)
            self.take()
            top, bottom = self.argument(), self.argument()
            if _is_proper(top, bottom):
                return add((whole, divide(top, bottom)))
            self.tokens, self.position = before, start
        elif token.kind == "number" and self.peek(1).text == "/" and self.peek(2).kind == "number":
            top, bottom = number_value(token.text), number_value(self.peek(2).text)
            if not _is_proper(top, bottom):
                raise Unreadable("two numbers side by side")
            self.position += 3
            return add((whole, divide(top, bottom)))
        return None

    def letter(self, name: str) -> Expr:
        symbol = self.subscripted(name)
        if symbol == name and name in ("e", "i") and name not in self.bound:
            return EULER if name == "e" else IMAGINARY
        if symbol == name and name == "C" and self.at("_"):
            raise Unreadable("combination notation")
        while self.at("'") and self._applies(symbol, 1):
            self.take()
            symbol += "'"
        if name in "fgh" and self.at("^") and self._inverse():
            symbol += "^-1"
        if self.at("(") and self._applies(name, 0):
            return Call(f"apply:{symbol}", self.arguments())
        return Symbol(symbol)

    def _applies(self, name: str, offset: int) -> bool:
        """Whether `name(` applies a function: f, g, h always; a capital only to one letter or number."""
        if self.peek(offset).text != "(" or self.peek(offset).kind != "sign":
            return False
        if name[0] in "fgh":
            return True
        single = self.peek(offset + 1).kind in ("letter", "number") and self.peek(offset + 2).text == ")"
        return single and name[0].isupper() and name[0].isascii()

    def _inverse(self) -> bool:
        texts = [self.peek(n).text for n in range(5)]
        if texts[1:4] == ["{", "-", "1"] and texts[4] == "}" and self.peek(5).text == "(":
            self.position += 5
            return True
        return False

    def subscripted(self, name: str) -> str:
        while self.at("_"):
            self.take()
            if self.at("{"):
                self.take()
                parts = []
                depth = 0
                while depth or not self.at("}"):
                    token = self.take()
                    if token is _END:
                        raise Unreadable("subscript never closes")
                    depth += {"{": 1, "}": -1}.get(token.text, 0)
                    parts.append(token.text)
                self.take()
                name += "_" + "".join(parts)
            else:
                token = self.take()
                if token.kind == "sign" or token is _END:
                    raise Unreadable("empty subscript")
                name += "_" + token.text
        return name

    def arguments(self) -> tuple[Expr, ...]:
        opening = self.take().text
        bars, self.bars = self.bars, 0
        values = [self.sum()]
        while self.at(",", ";"):
            self.take()
            values.append(self.sum())
        self.bars = bars
        self.expect(_CLOSING[opening])
        return tuple(values)

    def function(self, name: str) -> Expr:
        base = exponent = None
        for _ in range(2):
            if self.at("_") and base is None:
                self.take()
                base = self.argument()
            elif self.at("^") and exponent is None:
                self.take()
                exponent = self.exponent()
        if exponent == Number(-1) and name in INVERSES:
            name, exponent = INVERSES[name], None
        if self.at("(") or (self.at("\\{", "[") and name in ("max", "min", "gcd", "lcm")):
            arguments = self.arguments()
        elif self.at("{"):
            self.take()
            arguments = (self.group("{"),)
        else:
            arguments = (self.juxtaposed(),)
        result = _apply(name, base, arguments)
        return result if exponent is None else power(result, exponent)

    def juxtaposed(self) -> Expr:
        r"""The argument of a function written without brackets: factors up to the next sign, function or bracket."""
        if self.at("-"):
            self.take()
            return negate(self.powered())
        factors = [self.powered()]
        while self.starts_factor() and self.peek().kind != "function" and not self.at("(", "[", "|"):
            factors.append(self.powered())
        return multiply(factors)

    def command(self, name: str) -> Expr:
        if name in _FRACTIONS:
            top = self.argument()
            return divide(top, self.argument())
        if name in _BINOMIALS:
            top = self.argument()
            return Call("binomial", (top, self.argument()))
        if name == "sqrt":
            return self.root()
        if name in ("sum", "prod"):
            return self.series("sum" if name == "sum" else "product")
        if name == "int":
            return self.integral()
        if name == "lim":
            return self.limit()
        if name in ("overline", "bar") or name in ACCENTS:
            inner = self.argument()
            return Call(name, (inner,)) if isinstance(inner, Symbol) and name in ("bar", "overline", "hat") else inner
        constants = {"pi": PI, "infty": INFINITY, "infin": INFINITY, "imath": IMAGINARY}
        if name in constants:
            return constants[name]
        if name in ("emptyset", "varnothing"):
            return Constant("empty")
        if name in ("angle", "triangle", "square", "partial", "nabla"):
            return Symbol(name)
        raise Unreadable(f"unexpected \\{name}")

    def root(self) -> Expr:
        degree: Expr = Number(2)
        if self.at("["):
            self.take()
            degree = self.sum()
            self.expect("]")
        inner = self.arguments()[0] if self.at("(") else self.argument()
        return power(inner, divide(Number(1), degree))

    def series(self, kind: str) -> Expr:
        self.expect("_")
        self.expect("{")
        variable = self.subscripted(self.take().text)
        self.expect("=")
        lower = self.sum()
        self.expect("}")
        self.expect("^")
        upper = self.exponent()
        self.bound.add(variable)
        body = self.product()
        self.bound.discard(variable)
        return Series(kind, variable, lower, upper, body)

    def integral(self) -> Expr:
        lower = upper = None
        for _ in range(2):
            if self.at("_"):
                self.take()
                lower = self.argument()
            elif self.at("^"):
                self.take()
                upper = self.exponent()
        end = self.position
        while not (self.tokens[end : end + 1] and self.tokens[end].text == "d" and self.tokens[end + 1 : end + 2]
                   and self.tokens[end + 1].kind == "letter"):  # fmt: skip
            end += 1
            if end >= len(self.tokens):
                raise Unreadable("integral without a differential")
        body = parse_expression(self.tokens[self.position : end]) if end > self.position else Number(1)
        self.position = end + 2
        if lower is None or upper is None:
            raise Unreadable("indefinite integral")
        return Series("integral", self.tokens[end + 1].text, lower, upper, body)

    def limit(self) -> Expr:
        self.expect("_")
        self.expect("{")
        variable = self.take().text
        self.expect("->")
        point = self.sum()
        self.expect("}")
        return Series("limit", variable, point, point, self.product())


def _is_proper(top: Expr, bottom: Expr) -> bool:
    if not isinstance(top, Number) or not isinstance(bottom, Number):
        return False
    return 0 < top.value < bottom.value and top.value.denominator == bottom.value.denominator == 1


def _apply(name: str, base: Expr | None, arguments: tuple[Expr, ...]) -> Expr:
    """A named function in normal form: `exp` and `log_b` become powers and quotients of `ln`."""
    if name in TRIGONOMETRIC:
        arguments = tuple(substitute(a, _RADIANS) for a in arguments)
    if name in ("exp", "ln", "log", "lg") and len(arguments) != 1:
        raise Unreadable(f"{name} takes one argument")
    if name == "exp":
        return power(EULER, arguments[0])
    if name == "lg":
        base = Number(10)
    if name in ("log", "lg", "ln") and base is not None:
        return divide(Call("ln", arguments), Call("ln", (base,)))
    return Call(name, arguments)
