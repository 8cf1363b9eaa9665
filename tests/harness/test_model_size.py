"""The size of a model for FLOPs: what is multiplied, read from headers, and never of another model than the run's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import make_run

from harness.compute_axis import GivenSizes, axis_values
from harness.model_size import num_parameters, parse_size, size_of_run_model
from harness.run_inputs import fingerprint
from harness.run_summary import summarize
from tasks.types import InputError


def weights(path: Path, **shapes: list[int]) -> Path:
    """A safetensors file of zeros with tensors of these shapes, dots for double underscores."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        size = 1
        for each in shape:
            size *= each
        header[name.replace("__", ".")] = {"dtype": "U8", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    return path.parent


def test_an_input_table_beside_a_head_is_not_multiplied(tmp_path: Path) -> None:
    shapes = {"model__embed_tokens__weight": [50, 4], "model__layers__0__mlp__weight": [4, 4]}
    tied = weights(tmp_path / "tied" / "model.safetensors", **shapes)
    head = weights(tmp_path / "head" / "model.safetensors", **shapes, lm_head__weight=[50, 4])
    value = weights(tmp_path / "value" / "model.safetensors", **shapes, score__weight=[1, 4])
    assert (num_parameters(tied), num_parameters(head), num_parameters(value)) == (216, 216, 20)


def test_the_parts_of_a_large_model_add_up(tmp_path: Path) -> None:
    weights(tmp_path / "model-1.safetensors", model__embed_tokens__weight=[50, 4])
    weights(tmp_path / "model-2.safetensors", layer__weight=[3, 3], lm_head__weight=[50, 4])
    assert num_parameters(tmp_path) == 209


@pytest.mark.parametrize("content", [b"", b"\x10", b"\xff" * 64, (4).to_bytes(8, "little") + b"[1,2", b"x" * 9])
def test_a_file_that_is_no_safetensors_file_has_no_size(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    assert num_parameters(tmp_path) is None


def test_other_weights_than_those_of_the_run_give_no_size(tmp_path: Path) -> None:
    folder = weights(tmp_path / "model.safetensors", layer__weight=[3, 3])
    assert size_of_run_model(str(folder), "policy", fingerprint(folder)) == (9, f"weights in {folder}")
    assert size_of_run_model(str(folder), "policy", "0" * 64) == (
        None,
        f"{folder} holds another model now than in the run",
    )
    gone = str(tmp_path / "gone")
    assert size_of_run_model(gone, "policy", "0" * 64) == (None, f"{gone} is not on this machine")


@pytest.mark.parametrize(
    ("text", "size"),
    [("7.6B", 7_600_000_000), ("750k", 750_000), ("1e9", 10**9), ("1.5e+6", 1_500_000), (" 12 M ", 12_000_000)],
)
def test_sizes_may_be_written_with_their_unit(text: str, size: int) -> None:
    assert parse_size("--policy-params", text) == size


@pytest.mark.parametrize("text", ["", "B", "0", "-7B", "7 billion", "nan", "1e999"])
def test_what_is_no_size_is_refused_by_its_flag(text: str) -> None:
    with pytest.raises(InputError, match=r"--ppm-params .*: is no number of parameters; write e\.g\. 7\.6B"):
        parse_size("--ppm-params", text)


def test_ppm_and_orm_of_different_sizes_cannot_be_told_apart(tmp_path: Path) -> None:
    policy = weights(tmp_path / "policy" / "model.safetensors", layer__weight=[3, 3])
    other = weights(tmp_path / "other" / "model.safetensors", layer__weight=[5, 5])
    run = make_run(
        tmp_path / "runs",
        2,
        engine="transformers",
        interpreter="sandbox",
        policy=str(policy),
        ppm=str(policy),
        orm=str(other),
        inputs={
            "policy_sha256": fingerprint(policy),
            "ppm_sha256": fingerprint(policy),
            "orm_sha256": fingerprint(other),
        },
    )
    with pytest.raises(InputError, match=r"its PPM and its ORM together, .* \(9 and 25 parameters\)"):
        axis_values(summarize(run), "flops", GivenSizes())
