"""Cuts a list of tokens at signs outside brackets; the reader builds values from the pieces."""

from __future__ import annotations

from collections.abc import Callable

from tasks.answers.lexer import Token
from tasks.answers.limits import MAX_DEPTH, Unreadable

OPENING = {"(", "[", "{", "\\{", "⟨", "⌊", "⌈"}
CLOSING = {")", "]", "}", "\\}", "⟩", "⌋", "⌉"}
_MATCHES = {"{": "}", "\\{": "\\}", "⌊": "⌋", "⌈": "⌉", "⟨": "⟩"}


def split(tokens: list[Token], is_cut: Callable[[Token], bool]) -> tuple[list[list[Token]], list[Token]]:
    """Pieces between the tokens outside brackets for which `is_cut` holds, and those tokens."""
    pieces: list[list[Token]] = [[]]
    cuts: list[Token] = []
    for token, depth in zip(tokens, depths(tokens), strict=True):
        if depth == 0 and is_cut(token):
            cuts.append(token)
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces, cuts


def depths(tokens: list[Token]) -> list[int]:
    r"""Bracket depth of each token; a bracket has the depth of what is around it.

    `(`, `[` may be closed by either of `)`, `]` (intervals); the others must match. `\begin` and `\end` count too.
    Raises `Unreadable` when brackets do not balance or nest too deep.
    """
    result: list[int] = []
    stack: list[str] = []
    for index, token in enumerate(tokens):
        if is_sign(token, OPENING) or (token.kind == "command" and token.text == "begin"):
            result.append(len(stack))
            stack.append(token.text)
            if len(stack) > MAX_DEPTH:
                raise Unreadable("brackets nested too deep")
            continue
        is_closing = is_sign(token, CLOSING) or (token.kind == "command" and token.text == "end")
        if is_closing and (not stack or not _closes(stack.pop(), token.text)):
            raise Unreadable(f"{token.text!r} at token {index} closes nothing")
        result.append(len(stack))
    if stack:
        raise Unreadable(f"{stack[-1]!r} never closes")
    return result


def is_sign(token: Token, texts: set[str] | tuple[str, ...]) -> bool:
    """Whether `token` is a sign and one of `texts`."""
    return token.kind == "sign" and token.text in texts


def is_wrapped(tokens: list[Token]) -> bool:
    """Whether the first bracket is closed by the last token."""
    if len(tokens) < 2 or not is_sign(tokens[0], OPENING) or not is_sign(tokens[-1], CLOSING):
        return False
    return all(depth > 0 for depth in depths(tokens)[1:-1])


def _closes(opening: str, closing: str) -> bool:
    if opening in ("(", "["):
        return closing in (")", "]")
    if opening == "begin":
        return closing == "end"
    return _MATCHES[opening] == closing
