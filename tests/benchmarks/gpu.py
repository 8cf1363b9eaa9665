"""Evidence from a GPU, in one script: train a larger model of the tiny family from nothing, search with it, report.

    python tests/benchmarks/gpu.py                                  # a CUDA machine with torch and transformers
    python tests/benchmarks/gpu.py --engines transformers,vllm      # and vLLM
    python tests/benchmarks/gpu.py --device cpu --scale 0.001       # does it run? about a minute, learns nothing

At scale 1: a policy of 30 M parameters learns from 192,000 solutions of the scripted teacher (about 29 M tokens, four
times over: 2e16 operations), a PPM from the rollouts of the teacher, and both search `procedural` at budgets up to 64.
Every part is skipped when it was done before with the same settings, so an interrupted script goes on.

It prints training and search speed in tokens a second, the share of the time in which the engine had work, the share in
which the GPU was busy (nvidia-smi), and accuracy by budget; `gpu.json` in `--out` has all of it, and the runs lie below
`--out/results` as `rstar run` writes them, to be copied to `results/`. On a CPU the search uses the same code, but no
figure of it says anything about a GPU.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engines import open_engines
from harness.report import report_lines
from harness.run import Options, plan_run, run
from harness.run_progress import LiveProgress
from harness.run_summary import summarize
from harness.spec_fields import make_spec
from rstar.prompts import prompt_text
from rstar.synthesis.pairs import PAIR_PRESETS, make_pairs
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.select import by_problem
from rstar.synthesis.teacher import lesson_text, teach, teacher_rollouts
from rstar.training.data import read_sft, write_rows
from rstar.training.examples import SftRow
from rstar.training.settings import TINY_SHAPE, PpmSettings, SftSettings, Shape
from rstar.training.stages import Stages
from rstar.types import Proposal, Scores
from tasks.types import InputError

LARGE = Shape(hidden=512, layers=8, heads=8, kv_heads=2, feed_forward=2048, vocabulary=1000, initializer_range=0.03)
"""30 M parameters: what a data-centre GPU trains in minutes. Chosen, not tuned."""
SMALL_BELOW = 0.01
"""Scales below this train the package's own shape."""
BASE_EACH, TEACHER_EACH, TEACHER_SAMPLES = 2_000, 240, 6
"""Problems of each of 96 families and levels, for policy and PPM, and rollouts of the latter. Chosen, not tuned."""
BASE_FIRST, TEACHER_FIRST = 2_000_000, 3_000_000
"""First indices in the train split, far from those of other trainings."""
BUDGETS = (1, 2, 4, 8, 16, 32, 64)
PRESETS = ("greedy", "weighted-best-of-n", "tiny")


@dataclass(slots=True)
class InFlight:
    """How long at least one request was at an engine."""

    number: int = 0
    since: float = 0.0
    seconds: float = 0.0
    begun: float = 0.0
    ended: float = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One request."""
        now = time.monotonic()
        self.begun = self.begun or now
        if self.number == 0:
            self.since = now
        self.number += 1
        try:
            yield
        finally:
            self.number -= 1
            self.ended = time.monotonic()
            if self.number == 0:
                self.seconds += self.ended - self.since

    @property
    def share(self) -> float:
        """Of the time from the first request to the last reply."""
        return self.seconds / (self.ended - self.begun) if self.ended > self.begun else 0.0


@dataclass(slots=True)
class Watched:
    """Engines whose requests are noted."""

    engine: Any
    seen: InFlight

    async def propose(self, *arguments: Any) -> Proposal:
        """The policy's."""
        with self.seen.one():
            proposal: Proposal = await self.engine.propose(*arguments)
        return proposal

    async def score(self, *arguments: Any) -> Scores:
        """The reward model's."""
        with self.seen.one():
            scores: Scores = await self.engine.score(*arguments)
        return scores


