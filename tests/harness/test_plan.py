"""A plan's figures, against hand computations; what does not fit or is not known is a warning, never a refusal."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from sum_runs import rstar, solved, write_task

from harness.cli import COMMANDS, Command
from harness.gpu_table import GPUS
from harness.model_shape import BOOTSTRAP, PPM, SHAPES, shape_of
from harness.model_size import num_parameters
from harness.plan import Plan, Wish, make_plan
from harness.plan_memory import fit, smallest_worker
from harness.plan_report import plan_lines, short
from harness.plan_rounds import ROUNDS, reached_share
from harness.plan_speed import LEAST, LIKELY, MOST, Range, gpu_seconds_per_token, tokens_per_second
from harness.plan_tokens import from_paper, from_pilot
from harness.record_file import read_records
from harness.run_folder import RECORDS
from harness.run_inputs import model_path

COMMANDS.setdefault("plan", Command("harness.cli_plan", "plan", ""))
P7, H100, A100 = SHAPES["paper-7b"], GPUS["h100"], GPUS["a100-40"]


def test_the_parameters_of_the_7b_model_follow_from_its_shape() -> None:
    attention = 2 * 3584 * 3584 + 2 * 3584 * 512 + 3584 + 2 * 512  # q, o; k, v; their biases
    layer = attention + 3 * 3584 * 18944 + 2 * 3584  # feed-forward, two norms
    assert P7.parameters == 28 * layer + 2 * 152064 * 3584 + 3584
    small = 2 * 1536 * 1536 + 2 * 1536 * 256 + 1536 + 2 * 256 + 3 * 1536 * 8960 + 2 * 1536
    assert SHAPES["paper-1.5b"].parameters == 28 * small + 151936 * 1536 + 1536  # tied
    phi = 4 * 3072 * 3072 + 3 * 3072 * 8192 + 2 * 3072
    assert SHAPES["paper-phi3"].parameters == 32 * phi + 2 * 32064 * 3072 + 3072


def test_a_token_in_the_cache_takes_56_kib_in_the_7b_model() -> None:
    assert P7.kv_bytes == 2 * 28 * 2 * 4 * 128 == 57_344


def test_policy_and_ppm_fit_on_one_h100_with_39_gb_left() -> None:
    found = fit(P7, PPM, H100, 1, mean_tokens=200, max_tokens=4096)
    working = 8192 * (2 * 18944 + 4 * 3584) * 2 + 256 * 152064 * 4 + 2 * 1.5e9
    left = 0.92 * 80e9 - 2 * 2 * 7_615_616_512 - working
    assert found.left == pytest.approx(left)
    assert found.left / 1e9 == pytest.approx(39.1, abs=0.1)
    assert found.full_sequences == int(left / (2 * 57_344 * 4096)) == 83


def test_both_do_not_fit_on_a_24_gb_card_and_do_on_two() -> None:
    found = fit(P7, PPM, GPUS["rtx4090"], 1, 200, 4096)
    assert not found.is_enough
    assert found.sequences == found.full_sequences == 0
    assert smallest_worker(P7, PPM, GPUS["rtx4090"], 4096) == 2
    assert smallest_worker(BOOTSTRAP, None, GPUS["rtx3090"], 4096) is None


def test_decoding_one_solution_is_bound_by_reading_the_weights() -> None:
    assert tokens_per_second(P7, H100, 1, 1, 0) == pytest.approx(3_350e9 / (2 * 7_615_616_512))


def test_decoding_many_solutions_is_bound_by_multiplying() -> None:
    assert tokens_per_second(P7, A100, 1, 256, 0) == pytest.approx(312e12 / (2 * 7_615_616_512))


def test_judging_adds_the_forward_pass_of_the_ppm() -> None:
    alone = gpu_seconds_per_token(P7, None, H100, 1, 64, 200)
    both = gpu_seconds_per_token(P7, PPM, H100, 1, 64, 200)
    assert both - alone == pytest.approx(2 * 7_615_616_512 / 989e12)


def test_the_shares_of_the_roofline_are_those_that_the_papers_hours_amount_to() -> None:
    shares = [reached_share(each) for each in ROUNDS]
    assert shares[1] == pytest.approx(LEAST, abs=0.005)
    assert math.sqrt(shares[2] * shares[3]) == pytest.approx(LIKELY, abs=0.005)
    assert max(shares) < MOST


def test_the_papers_reported_hours_are_nodes_times_days() -> None:
    assert [each.reported_hours for each in ROUNDS] == [26_880, 4_320, 4_320, 10_080]


def test_sixty_four_trajectories_on_math_are_64_times_table_9() -> None:
    [found] = from_paper("math", [64], 5000, 32).at
    error = 2 / math.sqrt(5000)
    assert found.written.likely == 64 * 5453
    assert found.written.high == pytest.approx(64 * 5453 * (1 + error))
    assert found.written.low == pytest.approx(64**0.78 * 5453 * (1 - error))


def test_half_the_candidates_write_half_the_tokens() -> None:
    [whole], [half] = (from_paper("aime2024", [16], 30, each).at for each in (32, 16))
    assert half.written.likely == whole.written.likely / 2


def wish(**changes: object) -> Wish:
    asked = Wish(task="math500", num_problems=500, budgets=(8, 64), policy=P7, reward=PPM, gpu=H100, has_rounds=True)
    return replace(asked, **changes)  # type: ignore[arg-type]


def test_hours_and_money_are_tokens_times_seconds_times_price() -> None:
    found = make_plan(wish(price=2.0))
    context = 100 + 5453 / 32 / 2
    seconds = gpu_seconds_per_token(P7, PPM, H100, 1, 256, context)
    at_64 = found.budgets[1]
    assert at_64.tokens.likely == 500 * 64 * 5453
    assert at_64.gpu_hours.likely == pytest.approx(500 * 64 * 5453 * seconds / LIKELY / 3600)
    assert at_64.money is not None
    assert at_64.money.likely == pytest.approx(2 * at_64.gpu_hours.likely)
    for each in (at_64.tokens, at_64.gpu_hours, at_64.money):
        assert each.low < each.likely < each.high


def test_two_gpus_a_worker_cost_twice_the_weights_reading_per_token() -> None:
    one, two = (gpu_seconds_per_token(P7, None, H100, n, 1, 0) for n in (1, 2))
    assert two == pytest.approx(one), "two GPUs are twice as fast and are both paid"


def warned(plan: Plan, text: str) -> bool:
    return any(text in each for each in plan.warnings)


def test_what_does_not_fit_is_a_warning_with_a_way_out() -> None:
    found = make_plan(wish(gpu=GPUS["rtx3090"]))
    assert warned(found, "does not fit on 1 x GeForce RTX 3090")
    assert warned(found, "use --gpus-per-worker 2, or put policy and PPM on GPUs of their own")
    assert found.budgets[0].gpu_hours.likely > 0
    assert "TOO MUCH" in "\n".join(plan_lines(found))


def test_a_task_without_counts_is_planned_from_the_range_of_the_table_and_says_so() -> None:
    found = make_plan(wish(task="omni_math", num_problems=4428))
    assert warned(found, "the paper has no token counts for omni_math")
    ratio = found.budgets[0].tokens.high / found.budgets[0].tokens.low
    assert ratio > 15693 / 3299


def test_a_pilot_gives_the_means_of_its_records_and_their_interval(tmp_path: Path) -> None:
    run = solved(write_task(tmp_path / "sums.jsonl", 12), tmp_path / "out")
    written = [(record.usage or {})["completion_tokens"][3] for record in read_records(run.folder / RECORDS)]
    mean = sum(written) / len(written)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in written) / 11)
    plan = from_pilot(run.folder, [4, 16])
    at_4, at_16 = plan.at
    assert at_4.written.likely == pytest.approx(mean)
    assert at_4.written.high - mean == pytest.approx(2.200985 * deviation / math.sqrt(12), rel=1e-5)
    assert at_16.written.low == pytest.approx(at_4.written.low * 4**0.78)
    assert at_16.written.high == pytest.approx(at_4.written.high * 4)
    assert plan.warnings == ("the pilot ends at a budget of 4; 16 is extrapolated from there",)


def test_a_pilot_on_the_planned_gpu_gives_its_own_speed(tmp_path: Path) -> None:
    run = solved(write_task(tmp_path / "sums.jsonl", 12), tmp_path / "out")
    path = run.folder / "run.json"
    content = json.loads(path.read_text())
    content["sessions"][-1] |= {"device": "NVIDIA H100 80GB HBM3", "seconds": 36.0}
    path.write_text(json.dumps(content))
    written = sum((record.usage or {})["completion_tokens"][-1] for record in read_records(run.folder / RECORDS))
    found = make_plan(wish(task="sums", pilot=run.folder, budgets=(4,), num_problems=1200))
    seconds = 36.0 / written
    assert found.budgets[0].gpu_hours.likely == pytest.approx(1200 * written / 12 * seconds / 3600)
    assert found.budgets[0].gpu_hours.likely == pytest.approx(36.0 * 100 / 3600)
    assert warned(found, "does not fill the engine")


def test_a_pilot_on_another_device_gives_tokens_alone(tmp_path: Path) -> None:
    run = solved(write_task(tmp_path / "sums.jsonl", 4), tmp_path / "out")
    found = make_plan(wish(pilot=run.folder))
    assert warned(found, "its tokens are used, hours are by arithmetic")
    assert warned(found, "the pilot's task is sums, not math500")


def test_the_shape_of_a_folder_is_that_of_its_config_and_weights() -> None:
    folder = model_path("builtin", "policy")
    found = shape_of(str(folder), "--policy")
    config = json.loads((folder / "config.json").read_text())
    assert (found.layers, found.hidden, found.vocabulary) == (
        config["num_hidden_layers"],
        config["hidden_size"],
        config["vocab_size"],
    )
    assert found.active == num_parameters(folder)


def test_the_command_prints_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("plan", "--preset", "paper-7b", "--task", "math", "--budgets", "64", "--gpu", "h100", "--price", "2.5")
    assert rstar(*arguments) == 0
    printed = capsys.readouterr().out
    assert "39.1 GB left for keys and values" in printed
    assert "136K (349K) 359K" in printed
    assert "26,880 h H100" in printed
    assert rstar(*arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out)["budgets"][0]["budget"] == 64


@pytest.mark.parametrize(
    ("flag", "value", "text"),
    [
        ("--gpu", "h10", "--gpu h10 is unknown; did you mean h100?"),
        ("--preset", "paper-70b", "--preset paper-70b is unknown; use paper-7b"),
        ("--task", "mth", "task 'mth' is not known"),
        ("--budgets", "0", "--budgets 0: use whole numbers from 1"),
        ("--policy", "/nowhere", "--policy /nowhere: its config.json does not say its shape"),
        ("--pilot", "/nowhere", "/nowhere/run.json: cannot be read"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], flag: str, value: str, text: str) -> None:
    assert rstar("plan", flag, value) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert text in line


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (0.123, "0.12"), (3919.2, "3,919"), (16_200, "16.2K"), (1.74e9, "1.74G")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_a_product_of_ranges_is_taken_end_by_end() -> None:
    assert Range(1, 2, 3).times(Range(2, 3, 4)) * 2 == Range(4, 12, 24)
