r"""LaTeX environments: matrices (with sums and products of them) and `cases`."""

from __future__ import annotations

from collections.abc import Callable

from tasks.answers.expression import Number, add, multiply
from tasks.answers.lexer import Token
from tasks.answers.limits import MAX_ITEMS, Unreadable
from tasks.answers.parser import parse_expression
from tasks.answers.structure import is_sign, is_wrapped, split
from tasks.answers.values import Collection, Matrix, Piecewise, Quantity, Value

_MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "vmatrix", "Vmatrix", "tabular"}
_CASES = {"cases", "dcases", "rcases"}
_LINES = {"aligned", "align", "align*", "gathered", "split", "equation", "equation*", "gather", "gather*"}
_DETERMINANT = "vmatrix"
MAX_DETERMINANT = 4
"""Largest determinant that is expanded (by minors, 24 products)."""

ReadTokens = Callable[[list[Token]], Value]


def read_environment(tokens: list[Token], read: ReadTokens) -> Value | None:
    r"""The value of tokens with a `\begin ... \end` outside brackets, else None; `read` reads one entry."""
    if not any(t.kind == "command" and t.text == "begin" for t in tokens):
        return None
    tokens = _unwrap(tokens)
    name, body, rest = _environment(tokens)
    if name in _CASES and not rest:
        return _piecewise(body, read)
    if name in _LINES and not rest:
        rows = [c for row in _rows(body) if (c := [t for cell in row for t in cell])]
        return read(rows[0]) if len(rows) == 1 else Collection(tuple(read(r) for r in rows), is_set=False)
    return _matrix_sum(tokens, read)


def _unwrap(tokens: list[Token]) -> list[Token]:
    """Without the brackets that LaTeX users draw around an array."""
    while is_wrapped(tokens) and tokens[0].text in ("(", "[", "{"):
        tokens = tokens[1:-1]
    if len(tokens) > 2 and tokens[0].text == tokens[-1].text == "|":
        return tokens
    return tokens


def _environment(tokens: list[Token]) -> tuple[str, list[Token], list[Token]]:
    r"""(name, body, what follows) of tokens that start with `\begin{name}`; no name where they do not."""
    if not tokens or tokens[0].kind != "command" or tokens[0].text != "begin":
        return "", [], tokens
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind == "command" and token.text == "begin":
            depth += 1
        elif token.kind == "command" and token.text == "end":
            depth -= 1
            if depth == 0:
                name, start = _name(tokens, 1)
                _, after = _name(tokens, index + 1)
                return name, tokens[start:index], tokens[after:]
    raise Unreadable("environment never ends")


def _name(tokens: list[Token], start: int) -> tuple[str, int]:
    """The environment's name in braces at `start`, and the position after it."""
    end = start
    while end < len(tokens) and tokens[end].text != "}":
        end += 1
    name = "".join(t.text for t in tokens[start + 1 : end])
    end += 1
    if name == "array" and end < len(tokens) and tokens[end].text == "{":
        while end < len(tokens) and tokens[end].text != "}":
            end += 1
        end += 1
    return name, end


def _rows(body: list[Token]) -> list[list[list[Token]]]:
    """Rows of cells."""
    body = [t for t in body if not (t.kind == "command" and t.text == "hline")]
    lines, _ = split(body, lambda t: is_sign(t, ("\\\\",)))
    rows = [split(line, lambda t: is_sign(t, ("&",)))[0] for line in lines if line]
    if sum(len(r) for r in rows) > MAX_ITEMS:
        raise Unreadable("too many entries")
    return rows


def _piecewise(body: list[Token], read: ReadTokens) -> Value:
    branches: list[tuple[Value, Value | None]] = []
    for cells in _rows(body):
        if len(cells) == 1:
            cells = _split_condition(cells[0])
        condition = _condition(cells[1]) if len(cells) > 1 else []
        value = cells[0]
        while value and is_sign(value[-1], (",", ";", ".")):
            value = value[:-1]
        branches.append((read(value), read(condition) if condition else None))
    if all(condition is None for _, condition in branches):
        return Collection(tuple(v for v, _ in branches), is_set=False)  # a system of equations
    return Piecewise(tuple(branches))


def _split_condition(tokens: list[Token]) -> list[list[Token]]:
    """A branch written without `&`: cut at `if` or at the first comma."""
    for cut in (lambda t: t.kind == "connective" and t.text == "if", lambda t: is_sign(t, (",",))):
        pieces, cuts = split(tokens, cut)
        if cuts and pieces[0]:
            return [pieces[0], tokens[len(pieces[0]) + 1 :]]
    return [tokens]


def _condition(tokens: list[Token]) -> list[Token]:
    """Without `if`, `for`, `otherwise` and punctuation around it."""
    kept = [t for t in tokens if not (t.kind == "connective" and t.text in ("if", "otherwise", "where"))]
    while kept and is_sign(kept[-1], (",", ";", ".")):
        kept.pop()
    while kept and is_sign(kept[0], (",", ";", ":")):
        kept.pop(0)
    return kept


