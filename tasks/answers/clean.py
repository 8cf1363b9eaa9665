"""Takes the wrapping off an answer: delimiters, spacing, styles, look-alike characters, digit grouping.

What comes out is still LaTeX or plain text, but with one spelling for each thing. Nothing here changes a value.
Conventions 11 (wrappers) and, for digit grouping, the kinds of case named "thousands".
"""

from __future__ import annotations

import re
import unicodedata

from tasks.answers.boxes import boxed_parts, unbox
from tasks.answers.limits import MAX_CHARS, Unreadable

_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "‐": "-", "‑": "-", "‒": "-",
    "×": r"\times ", "✕": r"\times ", "÷": r"\div ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ",
    "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "⩽": r"\le ",
    "⩾": r"\ge ", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "∅": r"\emptyset ", "∈": r"\in ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "±": r"\pm ", "∓": r"\mp ", "′": "'", "’": "'", "‘": "'",
    "“": '"', "”": '"', "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": r"\langle ",
    "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "…": r"\ldots ", "∑": r"\sum ", "∏": r"\prod ",
    "∫": r"\int ", "∧": r"\text{ and }", "∨": r"\text{ or }", "→": r"\to ", "∣": "|", "｜": "|", "，": ",",
    "。": ".", "：": ":", "；": ";", "（": "(", "）": ")", "％": r"\%", "⁄": "/", "∕": "/", "！": "!", "＝": "=",
    "€": r"\text{euro} ", "£": r"\text{gbp} ", "¥": r"\text{yen} ", "¢": r"\text{cents} ",
    "∠": r"\angle ", "△": r"\triangle ", "¬": r"\neg ",
}  # fmt: skip
_GREEK = {
    chr(code): "\\" + unicodedata.name(chr(code)).rsplit(" ", 1)[-1].lower() + " "
    for code in [*range(0x3B1, 0x3C0), *range(0x3C1, 0x3C2), *range(0x3C3, 0x3CA)]
} | {"Δ": r"\Delta ", "Σ": r"\Sigma ", "Ω": r"\Omega ", "Γ": r"\Gamma ", "Φ": r"\Phi ", "λ": r"\lambda "}
_TABLE = str.maketrans(_GREEK | _CHARACTERS)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ", "0123456789+-nx")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₙ", "0123456789n")
_VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip

