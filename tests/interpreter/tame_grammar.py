"""Random programs that mix what honest steps do with ways to reach what they should not.

Every program is a function of its seed. None loops for ever or does damage where it runs: the nasty parts change state
of the process, which is what the tests look for.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

import random

_IMPORTS = [
    "import math", "import sympy", "import sympy as sp", "from sympy import *", "from sympy import symbols, solve, sqrt",
    "import numpy as np", "import itertools", "from fractions import Fraction", "import functools", "import copy",
    "from collections import Counter, defaultdict, deque", "import re", "import operator", "import heapq", "import statistics",
    "from decimal import Decimal", "import sympy.abc", "from sympy.abc import x", "from sympy.calculus import euler",
    "from sympy.combinatorics import subsets", "from sympy.ntheory import factorint", "from math import *", "import datetime",
    "import scipy.optimize", "from scipy import integrate", "from typing import List, Dict", "import string", "from functools import *",
    "from itertools import *", "import sympy as math", "import math as sympy", "from sympy.core.numbers import pi, Catalan",
    "from sympy.utilities.iterables import ordered, subsets", "import numpy.linalg", "import sympy.ntheory.factor_",
    "from sympy.functions.elementary.piecewise import product", "from sympy.ntheory.residue_ntheory import sqrt",
]  # fmt: skip
_ATOMS = [
    "1", "0", "-3", "2.5", "10**20", "'ab'", "''", "b'xy'", "None", "True", "[1, 2, 3]", "(1, 2)", "{1: 2}", "{1, 2}", "1j", "...",
    "a", "b", "c", "f", "k", "g", "math.pi", "sympy.pi", "sympy.S.Half", "sp.Symbol('x')", "sympy.Symbol('x', positive=True)", "x",
    "symbols('x y')", "np.arange(4)", "np.ones(3)", "np.pi", "np.float64(2)", "Fraction(1, 3)", "Counter('abc')", "defaultdict(list)",
    "deque([1])", "Decimal('1.5')", "sympy.solve", "sympy.Integer", "sympy.sin", "sympy.S", "sympy.Reals", "sympy.Function('f')",
    "sympy.Function('open')", "sympy.Matrix([[1, 2], [3, 4]])", "sympy.Poly(sympy.Symbol('x')**2 - 1)", "re.compile('a')",
    "(n for n in range(3))", "(lambda: 0)", "print", "len", "int", "type(1)", "type(int)", "type(type(1))", "type(sympy.sin)",
    "type(np.ones(1))", "type(lambda: 0)", "type(f)", "Exception('e')", "functools.partial(f, 1)", "functools.lru_cache(f)",
    "datetime.date(2024, 1, 1)", "string.digits", "sympy.bernoulli", "sympy.fibonacci(10)", "euler", "subsets", "math", "sympy", "np",
    "sympy.Triangle((0, 0), (1, 0), (0, 1))", "sympy.Interval(0, 1)", "sympy.posify(x)", "sympy.symbols('a', cls=sympy.Function)",
    "sympy.Symbol('x').func", "sympy.Symbol('x').assumptions0", "x.args", "sympy.FiniteSet(1)", "globals()", "__builtins__", "__name__",
]  # fmt: skip
_ATTRIBUTES = [
    "__class__", "__dict__", "__globals__", "__builtins__", "__subclasses__", "__code__", "__closure__", "__defaults__", "__self__",
    "__func__", "__init__", "__reduce_ex__", "__wrapped__", "gi_frame", "gi_code", "f_globals", "f_builtins", "f_back", "f_locals",
    "cr_frame", "tb_frame", "tb_next", "args", "func", "name", "mro", "append", "clear", "update", "pop", "setdefault", "items",
    "_assumptions", "_mhash", "_prec", "_cache", "cache", "cache_clear", "cache_info", "registry", "register", "default_assumptions",
    "lambdify", "sympify", "parse_expr", "init_printing", "preview", "plot", "test", "evaluate", "sieve", "var", "seterr", "random",
    "set_printoptions", "lib", "core", "ctypeslib", "ctypes", "data", "base", "setflags", "view", "tofile", "load", "save", "fromfile",
    "typecodes", "sctypeDict", "testing", "f2py", "format", "format_map", "translate", "encode", "join", "real", "T", "shape", "flat",
    "fill", "sort", "values", "rep", "gens", "domain", "free_symbols", "atoms", "subs", "evalf", "n", "doit", "xreplace", "replace",
    "send", "close", "throw", "with_traceback", "add_note", "global_assumptions", "Q", "ask", "assuming", "dispatch", "sys", "os", "re",
    "purge", "template", "getcontext", "setcontext", "localcontext", "seed", "attrgetter", "methodcaller", "setitem", "namedtuple",
    "wraps", "update_wrapper", "singledispatch", "today", "now", "mp", "dps", "is_positive", "is_prime", "is_real", "max", "min",
]  # fmt: skip
_CALLS = [
    "{f}({x})", "{f}({x}, {y})", "{f}(*{x})", "{f}(**{x})", "{f}(key={x})", "{f}({x}, file={y})", "print({x}, **{{'file': {y}}})",
    "sorted({x}, key={f})", "list(map({f}, {x}))", "max({x}, key={f}, default={y})", "functools.reduce({f}, {x}, {y})",
    "type('C', (), {{'__del__': {f}}})", "type({x})('C', (), {{'__eq__': {f}, '__hash__': {f}}})", "type({x})({y})",
    "copy.copy({x})", "copy.deepcopy({x})", "copy.deepcopy({x}, {y})", "sympy.sympify({x})", "sympy.S({x})", "sympy.sin({x})",
    "sympy.solve({x})", "sympy.solve({x}, {y})", "sympy.simplify({x})", "sympy.Symbol({x})", "sympy.symbols({x}, cls={y})",
    "sympy.Function({x})", "sympy.Function({x})({y}).evalf()", "sympy.N({x}, 30)", "sympy.Lambda(x, {x})({y})", "sympy.Matrix({x})",
    "sympy.nsolve({x}, {y}, 1)", "sympy.factorint({x})", "sympy.integrate({x}, x)", "sympy.diff({x}, x)", "sympy.latex({x})",
    "sympy.pretty({x}, use_unicode=False)", "sympy.Poly({x}, {y})", "sympy.Eq({x}, {y})", "sympy.Piecewise(({x}, {y}))",
    "sympy.ordered({x}, keys={y})", "np.array({x})", "np.array({x}, dtype={y})", "np.vectorize({f})({x})", "np.sqrt({x}, out={y})",
    "np.sqrt({x}, where={y})", "np.add({x}, {y})", "np.full(3, {x})", "np.asarray({x})", "np.ndarray({x})", "np.linspace(0, 1, {x})",
    "'{{0.__class__}}'.format({x})", "'{{}} {{}}'.format({x}, {y})", "'%s %r' % ({x}, {y})", "'{{:{{}}}}'.format({x}, {y})",
    "str.format('{{0.__class__}}', {x})", "f'{{{x}!r:>10}}'", "f'{{{x}}}'", "format({x}, {y})", "getattr({x}, {y})", "setattr({x}, 'red', {y})",
    "vars({x})", "dir({x})", "isinstance({x}, {f})", "issubclass({f}, {y})", "hash({x})", "iter({f}, {x})", "next({x})", "eval({x})",
    "exec({x})", "compile({x}, 's', 'exec')", "__import__({x})", "open({x})", "re.sub('a', {f}, {x})", "re.match({x}, {y})",
    "heapq.heappush({x}, {y})", "operator.itemgetter({x})({y})", "statistics.mean({x})", "Counter({x})", "defaultdict({f}, {x})",
    "List[{x}]", "Dict[{x}, {y}]", "functools.lru_cache({x})({f})", "functools.partial({f}, {x})()", "scipy.optimize.brentq({f}, {x}, {y})",
    "sympy.Triangle({x}, {y}, (0, 1))", "sympy.Rational({x}, {y})", "sympy.Float({x})", "sympy.Interval({x}, {y})", "sympy.Subs({x}, x, {y})",
]  # fmt: skip
_STATEMENTS = [
    "{v} = {e}", "{v}, {w} = {e}, {e2}", "{v} += {e}", "{e}.red = {e2}", "{e}[{e2}] = {e3}", "{e}[{e2}] += {e3}", "del {e}[{e2}]", "del {v}",
    "print({e})", "{e}", "for {v} in {e}:\n    {s}\n    break", "if {e}:\n    {s}\nelse:\n    {s2}", "while {e}:\n    {s}\n    break",
    "def {v}({w}={e}, *z, **kw):\n    {s}\n    return {e2}", "def {v}():\n    yield {e}\n    yield {e2}",
    "def {v}():\n    try:\n        yield {e}\n    finally:\n        {s}", "def {v}({w}):\n    global a, b\n    a = {e}\n    return {w}",
    "{v} = lambda {w}={e}: {e2}", "@{e}\ndef {v}(): return {e2}", "try:\n    {s}\nexcept Exception as {v}:\n    {s2}",
    "try:\n    {s}\nexcept:\n    pass\nfinally:\n    {s2}", "class {V}:\n    {s}", "class {V}({e}):\n    {v} = {e2}",
    "with {e} as {v}:\n    {s}", "match {e}:\n    case {{'k': {v}}}:\n        {s}\n    case _:\n        {s2}", "import {m}", "from {m} import *",
    "assert {e}", "raise {e}", "{v} = [{w} for {w} in {e} if {e2}]", "{v} = {{{w}: {e} for {w} in {e2}}}", "({v} := {e})",
    "{v} = ({w} for {w} in {e})\nnext({v})", "ring = [{e}]\nring.append(ring)", "{v}: {e} = {e2}", "global {v}", "async def {v}(): pass",
    "{v} = {e}\n{v}.append({v})", "{V} = type('{V}', (object,), {{}})", "print(*{e}, sep={e2})", "{v} = {w} = {e}", "(a, *b) = {e}",
    "for a.red in {e}: pass", "for a[{e}] in {e2}: break", "with sympy.evaluate(False): {v} = {e}", "[{e} for a.b in {e2}]",
]  # fmt: skip
_MODULES = [
    "os",
    "sys",
    "gc",
    "random",
    "warnings",
    "numpy.random",
    "mpmath",
    "sympy.parsing",
    "builtins",
    "sympy.core.cache",
    "decimal",
]
_NAMES = [
    "a",
    "b",
    "c",
    "f",
    "k",
    "g",
    "x",
    "sum",
    "len",
    "print",
    "sympy",
    "math",
    "np",
    "int",
    "_",
    "__builtins__",
    "E",
]


class _Writer:
    """Builds one program; `nastiness` is the chance of leaving the well-trodden path at each choice."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.nastiness = self.random.choice([0.02, 0.06, 0.15, 0.4])

    def program(self) -> str:
        # Where sympy is used, text that is kept makes a program untame: half of the programs have the one, half the other.
        has_text = self.random.random() < 0.3
        lines = [
            "import math, functools, copy, re, operator, heapq, statistics, datetime\nimport numpy as np",
            "import string" if has_text else "import sympy\nfrom sympy import symbols\nx = symbols('x')",
        ]
        lines += [
            "from fractions import Fraction\nfrom decimal import Decimal\nfrom collections import Counter, defaultdict, deque"
        ]
        lines += [
            "x, a, b, c = 7, [1, 2], {'k': 1}, 'text'" if has_text else "a, b, c = [1, 2], {3: 1}, (1, 2)",
            "def f(*z): return z\ng = iter([1, 2])\nk = 3",
        ]
        lines += [self.random.choice(_IMPORTS) for _ in range(self.random.randrange(3))]
        lines += [self.statement(2) for _ in range(self.random.randrange(1, 6))]
        return "\n".join(lines) + "\n"

    def statement(self, depth: int) -> str:
        simple = _STATEMENTS[:1] + _STATEMENTS[8:10]
        pool = _STATEMENTS if depth and self.random.random() < 0.5 + self.nastiness else simple
        text = self.random.choice(pool)
        nested = [self._indent(self.statement(depth - 1)) if depth else "pass" for _ in range(2)]
        return text.format(
            v=self.name(), w=self.random.choice("pqrs"), V="Red", m=self.random.choice(_MODULES), s=nested[0], s2=nested[1],
            e=self.expression(2), e2=self.expression(1), e3=self.expression(1),
        )  # fmt: skip

    def _indent(self, text: str) -> str:
        return text.replace("\n", "\n    ")

    def name(self) -> str:
        return self.random.choice(_NAMES if self.random.random() < self.nastiness else _NAMES[:7])

    def expression(self, depth: int) -> str:
        kind = self.random.random()
        if depth == 0 or kind < 0.3:
            return self.random.choice(_ATOMS)
        if kind < 0.6:
            return self.random.choice(_CALLS).format(
                f=self.expression(0), x=self.expression(depth - 1), y=self.expression(depth - 1)
            )
        if kind < 0.6 + 0.5 * self.nastiness + 0.05:
            call = self.random.choice(["", "()", f"({self.random.choice(_ATOMS)})", f"[{self.random.choice(_ATOMS)}]"])
            return f"({self.expression(depth - 1)}).{self.random.choice(_ATTRIBUTES)}{call}"
        if kind < 0.8:
            operator = self.random.choice(["+", "-", "*", "==", "<", "and", "or", "in", "is", "%"])
            return f"({self.expression(depth - 1)} {operator} {self.expression(depth - 1)})"
        return self.random.choice(
            ["[{0}, {1}]", "({0}, {1})", "{{0: {0}, 1: {1}}}", "(lambda q: {0})({1})", "{0} if {1} else 0"]
        ).format(self.expression(depth - 1), self.expression(depth - 1))


def random_program(seed: int) -> str:
    """The program of this seed."""
    return _Writer(seed).program()
