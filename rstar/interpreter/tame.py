"""The static check: is it certain that a program can change nothing that another program sees?

A tame program is made of literals, arithmetic, comprehensions, loops, functions, prints, and the names of
tame_names.py. It has no attribute assignment, no class, no `with`, no name with two leading underscores, no name bound
over a builtin or a module, and takes nothing from a module but what is listed. When in doubt, the answer is no, and the
program gets a process of its own.

The check says what a program's text can reach. Text that becomes code at run time (sympy evaluates strings) is caught
where it happens: see tame_runner.py.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import string
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rstar.interpreter.tame_names import BUILTINS, METHODS, MODULES, SUBMODULES
from rstar.interpreter.tame_text import TextUse

MAX_TAME_CHARS = 20_000
"""Longer code is forked: the check would cost more than the fork. Chosen, not tuned."""

_ALL_BUILTINS = frozenset(dir(builtins)) | {"exit", "quit", "help", "copyright", "credits", "license"}
_LEAVES = frozenset({ast.Constant, ast.Load, ast.Store, ast.Del, ast.Pass, ast.Break, ast.Continue})
_PLAIN = frozenset(
    {
        ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.For, ast.While, ast.If,
        ast.Raise, ast.Assert, ast.Delete, ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Dict,
        ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.JoinedStr,
        ast.Subscript, ast.Starred, ast.List, ast.Tuple, ast.Slice, ast.arguments, ast.Lambda,
    }
)  # fmt: skip
"""Nodes that are tame where their parts are."""
_REFUSED_KEYWORDS = frozenset({"file", "where", "subok", "copy"})
"""`print(file=…)` writes elsewhere; numpy's `where=` leaves memory of earlier programs where it does not compute."""
_SPECIAL: dict[type[ast.AST], str] = {
    ast.Name: "_name", ast.Attribute: "_attribute", ast.Call: "_call", ast.keyword: "_keyword",
    ast.Import: "_imports", ast.ImportFrom: "_import_from", ast.FunctionDef: "_function", ast.arg: "_argument",
    ast.Try: "_try", ast.ExceptHandler: "_handler", ast.Global: "_declaration", ast.Nonlocal: "_declaration",
    ast.Yield: "_yield", ast.YieldFrom: "_yield", ast.Compare: "_compare", ast.FormattedValue: "_formatted",
}  # fmt: skip
"""Nodes that need a look of their own → the method that takes it."""
_TAKES_CLASSES = frozenset({"print", "str", "repr", "isinstance", "issubclass"})
_EQUALITIES = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_OPERATORS = (ast.boolop, ast.operator, ast.unaryop, ast.cmpop)


class _Untamed(Exception):
    """The program is not certain to be tame."""


