"""What a search could find a reference in: every object that what it is handed leads to."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def reachable(*roots: Any) -> Iterator[Any]:
    """Every object that can be reached from `roots` by attributes, items, closures, defaults and bound selves.

    Modules, and the globals of functions, are the program itself and not what it was given: there the walk stops.
    """
    # A run freezes what the collector knows, and frozen modules are among no `gc.get_objects()`.
    modules = [*sys.modules.values(), *gc.get_objects()]
    program = {id(module.__dict__) for module in modules if issubclass(type(module), ModuleType)}
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        thing = stack.pop()
        if id(thing) in seen or id(thing) in program or isinstance(thing, ModuleType | type):
            continue
        seen.add(id(thing))
        yield thing
        stack.extend(gc.get_referents(thing))
