"""Muon for the matrices of a model's layers, AdamW for all else, as one optimizer.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) steps along the orthogonalised momentum of a
matrix. Embeddings, norms and the head are AdamW's, as its author has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from rstar.training.scale import Scale
from rstar.training.settings import TrainSettings
from rstar.training.trainer import ADAM_BETAS
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class MuonAndAdamW(torch.optim.Optimizer):
    """Two optimizers, each with its parameters, that a trainer and a schedule see as one."""

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer) -> None:
        self.parts = (muon, adamw)
        # The same groups, not copies: a schedule that sets the learning rate here sets that of the parts.
        super().__init__([*muon.param_groups, *adamw.param_groups], {})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step of both; a closure, which would be run twice, is refused by an AssertionError."""
        assert closure is None
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Those of the parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def optimizer_of(model: PreTrainedModel, settings: TrainSettings, scale: Scale) -> MuonAndAdamW | None:
    """The optimizer of a model that is trained with `settings`; None where that is the trainer's own AdamW.

    Raises InputError for Muon with FSDP, whose processes hold slices of the matrices.
    """
    if not settings.muon:
        return None
    if scale.fsdp:
        raise InputError("training setting muon does not go with --fsdp; leave one of them out")
    layers = [
        module.weight
        for module in model.base_model.modules()
        if isinstance(module, torch.nn.Linear) and module.weight.requires_grad
    ]
    known = {id(weight) for weight in layers}
    others = [weight for weight in model.parameters() if id(weight) not in known and weight.requires_grad]
    # A step of the size that AdamW's would have (Liu et al. 2025, arXiv 2502.16982), so that one weight decay suits.
    muon = torch.optim.Muon(
        layers, lr=settings.muon, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW(others, lr=settings.learning_rate, betas=ADAM_BETAS, weight_decay=settings.weight_decay)
    return MuonAndAdamW(muon, adamw)