_ESCAPES = {
    "\x0crac": r"\frac", "\text": r"\text", "\times": r"\times", "\theta": r"\theta", "\tan": r"\tan",
    "\right": r"\right", "\x08inom": r"\binom", "\x08egin": r"\begin", "\tfrac": r"\tfrac",
}  # fmt: skip
"""What is left of a LaTeX command whose backslash was read as an escape; golds of Omni-Math hold such."""
_UNESCAPED = re.compile("|".join(_ESCAPES))
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\s*(\.(?!\d))?")
_STYLES = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|nonumber|centering|rm|bf|it|mathstrut|strut"
    r"|boldmath|newline|par|hfill)(?![A-Za-z])|\\(?:label|tag)\*?\{[^{}]*\}"
)
_SPACES = re.compile(
    r"(?<!\\)\\[;:> \n\t]|\\quad(?![ a-z])|\\q?quad(?![A-Za-z])|~|\\[hv]space\*?\{[^{}]*\}|\\h?phantom\{[^{}]*\}"
)
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z({\[$%])")
_GROUPED = re.compile(r"(?<=\d)(?:,\\!|\s*\{\s*,\s*\}\s*|\\,)\s*(?=\d{3}(?!\d))")
_SPACED = re.compile(r"(?<![\d.,\\}_^])\d{1,3}(?: \d{3})+(?![\d/]|\s*\\?[a-z]*frac)")
_TEMPERATURE = re.compile(r"\^\s*\{?\s*\\circ\s*\}?\s*(?:\\(?:text|mathrm|rm)\s*)?\{?\s*([CF])\s*\}?$")
_COMBINATIONS = re.compile(r"\{\}_\{?(\d+|[a-z])\}?\s*C_\{?(\d+|[a-z])\}?")
_UPPER_COMBINATIONS = re.compile(r"(?<![A-Za-z\\}])C_\{?(\d{1,4})\}?\^\{?(\d{1,4})\}?")
_LETTER_UNIT = re.compile(r"^([-+]?\d[\d.,/]*) +([hmsgLNJWVK])$")
_BARE_POINT = re.compile(r"(?<![\d.])\.(?=\\(?:overline|bar|dot)(?![A-Za-z]))")
_MARKDOWN = re.compile(r"^(\*\*|__|`+)(.+?)\1$", re.DOTALL)


def clean(text: str) -> str:
    """`text` without wrapping; raises `Unreadable` beyond `MAX_CHARS` or on control characters."""
    if len(text) > MAX_CHARS:
        raise Unreadable("answer too long")
    text = _single_box(_UNESCAPED.sub(lambda m: _ESCAPES[m.group()], text))
    text = _plain_characters(text)
    if r"\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)
    text = re.sub(r"\\(?:mathopen|mathclose|mathrel|mathbin|ensuremath)(?![A-Za-z])", "", text)
    text = _STYLES.sub(" ", _SIZES.sub("", text))
    text = re.sub(r"\{([-+,:])\}", r"\1", _GROUPED.sub("", text).replace("\\!", ""))
    text = _SPACES.sub(" ", text).replace("\\,", " ")
    text = _TEMPERATURE.sub(lambda m: r" \text{celsius}" if m.group(1) == "C" else r" \text{fahrenheit}", text)
    text = _COMBINATIONS.sub(r"\\binom{\1}{\2}", _UPPER_COMBINATIONS.sub(_binomial, text))
    text = _BARE_POINT.sub("0.", text)
    text = _strip_ends(_drop_delimiters(text))
    text = _SPACED.sub(lambda m: m.group().replace(" ", ""), text)
    return _LETTER_UNIT.sub(r"\1 \\mathrm{\2}", text)


def _binomial(match: re.Match[str]) -> str:
    """`C_{10}^{3}` chooses 3 of 10; `C_1^2` is the square of a constant."""
    top, bottom = int(match.group(1)), int(match.group(2))
    return rf"\binom{{{top}}}{{{bottom}}}" if top >= bottom and top > 2 else match.group()


def _single_box(text: str) -> str:
    """The content of the box or boxes; a reference may itself be a boxed list."""
    if r"\boxed" not in text and r"\fbox" not in text:
        return text
    parts = boxed_parts(text)
    if len(parts) == 1 and not re.search(r"[0-9A-Za-z]", text.replace(r"\boxed{" + parts[0] + "}", "")):
        return unbox(parts[0])
    if len(parts) > 1:
        return ", ".join(unbox(p) for p in parts)
    return unbox(text)


def _plain_characters(text: str) -> str:
    if not text.isascii():
        text = "".join(unicodedata.normalize("NFKC", c) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in text)
        text = re.sub(r"√\s*(\d+(?:\.\d+)?)", r"\\sqrt{\1}", text)
        text = re.sub(r"∛\s*(\d+)", r"\\sqrt[3]{\1}", text).replace("√", r"\sqrt ").replace("∛", r"\sqrt[3] ")
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ]+", lambda m: "^{" + m.group().translate(_SUPERSCRIPTS) + "}", text)
        text = re.sub("[₀₁₂₃₄₅₆₇₈₉ₙ]+", lambda m: "_{" + m.group().translate(_SUBSCRIPTS) + "}", text)
        text = "".join(rf"\frac{{{_VULGAR[c][0]}}}{{{_VULGAR[c][1]}}}" if c in _VULGAR else c for c in text)
        text = text.translate(_TABLE)
        text = "".join(_letter_or_space(c) for c in text)
    if any(c < " " and c not in "\n\t\r" for c in text) or "\x7f" in text:
        raise Unreadable("control characters")
    return re.sub(r"[\n\t\r]+", " ", text)


def _letter_or_space(character: str) -> str:
    """Spaces of every width become a blank, invisible characters go, styled letters become plain ones."""
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category == "Cf":
        return ""
    plain = unicodedata.normalize("NFKC", character) if category[0] in "LN" else character
    return plain if plain.isascii() else character


def _drop_delimiters(text: str) -> str:
    r"""Remove $, \( \) and \[ \]; `\$` and a lone `$` before a number stay as the currency."""
    # Around an environment only the outermost ones go: inside, `\\[2pt]` and `\\(` may end and start a row.
    delimiters = r"^\s*\\[(\[]|\\[)\]]\s*$" if r"\begin" in text else r"\\[()\[\]]"
    text = re.sub(delimiters, " ", text)
    text = text.replace(r"\$", "¤")
    if text.count("$") == 1:
        return text.replace("$", "¤")
    return text.replace("$", " ")


def _strip_ends(text: str) -> str:
    previous = None
    while previous != text:
        previous = text
        text = text.strip().rstrip("\\").strip()
        text = text if text.endswith("...") else re.sub(r"[.,;:]+$", "", text)
        match = _MARKDOWN.match(text)
        if match:
            text = match.group(2)
    return text
