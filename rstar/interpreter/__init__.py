"""The sandboxed step interpreter: contains hostile code, keeps state per path, and is fast.

`docs/interpreter.md` says what each layer stops and does not stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rstar.interpreter.sandbox import SandboxInterpreter, active_layers, run_program

__all__ = ["SandboxInterpreter", "active_layers", "run_program"]


def __getattr__(name: str) -> Any:
    # Imported when first asked for: the zygote imports single modules of this package and nothing else of it.
    if name in __all__:
        from rstar.interpreter import sandbox

        return getattr(sandbox, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
