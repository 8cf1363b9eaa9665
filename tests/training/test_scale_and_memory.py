"""How trainings are cut for their devices, and what they are estimated to take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rstar.training.memory import GIB, Size, check_fits, estimate
from rstar.training.scale import SCALES, Scale, scale_arguments, scaled
from rstar.training.settings import PPM_PRESETS, SFT_PRESETS, SftSettings
from tasks.types import InputError

QWEN_7B = Size(7_615_616_512, 28, 3584, 152_064)
"""Qwen2.5-Math-7B: parameters, layers, width and vocabulary of its config.json."""


def test_a_batch_is_the_sum_of_passes_and_devices() -> None:
    assert Scale(micro_batch=4).passes(SFT_PRESETS["paper-7b"], 8) == (4, 4)
    assert Scale().passes(SFT_PRESETS["paper-7b"], 8) == (16, 1)
    assert Scale(micro_batch=64).passes(SFT_PRESETS["paper-7b"], 8) == (16, 1)


@pytest.mark.parametrize(("scale", "processes"), [(Scale(micro_batch=5), 1), (Scale(), 3)])
def test_a_batch_that_does_not_divide_is_refused(scale: Scale, processes: int) -> None:
    with pytest.raises(InputError, match="change"):
        scale.passes(SftSettings(batch=128), processes)


def test_an_unchanged_scale_leaves_the_trainer_as_it_was() -> None:
    assert scale_arguments(Scale(), SftSettings(batch=16)) == {
        "per_device_train_batch_size": 16,
        "gradient_accumulation_steps": 1,
        "adam_beta2": 0.98,
        "logging_nan_inf_filter": False,
        "gradient_checkpointing": False,
    }


def test_full_training_of_7b_takes_sixteen_bytes_a_parameter_beside_activations() -> None:
    found = estimate(QWEN_7B, SFT_PRESETS["paper-7b"], Scale(fsdp=True, micro_batch=4), 1)
    assert found.state == pytest.approx(16 * QWEN_7B.parameters)
    shared = estimate(QWEN_7B, SFT_PRESETS["paper-7b"], Scale(fsdp=True, micro_batch=4), 8)
    assert shared.state == pytest.approx(found.state / 8)


def test_the_paper_preset_fits_on_eight_devices_of_80_gb() -> None:
    check_fits(QWEN_7B, SFT_PRESETS["paper-7b"], SCALES["paper-7b"], 80 * GIB, 8)


@pytest.mark.parametrize(
    ("scale", "room", "processes", "advice"),
    [
        (Scale(micro_batch=4), 80, 1, "--fsdp on 2 devices, or --lora 16"),
        (Scale(fsdp=True, micro_batch=16), 80, 8, "--micro-batch 1$"),
        (Scale(micro_batch=4), 48, 1, "--fsdp on 4 devices$"),
        (Scale(), 4, 1, "smaller model"),
    ],
)
def test_a_device_that_is_too_small_is_refused_with_the_setting_to_change(
    scale: Scale, room: int, processes: int, advice: str
) -> None:
    with pytest.raises(InputError, match=advice):
        check_fits(QWEN_7B, SFT_PRESETS["paper-7b"], scale, room * GIB, processes)


def test_checkpointing_and_adapters_lower_the_estimate() -> None:
    settings, scale = SFT_PRESETS["paper-7b"], Scale(micro_batch=1)
    whole = estimate(QWEN_7B, settings, scale)
    assert estimate(QWEN_7B, settings, replace(scale, gradient_checkpointing=True)).activations < whole.activations / 3
    assert estimate(QWEN_7B, settings, replace(scale, lora_rank=16)).state < whole.state / 2


def test_an_unknown_scale_is_named() -> None:
    with pytest.raises(InputError, match="'zero' is unknown"):
        scaled(Scale(), {"zero": 3})
    with pytest.raises(InputError, match="adam_beta2"):
        scaled(Scale(), {"adam_beta2": 1.0})


def test_the_paper_presets_have_the_papers_numbers() -> None:
    sft, phi, ppm = SFT_PRESETS["paper-7b"], SFT_PRESETS["paper-phi3"], PPM_PRESETS["paper-7b"]
    assert (sft.epochs, sft.learning_rate, sft.batch, sft.max_tokens, sft.schedule) == (2, 7e-6, 128, 4096, "linear")
    assert (phi.learning_rate, phi.schedule) == (5e-6, "cosine")
    assert (ppm.epochs, ppm.learning_rate, ppm.max_tokens, ppm.dropout) == (1, 7e-6, 2048, 0.1)
    assert not sft.mask_output
