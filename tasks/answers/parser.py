r"""Reads one expression from tokens by precedence climbing; every level of nesting is counted against a bound.

Readings that a person would make: `2\frac12` is two and a half, `\sin 2x` takes `2x`, `1/2x` is half of x,
`\sin^{-1}` is the inverse, `f(x)` applies f while `x(x+1)` multiplies, `e` and `i` are the constants unless a
sum runs over them.
"""

from __future__ import annotations

from tasks.answers.calculus import integral, limit, series
from tasks.answers.cursor import END, Cursor
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
    Symbol,
    add,
    call,
    divide,
    multiply,
    negate,
    power,
    substitute,
)
from tasks.answers.lexer import Token
from tasks.answers.limits import MAX_DEPTH, Unreadable
from tasks.answers.names import letter
from tasks.answers.numbers import number_value
from tasks.answers.numerals import FRACTIONS, number
from tasks.answers.vocabulary import ACCENTS, DOTS, INVERSES, TRIGONOMETRIC

_CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉", "|": "|", "\\{": "\\}"}
_BINOMIALS = {"binom", "dbinom", "tbinom"}
_RADIANS = {"#degree": divide(PI, Number(180))}
_STARTERS = {"(", "[", "{", "|", "⌊", "⌈"}


def parse_expression(tokens: list[Token]) -> Expr:
    """The expression that `tokens` spell; raises `Unreadable` unless every token is used."""
    parser = Parser(tokens)
    result = parser.tex_group()
    if parser.peek() is not END:
        raise Unreadable(f"cannot read on at {parser.peek().text!r}")
    return result


class Parser(Cursor):
    """The grammar of expressions, from the weakest binding down."""

    def sum(self) -> Expr:
        terms = [self.product()]
        while self.at("+", "-", "±", "∓"):
            sign = self.take().text
            term = self.product()
            terms.append(term if sign == "+" else negate(term) if sign == "-" else Call(sign, (term,)))
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
                result = call("mod", (result, self.signed()))
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
        if not self.at("^"):
            return result
        self.take()
        self.deeper()
        result = power(result, self.exponent())
        self.depth -= 1
        return result

    def postfix(self, base: Expr) -> Expr:
        while True:
            if self.at("!"):
                self.take()
                base = call("factorial", (base,))
            elif self.at("'"):
                self.take()
                base = call("prime", (base,))
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
            return divide(left, right) if infix == "over" else call("binomial", (left, right))
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

    def deeper(self) -> None:
        """Count one more level of nesting; the caller takes it off again."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")

    def primary(self) -> Expr:
        self.deeper()
        result = self._primary(self.take())
        self.depth -= 1
        return result

    def _primary(self, token: Token) -> Expr:
        if token.kind == "number":
            return number(self, token.text)
        if token.kind == "letter":
            return letter(self, token.text)
        if token.kind == "function":
            return self.function(token.text)
        if token.kind == "command":
            return self.command(token.text)
        if token.kind == "sign" and token.text in _CLOSING and token.text != "\\{":
            inner = self.group(token.text)
            if token.text == "(" and self.at("_") and isinstance(inner, Number):
                self.take()
                return call(f"base:{inner.value}", (self.argument(),))
            name = {"|": "abs", "⌊": "floor", "⌈": "ceil"}.get(token.text)
            return call(name, (inner,)) if name else inner
        raise Unreadable(f"unexpected {token.text!r}" if token is not END else "the answer breaks off")

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
        if name in FRACTIONS:
            top = self.argument()
            return divide(top, self.argument())
        if name in _BINOMIALS:
            top = self.argument()
            return call("binomial", (top, self.argument()))
        if name == "sqrt":
            return self.root()
        if name in ("sum", "prod"):
            return series(self, "sum" if name == "sum" else "product")
        if name == "int":
            return integral(self)
        if name == "lim":
            return limit(self)
        if name in ("overline", "bar") or name in ACCENTS:
            inner = self.argument()
            return call(name, (inner,)) if isinstance(inner, Symbol) and name in ("bar", "overline", "hat") else inner
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
        return divide(call("ln", arguments), call("ln", (base,)))
    return call(name, arguments)