def _matrix_sum(tokens: list[Token], read: ReadTokens) -> Value:
    pieces, signs = split(tokens, lambda t: is_sign(t, ("+", "-")))
    if not pieces[0]:
        pieces = pieces[1:]
    else:
        signs = [Token("sign", "+"), *signs]
    total: Matrix | Quantity | None = None
    for piece, sign in zip(pieces, signs, strict=True):
        value = _matrix_product(piece, read)
        if sign.text == "-":
            value = _times(Quantity(Number(-1)), value)
        total = value if total is None else _plus(total, value)
    if total is None:
        raise Unreadable("no matrix")
    return total


def _matrix_product(tokens: list[Token], read: ReadTokens) -> Matrix | Quantity:
    """A product of scalars and matrices written side by side."""
    result: Matrix | Quantity | None = None
    while tokens:
        if is_sign(tokens[0], ("*",)):
            tokens = tokens[1:]
            continue
        begin = next((i for i in range(len(tokens)) if _starts_matrix(tokens, i)), len(tokens))
        factor: Matrix | Quantity
        if begin:
            scalar, tokens = tokens[:begin], tokens[begin:]
            scalar = scalar[:-1] if is_sign(scalar[-1], ("*",)) else scalar
            factor = Quantity(parse_expression(scalar))
        else:
            bracket = tokens[0].kind == "sign"
            name, body, tokens = _environment(tokens[1:] if bracket else tokens)
            if bracket:
                if not tokens or not is_sign(tokens[0], ("]", ")", "}", "|")):
                    raise Unreadable("a bracket around more than a matrix")
                name = "vmatrix" if tokens[0].text == "|" else name
                tokens = tokens[1:]
            if name not in _MATRICES:
                raise Unreadable(f"unknown environment {name[:20]!r}")
            factor = _matrix(_rows(body), read)
            if name == _DETERMINANT:
                factor = _determinant(factor)
        result = factor if result is None else _times(result, factor)
    if result is None:
        raise Unreadable("empty product")
    return result


def _starts_matrix(tokens: list[Token], index: int) -> bool:
    r"""Whether a `\begin`, or a bracket right before one, stands at `index`."""
    if is_sign(tokens[index], ("[", "(", "{", "|")) and index + 1 < len(tokens):
        index += 1
    return tokens[index].kind == "command" and tokens[index].text == "begin"


def _matrix(rows: list[list[list[Token]]], read: ReadTokens) -> Matrix:
    matrix = Matrix(tuple(tuple(read(cell) for cell in row) for row in rows))
    if not matrix.rows or any(len(r) != len(matrix.rows[0]) for r in matrix.rows):
        raise Unreadable("rows of different length")
    return matrix


def _plus(left: Matrix | Quantity, right: Matrix | Quantity) -> Matrix | Quantity:
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return Quantity(add((left.expr, right.expr)))
    if not isinstance(left, Matrix) or not isinstance(right, Matrix) or _shape(left) != _shape(right):
        raise Unreadable("sum of different shapes")
    return Matrix(
        tuple(
            tuple(Quantity(add((_scalar(a).expr, _scalar(b).expr))) for a, b in zip(x, y, strict=True))
            for x, y in zip(left.rows, right.rows, strict=True)
        )
    )


def _times(left: Matrix | Quantity, right: Matrix | Quantity) -> Matrix | Quantity:
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return Quantity(multiply((left.expr, right.expr)))
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        scalar, matrix = (left, right) if isinstance(left, Quantity) else (right, left)
        assert isinstance(scalar, Quantity)
        assert isinstance(matrix, Matrix)
        return Matrix(tuple(tuple(Quantity(multiply((scalar.expr, _scalar(e).expr))) for e in r) for r in matrix.rows))
    if len(left.rows[0]) != len(right.rows):
        raise Unreadable("product of shapes that do not fit")
    columns = list(zip(*right.rows, strict=True))
    return Matrix(tuple(tuple(_dot(row, column) for column in columns) for row in left.rows))


def _dot(row: tuple[Value, ...], column: tuple[Value, ...]) -> Quantity:
    pairs = zip(row, column, strict=True)
    return Quantity(add(multiply((_scalar(a).expr, _scalar(b).expr)) for a, b in pairs))


def _determinant(matrix: Matrix) -> Quantity:
    size = len(matrix.rows)
    if size != len(matrix.rows[0]) or size > MAX_DETERMINANT:
        raise Unreadable("no determinant")
    if size == 1:
        return _scalar(matrix.rows[0][0])
    terms = []
    for column in range(size):
        minor = Matrix(tuple(r[:column] + r[column + 1 :] for r in matrix.rows[1:]))
        sign = Number(-1 if column % 2 else 1)
        terms.append(multiply((sign, _scalar(matrix.rows[0][column]).expr, _determinant(minor).expr)))
    return Quantity(add(terms))


def _scalar(value: Value) -> Quantity:
    if not isinstance(value, Quantity):
        raise Unreadable("an entry that is no number")
    return value


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix.rows), len(matrix.rows[0])
