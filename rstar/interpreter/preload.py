"""What a zygote imports before the jail closes, and how its memory is prepared for cheap forks."""

from __future__ import annotations

import contextlib
import gc
import importlib
import site
import sys
from pathlib import Path

from rstar.interpreter.kernel import advise

LIGHT = (
    "abc", "array", "ast", "asyncio", "base64", "bisect", "calendar", "cmath", "collections", "collections.abc",
    "concurrent.futures", "concurrent.futures.thread", "contextlib", "copy", "csv", "dataclasses", "datetime",
    "decimal", "difflib", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq", "inspect", "io",
    "itertools", "json", "locale", "logging", "math", "numbers", "operator", "pickle", "pprint", "queue", "random",
    "re", "secrets", "sqlite3", "statistics", "string", "struct", "tempfile", "textwrap", "threading", "time",
    "timeit", "traceback", "types", "typing", "unicodedata", "unittest", "uuid", "warnings", "weakref", "zlib",
    "zoneinfo", "encodings.idna", "encodings.latin_1", "encodings.ascii", "multiprocessing", "multiprocessing.pool",
    "bz2", "lzma", "signal",
)  # fmt: skip
"""Standard library that honest mathematics reaches for, with what it imports late (thread pools, encodings)."""

HEAVY = (
    "numpy", "numpy.fft", "numpy.linalg", "numpy.polynomial", "numpy.random", "numpy.ctypeslib", "scipy",
    "scipy.fft", "scipy.integrate", "scipy.interpolate", "scipy.linalg", "scipy.optimize", "scipy.signal",
    "scipy.sparse", "scipy.sparse.linalg", "scipy.spatial", "scipy.special", "scipy.stats", "mpmath", "sympy",
    "sympy.abc", "sympy.assumptions.ask_generated", "sympy.calculus.util", "sympy.codegen", "sympy.combinatorics",
    "sympy.concrete.gosper", "sympy.crypto", "sympy.diffgeom", "sympy.discrete",
    "sympy.functions.combinatorial.numbers", "sympy.geometry", "sympy.holonomic", "sympy.integrals.heurisch",
    "sympy.integrals.manualintegrate", "sympy.integrals.meijerint", "sympy.integrals.prde", "sympy.integrals.risch",
    "sympy.integrals.transforms", "sympy.logic.boolalg", "sympy.logic.algorithms.dpll2", "sympy.matrices",
    "sympy.ntheory", "sympy.ntheory.ecm", "sympy.ntheory.elliptic_curve", "sympy.ntheory.qs",
    "sympy.parsing.sympy_parser", "sympy.physics.units", "sympy.plotting", "sympy.polys.numberfields",
    "sympy.printing.pycode", "sympy.series.formal", "sympy.series.gruntz", "sympy.sets.handlers.functions",
    "sympy.sets.handlers.issubset", "sympy.sets.handlers.add", "sympy.sets.handlers.comparison",
    "sympy.sets.handlers.intersection", "sympy.sets.handlers.mul", "sympy.sets.handlers.power",
    "sympy.sets.handlers.union", "sympy.simplify.fu", "sympy.simplify.gammasimp", "sympy.simplify.hyperexpand",
    "sympy.solvers.diophantine", "sympy.solvers.inequalities", "sympy.solvers.ode", "sympy.solvers.pde",
    "sympy.solvers.simplex", "sympy.stats", "sympy.tensor", "sympy.utilities.lambdify", "sympy.vector", "networkx",
)  # fmt: skip
"""Mathematics libraries. A name that this machine lacks is passed over, networkx for one."""

_HUGE_BYTES = 2 << 20
_COLLAPSE = 25
"""MADV_COLLAPSE of linux/mman.h (Linux 6.1)."""


def import_all(names: tuple[str, ...]) -> None:
    """Import what is installed."""
    # As in every interactive Python; the module that does it at start-up also reads configuration files.
    site.setquit()
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def warm_up() -> None:
    """Run one of everything, so that lazy imports and tables are in place; then empty sympy's caches again."""
    sympy = sys.modules.get("sympy")
    if sympy is None:
        return
    x, y = sympy.symbols("x y")
    sympy.solve([x + y - 3, x - y - 1], [x, y])
    sympy.solveset(x**2 - 2, x, sympy.S.Reals)
    sympy.integrate(x * sympy.exp(x), x)
    sympy.dsolve(sympy.Function("f")(x).diff(x) - x)
    sympy.summation(x, (x, 1, 10))
    sympy.limit(sympy.sin(x) / x, x, 0)
    sympy.series(sympy.exp(x), x, 0, 4)
    sympy.factor(x**4 - 1)
    sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2)
    sympy.nsolve(x**2 - 2, x, 1)
    sympy.Matrix([[1, 2], [3, 4]]).eigenvals()
    sympy.solve(x**2 - x > 0, x)
    sympy.lambdify(x, x**2, "numpy")(2)
    sympy.latex(sympy.pretty(sympy.sqrt(x)))
    sympy.factorint(2**40 - 1)
    sympy.diophantine(x**2 + y**2 - 25)
    sympy.reduce_inequalities([x > 1, x < 3])
    sympy.linsolve([x + y - 1], x, y)
    sympy.Polygon((0, 0), (1, 0), (0, 1)).area.evalf()
    sympy.sympify("x**2 + 1")
    sys.modules["sympy.core.cache"].clear_cache()


def settle_memory() -> None:
    """Make later forks cheap: no garbage to collect, and the heap in large pages, whose tables are short to copy."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, ValueError):
        _collapse_heap()


def _collapse_heap() -> None:
    with Path("/proc/self/maps").open() as maps:
        lines = maps.read().splitlines()
    for line in lines:
        addresses, rights, offset, *_ = line.split()
        start, end = (int(part, 16) for part in addresses.split("-"))
        if rights != "rw-p" or int(offset, 16) != 0:
            continue
        for page in range(-(-start // _HUGE_BYTES) * _HUGE_BYTES, end - _HUGE_BYTES + 1, _HUGE_BYTES):
            # Fails for ranges that were never touched: there is nothing to copy there either.
            with contextlib.suppress(OSError):
                advise(page, _HUGE_BYTES, _COLLAPSE)
