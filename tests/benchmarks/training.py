"""Training throughput: `train_sft` beside a bare TRL loop with the same batches, and what sharing tokens brings a PPM.

    python tests/benchmarks/training.py [--policy FOLDER] [--steps N] [--rounds N] [--json FILE]

Without `--policy` the model is the embedded default's shape with random weights: speed does not depend on weights. Both
sides of a comparison alternate in one process; the figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from rstar.prompts import prompt_text
from rstar.synthesis.pairs import PAIR_PRESETS, Pair, make_pairs
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.teacher import lesson_text, teach, teacher_rollouts
from rstar.training.checkpoints import load_policy, load_trained_tokenizer, new_policy, save, value_model_of
from rstar.training.examples import SftRow, make_example
from rstar.training.order import training_order
from rstar.training.ppm import PlaceScorer, preference_loss
from rstar.training.preferences import collate, make_preferences
from rstar.training.settings import TINY_SHAPE, SftSettings
from rstar.training.sft import train_sft
from rstar.training.tokenizer import train_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, help="folder of a policy; default: random weights of the tiny shape")
    parser.add_argument("--steps", type=int, default=12, help="optimizer steps of one SFT measurement")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each side")
    parser.add_argument("--problems", type=int, default=24, help="problems whose pairs are trained on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.policy or made_policy(Path(scratch) / "policy")
        figures = {"sft": sft_figures(folder, options, Path(scratch)), "ppm": ppm_figures(folder, options)}
    for name, found in figures.items():
        print(f"\n{name}")
        for key, value in found.items():
            print(f"  {key:34}{value:,.3f}" if isinstance(value, float) else f"  {key:34}{value:,}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def made_policy(folder: Path) -> Path:
    rows = lessons(2)
    tokenizer = train_tokenizer((prompt_text(row.question, "rstar-sft") + row.solution for row in rows), 1000)
    save(new_policy(TINY_SHAPE, tokenizer, 0), tokenizer, folder)
    return folder


def lessons(each: int) -> list[SftRow]:
    pool = problem_pool("train", each, 700)
    return [SftRow(made.problem.id, made.problem.question, lesson_text(teach(made, 0))) for made in pool]


def sft_figures(folder: Path, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    settings = SftSettings(batch=16, threads=options.threads, bf16=False, save_every=0)
    tokenizer = load_trained_tokenizer(folder)
    rows = lessons(-(-options.steps * settings.batch // 96))[: options.steps * settings.batch]
    tokens = sum(len(make_example(row, tokenizer, mask_output=True).input_ids) for row in rows)

    def ours() -> float:
        return train_sft(load_policy(folder), tokenizer, rows, settings, scratch / "ours").seconds

    def bare() -> float:
        return bare_trl(folder, rows, settings, scratch / "bare")

    mine, theirs = alternately(options.rounds, ours, bare)
    return {
        "steps of 16 examples": options.steps,
        "tokens": tokens,
        "train_sft, tokens/s (median)": tokens / statistics.median(mine),
        "bare TRL, tokens/s (median)": tokens / statistics.median(theirs),
        "train_sft / bare TRL (median ratio)": statistics.median(b / a for a, b in zip(mine, theirs, strict=True)),
    }


def bare_trl(folder: Path, rows: Sequence[SftRow], settings: SftSettings, out: Path) -> float:
    """Seconds of TRL's trainer on the same batches: its own defaults, nothing of ours but the token ids."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    tokenizer = load_trained_tokenizer(folder)
    made = [make_example(row, tokenizer, mask_output=True) for row in rows]
    order = training_order([len(each.input_ids) for each in made], settings.batch, 1, settings.seed)
    data = [made[index] for index in order]
    arguments = SFTConfig(
        output_dir=str(out),
        per_device_train_batch_size=settings.batch,
        num_train_epochs=1,
        learning_rate=settings.learning_rate,
        train_sampling_strategy="sequential",
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        use_cpu=not torch.cuda.is_available(),
        bf16=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        gradient_checkpointing=False,
    )
    columns = {"input_ids": [each.input_ids for each in data], "labels": [each.labels for each in data]}
    trainer = SFTTrainer(
        model=load_policy(folder), args=arguments, train_dataset=Dataset.from_dict(columns), processing_class=tokenizer
    )
    seconds = trainer.train().metrics["train_runtime"]
    shutil.rmtree(out, ignore_errors=True)
    return float(seconds)


def ppm_figures(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    tokenizer = load_trained_tokenizer(folder)
    pool = list(problem_pool("train", 4, 900))[:: max(1, 96 * 4 // options.problems)][: options.problems]
    groups = [make_pairs(teacher_rollouts(made, 0, 16), PAIR_PRESETS["paper"]) for made in pool]
    groups = [group for group in groups if group]
    scorer = PlaceScorer(value_model_of(folder, 0))
    examples = [made for group in groups if (made := make_preferences(group, tokenizer, 1024)) is not None]

    def shared() -> float:
        begun = time.perf_counter()
        for example in examples:
            batch = collate([example], 0)
            inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
            scores = scorer(torch.cat((batch["chosen"], batch["rejected"])), **inputs)
            step(scorer, preference_loss(*scores.chunk(2), batch["weights"]))
        return time.perf_counter() - begun

    def apart() -> float:
        begun = time.perf_counter()
        for group in groups:
            step(scorer, plain_loss(scorer, group, tokenizer))
        return time.perf_counter() - begun

    ours, plain = alternately(options.rounds, shared, apart)
    num_pairs = sum(map(len, groups))
    shared_tokens = sum(len(each.tree.tokens) for each in examples)
    return {
        "problems": len(groups),
        "pairs": num_pairs,
        "tokens, two sequences a pair": sum(each.num_pair_tokens for each in examples),
        "tokens, shared beginnings": shared_tokens,
        "pairs/s shared (median)": num_pairs / statistics.median(ours),
        "pairs/s two sequences (median)": num_pairs / statistics.median(plain),
        "shared / two sequences (median ratio)": statistics.median(b / a for a, b in zip(ours, plain, strict=True)),
    }


def plain_loss(scorer: PlaceScorer, group: Sequence[Pair], tokenizer: Any) -> torch.Tensor:
    """The same loss with the pairs of a problem as sequences of their own, padded to the longest, as TRL has them."""
    texts = [text for pair in group for text in (pair.chosen, pair.rejected)]
    encoded = [tokenizer.encode(prompt_text(group[0].question, "rstar-sft") + text) for text in texts]
    longest = max(map(len, encoded))
    ids = torch.zeros((len(encoded), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(encoded):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    places = torch.tensor([(row, len(tokens) - 1) for row, tokens in enumerate(encoded)])
    scores = scorer(places, input_ids=ids, attention_mask=mask)
    return preference_loss(scores[::2], scores[1::2], torch.tensor([pair.weight for pair in group]))


def step(scorer: torch.nn.Module, loss: torch.Tensor) -> None:
    """Backward alone: the optimizer's step is the same on both sides."""
    loss.backward()
    scorer.zero_grad()


def alternately(
    rounds: int, first: Callable[[], float], second: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Seconds of both sides, after one warm-up each."""
    first(), second()
    pairs = [(first(), second()) for _ in range(rounds)]
    return [one for one, _ in pairs], [other for _, other in pairs]


if __name__ == "__main__":
    main()
