"""The flags of engines and of the search that they serve, for every command that has them."""

from __future__ import annotations

from typing import Annotated

import typer

Preset = Annotated[
    str | None, typer.Option(help="Named search settings, e.g. tiny, paper-eval, greedy.", show_default="tiny")
]
Method = Annotated[str | None, typer.Option(help="sample, beam, dvts, particle or mcts, at its defaults.")]
Policy = Annotated[
    str | None,
    typer.Option(help="Model folder, builtin, or a server's http://HOST:PORT/v1.", show_default="builtin"),
]
PolicyModel = Annotated[str | None, typer.Option(help="Which of a server's models.", show_default="its only one")]
Ppm = Annotated[str | None, typer.Option(help="Reward model folder, builtin or none.")]
PpmFormat = Annotated[
    str | None,
    typer.Option(
        help="How the PPM is asked: ppm, qwen, skywork, math-shepherd, rlhflow.", show_default="by its config"
    ),
]
Orm = Annotated[str | None, typer.Option(help="Folder of an outcome reward model: judges finished solutions.")]
Candidates = Annotated[int | None, typer.Option(help="Candidates at each step.")]
Temperature = Annotated[float | None, typer.Option(help="Of the policy's sampling; 0 is greedy.")]
SearchSettings = Annotated[
    list[str] | None, typer.Option("--set", help="Any other search setting, NAME=VALUE; may be given again.")
]
Engine = Annotated[
    str | None,
    typer.Option(help="transformers, vllm, server or scripted.", show_default="transformers, for a URL server"),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.", show_default="auto")]
Dtype = Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or float16.", show_default="auto")]
PromptLayout = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="Prompt layout: rstar-sft, bootstrap, chat, cot or cot-steps; 'rstar doctor --policy' names the best.",
        show_default="rstar-sft",
    ),
]
ChatTemplate = Annotated[
    str | None, typer.Option(help="Chat template in place of the model's: chatml, llama-3, gemma, mistral or plain.")
]
MaxNewTokens = Annotated[int | None, typer.Option(help="Of one step.", show_default="2048")]
MaxContextTokens = Annotated[int | None, typer.Option(help="Of question and solution.", show_default="4096")]
Interpreter = Annotated[str | None, typer.Option(help="sandbox, or arithmetic (runs nothing).", show_default="sandbox")]
RequireSandbox = Annotated[
    str | None, typer.Option(help="What must contain programs: none, standard or full.", show_default="standard")
]
Programs = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Programs executed at a time.", show_default="all cores")
]
KvMemory = Annotated[
    int | None, typer.Option("--kv-memory-mb", help="MiB for keys and values, per model.", show_default="1024 on a CPU")
]
MaxSamples = Annotated[int | None, typer.Option(help="Candidates written at once.", show_default="512")]
Threads = Annotated[int | None, typer.Option(help="Torch threads.", show_default="1 for small models, else all")]
RequestSeconds = Annotated[
    int | None, typer.Option(min=1, help="That a server may take for one request.", show_default="600")
]
Vllm = Annotated[
    list[str] | None,
    typer.Option("--vllm", help="How vLLM shares the machine, NAME=VALUE; may be given again. See docs/vllm.md."),
]
