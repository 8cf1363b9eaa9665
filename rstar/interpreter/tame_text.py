"""Where a program keeps text, which is what sympy would evaluate.

sympy reads expressions from any text that its functions are given, and finds builtins by name in it: `S('setattr')` is
the builtin, and no character in it betrays that. Text can be made from pieces, from numbers (`chr`), from what `str`
shows and from an exception's message. So where a path uses sympy, a tame program has text in three places only: in
what it shows at once (arguments of print, a trailing expression, the message of an exception), in comparisons of text
with text, and as a literal name for a new symbol. None is stored, passed on, or iterated over.

A text of digits and signs is no program, and may stand anywhere.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

_MAKERS = frozenset({"str", "repr", "ascii", "chr", "hex", "bin", "oct", "format"})
"""Builtins that return text."""
_MEASURES = frozenset({"len", "int", "float", "ord", "bool", "any", "all"})
"""Builtins that take text and return none of it."""
_PASSING = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "zip", "enumerate", "min", "max"})
_TABLES = frozenset({"dict", "Counter", "OrderedDict", "defaultdict"})
"""Called with keywords they keep the names as text."""
_SHOWING = frozenset({"latex", "pretty", "default_sort_key"})
_SOURCES = _MAKERS | _TABLES | _SHOWING | {"__name__", "Function"}
"""Names that hold or make text, or, for Function, make classes from it: never a value that is passed on."""
_SOURCE_ATTRIBUTES = _SHOWING | _TABLES | {"Function", "name", "hex", "isoformat", "strftime", "join"}
_TEXT_METHODS = frozenset(
    """
    upper lower strip lstrip rstrip split rsplit splitlines join replace title capitalize swapcase zfill center ljust
    rjust partition rpartition removeprefix removesuffix casefold translate
    """.split()
)
_TEXT_TESTS = frozenset(
    """
    startswith endswith find rfind index count isdigit isalpha isalnum isnumeric isdecimal islower isupper isspace
    """.split()
)
_NAMING = frozenset({"symbols", "Symbol", "Wild", "MatrixSymbol", "numbered_symbols"})
_WORD_KEYWORDS = frozenset({"dir", "domain", "order", "method", "side", "indexing"})
"""Keywords of library functions whose value is one of a few words."""
_ASSUMPTIONS = frozenset(
    "real positive negative nonnegative nonpositive integer commutative nargs complex zero nonzero".split()
)
_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and name[:1].isupper()
)

_NO_PROGRAM = re.compile(r"[0-9+\-*/,:;.|<>=!?~^&# \n\t]*")
_SYMBOL_NAMES = re.compile(r"[A-Za-z0-9_, :]*")
_FUNCTION_NAME = re.compile(r"[A-Za-z][0-9A-Za-z]?")
"""Longer names may be those of builtins and of mpmath's functions, which numerical evaluation calls."""
_WORD = re.compile(r"[A-Za-z]{1,12}")


class _Loose(Exception):
    """Text is kept or passed on."""


@dataclass(slots=True)
class TextUse:
    """What is known of the text of a path's programs."""

    is_loose: bool = False
    naming: set[str] = field(default_factory=set)
    """Imported names that were called with text, and so must stay what they are."""
    errors: set[str] = field(default_factory=set)
    """Names of caught exceptions, whose messages are text."""
    loads: set[str] = field(default_factory=set)
    """Names whose value was used for more than to be shown."""

    def copy(self) -> TextUse:
        """An independent copy."""
        if self.is_loose:
            return self
        return replace(self, naming=set(self.naming), errors=set(self.errors), loads=set(self.loads))

    def note(self, body: Sequence[ast.stmt], imported: Mapping[str, str], modules: Mapping[str, str]) -> None:
        """Take in the next program; `imported` maps names to what they were imported as, `modules` to modules."""
        if not self.is_loose:
            reader = _Reader(self, imported, modules)
            try:
                for statement in body:
                    reader.visit(statement)
            except (_Loose, RecursionError):
                self.is_loose = True

    def may_reach_sympy(self, bound: set[str]) -> bool:
        """Whether text may be evaluated where sympy is used; `bound` holds the names that were bound by assignment."""
        return self.is_loose or bool(self.naming & bound) or bool(self.errors & self.loads)


