"""A program that prints everything it can see of the state that programs could share.

It is plain text because it runs inside the jail, inside the naive host and (for the tame check) in a throw-away child.
It prints one sorted line per fact, so that a difference names itself.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

FINGERPRINT = r"""
import abc, atexit, builtins, codecs, collections, copyreg, decimal, fractions, functools, gc, itertools, json, linecache
import locale, math, numbers, os, re, resource, signal, string, sys, threading, time, warnings
import mpmath, numpy, sympy
import sympy.core.parameters, sympy.printing.str, sympy.assumptions.assume
_facts = {}
def _fact(name, make):
    try: value = make()
    except BaseException as e: value = 'raises ' + type(e).__name__
    _facts[name] = repr(value)[:3000]
def _shape(space):
    kinds = {}
    for name, value in list(space.items()):
        if name in ('NONCE', '__warningregistry__', '__slotnames__', '__annotations__') or name in _own or type(value) is type(os): continue
        kinds[name] = (type(value).__name__, getattr(value, '__qualname__', ''), getattr(value, '__module__', '')
                       ) if callable(value) else (type(value).__name__, value if isinstance(value, (int, float, str)) else '')
    return sorted(kinds.items(), key=lambda p: str(p[0]))
_own = set()
def _total(space):
    import zlib
    return len(_shape(space)), zlib.crc32(repr(_shape(space)).encode())
_own = {*globals(), '_umask'}
_fact('builtins', lambda: _shape(vars(builtins)))
for _m in (math, itertools, fractions, functools, collections, decimal, json, re, string, os, sys, time, numbers, abc,
           numpy, sympy, mpmath, sympy.core, numpy.linalg, builtins):
    _fact('names of ' + _m.__name__, lambda: _total({k: v for k, v in vars(_m).items() if k not in (
        'last_value', 'last_type', 'last_traceback', 'stdout', 'stderr', 'stdin', 'modules')}))
for _k in (int, float, str, list, dict, set, tuple, fractions.Fraction, decimal.Decimal, sympy.Integer, sympy.Rational, sympy.Symbol,
           sympy.Expr, sympy.Basic, sympy.Float, sympy.Add, sympy.Mul, sympy.Pow, sympy.MutableDenseMatrix, sympy.Function, sympy.Poly,
           numpy.ndarray, mpmath.mpf, type(sympy.S), sympy.core.numbers.Pi, sympy.core.numbers.Half):
    _fact('names of class ' + _k.__name__, lambda: _total(vars(_k)))
_fact('constants', lambda: (math.pi, math.e, numpy.pi, sympy.pi.n(20), sympy.E.n(20), sympy.I ** 2, mpmath.pi + 0, string.digits))
_fact('small numbers', lambda: [2 + 3, 7 * 6, list(range(-5, 20)), True + True, '' + 'a', (), [sympy.Integer(n) + 1 for n in range(-3, 12)]])
_fact('singletons', lambda: [sympy.S.Half * 2, sympy.S.One, sympy.S.NegativeOne, sympy.S.Infinity, sympy.S.EmptySet, sympy.oo - 1, sympy.S.ImaginaryUnit])
_fact('symbols', lambda: [sympy.Symbol('x').is_positive, sympy.Symbol('x').assumptions0, sympy.symbols('a:c'), sympy.abc.x if hasattr(sympy, 'abc') else 0])
_fact('sympy works', lambda: [sympy.sqrt(8), sympy.sin(sympy.pi / 6), sympy.solve(sympy.Symbol('x') ** 2 - 2), sympy.factorint(360),
                              sympy.integrate(sympy.Symbol('x') ** 2), sympy.expand((sympy.Symbol('x') + 1) ** 3), sympy.diff(sympy.sin(sympy.Symbol('x')))])
_fact('sympy parameters', lambda: [sympy.core.parameters.global_parameters.evaluate, sympy.core.parameters.global_parameters.distribute,
                                   sympy.core.parameters.global_parameters.exp_is_pow])
_fact('sympy assumptions', lambda: sorted(map(str, sympy.assumptions.assume.global_assumptions)))
_fact('sympy printers', lambda: sorted(sympy.printing.printer.Printer._global_settings.items(), key=str))
_fact('sympy printer', lambda: [sorted(sympy.printing.str.StrPrinter._default_settings.items()),
                                sympy.printing.pretty.pretty_symbology.pretty_use_unicode(), sympy.latex(sympy.Symbol('x') / 2), sympy.Basic.__str__(sympy.Symbol('x') ** 2)])
