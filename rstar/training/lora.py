"""Low-rank adapters (LoRA, Hu et al. 2021) put into a model before its training and folded in after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def add_lora(model: PreTrainedModel, rank: int, alpha: int, *, train_embeddings: bool = False) -> int:
    """Freeze `model`, put adapters beside all its linear layers but the head; returns the number of trained weights.

    A value head is trained whole, since it starts from nothing; so are the embeddings with `train_embeddings`, where
    markers were added that a frozen table could not learn.
    """
    from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear"), model)
    head: Any = getattr(model, "score", None)
    if head is not None:
        head.requires_grad_(requires_grad=True)
    if train_embeddings:
        tables: tuple[Any, Any] = (model.get_input_embeddings(), cast("Any", model).get_output_embeddings())
        for table in tables:
            if table is not None:
                table.requires_grad_(requires_grad=True)
    return sum(weights.numel() for weights in model.parameters() if weights.requires_grad)


def merge_lora(model: PreTrainedModel) -> None:
    """Fold every adapter into the layer that it stands beside and take it out; the model computes what it did."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted = [(name, module) for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)]
    for name, module in adapted:
        module.merge()
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, module.get_base_layer())
    model.requires_grad_(requires_grad=True)