@dataclass(slots=True)
class GpuUse:
    """Samples of the GPU's utilization, where nvidia-smi is there."""

    samples: list[float] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sampled(self) -> Iterator[None]:
        """Twice a second while the block runs."""
        tool = shutil.which("nvidia-smi")
        if tool is None:
            yield
            return
        command = [tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]

        def sample() -> None:
            while not self._ended.wait(0.5):
                with suppress(OSError, ValueError, subprocess.SubprocessError):
                    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
                    self.samples.append(float(done.stdout.split()[0]) / 100)

        thread = threading.Thread(target=sample, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    @property
    def share(self) -> float | None:
        """Mean, None without samples."""
        return statistics.fmean(self.samples) if self.samples else None


def main() -> int:
    """Train, search, print."""
    options = _options()
    _check(options)
    warnings.simplefilter("ignore")
    policy, ppm, training = trained(options)
    found: dict[str, Any] = {"scale": options.scale, "device": _device(options), "training": training, "searches": []}
    for engine in options.engines.split(","):
        for preset in PRESETS:
            try:
                found["searches"].append(searched(options, engine, preset, policy, ppm))
            except InputError as error:
                print(f"{engine}, {preset}: not measured: {error}", file=sys.stderr)
                found["searches"].append({"engine": engine, "preset": preset, "error": str(error)})
    (options.out / "gpu.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    show(found)
    print(f"\nAll of it: {options.out / 'gpu.json'}; the runs: {options.out / 'results'}")
    if not found["device"].startswith("cuda"):
        print("This ran on a CPU: nothing here is a figure of a GPU.")
    return int(any("error" in each for each in found["searches"]))


def trained(options: argparse.Namespace) -> tuple[Path, Path, dict[str, Any]]:
    """Folders of policy and PPM, and what their training was like."""
    shape = TINY_SHAPE if options.scale < SMALL_BELOW else LARGE
    stages = Stages(
        options.out / "models", {"scale": options.scale, "shape": asdict(shape), "seed": options.seed}, print
    )
    is_small = options.scale < SMALL_BELOW
    sft = SftSettings(
        learning_rate=2e-3 if is_small else 1e-3, batch=16 if is_small else 128, epochs=1 if is_small else 4,
        short_first=0.6, seed=options.seed, threads=1,
    )  # fmt: skip
    pairs = PpmSettings(
        learning_rate=1e-3 if is_small else 5e-4, batch=2 if is_small else 16, short_first=0.6, outcome_weight=1.0,
        seed=options.seed, threads=1,
    )  # fmt: skip
    policy = stages.stage("policy", {"sft": asdict(sft)}, lambda folder: _policy(folder, shape, sft, options))
    ppm = stages.stage("ppm", {"ppm": asdict(pairs)}, lambda folder: _ppm(folder, policy, pairs, options))
    facts = {path.name: json.loads((path / "stage.json").read_text())["facts"] for path in (policy, ppm)}
    return policy, ppm, facts


def _policy(folder: Path, shape: Shape, settings: SftSettings, options: argparse.Namespace) -> dict[str, Any]:
    from rstar.training.checkpoints import new_policy
    from rstar.training.sft import train_sft
    from rstar.training.tokenizer import train_tokenizer

    pool = problem_pool("train", max(1, round(BASE_EACH * options.scale)), BASE_FIRST)
    rows = []
    for made in pool:
        each = teach(made, options.seed)
        rows.append(SftRow(each.trajectory.problem.id, each.trajectory.problem.question, lesson_text(each)))
    write_rows(folder / "sft.jsonl", iter(rows))
    rows = list(read_sft(folder / "sft.jsonl"))
    # Ten thousand solutions show a tokenizer all there is.
    texts = (prompt_text(row.question, "rstar-sft") + row.solution for row in rows[:: max(1, len(rows) // 10_000)])
    tokenizer = train_tokenizer(texts, shape.vocabulary)
    model = new_policy(shape, tokenizer, options.seed)
    tokens = settings.epochs * sum(len(tokenizer(row.question + row.solution)["input_ids"]) for row in rows)
    begun = time.monotonic()
    report = train_sft(model, tokenizer, rows, settings, folder)
    seconds = time.monotonic() - begun
    size = model.num_parameters()
    return {
        "line": f"{size:,} parameters, {len(rows):,} solutions, {tokens / seconds:,.0f} tokens/s, "
        f"loss {report.loss:.3f}",
        "parameters": size,
        "examples": len(rows),
        "tokens": tokens,
        "train_seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "flops_per_second": 6 * size * tokens / seconds,
        "loss": report.loss,
    }


def _ppm(folder: Path, policy: Path, settings: PpmSettings, options: argparse.Namespace) -> dict[str, Any]:
    from rstar.training.checkpoints import load_trained_tokenizer, value_model_of
    from rstar.training.ppm import train_ppm

    lessons = problem_pool("train", max(1, round(TEACHER_EACH * options.scale)), TEACHER_FIRST)
    rollouts: list[Rollout | Any] = []
    for made in lessons:
        rollouts += teacher_rollouts(made, options.seed, TEACHER_SAMPLES)
    pairs = [pair for of_problem in by_problem(rollouts) for pair in make_pairs(of_problem, PAIR_PRESETS["hard"])]
    write_rows(folder / "pairs.jsonl", iter(pairs))
    model = value_model_of(policy, options.seed, 2)
    begun = time.monotonic()
    report = train_ppm(model, load_trained_tokenizer(policy), pairs, settings, folder)
    seconds = time.monotonic() - begun
    return {
        "line": f"{len(pairs):,} pairs of {report.num_problems:,} problems, {len(pairs) / seconds:,.0f} pairs/s, "
        f"loss {report.loss:.3f}",
        "pairs": len(pairs),
        "train_seconds": seconds,
        "pairs_per_second": len(pairs) / seconds,
        "loss": report.loss,
    }


def searched(options: argparse.Namespace, engine: str, preset: str, policy: Path, ppm: Path) -> dict[str, Any]:
    """One search with one engine: its records below `out`, its speed and its curve."""
    fields: dict[str, Any] = {
        "task": "procedural", "preset": preset, "engine": engine, "policy": str(policy), "ppm": str(ppm),
        "device": options.device, "max_new_tokens": 64, "limit": max(6, round(384 * min(1.0, options.scale))),
        "require_sandbox": options.require_sandbox,
    }  # fmt: skip
    if preset == "greedy":
        fields["ppm"] = "none"
    else:
        most = 4 if options.scale < SMALL_BELOW else max(options.budgets)
        fields["budgets"] = [budget for budget in options.budgets if budget <= most]
    seen, use = InFlight(), GpuUse()

    @contextmanager
    def watched(*arguments: Any) -> Iterator[Any]:
        with open_engines(*arguments) as engines:
            yield replace(engines, policy=Watched(engines.policy, seen), reward=Watched(engines.reward, seen))

    plan = plan_run(make_spec(fields), options.out / "results")
    is_done = (plan.folder / "run.json").exists() and summarize(plan.folder).is_complete
    with use.sampled():
        run(plan, Options(options.concurrency, make_engines=watched), LiveProgress())
    summary = summarize(plan.folder)
    print("\n".join(report_lines(summary)))
    usage = summary.cost(summary.record.spec.budgets[-1]).usage
    written = usage["completion_tokens"] * summary.num_done
    return {
        "engine": engine,
        "preset": preset,
        "folder": str(plan.folder),
        "problems": summary.num_done,
        "seconds": summary.wall_seconds,
        "tokens_written": written,
        "tokens_per_second": written / summary.wall_seconds if summary.wall_seconds else None,
        "engine_busy_share": None if is_done else seen.share,
        "gpu_busy_share": None if is_done else use.share,
        "accuracy": {
            str(budget): summary.point(summary.record.spec.rule, budget).accuracy.value
            for budget in summary.record.spec.budgets
        },
    }


def show(found: dict[str, Any]) -> None:
    """The figures as a table."""
    print(f"\n{found['device']}, scale {found['scale']}")
    for name, facts in found["training"].items():
        print(f"  {name:8}{facts['train_seconds']:>8.0f} s  {facts['line']}")
    print(
        f"\n{'engine':14}{'search':20}{'problems':>9}{'seconds':>9}{'tokens/s':>10}{'engine has work':>17}"
        f"{'GPU busy':>10}"
    )
    for each in found["searches"]:
        if "error" in each:
            print(f"{each['engine']:14}{each['preset']:20}not measured: {each['error']}")
            continue
        shares = [_share(each[name]) for name in ("engine_busy_share", "gpu_busy_share")]
        speed = "-" if each["tokens_per_second"] is None else f"{each['tokens_per_second']:,.0f}"
        print(
            f"{each['engine']:14}{each['preset']:20}{each['problems']:>9}{each['seconds']:>9.1f}{speed:>10}"
            f"{shares[0]:>17}{shares[1]:>10}"
        )
        curve = "  ".join(f"{budget}: {100 * value:.1f} %" for budget, value in each["accuracy"].items())
        print(f"{'':14}accuracy by budget  {curve}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _device(options: argparse.Namespace) -> str:
    import torch

    if options.device != "cpu" and torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}, torch {torch.__version__}"
    return f"cpu, torch {torch.__version__}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the data of every part, above 0")
    parser.add_argument("--engines", default="", help="transformers, vllm or both with a comma; default: what is there")
    parser.add_argument("--budgets", default=",".join(map(str, BUDGETS)))
    parser.add_argument("--concurrency", type=int, default=256, help="problems at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--require-sandbox", default="standard", help="none, standard or full, as 'rstar run'")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"))
    options = parser.parse_args()
    options.budgets = tuple(int(each) for each in options.budgets.split(","))
    return options


def _check(options: argparse.Namespace) -> None:
    """Leave with one line where a package or the device is missing."""
    missing = [name for name in ("torch", "transformers", "trl") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"error: needs {', '.join(missing)}; install rstar-bench[train]")
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: --device cuda: torch sees no CUDA device; use --device cpu --scale 0.001 to try the script")
    if options.device == "cpu":
        # The training takes a GPU where it sees one.
        torch.cuda.is_available = lambda: False
    if options.scale <= 0:
        sys.exit(f"error: --scale {options.scale}: use a number above 0")
    if not options.engines:
        has_vllm = importlib.util.find_spec("vllm") is not None
        options.engines = "transformers,vllm" if has_vllm and torch.cuda.is_available() else "transformers"
    options.out.mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
