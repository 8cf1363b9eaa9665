"""Ways out of the static check that were thought of by reading it, one a program. None ends the process or loops.

Most are refused by the check or given up by the runner; then nothing ran. What counts is that none changes anything.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

_SYMPY = "import sympy\nx = sympy.Symbol('x')\n"
_META = "import copy, sympy\nT = {}\n"
_SET_ADD = "E = T('E', (), {'__reduce_ex__': lambda self, p: (lambda: sympy.Integer, (), (None, {'__add__': lambda a, b: a}))})\ncopy.copy(E())"
_DEEP = "def dig(k):\n    return {} if k == 0 else dig(k - 1)\nfor k in range(800, 1000, 9):\n    try: dig(k)\n    except Exception: pass"

ATTACKS: dict[str, str] = {
    "makes a class through the class of a class": _META.format("type(int)") + _SET_ADD,
    "makes a class through the class of its class": _META.format("type(type(1))") + _SET_ADD,
    "makes a class through sympy's metaclass": _META.format("type(sympy.sin)") + _SET_ADD,
    "makes a class through an undefined function": _META.format("type(sympy.Function('f'))") + _SET_ADD,
    "makes a class through an exception": _META.format("type(type(ValueError('x')))") + _SET_ADD,
    "makes a class through a map": "import copy, sympy\n[T] = map(type, [int])\n" + _SET_ADD,
    "makes a class through a comprehension": "import copy, sympy\n[T] = [type(k) for k in [int]]\n" + _SET_ADD,
    "makes a function from a code object": "t = type(lambda: 0)\nprint(t)",
    "makes a module": "import sympy\nt = type(sympy)\nt('red')",
    "names a class after a function": "import sympy\nsympy.Function('f', (), {'__eq__': lambda a, b: True})",
    "gives an undefined function a namespace": "import sympy\nF = sympy.Function('f', bases=(sympy.Integer,))\nG = sympy.symbols('g', cls=sympy.Function, bases=(sympy.Integer,), __dict__={'red': 1})",
    "wraps a shared function": "import functools, sympy\n@functools.wraps(sympy.solve)\ndef f(): pass\nfunctools.update_wrapper(sympy.solve, f)",
    "caches a shared function": "import functools, sympy\ng = functools.lru_cache(sympy.solve)\ng(sympy.Symbol('x'))\ng.cache_clear()",
    "sets an item of a shared table": "import numpy as np\nnp.typecodes['All'] = 'x'\nnp.sctypeDict['red'] = 1",
    "sets an item of a symbol's table": _SYMPY + "x._assumptions['positive'] = True",
    "sets an item of what assumptions0 returns": _SYMPY + "d = x.assumptions0\nd['positive'] = True\nd.clear()",
    "changes what a cached call returned": _SYMPY
    + "for v in (sympy.divisors(12), sympy.factorint(360), (x + 2).as_coefficients_dict(), (x * 2).as_powers_dict(), (x + 1).as_ordered_terms(), sympy.primefactors(30), (x + 1).free_symbols, x.atoms()):\n    v.clear()",
    "changes an alias of a shared sequence": "import sympy\nfrom sympy.combinatorics import subsets\nfrom sympy.calculus import euler\na = [subsets, euler]\na.append(1)",
    "changes a matrix that sympy may share": "import sympy\nm = sympy.eye(3)\nm[0, 0] = 7\nn = sympy.zeros(2)\nn[0] = 5\nk = sympy.Matrix([[1, 2], [3, 4]])\nk.T[0] = 9\nk.row_del(0)",
    "changes an array that numpy may share": "import numpy as np\na = np.eye(3)\na[0] = 7\nb = np.arange(4).reshape(2, 2).T\nb[0, 0] = 9\nb.fill(3)\nb.sort()",
    "evaluates a text with sympify": "import sympy\nsympy.S('__import__(\"builtins\").__dict__.update(red=1)')",
    "evaluates a text with a function": "import sympy\nsympy.sin('__import__(\"builtins\").__dict__.update(red=1)')",
    "evaluates a text that it made": "import sympy\nt = ''.join(chr(c) for c in [95, 95])\nsympy.solve(t + 'import' + t + '(\"builtins\").' + t + 'dict' + t + '.update(red=1)')",
    "evaluates a text in a matrix": "import sympy\nsympy.Matrix(['__import__(\"builtins\").__dict__.update(red=1)'])",
    "evaluates a text with subs": _SYMPY + "x.subs('x', '__import__(\"builtins\").__dict__.update(red=1)')",
    "evaluates a text with Poly": _SYMPY + "sympy.Poly('__import__(\"builtins\").__dict__.update(red=1)', x)",
    "evaluates a text with Lambda": _SYMPY + "sympy.Lambda(x, '__import__(\"builtins\").__dict__.update(red=1)')",
    "evaluates the name of a function": _SYMPY
    + "f = sympy.Function('__import__(\"builtins\").__dict__.update(red=1) or abs')\nsympy.nsolve(f(x) - 1, x, 1)",
    "evaluates the name of a symbol": "import sympy\ny = sympy.Symbol('y=__import__(\"builtins\").__dict__.update(red=1)')\nsympy.nsolve(y - 1, y, 1)",
    "evaluates a name with mpmath": "import sympy\nfor n in ('nprint', 'memoize', 'monitor', 'extradps', 'workdps', 'workprec', 'identify', 'eig', 'mpmathify'):\n    try: print(sympy.Function(n)(5).evalf())\n    except Exception: pass",
    "swallows what stops it": "import sympy\ntry: sympy.S('__import__(\"builtins\").__dict__.update(red=1)')\nexcept: pass\ntry: sympy.S('x')\nexcept BaseException: pass",
    "swallows what stops it in a generator": "import sympy\ndef g():\n    try:\n        yield sympy.S('x+1')\n    finally:\n        return\nlist(g())",
    "asks a text for its class": "'{0.__class__.__base__}'.format(1)\nstr.format('{0.__class__}', 1)\nf = '{0.__class__}'.format\nf(1)\n'{0[0].__class__}'.format([1])",
    "asks a format for a format": "print('{0:{1.__class__}}'.format(1, 2))",
    "asks a generator for its frame": "g = (k for k in [1])\ng.gi_frame.f_builtins['sum'] = 5",
    "asks a running generator for the frames above": "h = []\ng = (h[0].gi_frame.f_back.f_globals for k in [1])\nh.append(g)\nnext(g).clear()",
    "asks an exception for its frame": "try: 1/0\nexcept Exception as e: e.__traceback__.tb_frame.f_globals.clear()",
    "binds a name over a builtin": "global sum\nsum = 5\nlen, print = 1, 2",
    "binds a builtin in a loop": "for len in [1]: pass\n[print := 5]",
    "binds a module over another": "import sympy as math\nimport math as sympy\nimport numpy as len",
    "takes a module as a value": "import sympy\na = [sympy]\na[0].lambdify",
    "takes a module from a module": "import sympy\ns = sympy.core\nt = sympy.printing\nsympy.plotting.plot",
    "imports everything": "from sympy import *\nfrom numpy import *\nfrom math import *\ninit_printing(order='none')\nseterr(all='raise')",
    "turns evaluation off": "import sympy\nwith sympy.evaluate(False): 1/0",
    "turns evaluation off and stays inside": "import sympy\ndef g():\n    with sympy.evaluate(False): yield\nn = g()\nnext(n)",
    "draws random numbers in sympy": _SYMPY
    + "for k in range(50): (sympy.sin(x)**2 + sympy.cos(x)**2 - k).equals(0)\nsympy.checksol(x**2 - 2, x, sympy.sqrt(2))",
    "raises the precision": _SYMPY
    + "sympy.N(sympy.pi, 500)\nsympy.nsolve(sympy.cos(x) - x, x, 1, prec=200)\n(sympy.sqrt(2) + 1).n(300)",
    "fails in the middle of a high precision": _SYMPY
    + "for k in range(5):\n    try: sympy.nsolve(1/x + 0*x, x, 0, prec=300)\n    except Exception: pass\n    try: sympy.Integral(1/x, (x, -1, 1)).evalf(100)\n    except Exception: pass",
    "recurses to the limit inside an assumption": _SYMPY + _DEEP.format("(sympy.sqrt(2) + sympy.pi).is_positive"),
    "recurses to the limit inside a singleton": _SYMPY
    + _DEEP.format("(sympy.S.Half.is_prime, sympy.pi.is_even, sympy.E.is_negative, sympy.oo.is_integer)"),
    "recurses to the limit inside simplify": _SYMPY + _DEEP.format("sympy.simplify(sympy.sin(x)**2 + sympy.cos(x)**2)"),
    "recurses to the limit inside integrate": _SYMPY + _DEEP.format("sympy.integrate(x * sympy.exp(x), x)"),
    "recurses to the limit inside a high precision": _SYMPY + _DEEP.format("sympy.N(sympy.sin(1) + sympy.pi, 200)"),
    "recurses to the limit inside printing": _SYMPY
    + _DEEP.format("(sympy.pretty(x / 2, use_unicode=False), sympy.latex(x / 2), str(x + 1))"),
    "recurses to the limit inside numpy": "import numpy as np\n"
    + _DEEP.format("(str(np.arange(5.0)), repr(np.ones(2)), np.linalg.det(np.eye(2)))"),
    "prints differently for a moment": _SYMPY
    + "try: sympy.pretty(x, use_unicode=False, wrap_line='a', red=1)\nexcept Exception: pass\ntry: sympy.latex(x, red=1)\nexcept Exception: pass",
    "leaves a generator that prints at its end": "def g():\n    try: yield 1\n    finally: print('leaked')\nit = g()\nnext(it)\nring = [it]\nring.append(ring)",
    "leaves a generator in a closure": "def g():\n    ring = [g]\n    ring.append(ring)\n    def h(): return ring\n    try: yield h\n    finally: print('leaked')\nkeep = g()\nring = [next(keep), keep]\nring.append(ring)",
    "leaves an exception in a ring": "def g():\n    try: yield 1\n    finally: print('leaked')\ntry:\n    it = g()\n    next(it)\n    1/0\nexcept Exception as e:\n    ring = [e, it]\n    ring.append(ring)",
    "leaves numpy's memory unread": "import numpy as np\nprint(np.ndarray(50), np.sqrt(np.ones(50), where=np.zeros(50, dtype=bool)))",
    "clears a shared cache": "import sympy\nsympy.igcd.cache_clear()\nprint(sympy.igcd.cache_info())",
    "copies what is shared": _SYMPY
    + "import copy\nfor v in (x, sympy.S.Half, sympy.pi, sympy.Integer, sympy.sin, sympy.S, sympy.Reals, print, sympy.Symbol('q', positive=True), sympy.Poly(x), sympy.Matrix([1]), sympy.Function('f')):\n    copy.copy(v)\n    try: copy.deepcopy(v)\n    except Exception: pass",
    "copies with a memory of its own": "import copy, collections\ncopy.deepcopy([[1], [2]], collections.defaultdict(list))\ncopy.deepcopy([1], {})",
    "partially applies print to a file": "import functools\nclass_ = functools.partial(print, **{'file': 5})\ntry: class_(1)\nexcept Exception: pass",
    "registers a type": "import functools, numbers\n@functools.singledispatch\ndef f(): pass\nnumbers.Number.register(str)",
    "evaluates an annotation": "from typing import List, Optional\ndef f(a: List['__import__(\"builtins\").__dict__.update(red=1)']) -> Optional['x']: return a\nv: List['int'] = f([1])",
    "sorts what is shared": _SYMPY + "sympy.Symbol('x').args.sort()",
    "closes and sends to what is shared": _SYMPY
    + "sympy.primerange(10).close()\ng = sympy.numbered_symbols()\nnext(g)\ng.close()",
    "names what begins with underscores": "__builtins__['sum'] = 5\n__import__('builtins').sum = 5",
    "hides underscores in a nested function": "def f():\n    def g(): return __builtins__\n    return g()\nf()['sum'] = 5",
    "hides underscores in a default": "f = lambda a=(lambda: __builtins__)(): a\nf()['sum'] = 5",
    "hides underscores in a decorator": "@(lambda f: __builtins__)\ndef g(): pass\ng['sum'] = 5",
    "uses unicode that folds to another name": "ｓｕｍ = 5\nｐｒｉｎｔ = 6\n__ｂｕｉｌｔｉｎｓ__['sum'] = 7",
    "uses unicode that folds in an attribute": "g = (k for k in [1])\ng.ｇｉ_frame.f_builtins['sum'] = 5",
    "matches what is shared": "import sympy\nmatch sympy.solve:\n    case object(__globals__=g): g['Symbol'] = 5",
    "extends the sieve": "import sympy\nsympy.prime(3000)\nlist(sympy.primerange(5000))\nsympy.primepi(10000)\nsympy.totient(1000)\nsympy.mobius(1000)",
    "builds many rings and domains": _SYMPY
    + "y = sympy.Symbol('y')\nfor k in range(2, 6): sympy.factor(x**k - y**k)\nsympy.groebner([x*y - 1, x**2 - y], x, y, order='grevlex')\nsympy.Poly(x**2 + sympy.sqrt(2), x, extension=True).factor_list()",
    "sets an option of polys": _SYMPY
    + "sympy.Poly(x, x, domain='QQ')\nsympy.groebner([x], x, method='f5b')\nsympy.factor(x**2 - 1, modulus=5)",
    "makes a class with a renamed Function": "from sympy import Function as F\nE = F('E', (), {'__reduce_ex__': 1})",
    "makes a class with Function as a value": "import sympy\nfor F in [sympy.Function]: F('E', (), {'__eq__': lambda a, b: True})",
    "makes a class with a function of many arguments": "import sympy\nE = sympy.Function('E', (), {'__eq__': lambda a, b: True})\nG = sympy.symbols('G', cls=sympy.Function, bases=(sympy.Integer,))",
    "finds a builtin by its name": "import sympy\nsympy.S('setattr')(sympy.Integer, 'red', 1)",
    "finds a builtin by the names of symbols": "import sympy\nn = sympy.Symbol('set').name + sympy.Symbol('attr').name\nsympy.S(n)(sympy.Integer, 'red', 1)",
    "finds a builtin by its pieces": "import sympy\nt = ''\nfor c in ['s', 'e', 't', 'attr']: t += c\nsympy.S(t)(sympy.Integer, t, 1)",
    "finds a builtin by the keys of a table": "import sympy\nfor k in {'setattr': 1}: sympy.S(k)(sympy.Integer, k, 1)",
    "finds a builtin by the names of keywords": "import sympy\nfor k in dict(setattr=1): sympy.S(k)(sympy.Integer, k, 1)",
    "finds a builtin by the names of counted keywords": "import sympy, collections\nfor k in collections.Counter(setattr=1): sympy.S(k)(sympy.Integer, k, 1)",
    "finds a builtin by the names of updated keywords": "import sympy\nd = {}\nd.update(setattr=1)\nfor k in d: sympy.S(k)(sympy.Integer, k, 1)",
    "finds a builtin by the names of its arguments": "import sympy\ndef f(**k):\n    for n in k: sympy.S(n)(sympy.Integer, n, 1)\nf(setattr=1)",
    "finds a builtin by an exception's message": "import sympy\ntry: raise ValueError('setattr')\nexcept ValueError as e: n = e.args[0]\nsympy.S(n)(sympy.Integer, n, 1)",
    "finds a builtin by a failed assertion": "import sympy\ntry: assert 0, 'setattr'\nexcept AssertionError as e:\n    for n in e.args: sympy.S(n)(sympy.Integer, n, 1)",
    "finds a builtin by a key that a table makes": "import sympy\nfrom collections import defaultdict\nd = defaultdict(int)\nprint(d['setattr'])\nfor k in d: sympy.S(k)(sympy.Integer, k, 1)",
    "finds a builtin in what is printed": "import sympy\nprint(n := 'setattr')\nsympy.S(n)(sympy.Integer, n, 1)",
    "finds a builtin by a printed map": "import sympy\ndef f(n): sympy.S(n)(sympy.Integer, n, 1)\nprint(list(map(f, ['setattr'])))",
    "finds a builtin by a printed sort": "import sympy\ndef f(n): sympy.S(n)(sympy.Integer, n, 1)\nprint(sorted(['setattr'], key=f), max(['setattr'], key=f))",
    "finds a builtin in a comprehension": "import sympy\nprint([sympy.S(n)(sympy.Integer, n, 1) for n in ['setattr']])",
    "finds a builtin by a default": "import sympy\ndef f(n='setattr'): sympy.S(n)(sympy.Integer, n, 1)\nf()",
    "finds a builtin by a function renamed to symbols": "from sympy import symbols, S, Integer\nsymbols = S\nsymbols('setattr')(Integer, 'red', 1)",
    "finds a builtin by an import renamed to symbols": "from sympy import S as symbols\nfrom sympy import Integer, symbols as s\nsymbols('setattr')(Integer, 'red', 1)",
    "finds a builtin by a function of its own named Symbol": "import sympy\ndef Symbol(n): sympy.S(n)(sympy.Integer, n, 1)\nSymbol('setattr')",
    "finds a builtin by a sort key": "import sympy\nk = sympy.default_sort_key(sympy.Symbol('x'))\nprint(k)\nsympy.S(k[0][2])",
    "finds a builtin in letters": "import sympy, string\na = string.ascii_lowercase\nn = a[18] + a[4] + a[19] + a[0] + a[19] + a[19] + a[17]\nsympy.S(n)",
    "finds a builtin in LaTeX": "import sympy\nt = sympy.latex(sympy.Symbol('setattr'))\nsympy.S(t)(sympy.Integer, t, 1)",
    "finds a builtin in an array of texts": "import sympy, numpy as np\nt = np.full(3, 'setattr')[0]\nsympy.S(t)(sympy.Integer, 'red', 1)",
    "finds a builtin in an array of numbers": "import sympy, numpy as np\nt = np.array([True, False]).astype(str)\nsympy.S(t[0])",
    "finds a builtin by a partial keyword": "import sympy, functools\ndef f(method): sympy.S(method)(sympy.Integer, method, 1)\nfunctools.partial(f, method='setattr')()",
    "finds a builtin by a name of one's own module": "import sympy\nn = __name__\nsympy.S(n)",
    "evaluates a text that it compares with": "import sympy\nx = sympy.Symbol('x')\nsympy.Poly(x) == '__import__(\"builtins\").__dict__.update(red=1)'",
    "evaluates a text that it adds": "import sympy\nx = sympy.Symbol('x')\ntry: print('__import__(\"builtins\").__dict__.update(red=1)' + sympy.Poly(x))\nexcept Exception: pass",
    "evaluates a text that it multiplies": "import sympy\nx = sympy.Symbol('x')\ntry: print('__import__(\"builtins\").__dict__.update(red=1)' * sympy.Poly(x))\nexcept Exception: pass",
    "evaluates a text in a list that it adds": "import sympy\nx = sympy.Symbol('x')\ntry: print(['__import__(\"builtins\").__dict__.update(red=1)'] + sympy.Matrix([x]))\nexcept Exception: pass",
    "evaluates a text made of numbers": "import sympy\nt = chr(115) + 'etattr'\nsympy.S(t)(sympy.Integer, t, 1)",
    "evaluates a text made by formats": "import sympy\nt = f'{115:c}'\nu = '%c' % 101\nv = str((1, 2))[0]\nsympy.S(t + u + 'tattr')(sympy.Integer, 'red', 1)",
    "evaluates a text of a date": "import sympy, datetime\nt = datetime.date(1, 1, 1).strftime('setattr')\nsympy.S(t)(sympy.Integer, t, 1)",
    "calls mpmath by the name of a function": "import sympy\nf = sympy.Function('setattr')\nf(1).evalf()\ng = sympy.symbols('nprint', cls=sympy.Function)\ng(5).evalf()",
}
