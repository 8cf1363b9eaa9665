"""A position in a list of tokens."""

from __future__ import annotations

from tasks.answers.lexer import Token
from tasks.answers.limits import Unreadable

END = Token("end", "")
"""What is read beyond the last token."""


class Cursor:
    """Reads tokens one by one; also knows how deep the reading is nested and which variables are bound."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.bars = 0
        self.bound: set[str] = set()

    def peek(self, offset: int = 0) -> Token:
        index = self.position + offset
        return self.tokens[index] if index < len(self.tokens) else END

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
