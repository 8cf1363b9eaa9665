"""Keys and values of token sequences that were computed before, shared by their common prefixes.

A radix tree over token ids: an edge holds a run of tokens and their keys and values, a path from the root spells a
sequence. What was used least recently goes first when there is more than `max_bytes`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch


@dataclass(slots=True, eq=False)
class _Run:
    """The tokens on the edge into a node, with their keys and values: [layers, 2, key heads, tokens, head size]."""

    tokens: tuple[int, ...]
    kv: torch.Tensor
    parent: _Run | None
    children: dict[int, _Run] = field(default_factory=dict)
    """First token of the child's run to the child."""


def num_common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the common prefix of two sequences of the same type."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    return next(index for index in range(limit) if left[index] != right[index])


class PrefixCache:
    """Keys and values by token prefix. Not thread-safe: it belongs to the thread of its engine."""

    def __init__(self, max_bytes: int) -> None:
        """Hold up to `max_bytes` of keys and values; 0 holds nothing."""
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._root = _Run((), torch.empty(0), None)
        self._by_use: OrderedDict[_Run, None] = OrderedDict()
        # Least recently used first. A use touches a run before its parent, so the first one never has children.

    def match(self, tokens: tuple[int, ...]) -> list[torch.Tensor]:
        """Keys and values of the longest known prefix of `tokens`, in runs of [layers, 2, key heads, n, head size]."""
        found: list[torch.Tensor] = []
        run, position = self._root, 0
        while position < len(tokens) and (child := run.children.get(tokens[position])) is not None:
            shared = num_common(child.tokens, tokens[position : position + len(child.tokens)])
            found.append(child.kv if shared == len(child.tokens) else child.kv[:, :, :, :shared])
            run, position = child, position + shared
            if shared < len(child.tokens):
                break
        self._touch(run)
        return found

    def num_known(self, tokens: tuple[int, ...]) -> int:
        """Length of the longest known prefix of `tokens`; does not count as a use."""
        run, position = self._root, 0
        while position < len(tokens) and (child := run.children.get(tokens[position])) is not None:
            shared = num_common(child.tokens, tokens[position : position + len(child.tokens)])
            position += shared
            if shared < len(child.tokens):
                break
            run = child
        return position

    def insert(self, tokens: tuple[int, ...], cut: Callable[[int, int], torch.Tensor]) -> None:
        """Make `tokens` known; `cut(start, stop)` copies the keys and values of the part that is new."""
        run, position = self._root, 0
        while position < len(tokens):
            child = run.children.get(tokens[position])
            if child is None:
                child = self._add(run, tokens[position:], cut(position, len(tokens)))
            else:
                shared = num_common(child.tokens, tokens[position : position + len(child.tokens)])
                if shared < len(child.tokens):
                    child = self._split(child, shared)
            run, position = child, position + len(child.tokens)
        self._touch(run)
        self.shrink(self.max_bytes)

    def shrink(self, num_bytes: int) -> None:
        """Drop what was used least recently until at most `num_bytes` are held."""
        while self.num_bytes > num_bytes:
            run, _ = self._by_use.popitem(last=False)
            self.num_bytes -= run.kv.nbytes
            assert run.parent is not None
            del run.parent.children[run.tokens[0]]

    def _add(self, parent: _Run, tokens: tuple[int, ...], kv: torch.Tensor) -> _Run:
        run = _Run(tokens, kv, parent)
        parent.children[tokens[0]] = run
        self._by_use[run] = None
        self.num_bytes += kv.nbytes
        return run

    def _split(self, run: _Run, at: int) -> _Run:
        """Put a new run before `run` that takes over its first `at` tokens; return the new one."""
        assert run.parent is not None
        upper = _Run(run.tokens[:at], run.kv[:, :, :, :at].clone(), run.parent, {run.tokens[at]: run})
        run.parent.children[run.tokens[0]] = upper
        run.tokens, run.kv, run.parent = run.tokens[at:], run.kv[:, :, :, at:].clone(), upper
        self._by_use[upper] = None
        # The newcomer ranks after all others, which its parent must too.
        self._touch(upper)
        return upper

    def _touch(self, run: _Run) -> None:
        step: _Run | None = run
        while step is not None and step is not self._root:
            self._by_use.move_to_end(step)
            step = step.parent
