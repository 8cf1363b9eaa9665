"""Scaling curves: runs pooled and kept apart rightly, saturation said with evidence, a frontier that nothing beats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import BUDGETS, DEVICE, TOKENS, Invented, make_run
from sum_runs import rstar

from harness.compute_axis import Axis, GivenSizes, axis_values
from harness.run_folder import RECORDS
from harness.run_summary import ORACLE, summarize
from harness.scaling import Scaling, ScalingOptions, scaling
from harness.scaling_methods import methods_by_task
from tasks.types import InputError


def scaled(*folders: Path, **options: object) -> Scaling:
    return scaling(list(map(summarize, folders)), ScalingOptions(**options))  # type: ignore[arg-type]


def test_runs_that_differ_in_seeds_alone_are_one_method_with_all_their_seeds(tmp_path: Path) -> None:
    first = make_run(tmp_path, 12, seeds=[0, 1])
    second = make_run(tmp_path, 12, seeds=[2])
    together = make_run(tmp_path / "together", 12, seeds=[0, 1, 2])
    [task] = scaled(first, second).tasks
    [method] = task.methods
    [expected] = scaled(together).tasks[0].methods
    assert (method.num_seeds, method.num_records) == (3, 36)
    for rule in ("weighted", ORACLE):
        for budget in BUDGETS:
            assert method.accuracy(rule, budget) == expected.accuracy(rule, budget)
            assert method.counts(rule, budget) == expected.counts(rule, budget)
    assert method.costs("tokens", GivenSizes()) == pytest.approx(expected.costs("tokens", GivenSizes()))


def test_several_seeds_say_how_far_they_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path, 12, seeds=[0, 1, 2])
    [method] = scaled(folder).tasks[0].methods
    right = [method.right("weighted", 64).get(f"aime2024/p{number}", 0) for number in range(12)]
    # Of three pairs of seeds, 0 or 2 disagree on a problem.
    flips = sum(count in (1, 2) for count in right) * 2 / (3 * 12)
    assert rstar("report", folder, "--plot", tmp_path / "x.csv") == 0
    assert f"Seeds of tiny: two seeds disagree on {100 * flips:.1f} [" in capsys.readouterr().out


def test_a_seed_that_stands_in_two_runs_of_a_method_is_refused(tmp_path: Path) -> None:
    folders = [make_run(tmp_path, 3, seeds=seeds) for seeds in ([0, 1], [1, 2])]
    with pytest.raises(InputError, match="both hold seed 1 of one method; leave one of them out"):
        scaled(*folders)


def test_the_same_run_in_two_folders_is_refused(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name, 3) for name in "ab"]
    with pytest.raises(InputError, match="is the same run as"):
        scaled(*folders)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task_sha256": "f" * 64}, "task_sha256 aaaaaaaa and ffffffff"),
        ({"grader_version": "2"}, "grader_version 1 and 2"),
        ({"task_version": "2"}, "task_version 1 and 2"),
    ],
)
def test_other_data_and_graders_are_refused_unless_mixed_which_is_then_said(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    folders = [make_run(tmp_path, 3), make_run(tmp_path, 3, inputs=change, preset="dvts")]
    with pytest.raises(InputError, match=words) as caught:
        scaled(*folders)
    assert "--mixed" in str(caught.value)
    [task] = scaled(*folders, is_mixed=True).tasks
    assert [note for note in task.notes if note.startswith("MIXED:") and words in note]
    assert all(each.share is None for each in task.frontier), "what is not paired has no share of resamples"


def test_other_numbers_of_problems_are_refused_unless_mixed(tmp_path: Path) -> None:
    folders = [make_run(tmp_path, 5), make_run(tmp_path, 3, preset="dvts")]
    with pytest.raises(InputError, match="5 and 3 problems"):
        scaled(*folders)
    [task] = scaled(*folders, is_mixed=True).tasks
    assert [method.num_problems for method in task.methods] == [5, 3]
    assert all(
        sum(point.counts.values()) == curve.method.num_problems for curve in task.curves for point in curve.points
    )


def test_a_run_of_no_problems_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a run of 0 problems, which has no accuracy"):
        scaled(make_run(tmp_path, 0))


def test_methods_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path, 2),
        make_run(tmp_path, 2, search={"num_candidates": 3}),
        make_run(tmp_path, 2, preset="greedy", budgets=[1]),
        make_run(tmp_path, 2, task="math500"),
    ]
    found = scaled(*folders)
    assert found.labels == ["tiny (num_candidates=4)", "tiny (num_candidates=3)", "greedy"]
    other_weights = make_run(tmp_path, 2, inputs={"policy_sha256": "d" * 64})
    labels = scaled(folders[0], other_weights).labels
    assert labels == [f"tiny [{folders[0].name}]", f"tiny [{other_weights.name}]"]


def test_tasks_stand_apart_in_their_order(tmp_path: Path) -> None:
    found = scaled(make_run(tmp_path, 2, task="math500"), make_run(tmp_path, 3, task="aime2024"))
    assert [(task.task, task.methods[0].num_problems) for task in found.tasks] == [("math500", 2), ("aime2024", 3)]


def test_of_several_methods_each_shows_its_own_rule_and_the_oracle(tmp_path: Path) -> None:
    one = make_run(tmp_path, 4)
    other = make_run(tmp_path, 4, preset="self-consistency")
    assert [curve.rule for curve in scaled(one).tasks[0].curves] == ["weighted", "best", "majority", "top_k", ORACLE]
    assert [curve.rule for curve in scaled(one, other).tasks[0].curves] == ["weighted", ORACLE, "majority", ORACLE]
    chosen = scaled(one, other, rules=("best",)).tasks[0].curves
    assert [curve.rule for curve in chosen] == ["best", ORACLE, "best", ORACLE]


def test_a_rule_that_a_method_does_not_have_is_refused(tmp_path: Path) -> None:
    without = make_run(tmp_path, 2, preset="self-consistency", ppm="none")
    with pytest.raises(InputError, match="--rule best: self-consistency has none of them; it has majority"):
        scaled(without, rules=("best",))


def test_every_axis_is_a_mean_over_the_records_that_are_there(tmp_path: Path) -> None:
    summary = summarize(make_run(tmp_path, 10, Invented(cost=2.0)))
    expected: dict[Axis, list[float]] = {
        "trajectories": [float(each) for each in BUDGETS],
        "tokens": [2.0 * TOKENS * each for each in BUDGETS],
        "wall": [2.0 * each for each in BUDGETS],
    }
    for axis, values in expected.items():
        assert axis_values(summary, axis) == pytest.approx(values)


def test_flops_count_new_tokens_of_policy_and_reward_model_apart(tmp_path: Path) -> None:
    summary = summarize(make_run(tmp_path, 10))
    found = axis_values(summary, "flops", GivenSizes(7_000_000_000, 1_000_000_000))
    # Per token written: 3 read, of which 2.5 were cached; 2 judged, of which 1.5 were cached.
    per_trajectory = TOKENS * (2 * 7e9 * (1 + 3 - 2.5) + 2 * 1e9 * (2 - 1.5))
    assert found == pytest.approx([per_trajectory * budget for budget in BUDGETS])


def test_flops_of_a_model_of_unknown_size_are_refused(tmp_path: Path) -> None:
    summary = summarize(make_run(tmp_path, 2))
    with pytest.raises(
        InputError, match=r"--x flops: the parameters of the policy of tiny-\S+ are unknown .*--policy-p"
    ):
        axis_values(summary, "flops")
    with pytest.raises(InputError, match=r"the parameters of the ppm .*--ppm-params"):
        axis_values(summary, "flops", GivenSizes(policy=1))


def test_device_seconds_of_a_run_add_up_to_its_time(tmp_path: Path) -> None:
    # Ten searches wait 0.8 x 64 = 51.2 seconds each for a device that was held for 100.
    summary = summarize(make_run(tmp_path, 10, Invented(seconds=100.0)))
    values = axis_values(summary, "gpu-seconds")
    assert values[-1] * 10 == pytest.approx(100.0)
    assert values == pytest.approx([values[-1] * budget / 64 for budget in BUDGETS])
    idle = summarize(make_run(tmp_path / "idle", 10, Invented(seconds=1e6)))
    assert axis_values(idle, "gpu-seconds")[-1] == pytest.approx(51.2), "what a run slept is no device time"


def test_a_killed_session_lasted_to_its_last_record(tmp_path: Path) -> None:
    summary = summarize(make_run(tmp_path, 5, Invented(seconds=None)))
    # Records were finished at minutes 0 to 4.
    assert axis_values(summary, "gpu-seconds")[-1] * 5 == pytest.approx(240.0)


def test_the_frontier_rises_and_nothing_beats_it(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path, 40, Invented(skill=0.4, cost=3.0)),
        make_run(tmp_path, 40, Invented(skill=0.4), preset="best-of-n"),
        make_run(tmp_path, 40, Invented(skill=0.5, cost=0.5), preset="greedy", budgets=[1]),
    ]
    [task] = scaled(*folders, axis="tokens").tasks
    assert len(task.frontier) > 2
    costs = [each.point.cost for each in task.frontier]
    values = [each.point.accuracy.value for each in task.frontier]
    assert costs == sorted(set(costs))
    assert values == sorted(set(values))
    for curve in task.curves:
        for point in curve.points:
            if not curve.is_oracle:
                assert any(
                    best.point.cost <= point.cost and best.point.accuracy.value >= point.accuracy.value
                    for best in task.frontier
                )
    assert all(each.share is not None and 0 < each.share <= 1 for each in task.frontier)


def test_the_papers_figures_stand_beside_their_own_task_alone(tmp_path: Path) -> None:
    aime = make_run(tmp_path, 3, task="aime2024")
    [task] = scaled(aime).tasks
    assert {each.place for each in task.cited} == {"Table 5", "Figure 3"}
    assert {point.budget for curve in task.cited_curves for point in curve.points} == set(BUDGETS)
    [on_tokens] = scaled(aime, axis="tokens").tasks
    assert on_tokens.cited
    assert not on_tokens.cited_curves, "the paper gives no cost by budget"
    [without] = scaled(aime, has_cited=False).tasks
    assert not without.cited
    [generated] = scaled(make_run(tmp_path, 3, task="procedural-hard")).tasks
    assert not generated.cited
    own = tmp_path / "aime2024.jsonl"
    own.write_text("")
    [user] = scaled(make_run(tmp_path / "own", 3, task=f"user:{own}")).tasks
    assert user.task == "aime2024"
    assert not user.cited, "a user's file of that name is another task"


def test_a_partial_run_is_marked_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = make_run(tmp_path, 10, preset="dvts")
    part = make_run(tmp_path, 10, Invented(num_recorded=4))
    for flag, mark in (
        ("--csv", ",0,0,tiny-noisy"), ("--latex", "PARTIAL: tiny"), ("--json", '"is_complete": false'),
        ("--markdown", "**PARTIAL"),
    ):  # fmt: skip
        assert rstar("report", whole, part, flag, "--into", tmp_path / "files") == 0
        assert mark in capsys.readouterr().out
    assert rstar("report", whole, part, "--into", tmp_path / "files") == 0
    text = capsys.readouterr().out
    assert "tiny (PARTIAL 4/10)" in text
    assert "4 of 10 searches done, 0 failed, 6 missing; those count as wrong" in text
    assert "PARTIAL" in (tmp_path / "files" / "scaling.html").read_text()
    assert "PARTIAL" in (tmp_path / "files" / "scaling.svg").read_text()


def test_a_run_without_records_is_named_and_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = make_run(tmp_path, 4, preset="dvts")
    empty = make_run(tmp_path, 4, Invented(num_recorded=0))
    assert rstar("report", whole, empty, "--x", "tokens", "--into", tmp_path / "files") == 0
    out = capsys.readouterr().out
    assert "tiny has no record yet and is not drawn." in out
    assert not (empty / RECORDS).read_bytes()


@pytest.mark.parametrize(
    ("budgets", "num_problems", "skill"), [([1], 1, 0.999), ([1, 64], 1, 0.001), ([3, 5, 7], 2, 0.999)]
)
def test_reports_of_next_to_nothing_hold_no_nan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], budgets: list[int], num_problems: int, skill: float
) -> None:
    how = Invented(skill=skill)
    one = make_run(tmp_path, num_problems, how, budgets=budgets)
    other = make_run(tmp_path, num_problems, how, preset="dvts", budgets=[64])
    assert rstar("report", one, other, "--json") == 0
    json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert rstar("report", one, other, "--x", "wall", "--into", tmp_path / "files") == 0
    assert "nan" not in capsys.readouterr().out.lower()


def test_a_folder_of_runs_stands_for_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make_run(tmp_path, 2), make_run(tmp_path, 2, task="math500")
    assert rstar("report", tmp_path, first, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in content["runs"]] == [first.name, second.name]


def test_seconds_say_on_which_device_and_mixed_devices_are_marked(tmp_path: Path) -> None:
    one, other = make_run(tmp_path, 2), make_run(tmp_path, 2, preset="dvts")
    [task] = scaled(one, other, axis="wall").tasks
    assert f"Measured on {DEVICE}." in task.notes
    content = json.loads((other / "run.json").read_text())
    content["sessions"][0]["device"] = "another"
    (other / "run.json").write_text(json.dumps(content))
    [task] = scaled(one, other, axis="wall").tasks
    assert [note for note in task.notes if "MIXED devices" in note]


def test_methods_are_in_the_order_of_their_runs(tmp_path: Path) -> None:
    folders = [make_run(tmp_path, 2, preset=preset) for preset in ("dvts", "tiny", "best-of-n")]
    for order in ([0, 1, 2], [2, 0, 1]):
        found = methods_by_task([summarize(folders[each]) for each in order], is_mixed=False)
        assert [method.spec.preset for method in found["aime2024"]] == [
            ("dvts", "tiny", "best-of-n")[each] for each in order
        ]