@dataclass(slots=True)
class _Reader:
    use: TextUse
    imported: Mapping[str, str]
    modules: Mapping[str, str]

    def visit(self, node: ast.AST, *, shown: bool = False) -> None:
        """Raise _Loose where `node` keeps text; `shown` says that its value goes nowhere but to the output."""
        match node:
            case ast.Constant(value=str() | bytes() as text):
                if not shown and (isinstance(text, bytes) or not _NO_PROGRAM.fullmatch(text)):
                    raise _Loose
            case ast.Name(id=name, ctx=ast.Load()):
                self._name(name, shown=shown)
            case ast.Attribute():
                self._attribute(node, shown=shown)
            case ast.Call():
                self._call(node, shown=shown)
            case ast.BinOp():
                self._operation(node, shown=shown)
            case ast.Compare():
                self._compare(node)
            case ast.JoinedStr():
                self._require(shown)
                self._all(node.values, shown=True)
            case _:
                self._statement(node, shown=shown)

    def _statement(self, node: ast.AST, *, shown: bool) -> None:
        match node:
            case ast.Expr(value=value):
                self.visit(value, shown=True)
            case ast.FormattedValue(value=value, format_spec=spec):
                self._all([value, *([spec] if spec else [])], shown=True)
            case ast.IfExp(test=test, body=body, orelse=other):
                self.visit(test)
                self._all([body, other], shown=shown)
            case ast.Subscript(value=value, slice=index):
                self.visit(value, shown=shown)
                self.visit(index)
            case ast.ListComp(elt=item, generators=loops) | ast.GeneratorExp(elt=item, generators=loops):
                self.visit(item, shown=shown)
                self._all(loops)
            case ast.BoolOp() | ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Starred():
                self._all(ast.iter_child_nodes(node), shown=shown)
            case ast.Assert(test=test, msg=message):
                self.visit(test)
                self._all([message] if message else [], shown=True)
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=parts), cause=cause) if name in _EXCEPTIONS:
                self._all(parts, shown=True)
                self._all([cause] if cause else [])
            case _:
                self._declaration(node)

    def _declaration(self, node: ast.AST) -> None:
        """Statements that bind names, and everything that is no special case."""
        match node:
            case ast.arg():
                return
            case ast.FunctionDef(args=arguments, body=body, decorator_list=decorators):
                self._all([*decorators, arguments, *body])
                return
            case ast.AnnAssign(value=value):
                self._all([value] if value else [])
                return
            case ast.arguments(kwarg=ast.arg()):
                # The names of the keywords would be text.
                raise _Loose
            case ast.ExceptHandler(name=str() as name):
                self.use.errors.add(name)
            case ast.Import(names=aliases):
                self._refuse(alias.name == "string" for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases):
                self._refuse(module == "string" or (alias.asname and alias.name in _SOURCES) for alias in aliases)
        self._all(ast.iter_child_nodes(node))

    def _all(self, nodes: Iterable[ast.AST], *, shown: bool = False) -> None:
        for node in nodes:
            self.visit(node, shown=shown)

    def _require(self, shown: bool) -> None:
        if not shown:
            raise _Loose

    def _refuse(self, found: Iterable[object]) -> None:
        if any(found):
            raise _Loose

    def _name(self, name: str, *, shown: bool) -> None:
        if not shown:
            self.use.loads.add(name)
            self._refuse([name in _SOURCES])

    def _attribute(self, node: ast.Attribute, *, shown: bool) -> None:
        self._refuse([node.attr in _SOURCE_ATTRIBUTES and not shown])
        # An exception's arguments are its message.
        self.visit(node.value, shown=shown and (node.attr == "args" or node.attr in _TEXT_METHODS))

    def _operation(self, node: ast.BinOp, *, shown: bool) -> None:
        left, right = _is_text(node.left), _is_text(node.right)
        if left and isinstance(node.op, ast.Mod):
            self._require(shown)
            self._all([node.left, node.right], shown=True)
        elif left or right:
            # Text with anything else asks that other value what to do, and a polynomial would read it.
            is_repeated = isinstance(node.op, ast.Mult) and (_is_count(node.left) or _is_count(node.right))
            self._refuse([not is_repeated and not (left and right)])
            self._all([node.left, node.right], shown=shown)
        else:
            self._all([node.left, node.right])

    def _compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        if all(_is_text(operand) for operand in operands):
            self._all(operands, shown=True)
        elif isinstance(node.ops[0], ast.In | ast.NotIn) and len(operands) == 2 and _is_text(operands[1]):
            self.visit(operands[0])
            self.visit(operands[1], shown=True)
        else:
            self._all(operands)

    # Calls.

    def _call(self, node: ast.Call, *, shown: bool) -> None:
        match node.func:
            case ast.Name(id="print"):
                self._all([*node.args, *(keyword.value for keyword in node.keywords)], shown=True)
            case ast.Name(id=name) if name in vars(builtins) or name in _TABLES:
                self._builtin(name, node, shown=shown)
            case ast.Attribute(attr=name) if name in _TABLES:
                self._builtin(name, node, shown=shown)
            case ast.Attribute(attr="format", value=ast.Constant()):
                self._require(shown)
                self._all([*node.args, *(keyword.value for keyword in node.keywords)], shown=True)
            case ast.Attribute(attr=method, value=value) if _is_text(value) and method in _TEXT_METHODS | _TEXT_TESTS:
                self._refuse([method in _TEXT_METHODS and not shown])
                self._all([value, *node.args], shown=True)
                self._all(node.keywords)
            case _:
                self._library(node, shown=shown)

    def _builtin(self, name: str, node: ast.Call, *, shown: bool) -> None:
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in _MAKERS or name in _MEASURES:
            self._refuse([name in _MAKERS and not shown, keywords])
            self._all(node.args, shown=True)
        elif name in {"isinstance", "issubclass"}:
            self._all(node.args[:1])
            self._refuse(not _is_classes(part) for part in node.args[1:])
        elif name in _TABLES:
            self._refuse(keywords)
            self._all(part for part in node.args if not _is_classes(part))
        elif name == "map" and node.args and isinstance(made := node.args[0], ast.Name):
            is_known = made.id in _MAKERS or made.id in _MEASURES
            self._refuse([made.id in _MAKERS and not shown])
            self._all(node.args[1:] if is_known else node.args, shown=is_known)
        else:
            key = keywords.pop("key", None)
            is_plain = key is None or (isinstance(key, ast.Name) and key.id in _SOURCES | _MEASURES)
            if key is not None and not is_plain:
                self.visit(key)
            self._all(node.args, shown=shown and is_plain and name in _PASSING)
            self._all(keywords.values())

    def _library(self, node: ast.Call, *, shown: bool) -> None:
        """A call of anything but a builtin or a method of text."""
        name = self._original(node.func)
        rest, keywords = list(node.args), list(node.keywords)
        if name in _NAMING or name == "Function":
            rest, keywords = self._new_names(name, rest, keywords)
        elif name in _SHOWING:
            self._require(shown)
        else:
            self.visit(node.func)
        self._all(rest)
        for keyword in keywords:
            self._keyword(node.func, keyword)

    def _new_names(
        self, name: str, rest: list[ast.expr], keywords: list[ast.keyword]
    ) -> tuple[list[ast.expr], list[ast.keyword]]:
        """What is left to look at of a call that names symbols or a function."""
        made = [keyword for keyword in keywords if keyword.arg == "cls" and self._original(keyword.value) == "Function"]
        is_function = name == "Function" or bool(made)
        texts = [part.value for part in rest if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        for text in texts:
            names = re.split(r"[, ]+", text) if made else [text]
            pattern = _FUNCTION_NAME if is_function else _SYMBOL_NAMES
            self._refuse(not pattern.fullmatch(one) for one in names)
        if is_function:
            # A function's further arguments would be the classes and methods of a new class.
            self._refuse([len(rest) != 1 or len(texts) != 1])
            self._refuse(keyword.arg not in _ASSUMPTIONS and keyword not in made for keyword in keywords)
        others = [part for part in rest if not (isinstance(part, ast.Constant) and isinstance(part.value, str))]
        return others, [keyword for keyword in keywords if keyword not in made]

    def _keyword(self, callee: ast.expr, keyword: ast.keyword) -> None:
        match keyword.value:
            case ast.Constant(value=str() as text) if keyword.arg in _WORD_KEYWORDS and _WORD.fullmatch(text):
                # Only a library's function: one of the program's own would keep it.
                self._refuse([not self._is_library(callee)])
            case ast.Name(id=name) if keyword.arg == "key" and name in _SOURCES | _MEASURES:
                pass
            case value:
                self._refuse([keyword.arg == "bases", isinstance(callee, ast.Attribute) and callee.attr == "update"])
                self.visit(value)

    def _is_library(self, callee: ast.expr) -> bool:
        """Whether a callee belongs to a mathematics library, or is a method of one of its values."""
        match callee:
            case ast.Attribute(value=ast.Name(id=name)) if name in self.modules:
                return self.modules[name].startswith(("sympy", "numpy", "scipy"))
            case ast.Attribute():
                return True
        return self._original(callee) is not None

    def _original(self, callee: ast.expr) -> str | None:
        """What a callee is called in the library that it was taken from; None where it may be something else."""
        match callee:
            case ast.Name(id=name) if name in self.imported:
                self.use.naming.add(name)
                return self.imported[name]
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if self.modules.get(name, "").startswith("sympy"):
                return attr
        return None


def _is_text(node: ast.expr) -> bool:
    """Whether a node's value is certain to be text."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.Name(id="__name__"):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _MAKERS
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant())):
            return True
        case ast.Call(func=ast.Attribute(attr=method, value=value)):
            return method in _TEXT_METHODS and _is_text(value)
        case ast.Subscript(value=value):
            return _is_text(value)
        case ast.BinOp(left=left, op=ast.Mod()):
            return _is_text(left)
        case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Mult()):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(body=body, orelse=other):
            return _is_text(body) and _is_text(other)
    return False


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _is_classes(node: ast.expr) -> bool:
    """Whether a node is the name of something, or a tuple of such names."""
    return all(
        isinstance(part, ast.Name | ast.Attribute) for part in (node.elts if isinstance(node, ast.Tuple) else [node])
    )
