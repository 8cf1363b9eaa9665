"""Programs such as a careful solver writes. Their output must be exactly what plain CPython prints for them."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

from textwrap import dedent

_SYMPY = {
    "solves an equation": ["import sympy as sp\nx = sp.symbols('x')\nprint(sp.solve(x**4 - 5*x**2 + 4, x))"],
    "solves a system": [
        (
            "from sympy import *\nx, y, z = symbols('x y z')\n"
            "print(solve([x + y + z - 6, x - y - 1, 2*x + z - 7], [x, y, z], dict=True))"
        )
    ],
    "solves a set of inequalities": [
        (
            "from sympy import *\nx = symbols('x', real=True)\n"
            "print(solve_univariate_inequality(x**2 - 4 < 0, x, relational=False))"
        ),
        "print(solveset(sin(x) - 1/S(2), x, Interval(0, 2*pi)))",
    ],
    "integrates": [
        "from sympy import *\nx = symbols('x')\nprint(integrate(x*exp(-x**2), (x, 0, oo)), integrate(log(x), x))"
    ],
    "differentiates and takes limits": [
        "from sympy import *\nx = symbols('x')\nf = sin(x)/x\n",
        "print(diff(f, x), limit(f, x, 0), series(f, x, 0, 8))",
    ],
    "does geometry": [
        (
            "from sympy.geometry import *\nfrom sympy import Rational\n"
            "t = Triangle(Point(0, 0), Point(4, 0), Point(1, 3))\n"
            "print(t.area, t.circumcenter, t.incenter, t.orthocenter)"
        ),
        "print(Circle(Point(0, 0), 5).intersection(Line(Point(-5, 1), Point(5, 2))))",
    ],
    "does number theory": [
        "import sympy as sp\nprint(sp.factorint(2**64 + 1), sp.isprime(10**18 + 9), sp.totient(360))",
        "print(sp.divisors(720), sp.primitive_root(23), list(sp.primerange(90, 130)), sp.nextprime(10**6))",
        "from sympy.ntheory.modular import crt\nprint(crt([3, 5, 7], [2, 3, 2]), sp.mod_inverse(3, 11))",
    ],
    "works with matrices": [
        (
            "from sympy import Matrix, symbols, eye\nA = Matrix([[2, 1, 0], [1, 2, 1], [0, 1, 2]])\n"
            "print(A.det(), A.inv(), A.eigenvals(), A.charpoly().as_expr(), A.rref(), (A - eye(3)).nullspace())"
        )
    ],
    "works with polynomials": [
        (
            "from sympy import *\nx, y = symbols('x y')\n"
            "p = Poly(x**5 - x - 1, x)\nprint(p.nroots(n=8), factor(x**6 - y**6), resultant(x**2 - 2, x**3 - x, x))"
        ),
        "print(groebner([x**2 + y**2 - 1, x - y], x, y), apart(1/(x**3 - x), x), gcd(x**4 - 1, x**6 - 1))",
    ],
    "simplifies and substitutes": [
        (
            "from sympy import *\na, b = symbols('a b', positive=True)\n"
            "e = (a**2 - b**2)/(a - b)\nprint(simplify(e), e.subs({a: 3, b: 2}), expand((a + b)**6), nsimplify(0.333333333333))"
        ),
        "print(trigsimp(sin(a)**2 + cos(a)**2), radsimp(1/(sqrt(2) + 1)), sqrtdenest(sqrt(5 + 2*sqrt(6))))",
    ],
    "sums and multiplies": [
        (
            "from sympy import *\nn, k = symbols('n k', integer=True)\n"
            "print(summation(k**3, (k, 1, n)), factor(summation(k**2, (k, 1, n))), product(k, (k, 1, 6)), Sum(1/k**2, (k, 1, oo)).doit())"
        )
    ],
    "solves a recurrence": [
        (
            "from sympy import *\nn = symbols('n')\ny = Function('y')\n"
            "print(rsolve(y(n + 2) - y(n + 1) - 6*y(n), y(n), {y(0): 1, y(1): 8}))"
        )
    ],
    "solves a differential equation": [
        (
            "from sympy import *\nt = symbols('t')\nf = Function('f')\n"
            "print(dsolve(f(t).diff(t, 2) + 4*f(t), f(t), ics={f(0): 1, f(t).diff(t).subs(t, 0): 0}))"
        )
    ],
    "prints LaTeX and pretty": [
        "from sympy import *\nx = symbols('x')\nprint(latex(Integral(x**2/(1 + x), x)))",
        "pprint(Rational(3, 4)*sqrt(x)); pprint(x**2 + 1/x, use_unicode=False); print(pretty(sqrt(x)), srepr(x + 1))",
    ],
    "evaluates numerically": [
        "from sympy import *\nprint(N(pi, 50), (sqrt(2) + E).evalf(30), nsolve(cos(symbols('x')) - symbols('x'), 1))"
    ],
    "reads expressions": [
        (
            "from sympy import sympify, S\nfrom sympy.parsing.sympy_parser import parse_expr\n"
            "print(sympify('2*x + 3/4'), S('sqrt(8)'), parse_expr('x**2 + sin(y)'), sympify('1/3') + 1)"
        )
    ],
    "turns a formula into a function": [
        "import sympy as sp, numpy as np\nx = sp.symbols('x')\nf = sp.lambdify(x, sp.sin(x)**2 + x, 'numpy')",
        "print(f(np.array([0.0, 1.0, 2.0])), f(1.5))",
    ],
    "uses assumptions": [
        (
            "from sympy import *\nx = symbols('x')\nn = symbols('n', integer=True, positive=True)\n"
            "print(sqrt(x**2), sqrt(n**2), (-1)**(2*n), ask(Q.even(2*n)), refine(sqrt(x**2), Q.positive(x)))"
        )
    ],
    "works with sets and logic": [
        (
            "from sympy import *\nx = symbols('x')\nprint(Union(Interval(0, 2), Interval(1, 5)), FiniteSet(1, 2, 3) & FiniteSet(2, 3, 4), "
            "simplify_logic((x > 1) & (x > 0)) if False else to_cnf(symbols('p') | (symbols('q') & symbols('r'))))"
        )
    ],
    "counts with sympy": [
        (
            "from sympy import binomial, factorial, fibonacci, catalan, bell\nfrom sympy.functions.combinatorial.numbers import nC, nP, nT\n"
            "print(binomial(50, 25), factorial(30), fibonacci(100), catalan(12), bell(9), nC(10, 3), nP(6, 2), nT(12))"
        )
    ],
}

_NUMBERS = {
    "does linear algebra": [
        (
            "import numpy as np\nA = np.array([[4., 1, 2], [1, 3, 0], [2, 0, 5]])\n"
            "print(np.linalg.solve(A, [1, 2, 3]), np.linalg.det(A), np.linalg.eigvalsh(A))"
        ),
        "print(np.round(np.linalg.inv(A) @ A, 10), np.linalg.matrix_rank(A), np.linalg.norm(A))",
    ],
    "slices arrays": [
        "import numpy as np\na = np.arange(24).reshape(4, 6)\nprint(a[1:3, ::2], a.sum(axis=0), a[a % 5 == 0], a.T.shape, repr(a.mean()))",
        "print(np.unique(a % 7, return_counts=True), np.cumsum(a[0]), np.argmax(a), np.where(a > 20))",
    ],
    "draws seeded random numbers": [
        "import numpy as np, random\nrng = np.random.default_rng(7)\nprint(rng.integers(0, 100, 5), rng.normal(size=3))",
        "random.seed(11); np.random.seed(3)\nprint(random.sample(range(100), 5), random.random(), np.random.rand(3), random.choice('abc'))",
    ],
    "optimises": [
        (
            "from scipy.optimize import minimize, brentq, linprog\nimport math\n"
            "r = minimize(lambda v: (v[0] - 1)**2 + (v[1] + 2)**2, [0, 0])\nprint(r.x.round(4), r.success)"
        ),
        "print(round(brentq(lambda x: math.cos(x) - x, 0, 1), 12), linprog([-1, -2], [[1, 1]], [4], bounds=[(0, 3), (0, 3)]).fun)",
    ],
    "integrates numerically": [
        "from scipy import integrate\nimport numpy as np\nprint(integrate.quad(lambda x: np.exp(-x**2), -np.inf, np.inf))",
        "s = integrate.solve_ivp(lambda t, y: -y, (0, 2), [1.0], rtol=1e-9)\nprint(s.y[0][-1].round(6), s.status)",
    ],
    "does statistics with scipy": [
        "from scipy import stats\nprint(stats.norm.cdf(1.96), stats.binom.pmf(3, 10, 0.5), stats.ttest_1samp([1, 2, 3, 4], 2).pvalue)",
        "print(stats.linregress([1, 2, 3, 4], [2, 4.1, 5.9, 8.2]).slope, stats.norm.ppf(0.975), stats.poisson(3).mean())",
    ],
    "uses special functions": [
        "from scipy import special\nprint(special.gamma(5.5), special.comb(10, 3, exact=True), special.erf(0.5), special.zeta(3))"
    ],
    "interpolates and transforms": [
        (
            "import numpy as np\nfrom scipy.interpolate import CubicSpline\n"
            "print(CubicSpline([0, 1, 2, 3], [0, 1, 8, 27])(1.5), np.fft.fft([1, 2, 3, 4]), np.polyfit([0, 1, 2], [1, 3, 7], 2).round(6))"
        )
    ],
    "searches a graph": [
        (
            "from scipy.sparse.csgraph import dijkstra\nfrom scipy.sparse import csr_matrix\nimport numpy as np\n"
            "print(dijkstra(csr_matrix([[0, 4, 1], [4, 0, 2], [1, 2, 0]]))[0])"
        )
    ],
    "uses mpmath": [
        "from mpmath import mp, mpf, quad, findroot, sin\nmp.dps = 40\nprint(mp.pi, mpf(2)**0.5, findroot(sin, 3), quad(lambda x: x**2, [0, 1]))"
    ],
    "warns and goes on": [
        (
            "import numpy as np\nprint(np.float64(1) / np.array([2.0, 4.0]), np.nan_to_num(np.array([np.inf, np.nan])))\n"
            "with np.errstate(all='ignore'): print(np.log(np.array([0.0, 1.0])))"
        )
    ],
}

_LIBRARY = {
    "uses fractions": [
        "from fractions import Fraction as F\nprint(sum(F(1, k) for k in range(1, 30)), F('0.125'), F(3.5).limit_denominator(10))"
    ],
    "uses decimal": [
        "from decimal import *\ngetcontext().prec = 30\nprint(Decimal(2).sqrt(), Decimal('0.1') + Decimal('0.2'), round(Decimal('2.675'), 2))"
    ],
    "uses itertools": [
        "from itertools import *\nprint(len(list(permutations(range(7)))), list(combinations('abcd', 2)), list(accumulate([1, 2, 3, 4])))",
        "print([k for k, g in groupby(sorted('mississippi'))], list(islice(count(3, 4), 5)), sum(1 for p in product(range(6), repeat=4) if sum(p) == 10))",
    ],
    "counts with collections": [
        "from collections import *\nc = Counter('abracadabra')\nprint(c.most_common(2), dict(c))",
        "d = defaultdict(list)\nfor w in 'one two three four'.split(): d[len(w)].append(w)\nP = namedtuple('P', 'x y')\nprint(dict(d), P(1, 2), deque([1, 2, 3], 2), OrderedDict(a=1))",
    ],
    "uses math": [
        "import math\nprint(math.gcd(84, 120), math.lcm(4, 6), math.comb(20, 10), math.perm(5, 2), math.isqrt(10**20), math.hypot(3, 4), math.log2(8), math.prod(range(1, 9)), math.tau, math.dist((0, 0), (1, 1)))"
    ],
    "uses dates": [
        "import datetime as d, calendar\nprint(d.date(2024, 2, 29) + d.timedelta(days=365), d.date(2000, 1, 1).strftime('%A %d %B'), calendar.isleap(1900))",
        "print(d.datetime(2024, 3, 5, 10, 30).isoformat(), d.datetime.strptime('2024-05-06', '%Y-%m-%d'), calendar.month(2024, 2))",
    ],
    "matches patterns": [
        "import re\nprint(re.findall(r'(\\d+)-(\\w+)', '12-ab 34-cd'), re.sub('a+', lambda m: str(len(m[0])), 'baaad'), re.fullmatch('[a-z]+', 'abc'))"
    ],
    "works with strings": [
        "s = 'The quick brown fox'\nprint(s[::-1], s.title(), s.split(), '{:>10}|{:^9}|{:<5}|{:08.3f}'.format('a', 'b', 'c', 3.14159), f'{1234567:,} {0.25:%} {255:#x} {s!r}')",
        "import string, textwrap\nprint(string.ascii_lowercase, s.encode().hex(), textwrap.fill(s, 10), str.maketrans('a', 'b'), 'ß'.upper())",
    ],
    "prints unicode": [
        "print('∑ π² ≈ 9.87 — Größe 数学 🎲', 'é' == 'e\\u0301', len('🎲'), ascii('é'))",
        "naïve = 3; print(naïve, '\\u2028', chr(0x1d465))",
    ],
    "prints in every way": [
        "print(1, 2, sep='-', end='!\\n'); print(); print(*range(3), sep='\\n'); print('a\\tb\\rc')",
        "import sys\nsys.stdout.write('written\\n'); print('x', file=sys.stdout, flush=True); print([1.0, 1e100, 1e-7, float('nan'), -0.0], 2**100, 1j*1j)",
    ],
    "remembers with lru_cache": [
        "from functools import lru_cache, reduce, partial\n@lru_cache(maxsize=None)\ndef ways(n, k):\n    if n == 0: return 1\n    if n < 0 or k == 0: return 0\n    return ways(n - k, k) + ways(n, k - 1)",
        "print(ways(100, 100), ways.cache_info().currsize, reduce(lambda a, b: a*b, range(1, 8)), partial(pow, 2)(10))",
    ],
    "recurses deeply": [
        "import sys\nsys.setrecursionlimit(20000)\ndef depth(n): return 0 if n == 0 else 1 + depth(n - 1)\nprint(depth(9000))"
    ],
    "computes with big integers": [
        "n = 3**2000\nprint(n % 10**30, len(str(n)), sum(map(int, str(2**1000))), pow(7, 10**18, 10**9 + 7), int('1' * 50) * 9, n.bit_length())"
    ],
    "sieves": [
        "def sieve(n):\n    flags = bytearray([1]) * (n + 1)\n    flags[0:2] = b'\\0\\0'\n    for i in range(2, int(n**.5) + 1):\n        if flags[i]: flags[i*i::i] = bytes(len(range(i*i, n + 1, i)))\n    return [i for i, f in enumerate(flags) if f]",
        "p = sieve(100000)\nprint(len(p), p[-1], sum(p))",
    ],
    "uses heaps and bisection": [
        "import heapq, bisect\nh = [5, 3, 8, 1]\nheapq.heapify(h)\nprint(heapq.heappop(h), heapq.nsmallest(2, h), bisect.bisect_left([1, 3, 5], 4))"
    ],
    "uses statistics": [
        "import statistics as s\nprint(s.mean([1, 2, 3, 4]), s.median([3, 1, 2]), s.stdev([1, 2, 3, 4]), s.mode('aab'), s.quantiles(range(11)), s.NormalDist(0, 1).cdf(1))"
    ],
    "uses json": [
        "import json\nprint(json.dumps({'b': [1, 2.5, None, True], 'a': 'é'}, sort_keys=True), json.loads('[1, {\"x\": 2}]'))"
    ],
    "uses copy and pickle": [
        "import copy, pickle\na = [[1], [2]]\nb = copy.deepcopy(a)\nb[0].append(9)\nprint(a, b, pickle.loads(pickle.dumps(b)))"
    ],
    "uses enum, typing and abc": [
        "from enum import Enum, auto\nfrom typing import NamedTuple, Optional, List\nfrom abc import ABC, abstractmethod",
        "class Suit(Enum):\n    CLUB = auto()\n    HEART = auto()\nclass P(NamedTuple):\n    x: int\n    y: Optional[int] = None\nclass S(ABC):\n    @abstractmethod\n    def area(self): ...\nclass Q(S):\n    def area(self): return 4",
        "print(list(Suit), P(1), Q().area())\ntry: S()\nexcept TypeError as e: print('abstract')",
    ],
    "uses threads": [
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    print(list(pool.map(lambda n: n*n, range(10))))",
        "import threading\nr = []\nt = threading.Thread(target=r.append, args=(5,))\nt.start(); t.join(); print(r)",
    ],
    "writes into memory files": [
        "import io, csv, contextlib\nf = io.StringIO()\ncsv.writer(f).writerows([[1, 'a'], [2, 'b,c']])\nprint(f.getvalue())",
        "with contextlib.redirect_stdout(io.StringIO()) as out: print('hidden')\nprint(repr(out.getvalue()))",
    ],
    "hashes and encodes": [
        "import hashlib, base64, binascii, zlib\nprint(hashlib.sha256(b'abc').hexdigest(), hashlib.md5(b'x').hexdigest(), base64.b64encode(b'hello'), zlib.crc32(b'x'), binascii.hexlify(b'ab'))"
    ],
    "uses struct, array and operator": [
        "import struct, array, operator\nprint(struct.pack('>If', 7, 1.5), array.array('i', [1, 2]), operator.itemgetter(1)([5, 6]), sorted([(2, 'b'), (1, 'a')], key=operator.itemgetter(0)))"
    ],
    "uses complex numbers": [
        "import cmath\nprint(cmath.sqrt(-1), abs(3 + 4j), cmath.phase(1j), [round(z.real, 6) for z in (cmath.exp(2j*cmath.pi*k/3) for k in range(3))])"
    ],
    "times itself": [
        "import time\nt = time.perf_counter(); time.sleep(0.001)\nprint(time.perf_counter() > t, time.time() > 1e9)"
    ],
    "asserts and catches": [
        "try:\n    assert 1 == 2, 'no'\nexcept AssertionError as e: print('caught', e)\ntry: 1/0\nexcept ZeroDivisionError as e: print(type(e).__name__, e)\nfinally: print('finally')\nprint(int('12') if '12'.isdigit() else None)"
    ],
}

_LANGUAGE = {
    "defines classes across steps": [
        "class Vec:\n    def __init__(self, x, y): self.x, self.y = x, y\n    def __add__(self, o): return type(self)(self.x + o.x, self.y + o.y)\n    def __repr__(self): return f'Vec({self.x}, {self.y})'",
        "class Vec3(Vec):\n    z = 5\n    @property\n    def length(self): return (self.x**2 + self.y**2)**.5\na = Vec3(3, 4)",
        "print(a + a, a.length, isinstance(a, Vec), Vec3.__mro__[1].__name__, a.__dict__, type(a).__module__)",
    ],
    "defines dataclasses": [
        "from dataclasses import dataclass, field, asdict, replace\n@dataclass(order=True, frozen=True)\nclass P:\n    x: int\n    y: int = 0\n    tags: tuple = field(default=(), compare=False)",
        "print(sorted([P(2), P(1, 5)]), asdict(P(1)), replace(P(1), y=9), P(1) == P(1), hash(P(1)) == hash(P(1)))",
    ],
    "uses generators": [
        "def fib():\n    a, b = 0, 1\n    while True:\n        yield a\n        a, b = b, a + b\ng = fib()",
        "print([next(g) for _ in range(10)])",
        "print(next(g), next(g), next(x for x in fib() if x > 1000))",
    ],
    "keeps closures and counters": [
        "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step\nc = counter()",
        "skipped = [c(), c()]",
        "print(c())",
    ],
    "uses decorators": [
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(f(*a, **k))\n    return g\n@twice\ndef inc(x):\n    'adds one'\n    return x + 1\nprint(inc(5), inc.__name__, inc.__doc__)"
    ],
    "uses match": [
        "def kind(v):\n    match v:\n        case {'a': x}: return ('dict', x)\n        case [a, *rest]: return ('list', a, rest)\n        case int() | float() if v > 0: return 'positive'\n        case _: return 'other'\nprint(kind({'a': 1}), kind([1, 2, 3]), kind(5), kind(-1), kind('s'))"
    ],
    "uses comprehensions and walrus": [
        "n = 20\nprint([y for x in range(n) if (y := x*x) % 3 == 1], {k: v for k, v in zip('ab', [1, 2])}, y, {x % 3 for x in range(9)}, sum(x for x in range(n)))"
    ],
    "unpacks and swaps": [
        "a, *b, c = range(6)\na, c = c, a\nprint(a, b, c, [*b, *'xy'], {**{'p': 1}, 'q': 2})\nfor i, (x, y) in enumerate([(1, 2), (3, 4)], 1): print(i, x, y)\nelse: print('done')"
    ],
    "changes globals": [
        "total = 0\ndef add(k):\n    global total\n    total += k",
        "for i in range(5): add(i)\nprint(total)",
        "total *= 2\nprint(total, 'total' in globals())",
    ],
    "imports inside functions": [
        "def area(r):\n    import math\n    from fractions import Fraction\n    return math.pi * float(Fraction(r)) ** 2",
        "print(round(area(2), 6))",
    ],
    "uses its own name": ["if __name__ == '__main__':\n    print('main', __name__)"],
    "searches by brute force": [
        "found = [(a, b, c) for a in range(1, 60) for b in range(a, 60) for c in range(b, 90) if a*a + b*b == c*c]\nprint(len(found), found[:3])",
        "while found and found[-1][0] > 20: found.pop()\nprint(len(found))",
    ],
    "fills a table": [
        "def lcs(a, b):\n    t = [[0]*(len(b) + 1) for _ in range(len(a) + 1)]\n    for i, x in enumerate(a, 1):\n        for j, y in enumerate(b, 1):\n            t[i][j] = t[i-1][j-1] + 1 if x == y else max(t[i-1][j], t[i][j-1])\n    return t[-1][-1]\nprint(lcs('ABCBDAB', 'BDCABA'))"
    ],
    "sorts in many ways": [
        "w = ['pear', 'fig', 'apple']\nprint(sorted(w), sorted(w, key=len, reverse=True), max(w, key=len), list(reversed(w)), any(x == 'fig' for x in w), all(w), list(map(len, w)), list(filter(None, [0, 1])))"
    ],
    "shows types and ids": [
        "print(type(1), type(print), (lambda: 0).__name__, [].__class__, callable(len), hasattr('', 'join'), getattr(5, 'real'), issubclass(bool, int), id(None) == id(None))"
    ],
    "uses exceptions of its own": [
        "class NoRoot(ValueError):\n    def __init__(self, a): super().__init__(f'no root of {a}')\ndef root(a):\n    if a < 0: raise NoRoot(a)\n    return a ** 0.5",
        "try: root(-4)\nexcept ValueError as e: print(e, type(e).__name__, e.args)",
    ],
    "awaits": ["import asyncio\nasync def double(x): return 2*x\nprint(1)"],
    "uses comments and blank lines only at the end": ["x = 1\n\n# nothing\n", "\n\nprint(x)  # shown\n\n# end"],
    "evaluates text": [
        "print(eval('2**10'), eval('a + 1', {'a': 1}))\nexec('b = 5')\nprint(b, compile('1+1', 's', 'eval').co_names)"
    ],
}

HONEST: dict[str, list[str]] = {
    name: [dedent(step) for step in steps]
    for group in (_SYMPY, _NUMBERS, _LIBRARY, _LANGUAGE)
    for name, steps in group.items()
}
"""Name of the program → its steps."""
