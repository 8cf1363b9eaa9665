r"""Turns a cleaned answer into tokens. Knows LaTeX commands and their plain-text spellings; evaluates nothing.

Kinds: `number` (digits as written), `letter` (one variable name), `function`, `command`, `word` (text or unit),
`connective` (and, or, if ...), and `sign` for everything else, with one spelling per meaning (`<=`, `±`, `∪`).
A LaTeX group brace is `{`/`}`, a written set brace is `\{`/`\}`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from tasks.answers.boxes import closing_brace
from tasks.answers.limits import MAX_DEPTH, MAX_NUMBER_DIGITS, MAX_TOKENS, Unreadable
from tasks.answers.vocabulary import (
    CONNECTIVES,
    FUNCTIONS,
    GREEK,
    KNOWN_COMMANDS,
    NUMBER_WORDS,
    OPERATORS,
    PLAIN_FUNCTIONS,
    PLAIN_GREEK,
    PLAIN_UNITS,
    RELATIONS,
    TEXT_COMMANDS,
)


class Token(NamedTuple):
    """One piece of an answer."""

    kind: str
    text: str


_NUMBER = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?!,?\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,6}(?![\d.A-Za-z]))?"
)
_UNGROUPED = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,6}(?![\d.A-Za-z]))?")
_LETTERS_ONLY = re.compile(r"\s*[A-Z](?:\s*(?:,|and|or|,\s*and)\s*[A-Z])*\s*")
_RATE = re.compile(
    r"(?:km|cm|mm|m|ft|mi|kg|g|mL|L|l)\s*/\s*(?:sec|s|hr|h|min|mL|L|l|kg|cm|m)(?![A-Za-z])(?:\^\{?[23]\}?)?"
)
_COMPOUND_UNIT = re.compile(r"[A-Za-z]+(?:\^\{?-?[1-3]\}?)?(?:\s*[/*·]\s*[A-Za-z]+(?:\^\{?-?[1-3]\}?)?)+")
_CURRENCIES = {"pounds": "gbp", "euro": "euro"}
_RUN = re.compile(r"[A-Za-z]+")
_SIGNS = ("<=>", "...", "!=", "<=", ">=", "=<", "=>", "==", "->", "**", "||")
_SIGN_NAMES = {"=<": "<=", "==": "=", "**": "^", "||": "|", "...": "ldots"}
_WORD_COMMAND = re.compile(r"\\(?:" + "|".join(sorted(TEXT_COMMANDS, key=len, reverse=True)) + r")(?![A-Za-z])\*?\s*")
_CONNECTIVE_TEXT = re.compile(r"^[\s,;]*([A-Za-z]+(?: [a-z]+)?)[\s,:;]*$")


def tokenize(text: str, *, group_thousands: bool = True, depth: int = 0) -> list[Token]:
    """Tokens of a cleaned answer.

    `group_thousands=False` reads `1,234` as a list of two numbers; inside brackets it is always read so.
    Raises `Unreadable` on unknown characters and beyond the bounds.
    """
    if depth > MAX_DEPTH:
        raise Unreadable("text nested too deep")
    tokens: list[Token] = []
    position = brackets = 0
    while position < len(text):
        character = text[position]
        if character.isspace():
            position += 1
            continue
        if len(tokens) > MAX_TOKENS:
            raise Unreadable("too many tokens")
        if character == "\\":
            position = _command(text, position, tokens, depth)
        elif character.isdigit() or (character == "." and text[position + 1 : position + 2].isdigit()):
            position = _number(text, position, tokens, grouped=group_thousands and brackets == 0)
        elif character.isascii() and character.isalpha():
            position = _letters(text, position, tokens)
        elif character == "¤":
            tokens.append(Token("word", "dollar"))
            position += 1
        elif character == '"':
            position += 1
        else:
            brackets += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
            position = _sign(text, position, tokens)
        if len(tokens) >= 2 and tokens[-1].text in ("\\{", "\\}") and tokens[-1].kind == "sign":
            brackets = max(0, brackets + (1 if tokens[-1].text == "\\{" else -1))
    return tokens


def _number(text: str, position: int, tokens: list[Token], *, grouped: bool) -> int:
    match = (_NUMBER if grouped else _UNGROUPED).match(text, position)
    if match is None:
        raise Unreadable(f"cannot read {text[position]!r}")  # a digit of a script that is not 0-9
    if len(match.group()) > MAX_NUMBER_DIGITS:
        raise Unreadable("number too long")
    tokens.append(Token("number", match.group().replace(",", "")))
    return match.end()


def _sign(text: str, position: int, tokens: list[Token]) -> int:
    for sign in _SIGNS:
        if text.startswith(sign, position):
            tokens.append(Token("sign", _SIGN_NAMES.get(sign, sign)))
            return position + len(sign)
    character = text[position]
    if character == "%":
        tokens.append(Token("word", "percent"))
    elif character in "+-*/^_=<>()[]{}|,;:.!'&?":
        tokens.append(Token("sign", character))
    else:
        raise Unreadable(f"unknown character {character!r}")
    return position + 1


def _letters(text: str, position: int, tokens: list[Token]) -> int:
    """A run of letters: a function, a Greek letter, a connective, a unit, a word, or variables one by one."""
    match = _RUN.match(text, position)
    assert match is not None
    run = match.group()
    if tokens and tokens[-1].kind == "number" and (rate := _RATE.match(text, position)):
        _unit_words(rate.group(), tokens)
        return rate.end()
    after_number = bool(tokens) and (tokens[-1].kind == "number" or tokens[-1].text in ("}", ")"))
    if run in PLAIN_FUNCTIONS:
        tokens.append(Token("function", FUNCTIONS[run]))
    elif run == "sqrt":
        tokens.append(Token("command", "sqrt"))
    elif run in ("pi", "Pi"):
        tokens.append(Token("command", "pi"))
    elif run in ("infinity", "infty", "oo") or (run == "inf" and len(run) == len(text.strip(" +-()[],"))):
        tokens.append(Token("command", "infty"))
    elif run in PLAIN_GREEK:
        tokens.append(Token("letter", run))
    elif run in CONNECTIVES:
        _append_connective(run, tokens)
    elif run == "in":
        is_unit = bool(tokens) and text[match.end() :].lstrip()[:1] in ("", "^", ".", ",", "/", "²")
        tokens.append(Token("word", "in") if after_number or is_unit else Token("sign", "in"))
    elif run == "U" and tokens and tokens[-1].text in (")", "]") and text[match.end() :].lstrip()[:1] in ("(", "["):
        tokens.append(Token("sign", "∪"))
    elif len(run) > 1 and (run in PLAIN_UNITS or _is_word(run)):
        tokens.append(Token("word", run))
    elif len(run) > 2 and (split := re.match(r"(sin|cos|tan|ln|log)([a-z]|pi)$", run)):
        tokens.append(Token("function", split.group(1)))
        tokens.append(Token("command", "pi") if split.group(2) == "pi" else Token("letter", split.group(2)))
    elif (
        len(run) > 2
        and (split := re.match(r"([a-zA-Z]?)(or|and)([a-zA-Z])$", run))
        and text[match.end() :].lstrip()[:1] in "=<>("
    ):
        if split.group(1):
            tokens.append(Token("letter", split.group(1)))
        tokens.append(Token("connective", split.group(2)))
        tokens.append(Token("letter", split.group(3)))
    else:
        tokens.extend(Token("letter", letter) for letter in run)
    return match.end()


def _append_connective(run: str, tokens: list[Token]) -> None:
    name = CONNECTIVES[run]
    if name == "∪":
        tokens.append(Token("sign", "∪"))
    elif name:
        tokens.append(Token("connective", name))


def _is_word(run: str) -> bool:
    """Whether a run of letters is a word rather than a product of variables such as `abcd` or `ABCD`."""
    if run.lower() in NUMBER_WORDS or (
        run.lower() in ("yes", "odd", "even", "not", "all", "the", "no", "any", "dne") and run != "NO"
    ):
        return True
    if len(run) < 4 or run.isupper():
        return False
    ordinals = [ord(c) for c in run.lower()]
    return any(b - a != 1 for a, b in pairwise(ordinals))


def _command(text: str, position: int, tokens: list[Token], depth: int) -> int:
    following = text[position + 1 : position + 2]
    if following in ("{", "}"):
        tokens.append(Token("sign", "\\" + following))
        return position + 2
    if following == "\\":
        tokens.append(Token("sign", "\\\\"))
        skip = re.compile(r"\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|cm|mm)\s*\]").match(text, position + 2)
        return skip.end() if skip else position + 2
    if following in ("%", "#", "&", "_", "$"):
        if following == "%":
            tokens.append(Token("word", "percent"))
        return position + 2
    if following == "|":
        tokens.append(Token("sign", "|"))
        return position + 2
    text_command = _WORD_COMMAND.match(text, position)
    if text_command:
        return _text_group(text, text_command, tokens, depth)
    match = _RUN.match(text, position + 1)
    if match is None:
        return position + 1  # a stray backslash
    name = _known_prefix(match.group())
    tokens.append(_named(name))
    return position + 1 + len(name)


def _known_prefix(name: str) -> str:
    r"""The longest known command that `name` starts with: references contain `\leqx` and `\cost`."""
    for length in range(len(name), 1, -1):
        if name[:length] in KNOWN_COMMANDS:
            return name[:length]
    raise Unreadable(f"unknown command \\{name[:20]}")


def _named(name: str) -> Token:
    if name in RELATIONS:
        return Token("sign", RELATIONS[name])
    if name in OPERATORS:
        sign = OPERATORS[name]
        return Token("connective", sign) if sign in ("and", "or") else Token("sign", sign)
    if name in _CURRENCIES:
        return Token("word", _CURRENCIES[name])
    if name == "forall":
        return Token("connective", "if")
    if name in GREEK:
        return Token("letter", name.removeprefix("var"))
    if name in FUNCTIONS and name not in ("inf", "sup", "deg", "binom"):
        return Token("function", FUNCTIONS[name])
    return Token("command", name)


def _text_group(text: str, match: re.Match[str], tokens: list[Token], depth: int) -> int:
    r"""`\text{...}` and its kin: a connective, a number or letter in upright type, a set of numbers, or words."""
    start = match.end()
    if start < len(text) and text[start] == "{":
        end = closing_brace(text, start)
        if end < 0:
            raise Unreadable("text never closes")
        content, after = text[start + 1 : end], end + 1
    else:
        content, after = text[start : start + 1], start + 1
    command = match.group().strip("\\ ")
    stripped = content.strip().strip("$").replace(r"\cdot", "*")
    connective = _CONNECTIVE_TEXT.match(content)
    if command == "mathbb" or (command == "mathbf" and stripped in ("R", "N", "Z", "Q", "C")):
        tokens.append(Token("word", f"numbers {stripped}"))
    elif connective and connective.group(1) in CONNECTIVES:
        _append_connective(connective.group(1), tokens)
    elif [t.text for t in tokens[-2:]] == ["_", "{"] and stripped in NUMBER_WORDS:
        tokens.append(Token("number", str(NUMBER_WORDS[stripped])))
    elif command in ("text", "textrm", "mathrm", "mbox") and tokens and _COMPOUND_UNIT.fullmatch(stripped):
        _unit_words(stripped, tokens)
    elif stripped == "min" and tokens and tokens[-1].kind == "number":
        tokens.append(Token("word", "min"))
    elif stripped in FUNCTIONS and command in ("operatorname", "mathrm", "text", "rm"):
        tokens.append(Token("function", FUNCTIONS[stripped]))
    elif command in ("mathrm", "text", "textrm", "mbox", "si", "unit") and stripped in (
        "m",
        "g",
        "s",
        "h",
        "L",
        "l",
        "N",
        "J",
        "W",
        "V",
        "K",
    ):
        after_value = bool(tokens) and tokens[-1].text not in ("+", "-", "*", "=", "(", "{", "/", "^", ",")
        tokens.append(Token("word" if after_value else "letter", stripped))
    elif (
        re.fullmatch(r"[A-Za-z][A-Za-z' .-]+", stripped)
        and len(stripped.strip(" .")) > 1
        and not _is_product(command, stripped)
    ):
        _words(stripped, tokens)
    else:
        tokens.extend(tokenize(content, depth=depth + 1))
    return after


def _unit_words(unit: str, tokens: list[Token]) -> None:
    """A compound unit such as `m/s` or `kg*m^2` as words and signs."""
    pieces = re.findall(r"[A-Za-z]+|\d+|[/^*-]", unit)
    tokens.extend(Token("word" if p.isalpha() else "number" if p.isdigit() else "sign", p) for p in pieces)


def _is_product(command: str, content: str) -> bool:
    """Upright capitals such as `\\mathrm{AB}` name a segment, not a word."""
    return (
        command in ("mathrm", "mathbf", "mathit", "bm", "boldsymbol", "mathcal")
        and content.isupper()
        and len(content) <= 4
    )


def _words(content: str, tokens: list[Token]) -> None:
    """Words of a text, splitting off the connectives inside it (`hours and`, `, and`)."""
    for word in re.findall(r"[A-Za-z'-]+(?:\.[a-z]\.?)*", content):
        if word in ("and", "or"):
            tokens.append(Token("connective", word))
        elif len(word) == 1 and word.isupper() and (len(content.strip()) <= 3 or _LETTERS_ONLY.fullmatch(content)):
            tokens.append(Token("letter", word))
        else:
            tokens.append(Token("word", word))