@dataclass(slots=True)
class Scope:
    """What the names of a path mean so far."""

    modules: dict[str, str] = field(default_factory=dict)
    """Name → module that it stands for."""
    seen: set[str] = field(default_factory=set)
    """Every name that occurred as anything but a module."""
    bound: set[str] = field(default_factory=set)
    """Every name that was bound by anything but an import."""
    imported: dict[str, str] = field(default_factory=dict)
    """Name → what a mathematics library calls it."""
    unsafe: set[str] = field(default_factory=set)
    """Names that a star import may have bound to something that is not listed."""
    uses_sympy: bool = False
    has_try: bool = False
    has_yield: bool = False
    """Both together: a generator that is thrown away runs its handlers whenever the collector finds it."""
    text: TextUse = field(default_factory=TextUse)
    unread: tuple[Sequence[ast.stmt], ...] = ()
    """Programs whose use of text is looked at when sympy comes in: nothing else evaluates it."""

    def copy(self) -> Scope:
        """An independent copy."""
        return replace(
            self,
            modules=dict(self.modules),
            seen=set(self.seen),
            bound=set(self.bound),
            imported=dict(self.imported),
            unsafe=set(self.unsafe),
            text=self.text.copy(),
        )

    def admits(self, tree: ast.Module) -> bool:
        """Whether `tree` is tame after the steps admitted so far; notes its names where it is."""
        try:
            self._visit(tree)
        except (_Untamed, RecursionError):
            return False
        if (self.has_try and self.has_yield) or self.seen & (self.unsafe | self.modules.keys()):
            return False
        # The list is copied because whoever compiles the tree takes its last expression away.
        self.unread = (*self.unread, list(tree.body))
        return not self.uses_sympy or not self._may_evaluate_text()

    def _may_evaluate_text(self) -> bool:
        for body in self.unread:
            self.text.note(body, self.imported, self.modules)
        self.unread = ()
        return self.text.may_reach_sympy(self.bound)

    def _visit(self, node: ast.AST) -> None:
        kind = type(node)
        if kind in _PLAIN:
            self._visit_parts(node)
        elif kind not in _LEAVES:
            visit = _SPECIAL.get(kind)
            if visit is not None:
                getattr(self, visit)(node)
            elif not isinstance(node, _OPERATORS):
                raise _Untamed

    def _visit_parts(self, node: ast.AST) -> None:
        # Not ast.iter_child_nodes: this loop is most of the check's time.
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, list):
                for inner in part:
                    if isinstance(inner, ast.AST):
                        self._visit(inner)
            elif isinstance(part, ast.AST):
                self._visit(part)

    def _function(self, node: ast.FunctionDef) -> None:
        if getattr(node, "type_params", None):
            raise _Untamed
        self._bind(node.name)
        self._visit_parts(node)

    def _argument(self, node: ast.arg) -> None:
        self._bind(node.arg)
        self._visit_parts(node)

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self._bind(node.name)
        self._visit_parts(node)

    def _declaration(self, node: ast.Global | ast.Nonlocal) -> None:
        for name in node.names:
            self._bind(name)

    def _try(self, node: ast.Try) -> None:
        self.has_try = True
        self._visit_parts(node)

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.has_yield = True
        self._visit_parts(node)

    def _keyword(self, node: ast.keyword) -> None:
        # Two stars hide the names; see _REFUSED_KEYWORDS for the others.
        if node.arg is None or node.arg in _REFUSED_KEYWORDS or node.arg.startswith("__"):
            raise _Untamed
        self._visit(node.value)

    def _imports(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias)

    def _name(self, node: ast.Name) -> None:
        name = node.id
        if type(node.ctx) is not ast.Load:
            self._bind(name)
        elif name in self.modules or name == "type":
            # A module is used through its attributes, `type` in a call where its result is not kept.
            raise _Untamed
        elif name in BUILTINS or name == "__name__":
            return
        elif name in _ALL_BUILTINS or name.startswith("__"):
            raise _Untamed
        else:
            self.seen.add(name)

    def _bind(self, name: str) -> None:
        if name in _ALL_BUILTINS or name in self.modules or name.startswith("__"):
            raise _Untamed
        self.seen.add(name)
        self.bound.add(name)

    def _attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            raise _Untamed
        module = self._module(node.value)
        if module is not None:
            if node.attr not in MODULES.get(module, ()):
                raise _Untamed
        elif node.attr in METHODS:
            self._visit(node.value)
        else:
            raise _Untamed

    def _module(self, node: ast.expr) -> str | None:
        """The module that an expression stands for, if it does."""
        match node:
            case ast.Name(id=name):
                return self.modules.get(name)
            case ast.Attribute(value=value, attr=attr):
                parent = self._module(value)
                return f"{parent}.{attr}" if parent is not None and attr in SUBMODULES.get(parent, ()) else None
        return None

    def _call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(attr="format", value=ast.Constant(value=str() as text)):
                _check_format(text)
            case _:
                self._visit(node.func)
        takes_classes = isinstance(node.func, ast.Name) and node.func.id in _TAKES_CLASSES
        for argument in node.args:
            if takes_classes:
                self._visit_with_class(argument)
            else:
                self._visit(argument)
        for keyword in node.keywords:
            self._visit(keyword)

    def _compare(self, node: ast.Compare) -> None:
        if all(isinstance(operator, _EQUALITIES) for operator in node.ops):
            for operand in (node.left, *node.comparators):
                self._visit_with_class(operand)
        else:
            self._visit_parts(node)

    def _formatted(self, node: ast.FormattedValue) -> None:
        self._visit_with_class(node.value)
        if node.format_spec is not None:
            self._visit(node.format_spec)

    def _visit_with_class(self, node: ast.expr) -> None:
        """Visit what may be a call of `type`: a class that is kept could make classes and raw memory."""
        match node:
            case ast.Call(func=ast.Name(id="type"), args=[value], keywords=[]) if not isinstance(value, ast.Starred):
                self._visit(value)
            case _:
                self._visit(node)

    def _import(self, alias: ast.alias) -> None:
        name = alias.name
        if name not in MODULES and name not in SUBMODULES:
            raise _Untamed
        if alias.asname is not None:
            self._bind_module(alias.asname, name)
        else:
            package = name.partition(".")[0]
            # `import sympy.abc` binds `sympy`; its other attributes stay what the table says of `sympy`.
            self._bind_module(package, package)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level or (module not in MODULES and module not in SUBMODULES):
            raise _Untamed
        self.uses_sympy |= module.startswith("sympy")
        for alias in node.names:
            if alias.name == "*":
                self._import_star(module)
            elif alias.name in SUBMODULES.get(module, ()):
                self._bind_module(alias.asname or alias.name, f"{module}.{alias.name}")
            elif alias.name not in MODULES.get(module, ()):
                raise _Untamed
            elif module != "__future__":
                self._import_name(alias, module)

    def _import_name(self, alias: ast.alias, module: str) -> None:
        name = alias.asname or alias.name
        is_bound = name in self.bound
        self._bind(name)
        if module.startswith(("sympy", "numpy", "scipy")) and self.imported.setdefault(name, alias.name) == alias.name:
            # Bound by an import only, so far, and always to the same.
            self.bound -= set() if is_bound else {name}

    def _import_star(self, module: str) -> None:
        """Names that the module exports and the table does not list must not occur anywhere on the path."""
        if module not in {"sympy", "math", "sympy.abc", "fractions", "itertools"}:
            raise _Untamed
        found = sys.modules.get(module) or importlib.import_module(module)
        exported = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
        unlisted = set(exported) - MODULES[module]
        # Such a name would stand for a builtin or a module from here on.
        if unlisted & _ALL_BUILTINS or self.modules.keys() & set(exported):
            raise _Untamed
        self.unsafe |= unlisted
        if module == "sympy":
            self.imported |= {name: name for name in MODULES["sympy"]}

    def _bind_module(self, name: str, module: str) -> None:
        if name in _ALL_BUILTINS or name.startswith("__") or self.modules.get(name, module) != module:
            raise _Untamed
        self.uses_sympy |= module.startswith(("sympy", "scipy"))
        self.modules[name] = module


def _check_format(text: str) -> None:
    """Refuse a format text that reads attributes or items, such as `"{0.__class__}"`."""
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return
    for _, name, inner, _ in pieces:
        if (name and ("." in name or "[" in name)) or (inner and "{" in inner):
            raise _Untamed


def parse(code: str) -> ast.Module:
    """The syntax tree of a step. Raises what compile raises."""
    tree = compile(code.removeprefix("\ufeff"), "<step>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def is_tame_program(steps: Sequence[str]) -> bool:
    """Whether every step is tame after those before it. Text that is not Python is not."""
    scope = Scope()
    try:
        return all(len(code) <= MAX_TAME_CHARS and scope.admits(parse(code)) for code in steps)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def is_tame(code: str) -> bool:
    """Whether `code` is tame as the first step of a program."""
    return is_tame_program([code])
