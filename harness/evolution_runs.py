"""The runs that judge an evolution: each is an ordinary run of `harness.run`, with records that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.run import Options, plan_run, run
from harness.spec import NO_REWARD, RunSpec
from harness.spec_fields import make_spec
from rstar.evolution.rounds import Models
from rstar.evolution.settings import EvolutionSettings
from tasks.types import InputError

Kind = Literal["greedy", "fixed", "system2", "best-of-n", "pqm", "sft-random", "sft-rejection"]
"""Tables 3; 4 (policy-1 with a later PPM); 6; 8 (ORM); 8 (PQM); 7."""


@dataclass(slots=True)
class Evaluations:
    """Does them, and knows which run is which."""

    settings: EvolutionSettings
    out: Path
    say: Callable[[str], Any]
    make_engines: Callable[..., Any]
    runs: dict[tuple[str, Kind], Path] = field(default_factory=dict)
    """(`base`, or the round's number, or an ablation's) and kind to the folder of the run."""

    def greedy(self, name: str, policy: Path) -> Path | None:
        """The policy alone, at temperature 0; None where nothing is evaluated."""
        return self._run(name, "greedy", {"preset": "greedy", "policy": str(policy), "ppm": NO_REWARD, "budgets": [1]})

    def round(self, number: int, models: Models, first_policy: Path) -> Path | None:
        """All runs after a round; returns the greedy one."""
        name = str(number)
        greedy = self.greedy(name, models.policy)
        if models.ppm is None or not self.settings.rounds[number - 1].trains_ppm:
            return greedy
        self._run(name, "system2", self._guided(models.policy, models.ppm))
        if number > 1:
            self._run(name, "fixed", self._guided(first_policy, models.ppm))
        else:
            self._same(name, "fixed", "system2")
        return greedy

    def ablation(self, name: str, model: Path, last: Models) -> None:
        """The run that shows what an ablation comes to."""
        if name == "pqm":
            self._run("last", "pqm", self._guided(last.policy, model))
        elif name == "outcome":
            budget = self.settings.evaluation.budget
            fields = {"policy": str(last.policy), "ppm": str(model), "budgets": powers(budget)}
            self._run("last", "best-of-n", {"preset": "best-of-n"} | fields)
        elif name == "sft-random":
            self._greedy_ablation("sft-random", model)
        else:
            self._greedy_ablation("sft-rejection", model)

    def _greedy_ablation(self, kind: Kind, policy: Path) -> None:
        self._run("last", kind, {"preset": "greedy", "policy": str(policy), "ppm": NO_REWARD, "budgets": [1]})

    def _guided(self, policy: Path, ppm: Path) -> dict[str, Any]:
        chosen = self.settings.evaluation
        return {"preset": chosen.search, "policy": str(policy), "ppm": str(ppm), "budgets": powers(chosen.budget)}

    def _same(self, name: str, kind: Kind, as_kind: Kind) -> None:
        if (name, as_kind) in self.runs:
            self.runs[name, kind] = self.runs[name, as_kind]

    def _run(self, name: str, kind: Kind, fields: dict[str, Any]) -> Path | None:
        chosen = self.settings.evaluation
        if not chosen.is_on:
            return None
        plan = plan_run(self._spec(fields), self.out)
        record = run(plan, Options(concurrency=self.settings.concurrency, make_engines=self.make_engines))
        if record.status != "complete":
            raise InputError(
                f"{plan.folder}: the evaluation is {record.status}; the same command goes on with what is missing"
            )
        self.runs[name, kind] = plan.folder
        self.say(f"evaluated {kind} {name}: {plan.folder.name}")
        return plan.folder

    def _spec(self, fields: dict[str, Any]) -> RunSpec:
        settings, chosen = self.settings, self.settings.evaluation
        common = {
            "task": chosen.task,
            "limit": chosen.limit if fields["ppm"] == NO_REWARD else chosen.guided_limit or chosen.limit,
            "seeds": list(chosen.seeds),
            "device": settings.device,
            "dtype": settings.dtype,
            "engine": settings.engine,
            "max_new_tokens": settings.max_new_tokens,
        }
        return make_spec(common | fields)


def powers(budget: int) -> list[int]:
    """1, 2, 4, ... and the budget itself."""
    return [*(1 << power for power in range(budget.bit_length()) if 1 << power < budget), budget]
