from __future__ import annotations

import pytest

from tasks.lost_backslashes import restore_backslashes


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("\frac{5}{16}", r"\frac{5}{16}"),
        ("a^{2}<a<\frac{1}{a}", r"a^{2}<a<\frac{1}{a}"),
        ("7 \times 2023", r"7 \times 2023"),
        ("63 \text{ seconds}", r"63 \text{ seconds}"),
        ("\\left(\tfrac32, 1\\right)", r"\left(\tfrac32, 1\right)"),
        ("\binom{n}{2}", r"\binom{n}{2}"),
    ],
)
def test_commands_that_json_swallowed_come_back(broken: str, whole: str) -> None:
    assert restore_backslashes(broken) == whole


@pytest.mark.parametrize("text", [r"\frac{1}{2}", "a\tb", "one\ttwo", "\ttextile", "two\nlines", "\fignore", "x\r\ny"])
def test_other_text_is_left_alone(text: str) -> None:
    assert restore_backslashes(text) == text
