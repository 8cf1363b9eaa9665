"""A training that stops at the first loss that is not finite, and never saves a checkpoint that is not."""

from __future__ import annotations

from typing import Any

import torch

from rstar.training.trainer import last_checkpoint
from tasks.types import InputError


class Finite:
    """Goes before a `transformers.Trainer` among the parents of a class."""

    def training_step(self, *arguments: Any, **options: Any) -> Any:
        """The trainer's own step. Raises InputError where its loss is not finite."""
        loss = super().training_step(*arguments, **options)  # type: ignore[misc]
        if not bool(torch.isfinite(loss)):
            raise InputError(self._complaint("the loss is not finite"))
        return loss

    def _save_checkpoint(self, model: Any, *arguments: Any, **options: Any) -> None:
        """The trainer's own, unless a weight is not finite: then the checkpoint before it is kept."""
        if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
            raise InputError(self._complaint("a weight is not finite"))
        super()._save_checkpoint(model, *arguments, **options)  # type: ignore[misc]

    def _complaint(self, what: str) -> str:
        from pathlib import Path

        arguments, state = self.args, self.state  # type: ignore[attr-defined]
        kept = last_checkpoint(Path(arguments.output_dir))
        where = f"the last good checkpoint is kept in {kept}" if kept else "no checkpoint was saved before it"
        return (
            f"{what} at step {state.global_step + 1} of {state.max_steps}; {where}; lower learning_rate "
            f"(now {arguments.learning_rate:g}) and train into another --out folder, or look for broken examples"
        )


def finite(trainer: type[Any]) -> type[Any]:
    """`trainer` with `Finite` before it."""
    return type(f"Finite{trainer.__name__}", (Finite, trainer), {})
