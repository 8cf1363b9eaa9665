"""Training and serving read one solution in the same tokens."""

from __future__ import annotations

import pytest
from tiny_models import make_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from rstar.engines.prompt_tokens import PromptTokens
from rstar.prompts import MARKERS, prompt_text, solution_text
from rstar.synthesis.pairs import Pair
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.teacher import teach
from rstar.training.examples import SftRow, make_example
from rstar.training.preferences import make_preferences
from rstar.training.tokenizer import train_tokenizer
from rstar.training.values import ValueRow, make_values
from rstar.types import Trajectory


def word_marking() -> PreTrainedTokenizerFast:
    """A tokenizer that sets a space before the first word of a text, as those of Llama 2 and Mistral do."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", *MARKERS], show_progress=False)
    tokenizer.train_from_iterator(SOLUTIONS_TEXT, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


TRAJECTORIES: list[Trajectory] = [teach(made, 0).trajectory for made in problem_pool("train", 1, 700, levels=(1, 4))]
SOLUTIONS_TEXT = [prompt_text(each.problem.question, "rstar-sft") + solution_text(each) for each in TRAJECTORIES]
TOKENIZERS = {
    "of a trained policy": lambda: train_tokenizer(SOLUTIONS_TEXT, 400),
    "byte-level with markers": make_tokenizer,
    "word-marking": word_marking,
}


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerBase:
    return TOKENIZERS[request.param]()


def test_an_sft_example_has_the_tokens_of_the_prompt_that_serving_makes(tokenizer: PreTrainedTokenizerBase) -> None:
    serving = PromptTokens(tokenizer, "rstar-sft")
    for each in TRAJECTORIES:
        row = SftRow(each.problem.id, each.problem.question, solution_text(each))
        trained = tuple(make_example(row, tokenizer, mask_output=True).input_ids)
        assert trained[: len(serving.of(each))] == serving.of(each)
        assert len(trained) <= len(serving.of(each)) + 1


def test_a_preference_has_the_tokens_that_the_ppm_scores(tokenizer: PreTrainedTokenizerBase) -> None:
    serving = PromptTokens(tokenizer, "rstar-sft")
    for each in TRAJECTORIES:
        whole, first = (solution_text(Trajectory(each.problem, each.steps[:count])) for count in (None, 1))
        made = make_preferences(
            [Pair(each.problem.id, each.problem.question, whole, first, 1.0, 1, "final")], tokenizer, 9999
        )
        assert made is not None
        # The shorter solution is a beginning of the longer one, so the tree is the longer one's tokens.
        assert tuple(made.tree.tokens) == serving.of(each)
        assert made.rejected[0] + 1 == len(serving.of(Trajectory(each.problem, each.steps[:1])))


def test_a_labelled_beginning_has_the_tokens_that_the_value_model_scores(tokenizer: PreTrainedTokenizerBase) -> None:
    serving = PromptTokens(tokenizer, "rstar-sft")
    for each in TRAJECTORIES:
        row = ValueRow(each.problem.id, each.problem.question, solution_text(each), 1.0, len(each.steps))
        (made,), _ = make_values([row], tokenizer, 9999, "outcome")
        assert tuple(made.tree.tokens) == serving.of(each)
