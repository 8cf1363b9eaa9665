"""What SFT and PPM training hand to the Hugging Face trainers alike."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from rstar.training.settings import TrainSettings


def trainer_arguments(settings: TrainSettings, work: Path, num_ordered: int) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments` for one pass over `num_ordered` examples as they stand.

    The examples of all epochs are laid out by `rstar.training.order`. `work` receives the checkpoints of an unfinished
    run.
    """
    steps = math.ceil(num_ordered / settings.batch)
    return {
        "output_dir": str(work),
        "num_train_epochs": 1,
        "per_device_train_batch_size": settings.batch,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": round(settings.warmup * steps),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "adam_beta2": 0.98,  # short runs: the second moment must forget the start; chosen, not tuned
        "bf16": settings.bf16,
        "use_cpu": not has_gpu(),
        "seed": settings.seed,
        "data_seed": settings.seed,
        "save_strategy": "steps" if settings.save_every else "no",
        "save_steps": settings.save_every or 500,
        "save_total_limit": 1,
        "logging_steps": 50,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": has_gpu(),
        "train_sampling_strategy": "sequential",
    }


def has_gpu() -> bool:
    """Whether torch sees a CUDA device."""
    import torch

    return bool(torch.cuda.is_available())


def use_threads(settings: TrainSettings) -> None:
    """Set the torch threads that `settings` ask for."""
    import torch

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if settings.threads:
        torch.set_num_threads(settings.threads)


def last_checkpoint(work: Path) -> str | None:
    """The newest checkpoint of an unfinished run in `work`, to go on from."""
    from transformers.trainer_utils import get_last_checkpoint

    if not work.is_dir():
        return None
    found: str | None = get_last_checkpoint(str(work))  # type: ignore[no-untyped-call]
    return found
