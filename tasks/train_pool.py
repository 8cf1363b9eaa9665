r"""Problems for synthesis: MATH train, NuminaMath-CoT and MetaMathQA from the Hugging Face hub, role "train".

| name | rows in the files | what is taken |
|---|---|---|
| `math_train` | 7,500 | MATH's training split; the answer is the solution's last `\boxed{…}` |
| `numina_cot` | 859,494 | NuminaMath-CoT's training split; rows without a boxed answer (proofs) are left out |
| `numina_competition` | 859,494 | of these, sources `olympiads` and `amc_aime`, the ones the rStar-Math paper takes |
| `metamath_qa` | 395,000 | MetaMathQA; the answer is what follows `The answer is:`; repeated questions are left out |

Examples: `math_train/algebra-0000` "Let \\[f(x) = …", answer `0`, subject `Algebra`, level `5`;
`metamath_qa/000000` "Gracie and Joe are choosing numbers on the complex plane. …", answer `5`.

Every file is pinned by revision. MetaMathQA is also pinned by the SHA-256 of its LFS pointer at that revision. For the
Parquet files of the other two, the hash is the one that the hub states for the pinned revision at the download; it is
recorded beside the file and checked from then on.

Pools overlap with evaluation tasks (MetaMathQA rewrites MATH and GSM8K train, NuminaMath holds AMC and AIME problems):
run the contamination check before training. Licences: MIT, Apache-2.0, MIT, as the hub's cards state. Version: 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from tasks.answers.boxes import find_boxes
from tasks.benchmark import Benchmark, Item, Reader
from tasks.sources import hub_file
from tasks.tables import read_json, read_parquet

_MATH = "EleutherAI/hendrycks_math"
_MATH_REVISION = "21a5633873b6a120296cce3e2df9d5550074f4a3"
_MATH_SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
_NUMINA = "AI-MO/NuminaMath-CoT"
_NUMINA_REVISION = "9d8d210c9f6a36c8f3cd84045668c9b7800ef517"
_NUMINA_SHARDS = 5
_METAMATH = "meta-math/MetaMathQA"
_METAMATH_REVISION = "aa4f34d3d2d3231299b5b03d9b3e5a20da45aa18"

COMPETITION_SOURCES = frozenset({"olympiads", "amc_aime"})
"""arXiv:2501.04519, section 4.1: of NuminaMath only the competition-level subsets."""
_ANSWER_IS = re.compile(r"The answer is:\s*(.*\S)", re.DOTALL)


def final_box(solution: str) -> str:
    r"""Content of the solution's last `\boxed{…}`, empty where it has none: how MATH and NuminaMath mark the answer."""
    boxes = find_boxes(solution)
    return boxes[-1][2].strip() if boxes else ""


def _read_math(paths: Sequence[Path]) -> Iterator[Item]:
    for subject, path in zip(_MATH_SUBJECTS, paths, strict=True):
        for row in read_parquet(path, ("problem", "level", "type", "solution")):
            answer = final_box(row.text("solution"))
            if not answer:
                row.reject("field 'solution' has no boxed answer; replace this copy")
            level = row.text("level").removeprefix("Level ")
            yield Item(f"{subject}-{row.number - 1:04d}", row.filled_text("problem"), answer, row.text("type"), level)


def _numina_reader(sources: frozenset[str] | None) -> Reader:
    def read(paths: Sequence[Path]) -> Iterator[Item]:
        index = -1
        for path in paths:
            for row in read_parquet(path, ("source", "problem", "solution")):
                index += 1
                source = row.text("source")
                if sources is not None and source not in sources:
                    continue
                answer, question = final_box(row.text("solution")), row.text("problem")
                if answer and question.strip():
                    yield Item(f"{index:06d}", question, answer, source)

    return read


def _read_metamath(paths: Sequence[Path]) -> Iterator[Item]:
    seen: set[bytes] = set()
    for index, row in enumerate(read_json(paths[0])):
        question = row.text("query")
        digest = blake2b(question.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        answer = _ANSWER_IS.search(row.text("response"))
        if answer is None or not question.strip() or digest in seen:
            continue
        seen.add(digest)
        yield Item(f"{index:06d}", question, answer.group(1), row.text("type"))


def _numina(name: str, title: str, sources: frozenset[str] | None) -> Benchmark:
    shards = [f"train-{number:05d}-of-{_NUMINA_SHARDS:05d}.parquet" for number in range(_NUMINA_SHARDS)]
    return Benchmark(
        name=name,
        title=title,
        version="1",
        role="train",
        num_problems=859_494,
        files=tuple(
            hub_file(f"numina_cot_{shard}", _NUMINA, _NUMINA_REVISION, f"data/{shard}", num_bytes=247_000_000)
            for shard in shards
        ),
        location=f"{_NUMINA}@{_NUMINA_REVISION}",
        licence="Apache-2.0",
        homepage=f"https://huggingface.co/datasets/{_NUMINA}",
        read=_numina_reader(sources),
        drops_rows=True,
    )


BENCHMARKS = (
    Benchmark(
        name="math_train",
        title="MATH, training split",
        version="1",
        role="train",
        num_problems=7500,
        files=tuple(
            hub_file(f"math_train_{subject}.parquet", _MATH, _MATH_REVISION, f"{subject}/train-00000-of-00001.parquet")
            for subject in _MATH_SUBJECTS
        ),
        location=f"{_MATH}@{_MATH_REVISION}",
        licence="MIT",
        homepage="https://arxiv.org/abs/2103.03874",
        read=_read_math,
    ),
    _numina("numina_cot", "NuminaMath-CoT", None),
    _numina("numina_competition", "NuminaMath-CoT, olympiads and AMC/AIME", COMPETITION_SOURCES),
    Benchmark(
        name="metamath_qa",
        title="MetaMathQA",
        version="1",
        role="train",
        num_problems=395_000,
        files=(
            hub_file(
                "MetaMathQA-395K.json",
                _METAMATH,
                _METAMATH_REVISION,
                "MetaMathQA-395K.json",
                "fb39a5d8c05c042ece92eae37dfd5ea414a5979df2bf3ad3b86411bef8205725",
                395_626_321,
            ),
        ),
        location=f"{_METAMATH}@{_METAMATH_REVISION}",
        licence="MIT",
        homepage="https://arxiv.org/abs/2309.12284",
        read=_read_metamath,
        drops_rows=True,
    ),
)
