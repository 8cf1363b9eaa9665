"""The stages of an evolution: what is searched, what is taken from it, what is trained.

    base       the teacher's solutions, right and wrong -> tokenizer, base policy (or a folder that is given)
    search-N   problems of the pool, searched by the policy of the round before, from round 3 on with its PPM -> trees
    data-N     the best two right solutions a problem -> sft.jsonl; preference pairs -> pairs.jsonl
    policy-N   the base, trained on the solutions of all rounds so far
    teacher-N  where asked for, the teacher's solutions of problems of round N -> pairs.jsonl
    ppm-N      policy-N with a value head, or the PPM before, trained on the pairs

Each stage is done once (`rstar.training.stages`), and goes on where a kill left it: a search at the problem and engine
request it was at, a training at its last checkpoint. Data depend on settings and models only; weights also on the
machine's arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rstar.evolution.lessons import teach_base, teacher_groups
from rstar.evolution.settings import BASE, TEACHER, EvolutionSettings, Round
from rstar.prompts import Layout
from rstar.seeds import derive
from rstar.synthesis.admission import PoolFacts, examine, tasks_against
from rstar.synthesis.extract import extract
from rstar.synthesis.pairs import make_pairs
from rstar.synthesis.pools import Pool, open_pool
from rstar.synthesis.run import Guides, Watched, synthesize
from rstar.synthesis.settings import SynthesisSpec, synthesis_spec
from rstar.synthesis.shards import shards_in
from rstar.training.checkpoints import weights_hash
from rstar.training.data import file_hash, read_pairs, read_sft, write_rows
from rstar.training.stages import Stages
from tasks.overlap import OverlapIndex
from tasks.types import InputError

SFT_FILE, PAIRS_FILE = "sft.jsonl", "pairs.jsonl"


@dataclass(frozen=True, slots=True)
class Guiding:
    """What a search is guided by."""

    policy: Path
    ppm: Path | None
    layout: Layout


OpenGuides = Callable[[Guiding], AbstractContextManager[Guides]]
"""Opens the engines of one search."""


@dataclass(frozen=True, slots=True)
class Models:
    """What a round has made."""

    policy: Path
    ppm: Path | None
    """Of this round, or of an earlier one where this trained none; None before the first."""


@dataclass(slots=True)
class Evolution:
    """The stages in a folder, and what opens their engines."""

    settings: EvolutionSettings
    stages: Stages
    open_guides: OpenGuides
    identities: dict[str, str]
    """Versions of what answers and grades, for the searches' specs."""
    engine_errors: tuple[type[Exception], ...] = ()

    @property
    def out(self) -> Path:
        """The folder of the evolution."""
        return self.stages.out

    def base(self) -> Path:
        """The folder of the model that every policy is trained from."""
        if self.settings.base != TEACHER:
            return _folder(self.settings.base, "base")
        told = {"lessons": asdict(self.settings.lessons)}
        return self.stages.stage("base", told, lambda folder: teach_base(folder, self.settings))

    def round(self, number: int, base: Path, before: Models | None) -> Models:
        """Do round `number`, counted from 1, after the models of the round `before`."""
        self.data(number, self.search(number, base, before))
        policy = self.policy(number, base)
        ppm = before.ppm if before is not None else None
        if self.settings.rounds[number - 1].trains_ppm:
            ppm = self.ppm(number, policy, ppm)
        return Models(policy, ppm)

    def search(self, number: int, base: Path, before: Models | None) -> Path:
        """The stage of search trees of a round."""
        chosen = self.settings.rounds[number - 1]
        policy = self._searching_policy(base, before)
        ppm = before.ppm if chosen.uses_ppm and before is not None else None
        told: dict[str, Any] = {"round": asdict(chosen), "pools": self._pools(chosen), "policy": weights_hash(policy)}
        told |= {"ppm": weights_hash(ppm) if ppm else "", "max_new_tokens": self.settings.max_new_tokens}

        def work(folder: Path) -> dict[str, Any]:
            return self._searched(folder, number, Guiding(policy, ppm, chosen.layout))

        return self.stages.stage(f"search-{number}", told, work)

    def data(self, number: int, searched: Path) -> Path:
        """The stage of training rows that a round's trees give."""
        told: dict[str, Any] = {
            "top": self.settings.top,
            "pairs": asdict(self.settings.pairs),
            "shards": _hashes(searched),
        }

        def work(folder: Path) -> dict[str, Any]:
            report = extract(
                shards_in(searched),
                sft=folder / SFT_FILE,
                pairs=folder / PAIRS_FILE,
                settings=self.settings.pairs,
                top=self.settings.top,
            ).as_fields()
            pairs = sum(sum(depths.values()) for depths in report["num_pairs"].values())
            return {
                "line": f"{report['num_solutions']} solutions and {pairs} pairs of {report['num_problems']} problems",
                "report": report,
                "files": {name: file_hash(folder / name) for name in (SFT_FILE, PAIRS_FILE)},
            }

        return self.stages.stage(f"data-{number}", told, work)

    def policy(self, number: int, base: Path) -> Path:
        """The stage that trains a round's policy, from the base, on the solutions of all rounds so far."""
        files = [self.out / f"data-{each}" / SFT_FILE for each in range(1, number + 1)]
        return self.train_policy(f"policy-{number}", base, files)

    def train_policy(self, name: str, base: Path, files: list[Path]) -> Path:
        """The stage `name`: the base trained on SFT files."""
        settings, scale = self.settings.sft, self.settings.sft_scale
        told: dict[str, Any] = {"sft": asdict(settings), "scale": asdict(scale), "base": weights_hash(base)}
        told["data"] = [file_hash(path) for path in files]

        def work(folder: Path) -> dict[str, Any]:
            from rstar.training.checkpoints import load_policy, load_trained_tokenizer
            from rstar.training.markers import add_markers
            from rstar.training.sft import train_sft

            rows = [row for path in files for row in _rows(path, read_sft)]
            if not rows:
                raise InputError(f"{name}: no problem was solved, so there is nothing to learn from; search longer")
            model, tokenizer = load_policy(base), load_trained_tokenizer(base)
            new = add_markers(model, tokenizer)
            report = train_sft(model, tokenizer, rows, settings, folder, scale=scale, train_embeddings=bool(new))
            return self.trained(folder, f"{len(rows)} examples, loss {report.loss:.3f}", asdict(report), files, base)

        return self.stages.stage(name, told, work)

    def ppm(self, number: int, policy: Path, before: Path | None) -> Path:
        """The stage that trains a round's PPM, from the round's policy or from the PPM `before` it."""
        files = [self.out / f"data-{each}" / PAIRS_FILE for each in self.pair_rounds(number)]
        if self.settings.teacher_rollouts.each:
            files.insert(0, self.teacher_pairs(number) / PAIRS_FILE)
        settings, scale = self.settings.ppm, self.settings.ppm_scale
        start = before if self.settings.ppm_starts_from == "ppm" and before is not None else policy
        told: dict[str, Any] = {"ppm": asdict(settings), "scale": asdict(scale), "policy": weights_hash(policy)}
        told |= {"data": [file_hash(path) for path in files], "extra_layers": self.settings.extra_layers}
        told |= {"start": weights_hash(start)}

        def work(folder: Path) -> dict[str, Any]:
            from rstar.training.checkpoints import load_trained_tokenizer, load_value_model, value_model_of
            from rstar.training.ppm import train_ppm

            pairs = [pair for path in files for pair in _rows(path, read_pairs)]
            if not pairs:
                raise InputError(f"ppm-{number}: no problem has right and wrong solutions, so there are no pairs")
            if start == policy:
                model = value_model_of(policy, settings.seed, self.settings.extra_layers)
            else:
                model = load_value_model(start)
            tokenizer = load_trained_tokenizer(policy)
            report = train_ppm(model, tokenizer, pairs, settings, folder, scale=scale)
            line = f"{report.num_pairs} pairs of {report.num_problems} problems, loss {report.loss:.3f}"
            return self.trained(folder, line, asdict(report), files, start)

        return self.stages.stage(f"ppm-{number}", told, work)

    def pair_rounds(self, number: int) -> range:
        """The rounds whose searches the value model of round `number` is trained on."""
        first = {"round": number, "all": 1}.get(self.settings.pairs_of)
        if first is None:
            first = 1 + max(each for each in (0, *self.ppm_rounds(number)) if each < number)
        return range(first, number + 1)

    def ppm_rounds(self, number: int) -> list[int]:
        """The rounds up to `number` that train a PPM."""
        return [each for each in range(1, number + 1) if self.settings.rounds[each - 1].trains_ppm]

    def trainings(self, number: int) -> list[int]:
        """The rounds whose trainings the PPM of round `number` has behind it."""
        return self.ppm_rounds(number) if self.settings.ppm_starts_from == "ppm" else [number]

    def teacher_pairs(self, number: int) -> Path:
        """The stage of pairs from the teacher's solutions for round `number`."""
        told: dict[str, Any] = {"pairs": asdict(self.settings.pairs)}
        told |= {"teacher": asdict(self.settings.teacher_rollouts)}
        told |= {"misconceptions": list(self.settings.lessons.misconceptions)}

        def work(folder: Path) -> dict[str, Any]:
            groups = teacher_groups(self.settings, number)
            count = write_rows(
                folder / PAIRS_FILE, (p for each in groups for p in make_pairs(each, self.settings.pairs))
            )
            return {"line": f"{count} pairs", "files": {PAIRS_FILE: file_hash(folder / PAIRS_FILE)}}

        return self.stages.stage(f"teacher-{number}", told, work)

    def trained(
        self, folder: Path, line: str, report: dict[str, Any], files: list[Path], start: Path
    ) -> dict[str, Any]:
        """The facts of a training stage."""
        return {
            "line": line,
            "report": report,
            "weights_sha256": weights_hash(folder),
            "data": {str(path.relative_to(self.out)): file_hash(path) for path in files},
            "starts_from": start.name,
            "starts_from_sha256": weights_hash(start),
        }

    def _searching_policy(self, base: Path, before: Models | None) -> Path:
        if before is not None:
            return before.policy
        return base if self.settings.bootstrap == BASE else _folder(self.settings.bootstrap, "bootstrap")

    def _pools(self, chosen: Round) -> list[str]:
        return [chosen.pool] if chosen.pool else list(self.settings.pools)

    def _searched(self, folder: Path, number: int, guiding: Guiding) -> dict[str, Any]:
        """Search the pool of a round; the facts are its coverage."""
        chosen = self.settings.rounds[number - 1]
        pool = joined([open_pool(name) for name in self._pools(chosen)])
        facts = self._examined(pool)
        spec = self._spec(number, guiding, facts)
        with self.open_guides(guiding) as guides:
            watched = synthesize(
                pool,
                facts,
                guides,
                spec,
                folder,
                concurrency=self.settings.concurrency,
                engine_errors=self.engine_errors,
                watched=Watched(),
            )
        if watched.failures:
            first, why = next(iter(watched.failures.items()))
            raise InputError(
                f"search-{number}: the engine failed on {len(watched.failures)} problems, first {first}: {why}; the "
                "same command tries them again"
            )
        coverage = watched.coverage
        right = coverage.num_right / max(1, coverage.num_rollouts)
        return {
            "line": f"{coverage.solved:.1%} of {coverage.num_problems} problems solved, {right:.1%} of solutions right",
            "coverage": coverage.as_fields(),
            "shards": _hashes(folder),
            "left_out": len(facts.left_out),
        }

    def _examined(self, pool: Pool) -> PoolFacts:
        return examine(pool, OverlapIndex(tasks_against(pool, self.settings.against)))

    def _spec(self, number: int, guiding: Guiding, facts: PoolFacts) -> SynthesisSpec:
        chosen = self.settings.rounds[number - 1]
        identities = self.identities | {
            "pool_sha256": facts.sha256,
            "policy_sha256": weights_hash(guiding.policy),
            "ppm_sha256": weights_hash(guiding.ppm) if guiding.ppm else "",
            "layout": guiding.layout,
            "max_new_tokens": str(self.settings.max_new_tokens),
        }
        return synthesis_spec(
            chosen.search,
            has_ppm=guiding.ppm is not None,
            overrides=chosen.overrides,
            extra=chosen.extra,
            seed=derive(self.settings.seed, "round", number),
            identities=identities,
        )


def joined(pools: list[Pool]) -> Pool:
    """Several pools as one, in their order."""
    if len(pools) == 1:
        return pools[0]
    name = " + ".join(pool.name for pool in pools)
    is_generated = all(pool.is_generated for pool in pools)
    return Pool(name, lambda: chain.from_iterable(pool.read() for pool in pools), is_generated)


def _rows(path: Path, read: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
    """The rows of a file; none of an empty one, which is no table."""
    return read(path) if path.stat().st_size else iter(())


def _hashes(searched: Path) -> dict[str, str]:
    return {path.name: file_hash(path) for path in shards_in(searched)}


def _folder(name: str, what: str) -> Path:
    path = Path(name).expanduser()
    if not (path / "config.json").is_file():
        raise InputError(
            f"evolution setting {what}: {name} is no folder of a model here; download it (e.g. 'hf download {name} "
            f"--local-dir DIR') and set {what} to that folder in a YAML file"
        )
    return path


__all__ = ["Evolution", "Guiding", "Models", "OpenGuides", "joined"]
