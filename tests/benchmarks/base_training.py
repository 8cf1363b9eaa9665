"""Training of the evolution's base on a CPU: plain beside fused attention, Muon beside AdamW.

    python tests/benchmarks/base_training.py [--steps N] [--rounds N] [--long N] [--threads N]

Everything is `rstar evolve --preset tiny`'s own: lessons, model, settings. Attention: both sides train the same steps
by turns, the figure is the median of their ratios. Optimizers: one training each of `--long` steps with its schedule,
and the loss of both on the same lessons that neither has seen (nats per token in the loss).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.evolution.lessons import lessons_of
from rstar.evolution.presets import TINY
from rstar.prompts import prompt_text
from rstar.seeds import generator
from rstar.training.checkpoints import new_policy
from rstar.training.examples import SftRow, make_example
from rstar.training.settings import SftSettings, overridden
from rstar.training.sft import SftReport, train_sft
from rstar.training.tokenizer import train_tokenizer

HELD_OUT = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="optimizer steps of one measurement of attention")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--long", type=int, default=400, help="optimizer steps of each optimizer's training")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = overridden(TINY.lessons.sft, {"muon": 5e-3, "threads": options.threads, "save_every": 0})
    rows = [row for row, _ in lessons_of(TINY)]
    generator(0, "benchmark").shuffle(rows)
    held_out, rows = rows[:HELD_OUT], rows[HELD_OUT:]
    tokenizer = train_tokenizer(
        (prompt_text(row.question, "rstar-sft") + row.solution for row in rows), TINY.lessons.shape.vocabulary
    )
    compare_attention(rows[: options.steps * settings.batch], tokenizer, settings, options.rounds)
    compare_optimizers(rows[: options.long * settings.batch], held_out, tokenizer, settings)


def compare_attention(
    rows: Sequence[SftRow], tokenizer: PreTrainedTokenizerBase, settings: SftSettings, rounds: int
) -> None:
    """Print the time of both; a limit of one token more than `SHORT` is what the fused one is kept for."""
    plain, fused = settings, overridden(settings, {"max_tokens": settings.max_tokens + 1})
    trained(rows, tokenizer, plain), trained(rows, tokenizer, fused)
    pairs = [(trained(rows, tokenizer, plain)[1], trained(rows, tokenizer, fused)[1]) for _ in range(rounds)]
    for name, found in zip(("plain attention", "fused attention"), zip(*pairs, strict=True), strict=True):
        speed = statistics.median(each.num_tokens / each.seconds for each in found)
        print(f"{name:28}{speed:10,.0f} tokens/s (median of {rounds})")
    ratio = statistics.median(theirs.seconds / ours.seconds for ours, theirs in pairs)
    print(f"{'plain / fused':28}{ratio:10.2f} (median ratio)")


def compare_optimizers(
    rows: Sequence[SftRow], held_out: Sequence[SftRow], tokenizer: PreTrainedTokenizerBase, settings: SftSettings
) -> None:
    """Print loss and time of a training with each optimizer."""
    for name, chosen in (("Muon and AdamW", settings), ("AdamW alone", overridden(settings, {"muon": 0.0}))):
        model, report = trained(rows, tokenizer, chosen)
        loss = held_out_loss(model, held_out, tokenizer)
        print(f"{name:28}{loss:10.4f} held-out loss after {report.steps} steps, {report.seconds:.0f} s")


def trained(
    rows: Sequence[SftRow], tokenizer: PreTrainedTokenizerBase, settings: SftSettings
) -> tuple[PreTrainedModel, SftReport]:
    model = new_policy(TINY.lessons.shape, tokenizer, 0)
    with tempfile.TemporaryDirectory() as scratch:
        report = train_sft(model, tokenizer, rows, settings, Path(scratch))
    return model, report


def held_out_loss(model: PreTrainedModel, rows: Sequence[SftRow], tokenizer: PreTrainedTokenizerBase) -> float:
    """Mean over the tokens in the loss, in float32."""
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for row in rows:
            made = make_example(row, tokenizer, mask_output=True)
            labels = torch.tensor([made.labels])
            here = int((labels[:, 1:] >= 0).sum())
            total += model(input_ids=torch.tensor([made.input_ids]), labels=labels).loss.item() * here
            count += here
    return total / count


if __name__ == "__main__":
    main()