_fact('sympy polys', lambda: sympy.polys.polyconfig.query('USE_HEU_GCD'))
_fact('numpy errors', numpy.geterr)
_fact('numpy errcall', numpy.geterrcall)
_fact('numpy printing', lambda: sorted(numpy.get_printoptions().items()))
_fact('numpy prints', lambda: [str(numpy.array([1 / 3, 1e-9])), repr(numpy.float64(1 / 3)), numpy.arange(3) * 2])
_fact('numpy buffer', numpy.getbufsize)
_fact('mpmath', lambda: [mpmath.mp.dps, mpmath.mp.pretty, mpmath.iv.dps, mpmath.sqrt(2)])
_fact('decimal', lambda: [decimal.getcontext(), decimal.DefaultContext, decimal.Decimal(1) / 3])
_fact('path', lambda: [sys.path, os.getcwd() if os.access('.', 0) else ''])
def _umask():
    mask = os.umask(0o77); os.umask(mask); return mask
_fact('umask', _umask)
_fact('limits', lambda: [sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()])
_fact('rlimits', lambda: [resource.getrlimit(n) for n in range(16) if n not in (resource.RLIMIT_CPU,)])
_fact('hooks', lambda: [sys.gettrace(), sys.getprofile(), sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.unraisablehook is sys.__unraisablehook__,
                        len(sys.meta_path), len(sys.path_hooks), atexit._ncallbacks(), len(gc.callbacks), threading.excepthook is threading.__excepthook__, builtins.__import__.__name__])
_fact('streams', lambda: [type(sys.stdout).__name__, getattr(sys.stdout, 'encoding', ''), getattr(sys.stdout, 'errors', ''), sys.stdin is None, sys.stdout is sys.__stdout__])
_fact('collector', lambda: [gc.isenabled(), gc.get_threshold(), gc.get_debug()])
_fact('signals', lambda: [(n, str(signal.getsignal(n))) for n in range(1, 65)])
_fact('blocked signals', lambda: sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
_fact('timers', lambda: [signal.getitimer(n)[1] for n in range(3)])
_fact('threads', lambda: [threading.active_count(), [t.name for t in threading.enumerate()], threading.stack_size()])
_fact('warnings', lambda: [(a, getattr(m, 'pattern', m), c.__name__, getattr(o, 'pattern', o), n) for a, m, c, o, n in warnings.filters])
_fact('warning hook', lambda: warnings.showwarning.__qualname__)
_fact('locale', lambda: [locale.setlocale(locale.LC_ALL), time.tzname, time.timezone])
_fact('environment', lambda: sorted(k for k in os.environ))
_fact('main', lambda: [n for n in sorted(globals()) if n not in _own and n not in ('_m', '_k', 'NONCE', 'shared')])
_fact('modules', lambda: sorted(n for n in sys.modules if n.split('.')[0] not in ('encodings',) and 'red' in n))
_fact('priority', lambda: os.getpriority(os.PRIO_PROCESS, 0))
_fact('registrations', lambda: [isinstance('a', numbers.Number), codecs.lookup_error('strict').__name__, len(copyreg.dispatch_table)])
_fact('red codec', lambda: codecs.lookup_error('red'))
_fact('lines', lambda: sorted(n for n in linecache.cache if 'red' in n))
_fact('attributes', lambda: [getattr(o, 'red', None) for o in (sympy, numpy, math, sympy.Symbol, sympy.solve, numpy.linalg, fractions.Fraction, sympy.Symbol('x'), sympy.S.One, sympy.pi)])
for _name in sorted(_facts): print(_name, '=', _facts[_name])
"""


def fingerprint(nonce: str) -> str:
    """The program with a word of its own, so that no memory of an earlier run can answer for it."""
    return f"NONCE = {nonce!r}\n{FINGERPRINT}"


RANDOM = """
import random, numpy
print(random.random(), random.getrandbits(64), numpy.random.rand(), numpy.random.randint(1 << 30))
print([*{'alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'}], hash('x'))
"""
"""The random states that a program starts with, and the order of its sets."""
