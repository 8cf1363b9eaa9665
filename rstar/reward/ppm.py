"""The process preference model (PPM) on transformers: a language model with a head for one number.

The value of a trajectory is tanh(logit / scale), where the logit is the head's output at the trajectory's last token.
Training works on the logit alone, as the released code does: the pairwise loss sees differences of logits, no tanh and
no scale. The scale belongs to serving: 5 as released (`tanh(logit / 5)`), unless the model's configuration has a
`value_scale` of its own. The paper has the tanh inside the model; that is a scale of 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.engines.loading import Dtype, choose_device, choose_dtype, load_model, load_tokenizer
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.transformers import MAX_CONTEXT_TOKENS
from rstar.prompts import Layout
from rstar.reward import last_token
from rstar.reward.last_token import MAX_SEQUENCES, LastTokenReward
from rstar.types import Trajectory
from tasks.types import InputError

VALUE_SCALE = 5.0
"""Released serving code: tanh(logit / 5)."""


def value_of(logit: float, scale: float = VALUE_SCALE) -> float:
    """tanh(logit / scale), in [-1, 1]."""
    return last_token.value_of(logit, scale)


class TransformersPPM(LastTokenReward):
    """A PPM, or an ORM, which has the same head."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        layout: Layout = "rstar-sft",
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> None:
        """`kv_bytes` None is 1 GiB on a CPU, 0.4 of what is free on a GPU.

        Raises InputError for a setting out of range, and for a model that the engine cannot run.
        """
        scale = float(getattr(model.config, "value_scale", VALUE_SCALE))
        if not scale > 0:
            raise InputError(f"value_scale = {scale} in the model's config.json is not positive; remove or set it")
        super().__init__(
            model, scale, max_context_tokens=max_context_tokens, max_sequences=max_sequences, kv_bytes=kv_bytes
        )
        self.prompts = PromptTokens(tokenizer, layout)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: Dtype = "auto",
        layout: Layout = "rstar-sft",
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> Self:
        """A PPM from a folder with a saved model and tokenizer. Raises InputError for one that does not serve."""
        chosen = choose_device(device)
        model = load_model(Path(folder), "reward model", chosen, choose_dtype(dtype, chosen))
        return cls(
            model,
            load_tokenizer(Path(folder), "reward model"),
            layout=layout,
            max_context_tokens=max_context_tokens,
            max_sequences=max_sequences,
            kv_bytes=kv_bytes,
        )

    def sequence(self, trajectory: Trajectory) -> tuple[int, ...]:
        """Prompt and solution so far, in the layout of the policies trained here."""
        return self.prompts.of(trajectory)
