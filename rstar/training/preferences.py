"""Preference pairs as tensors: the solutions of a problem as one tree of tokens, so that each token is computed once.

Chosen and rejected solutions of one problem share the question and often steps: as two sequences a pair, most tokens
would go through the model many times. Here they are laid out as one row, every shared beginning once, and a mask lets a
token see its own past only. The scores are those of separate sequences (a test compares both), for a fraction of the
tokens; `PpmReport` states which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rstar.prompts import END_ANSWER
from rstar.synthesis.pairs import Pair
from rstar.training.examples import prompt_tokens, solution_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class TokenTree:
    """Sequences with their common beginnings merged; parents stand before their children."""

    tokens: list[int]
    parents: list[int]
    """Index of the token before; -1 for a first token."""
    ends: list[int]
    """Index of the last token of each sequence."""


@dataclass(frozen=True, slots=True)
class PreferenceExample:
    """All pairs of one problem."""

    tree: TokenTree
    chosen: list[int]
    """Per pair the index of the token whose score counts."""
    rejected: list[int]
    weights: list[float]
    outcomes: list[tuple[int, float]]
    """Tokens of the solutions, each once: index, and of the whole solutions among the pairs that go on from it the
    share that is right."""
    num_pair_tokens: int
    """What the pairs would take as two sequences each."""


def token_tree(sequences: Sequence[Sequence[int]]) -> TokenTree:
    """The tree of `sequences`, none of which is empty."""
    tokens: list[int] = []
    parents: list[int] = []
    ends: list[int] = []
    known: dict[tuple[int, int], int] = {}
    for sequence in sequences:
        node = -1
        for token in sequence:
            if (node, token) not in known:
                known[node, token] = len(tokens)
                tokens.append(token)
                parents.append(node)
            node = known[node, token]
        ends.append(node)
    return TokenTree(tokens, parents, ends)


def make_preferences(
    pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> PreferenceExample | None:
    """The pairs of one problem as tokens; pairs longer than `max_tokens` are left out, None where none remains."""
    encoded = {
        text: prompt_tokens(pair.question, tokenizer) + solution_tokens(text, tokenizer)
        for pair in pairs
        for text in (pair.chosen, pair.rejected)
    }
    kept = [p for p in pairs if max(len(encoded[p.chosen]), len(encoded[p.rejected])) <= max_tokens]
    if not kept:
        return None
    texts = list(dict.fromkeys(text for pair in kept for text in (pair.chosen, pair.rejected)))
    tree = token_tree([encoded[text] for text in texts])
    place = dict(zip(texts, tree.ends, strict=True))
    labels = {pair.rejected: 0.0 for pair in kept if pair.rejected.endswith(END_ANSWER)}
    labels |= {pair.chosen: 1.0 for pair in kept if pair.chosen.endswith(END_ANSWER)}
    prompt = len(prompt_tokens(kept[0].question, tokenizer))
    return PreferenceExample(
        tree,
        [place[pair.chosen] for pair in kept],
        [place[pair.rejected] for pair in kept],
        [pair.weight for pair in kept],
        outcomes_of(tree, {place[text]: label for text, label in labels.items()}, prompt),
        sum(len(encoded[pair.chosen]) + len(encoded[pair.rejected]) for pair in kept),
    )


def outcomes_of(tree: TokenTree, labels: Mapping[int, float], prompt: int) -> list[tuple[int, float]]:
    """Index and mean label below it of every token that has labelled ends below, the first `prompt` ones left out.

    `labels` are those of the ends by index; the first `prompt` tokens are the question's, shared by all.
    """
    total, count = [0.0] * len(tree.tokens), [0] * len(tree.tokens)
    for index, label in labels.items():
        total[index] += label
        count[index] += 1
    for index in range(len(tree.tokens) - 1, prompt - 1, -1):
        parent = tree.parents[index]
        total[parent] += total[index]
        count[parent] += count[index]
    return [(index, total[index] / count[index]) for index in range(prompt, len(tree.tokens)) if count[index]]


def collate(examples: Sequence[PreferenceExample], padding: int) -> dict[str, Any]:
    """One batch, one row per example, padded on the right to the longest.

    `input_ids`, `position_ids` [rows, length]; `attention_mask` [rows, 1, length, length], True where a token may look;
    `chosen`, `rejected` [pairs, 2] and `outcomes` [tokens, 2] as (row, index); `weights` [pairs]; `labels` [tokens].
    """
    import torch

    length = max(len(each.tree.tokens) for each in examples)
    mask = torch.eye(length, dtype=torch.bool).repeat(len(examples), 1, 1, 1)
    ids = torch.full((len(examples), length), padding)
    positions = torch.zeros((len(examples), length), dtype=torch.long)
    for row, each in enumerate(examples):
        ids[row, : len(each.tree.tokens)] = torch.tensor(each.tree.tokens)
        depths = [0] * length
        for index, parent in enumerate(each.tree.parents):
            if parent >= 0:
                depths[index] = depths[parent] + 1
                mask[row, 0, index, : parent + 1] |= mask[row, 0, parent, : parent + 1]
        positions[row] = torch.tensor(depths)
    rows = list(enumerate(examples))
    return {
        "input_ids": ids,
        "position_ids": positions,
        "attention_mask": mask,
        "chosen": torch.tensor([(row, at) for row, each in rows for at in each.chosen], dtype=torch.long).view(-1, 2),
        "rejected": torch.tensor([(row, at) for row, each in rows for at in each.rejected], dtype=torch.long).view(
            -1, 2
        ),
        "outcomes": torch.tensor(
            [(row, index) for row, each in rows for index, _ in each.outcomes], dtype=torch.long
        ).view(-1, 2),
        "weights": torch.tensor([weight for each in examples for weight in each.weights]),
        "labels": torch.tensor([label for each in examples for _, label in each.outcomes]),
    }
