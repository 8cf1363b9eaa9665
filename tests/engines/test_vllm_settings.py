"""How vLLM is asked to share a machine, and what is refused before it is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_models import make_tokenizer
from transformers import PreTrainedTokenizerFast

from harness.engine_counters import counter_lines
from harness.spec_fields import make_spec
from harness.vllm_engines import is_shared, needs_logprobs
from rstar.engines import vllm_installed
from rstar.engines.vllm_counts import EngineCounts
from rstar.engines.vllm_installed import check_version, choose_platform
from rstar.engines.vllm_loading import check_fit, check_stops
from rstar.engines.vllm_settings import Load, VllmSettings, engine_arguments, environment, read_settings
from rstar.engines.vllm_start import last_error, reason_of
from rstar.engines.worker import EngineError
from tasks.types import InputError

LOAD = Load(
    folder="m",
    use="policy",
    platform="cuda",
    dtype="auto",
    max_context_tokens=4096,
    max_samples=256,
    kv_bytes=None,
    memory_share=0.45,
)


def test_settings_are_read_from_flags_and_from_a_file_alike() -> None:
    texts = ["tensor_parallel=2", "ppm_device=cuda:2", "gpu_memory=0.6", "eager=true"]
    expected = VllmSettings(tensor_parallel=2, ppm_device="cuda:2", gpu_memory=0.6, eager=True)
    assert read_settings(texts) == expected
    assert read_settings(dict(text.split("=") for text in texts)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu_memory", "is no setting; write NAME=VALUE"),
        ("gpu_memry=0.4", "'gpu_memry' is unknown; use gpu_memory"),
        ("gpu_memory=much", "'much' is not a number"),
        ("gpu_memory=1.5", "1.5 is no share"),
        ("tensor_parallel=0", "less than 1"),
        ("tensor_parallel=two", "not a whole number"),
        ("eager=perhaps", "not true or false"),
        ("restarts=-1", "less than 0"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_settings([text])


@pytest.mark.parametrize(
    ("texts", "shared", "expected"),
    [
        ([], False, (0.9, 0.9)),
        ([], True, (0.45, 0.45)),
        (["gpu_memory=0.6"], True, (0.6, 0.3)),
        (["gpu_memory=0.6", "ppm_gpu_memory=0.2"], True, (0.6, 0.2)),
    ],
)
def test_models_on_one_gpu_share_its_memory(texts: list[str], shared: bool, expected: tuple[float, float]) -> None:
    settings = read_settings(texts)
    shares = tuple(settings.memory_share(use, is_shared=shared) for use in ("policy", "reward"))
    assert shares == pytest.approx(expected)


def test_a_reward_model_on_another_gpu_shares_none() -> None:
    spec = make_spec({"task": "procedural", "engine": "vllm", "device": "cuda:0"})
    assert is_shared(spec, VllmSettings())
    assert not is_shared(spec, VllmSettings(ppm_device="cuda:1"))
    assert is_shared(spec, VllmSettings(ppm_device="cuda:1", tensor_parallel=2))
    assert not is_shared(
        make_spec({"task": "procedural", "engine": "vllm", "preset": "greedy", "ppm": "none"}), VllmSettings()
    )


def test_log_probabilities_are_asked_for_where_the_search_reads_them() -> None:
    given = {"task": "procedural", "engine": "vllm", "method": "mcts"}
    assert needs_logprobs(make_spec(given | {"search": {"variant": "puct"}}))
    assert not needs_logprobs(make_spec(given))


def test_on_a_cpu_prompts_are_not_cut_and_one_process_serves() -> None:
    """Seeds with prompts in chunks crash vLLM 0.32 on a CPU."""
    arguments = engine_arguments(replace(LOAD, platform="cpu"))
    assert arguments["enable_chunked_prefill"] is False
    assert arguments["max_num_batched_tokens"] >= 4096
    assert (arguments["dtype"], arguments["kv_cache_memory_bytes"]) == ("float32", 1 << 30)
    assert environment("cpu", "auto", 1, {})["OMP_NUM_THREADS"] == "1"
    assert environment("cpu", "auto", 1, {"OMP_NUM_THREADS": "4"})["OMP_NUM_THREADS"] == "4"


def test_on_a_gpu_the_share_of_its_memory_is_what_was_asked_for() -> None:
    arguments = engine_arguments(LOAD)
    assert (arguments["gpu_memory_utilization"], arguments["enforce_eager"]) == (0.45, False)
    assert "kv_cache_memory_bytes" not in arguments
    assert "enable_chunked_prefill" not in arguments
    assert engine_arguments(replace(LOAD, use="reward"))["runner"] == "pooling"


@pytest.mark.parametrize(
    ("device", "gpus", "visible", "expected"),
    [
        ("cuda", 1, "", None),
        ("cuda:1", 1, "", "1"),
        ("cuda:2", 2, "", "2,3"),
        ("cuda:1", 1, "4,6", "6"),
        ("cuda:0", 2, "4,6", "4,6"),
    ],
)
def test_an_engine_sees_the_gpus_that_it_was_given(device: str, gpus: int, visible: str, expected: str | None) -> None:
    changes = environment("cuda", device, gpus, {"CUDA_VISIBLE_DEVICES": visible} if visible else {})
    assert changes.get("CUDA_VISIBLE_DEVICES") == expected


def test_more_gpus_than_are_visible_are_refused() -> None:
    with pytest.raises(InputError, match="CUDA_VISIBLE_DEVICES has 1; name fewer"):
        environment("cuda", "cuda:0", 2, {"CUDA_VISIBLE_DEVICES": "3"})


@pytest.mark.parametrize("found", ["0.28.1", "0.34.0", "1.0", "unknown"])
def test_another_version_is_refused_by_name(found: str) -> None:
    with pytest.raises(InputError, match=f"this is {found}; install one of these"):
        check_version(found)


def test_the_versions_that_serve_are_taken() -> None:
    for found in ("0.29.0", "0.32.0+cpu", "0.33.1rc1"):
        check_version(found)


def test_without_vllm_the_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_installed, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs the package vllm; install it with pip install 'rstar-bench\[vllm\]'"):
        choose_platform("auto")


@pytest.mark.parametrize(
    ("device", "num", "message"),
    [
        ("auto", 0, "built for CUDA, and there is no GPU here"),
        ("cpu", 1, "--device cpu: this vLLM is built for CUDA"),
        ("cuda:3", 2, "this machine has 2 GPUs, cuda:0 to cuda:1"),
    ],
)
def test_a_gpu_that_is_not_there_is_one_line(device: str, num: int, message: str) -> None:
    number = int(device.partition(":")[2] or 0)
    with pytest.raises(InputError, match=message):
        vllm_installed._cuda(device, number, num)


def test_a_model_without_the_markers_is_refused_for_the_layout_that_needs_them() -> None:
    check_stops(Path("ours"), make_tokenizer())
    foreign = PreTrainedTokenizerFast(tokenizer_object=_bare())
    with pytest.raises(InputError, match=r"has no token for <end_of_step>, <end_of_code>, <end_of_answer>.*bootstrap"):
        check_stops(Path("foreign"), foreign)


def _bare() -> object:
    from tokenizers import Tokenizer, models

    return Tokenizer(models.BPE({"<": 0, "e": 1}, []))


def test_weights_larger_than_their_share_of_the_gpu_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(15 << 30)
    check_fit(tmp_path, "policy", 80 << 30, 0.45, 1)
    check_fit(tmp_path, "policy", 24 << 30, 0.45, 2)
    with pytest.raises(InputError, match=r"weights take 15.0 GiB, and its share of the GPU is 10.8 GiB"):
        check_fit(tmp_path, "policy", 24 << 30, 0.45, 1)


LOG = """\
(EngineCore pid=7) ERROR 11-24 15:00:00 [core.py:1510] EngineCore failed to start.
(EngineCore pid=7) ERROR 11-24 15:00:00 [core.py:1510] Traceback (most recent call last):
(EngineCore pid=7) ERROR 11-24 15:00:00 [core.py:1510] {error}
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {{}}
"""


@pytest.mark.parametrize(
    ("error", "kind", "advice"),
    [
        ("ValueError: To serve at least one request with the models's max seq len (4096), (0.5 GiB KV cache is needed",
         InputError, "smaller --max-context-tokens"),
        ("ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired GPU memory",
         InputError, "GPU's memory is too small"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.2 GiB", InputError, "memory is too small"),
        ("KeyError: 'layers.0.weight'", EngineError, "its log"),
    ],
)  # fmt: skip
def test_why_an_engine_did_not_start_is_vllms_own_last_word(
    error: str, kind: type[Exception], advice: str, tmp_path: Path
) -> None:
    log = tmp_path / "engine.log"
    log.write_text(LOG.format(error=error))
    assert last_error(log) == error
    found = reason_of("policy engine", RuntimeError("Engine core initialization failed."), log)
    assert type(found) is kind
    assert advice in str(found)
    assert error in str(found)
    assert "\n" not in str(found)


def test_every_steps_statistics_are_added_up() -> None:
    counts = EngineCounts()
    cache = SimpleNamespace(queries=100, hits=80)
    for running, thrown in ((4, 0), (6, 2)):
        found = counts.record(
            SimpleNamespace(prefix_cache_stats=cache, num_running_reqs=running),
            SimpleNamespace(num_preempted_reqs=thrown, num_generation_tokens=running),
        )
        assert found == thrown
    assert counts.record(None, None) == 0
    shown = counts.for_json()
    assert (shown["cache_hit_rate"], shown["preemptions"], shown["generated_tokens"]) == (0.8, 2, 10)
    assert (shown["mean_running"], shown["most_running"], shown["steps"]) == (5, 6, 2)


def test_a_report_says_what_the_engines_did_over_all_sessions() -> None:
    done = {"prompt_tokens": 100, "cached_tokens": 90, "preemptions": 1, "restarts": 1, "resent": 4}
    sessions = [{"engines": {"policy": done}}, {}, {"engines": {"policy": done, "ppm": {"prompt_tokens": 10}}}]
    first, second = counter_lines(sessions)
    assert first == (
        "Engine of the policy: 90.0% of 200 prompt tokens from its prefix cache, 2 preemptions, 2 restarts "
        "(8 requests sent again)."
    )
    assert second == "Engine of the ppm: 0.0% of 10 prompt tokens from its prefix cache, 0 preemptions, 0 restarts."
