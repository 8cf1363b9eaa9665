"""The model of an engine and the keys and values of its running sequences, one row each.

A row holds a sequence from its first token on: slot i of a row is position i. So rows of any lengths run side by side
without padding on the left, and a row is copied, moved or cut without touching positions. Rows 0, 1, ... are in use,
without gaps: a forward pass reads them where they lie.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin

from rstar.engines.attention import GROUPED
from rstar.engines.llama_step import LlamaStep, fits
from tasks.types import InputError

Tokens = NDArray[np.int64]
LENGTH_STEP = 64
"""Row lengths grow in steps of this many tokens. Chosen, not tuned."""
_PROBE_ERRORS = (RuntimeError, TypeError, ValueError, AttributeError, KeyError, IndexError, NotImplementedError)


class _RowLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's view of the rows, as transformers sees a cache."""

    def __init__(self, rows: KVRows, index: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows, self.index = rows, index
        self.is_initialized = True

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ARG002 - hints for other kinds of cache
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self.rows.write(self.index, key_states, value_states)

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing: the rows exist."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002 - the span of the forward pass rules
        return self.rows.length_in_use, 0

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return -1


class KVRows:
    """A model with room for the keys and values of many sequences, within `max_bytes`."""

    def __init__(self, model: PreTrainedModel, max_bytes: int) -> None:
        """Raises InputError where the model's architecture keeps another kind of state, or the attention differs."""
        self.model, self.max_bytes = model, max_bytes
        self.device = model.device
        self._options = set(inspect.signature(model.forward).parameters)
        self._window, self._layer_types = _sliding_window(model.config.get_text_config())
        num_layers, num_heads, head_size = self._kv_shape()
        self.dtype = model.dtype
        self.bytes_per_token = num_layers * 2 * num_heads * head_size * self.dtype.itemsize
        self.kv = torch.zeros(num_layers, 2, 0, num_heads, 0, head_size, dtype=self.dtype, device=self.device)
        self.length_in_use = 0
        self._cache = Cache(layers=[_RowLayer(self, index) for index in range(num_layers)])
        self._slots = self._span = torch.empty(0)
        self.step: LlamaStep | None = None
        """Takes single tokens, for a model that it fits; None: the model's own forward pass does."""
        self._check()

    @property
    def num_rows(self) -> int:
        """Rows that there is memory for now."""
        return self.kv.shape[2]

    @property
    def length(self) -> int:
        """Tokens that each of these rows has room for."""
        return self.kv.shape[4]

    def max_rows(self, length: int) -> int:
        """Rows of `length` tokens that `max_bytes` can hold, while older and smaller ones are being copied."""
        return self.max_bytes // (2 * self.bytes_per_token * rounded(length))

    def reserve(self, num_rows: int, length: int) -> None:
        """Have memory for at least that many rows of that length; what the first `num_rows` rows hold stays."""
        if num_rows <= self.num_rows and length <= self.length:
            return
        length = max(rounded(length), self.length)
        if self.length < length and self.max_rows(3 * self.length // 2) >= max(num_rows, self.num_rows):
            length = max(length, rounded(3 * self.length // 2))
        room = self.max_rows(length)
        # Growing by factors keeps the copies few. How much may be asked for is up to the caller.
        num_rows = max(num_rows, min(2 * self.num_rows, room))
        layers, two, old_rows, heads, old_length, size = self.kv.shape
        grown = torch.zeros(layers, two, num_rows, heads, length, size, dtype=self.dtype, device=self.device)
        kept = min(old_rows, num_rows)
        grown[:, :, :kept, :, :old_length] = self.kv[:, :, :kept]
        self.kv = grown

    def clear(self) -> None:
        """Give the memory back."""
        self.kv = self.kv[:, :, :0, :, :0].clone()

    def copy_rows(self, moves: Iterable[tuple[int, int]], length: int) -> None:
        """Copy the first `length` slots of rows (from, to). No row may be both."""
        for source, target in moves:
            self.kv[:, :, target, :, :length].copy_(self.kv[:, :, source, :, :length])

    def put(self, row: int, start: int, kv: torch.Tensor) -> int:
        """Write keys and values [layers, 2, heads, tokens, size] from slot `start` on; the slot after them."""
        stop = start + kv.shape[3]
        self.kv[:, :, row, :, start:stop].copy_(kv)
        return stop

    def cut(self, row: int, start: int, stop: int) -> torch.Tensor:
        """A copy of the keys and values of some slots: [layers, 2, heads, tokens, size]."""
        return self.kv[:, :, row, :, start:stop].clone()

    def forward(
        self,
        first: int,
        tokens: Tokens,
        starts: Tokens,
        ends: Tokens,
        body_only: bool = False,
        columns: Sequence[int] = (-1,),
    ) -> torch.Tensor:
        """Feed new tokens to rows `first`, `first` + 1, ...: logits at the last column, [rows, vocabulary].

        `tokens` is [rows, new]; row i writes slots `starts[i]` to `ends[i]` - 1; what goes beyond is padding, all of
        which is written to slot `ends[i]`, for a later token to overwrite. Memory must be reserved. With `body_only`
        the last hidden state of the model without its head, [rows, hidden size]; at several `columns`, of two tokens or
        more, [rows, columns, hidden size].
        """
        positions = np.minimum(starts[:, None] + np.arange(tokens.shape[1]), ends[:, None])
        self.length_in_use = int(positions[:, -1].max()) + 1
        slots = torch.from_numpy(positions).to(self.device)
        self._aim(first, slots)
        inputs: dict[str, Any] = {
            "input_ids": torch.from_numpy(tokens).to(self.device),
            "attention_mask": self._masks(slots),
            "past_key_values": self._cache,
            "use_cache": True,
        }
        if "position_ids" in self._options:
            real = np.minimum(positions, ends[:, None] - 1)
            inputs["position_ids"] = torch.from_numpy(real).to(self.device)
        if self.step is not None and tokens.shape[1] == 1:
            last = self.step(inputs["input_ids"], inputs["position_ids"], inputs["attention_mask"], self.write)
            return last if body_only else self._head(last)
        if body_only:
            hidden: torch.Tensor = self.model.base_model(**inputs)[0]
            return hidden[:, list(columns)] if len(columns) > 1 else hidden[:, columns[0]]
        if "logits_to_keep" in self._options:
            inputs["logits_to_keep"] = 1
        logits: torch.Tensor = self.model(**inputs).logits
        return logits[:, -1]

    def write(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's new keys and values, and give all of the rows in use up to the longest."""
        size = keys.shape[-1]
        span = self.kv[layer, :, self._first : self._first + keys.shape[0]]
        for half, new in ((span[0], keys), (span[1], values)):
            half.view(-1, size).index_copy_(0, self._slots, new.reshape(-1, size))
        read = span[:, :, :, : self.length_in_use]
        return read[0], read[1]

    def _aim(self, first: int, slots: torch.Tensor) -> None:
        """Choose where the next forward pass writes: `slots` [rows, new] of the rows from `first` on."""
        num_rows = len(slots)
        heads, length = self.kv.shape[3], self.length
        lines = torch.arange(num_rows * heads, device=self.device).view(num_rows, heads, 1) * length
        self._first = first
        self._slots = (lines + slots[:, None]).view(-1)

    def _masks(self, slots: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """What each new token may see: additive, [rows, 1, new, length]; by kind of layer where there are several."""
        seen = torch.arange(self.length_in_use, device=self.device)
        lowest = torch.finfo(self.dtype).min
        nothing = torch.zeros((), dtype=self.dtype, device=self.device)
        hidden = seen > slots[..., None]
        full = torch.where(hidden, lowest, nothing)[:, None]
        if self._window is None:
            return full
        near = torch.where(hidden | (seen <= slots[..., None] - self._window), lowest, nothing)[:, None]
        return {"full_attention": full, "sliding_attention": near} if self._layer_types else near

    def _kv_shape(self) -> tuple[int, int, int]:
        """Layers, key heads and head size, as one short forward pass shows them."""
        cache = DynamicCache(config=self.model.config)
        with torch.inference_mode():
            self.model.base_model(
                input_ids=torch.zeros(1, 1, dtype=torch.long, device=self.device), past_key_values=cache
            )
        layers = cache.layers
        shapes = {
            tuple(part.shape)
            for layer in layers
            for part in (getattr(layer, "keys", None), getattr(layer, "values", None))
            if part is not None
        }
        if len(shapes) != 1 or any(not isinstance(layer, CacheLayerMixin) for layer in layers):
            raise InputError(
                f"{self._name}: its layers do not all keep keys and values of one shape; use another engine"
            )
        [(_, heads, _, size)] = shapes
        return len(layers), heads, size

    @property
    def _name(self) -> str:
        return f"architecture {self.model.config.model_type!r} does not run in the transformers engine"

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        head: Any = self.model.get_output_embeddings()  # type: ignore[no-untyped-call]
        logits: torch.Tensor = head(hidden)
        return logits

    def _check(self) -> None:
        """Compare a short sequence, fed in two parts beside another one, with the model's own forward pass."""
        vocabulary = self.model.config.get_text_config().vocab_size
        tokens = np.arange(1, 8, dtype=np.int64)[None] % vocabulary
        with torch.inference_mode():
            inputs = torch.from_numpy(tokens).to(self.device)
            expected = self.model.base_model(input_ids=inputs)[0][:, -1].float()
            own = self.model.config._attn_implementation  # noqa: SLF001 - the only place where its name is kept
            for backend in (GROUPED, own):
                try:
                    self.model.set_attn_implementation(backend)
                    found = self._probe(tokens).float()
                except _PROBE_ERRORS:
                    continue
                finally:
                    self.clear()
                if self._is_near(found, expected):
                    self.backend = backend
                    self._try_step(tokens, expected)
                    return
        raise InputError(f"{self._name}: its numbers differ from its own forward pass; use another engine")

    def _try_step(self, tokens: Tokens, expected: torch.Tensor) -> None:
        """Take single tokens by `LlamaStep` where that gives the model's own numbers."""
        if self.backend != GROUPED or self._window is not None or not fits(self.model):
            return
        self.step = LlamaStep(self.model)
        try:
            is_near = self._is_near(self._probe(tokens).float(), expected)
        except _PROBE_ERRORS:
            is_near = False
        finally:
            self.clear()
        if not is_near:
            self.step = None

    def _is_near(self, found: torch.Tensor, expected: torch.Tensor) -> bool:
        return bool((found - expected).abs().max() <= self._tolerance() * expected.abs().max())

    def _probe(self, tokens: Tokens) -> torch.Tensor:
        self.reserve(3, tokens.shape[1] + 4)
        both = np.repeat(tokens, 2, axis=0)
        starts = np.array([0, 2])
        self.forward(1, both[:, :5], starts, np.array([4, 7]), body_only=True)
        self.forward(1, both[:1, 4:6], np.array([4]), np.array([6]), body_only=True)
        return self.forward(1, both[:1, 6:], np.array([6]), np.array([7]), body_only=True)

    def _tolerance(self) -> float:
        """Relative; about a thousand roundings."""
        return 1000 * torch.finfo(self.dtype).eps if self.dtype == torch.float32 else 16 * torch.finfo(self.dtype).eps


def rounded(length: int) -> int:
    """The next multiple of `LENGTH_STEP`, at least one step."""
    return max(1, -(-length // LENGTH_STEP)) * LENGTH_STEP


def _sliding_window(config: Any) -> tuple[int | None, bool]:
    """Width of the attention window, None without one, and whether only some layers have it."""
    types = set(getattr(config, "layer_types", None) or ())
    if types:
        return (config.sliding_window, True) if "sliding_attention" in types else (None, False)
    return getattr(config, "sliding_window", None), False
