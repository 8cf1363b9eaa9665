"""Whether two values are the same answer: the conventions of `docs/answers.md`, one function per pair of kinds."""

from __future__ import annotations

from tasks.answers.equations import same_relation
from tasks.answers.expression import Expr, divide, multiply
from tasks.answers.labels import assignments, is_label, labelled
from tasks.answers.limits import Budget, Undecided
from tasks.answers.numeric import same_expression
from tasks.answers.real_sets import is_set_like, same_real_set
from tasks.answers.symbolic import same_by_symbols
from tasks.answers.values import (
    Collection,
    Matrix,
    Ordered,
    Piecewise,
    Quantity,
    Ratio,
    Relation,
    SetBuilder,
    SetExpression,
    Value,
    Words,
)

_DEGREES = ({"degree", "celsius"}, {"degree", "fahrenheit"})
"""A degree sign may leave its scale unsaid."""


class Comparison:
    """One comparison: it carries the budget that bounds it."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.tier = "normal form"
        """The last tier that was needed: `normal form`, `numeric` or `symbolic`."""

    def same(self, reference: Value, predicted: Value) -> bool:
        """Whether both are the same answer. Raises `Undecided` when no tier can tell within its bounds."""
        if reference == predicted:
            return True
        reference, predicted = assignments(reference), assignments(predicted)
        if self._both(reference, predicted, Relation):
            return self._relations(reference, predicted)  # type: ignore[arg-type]
        reference, predicted = _unlabelled(reference, predicted)
        if is_set_like(reference) or is_set_like(predicted):
            return self._sets(reference, predicted)
        match reference, predicted:
            case Quantity(), Quantity():
                return self._quantities(reference, predicted)
            case Ordered(), Ordered():
                return self._ordered(reference, predicted)
            case Collection(), Collection():
                return self._collections(reference, predicted)
            case Matrix(), Matrix():
                return self._matrices(reference, predicted)
            case Piecewise(), Piecewise():
                return self._piecewise(reference, predicted)
            case Ratio(), Ratio():
                return self._ratios(reference, predicted)
            case Words(), Words():
                return reference.text == predicted.text
        return self._across(reference, predicted) or self._across(predicted, reference)

    @staticmethod
    def _both(left: Value, right: Value, kind: type) -> bool:
        return isinstance(left, kind) and isinstance(right, kind)

    def _across(self, left: Value, right: Value) -> bool:
        """Values of different kinds that may still be the same answer."""
        match left, right:
            case Collection(), Quantity() if len(left.items) == 1:
                return self.same(left.items[0], right)
            case Collection(), Ordered() if not left.is_set and len(left.items) == len(right.items):
                # x = 1, y = 2 states the point (1, 2).
                pairs = [labelled(i) for i in left.items]
                if all(label is not None for label, _ in pairs) and right.opening == "(":
                    return all(self.same(v, i) for (_, v), i in zip(pairs, right.items, strict=True))
                return len(left.items) == 1 and self.same(left.items[0], right)
            case Collection(), _ if len(left.items) == 1 and not isinstance(right, Collection):
                return self.same(left.items[0], right)
            case Matrix(), Ordered() if right.is_sequence and 1 in (len(left.rows), len(left.rows[0])):
                entries = tuple(e for row in left.rows for e in row)
                return len(entries) == len(right.items) and self._pairwise(entries, right.items)
            case Ratio(), Quantity() if len(left.terms) == 2 and not left.is_clock:
                return self._ratio_as_quotient(left, right)
            case Words(), Collection() if left.text in ("no solution", "empty set"):
                return right.is_set and not right.items
            case Words(), Quantity() if left.text in ("no solution", "empty set", "infinitely many"):
                return right.expr.key == ("#infinity" if left.text == "infinitely many" else "#empty")
        return False

    def _expressions(self, left: Expr, right: Expr) -> bool:
        if left == right:
            return True
        try:
            self.tier = "numeric"
            return same_expression(left, right, self.budget)
        except Undecided:
            self.tier = "symbolic"
            return same_by_symbols(left, right)

    def _quantities(self, left: Quantity, right: Quantity) -> bool:
        if left.unit and right.unit and left.unit != right.unit and {left.unit, right.unit} not in _DEGREES:
            return False
        return self._expressions(left.expr, right.expr)

    def _pairwise(self, left: tuple[Value, ...], right: tuple[Value, ...]) -> bool:
        return len(left) == len(right) and all(self.same(a, b) for a, b in zip(left, right, strict=True))

    def _ordered(self, left: Ordered, right: Ordered) -> bool:
        vectors = {"(": "⟨"}
        same_brackets = (vectors.get(left.opening, left.opening), vectors.get(left.closing, left.closing)) == (
            vectors.get(right.opening, right.opening),
            vectors.get(right.closing, right.closing),
        ) or {left.opening, right.opening} == {"(", "⟨"}
        return same_brackets and self._pairwise(left.items, right.items)

    def _collections(self, left: Collection, right: Collection) -> bool:
        """The same items in any order; written as a set, repeated ones count once."""
        a, b = list(left.items), list(right.items)
        if left.is_set or right.is_set or all(isinstance(i, Ordered) for i in (*a, *b)):
            # A solution stated twice is still one solution.
            a, b = self._without_repeats(a), self._without_repeats(b)
        if len(a) != len(b):
            return False
        for item in a:
            match = next((i for i, other in enumerate(b) if self.same(item, other)), None)
            if match is None:
                return False
            b.pop(match)
        return True

    def _without_repeats(self, items: list[Value]) -> list[Value]:
        kept: list[Value] = []
        for item in items:
            if not any(self.same(item, other) for other in kept):
                kept.append(item)
        return kept

    def _matrices(self, left: Matrix, right: Matrix) -> bool:
        return len(left.rows) == len(right.rows) and all(
            self._pairwise(a, b) for a, b in zip(left.rows, right.rows, strict=True)
        )

    def _piecewise(self, left: Piecewise, right: Piecewise) -> bool:
        rest = list(right.branches)
        if len(left.branches) != len(rest):
            return False
        for value, condition in left.branches:
            match = next((i for i, (v, c) in enumerate(rest) if self._same_branch(value, condition, v, c)), None)
            if match is None:
                return False
            rest.pop(match)
        return True

    def _same_branch(self, value: Value, condition: Value | None, other: Value, other_condition: Value | None) -> bool:
        if not self.same(value, other):
            return False
        if condition is None or other_condition is None:
            return True  # `otherwise` stands for whatever the other branches leave
        return self.same(condition, other_condition)

    def _ratios(self, left: Ratio, right: Ratio) -> bool:
        if left.unit and right.unit and left.unit != right.unit:
            return False
        if len(left.terms) != len(right.terms):
            return False
        if left.is_clock or right.is_clock:
            return self._pairwise(left.terms, right.terms)
        return all(
            self._expressions(multiply((a.expr, right.terms[0].expr)), multiply((b.expr, left.terms[0].expr)))
            for a, b in zip(left.terms, right.terms, strict=True)
        )

    def _ratio_as_quotient(self, left: Ratio, right: Quantity) -> bool:
        return self._expressions(divide(left.terms[0].expr, left.terms[1].expr), right.expr)

    def _relations(self, left: Relation, right: Relation) -> bool:
        """Equations state the same; inequalities have the same solutions."""
        (label, value), (other_label, other_value) = labelled(left), labelled(right)
        if label is not None and other_label is not None and not is_set_like(left):
            return self._labelled(label, value, other_label, other_value) or same_relation(left, right, self)
        if is_set_like(left) or is_set_like(right):
            return self._sets(left, right)
        if same_relation(left, right, self):
            return True
        if not isinstance(value, Relation) and not isinstance(other_value, Relation):
            return self.same(value, other_value)
        return False

    def _labelled(self, label: Value, value: Value, other_label: Value, other_value: Value) -> bool:
        if label != other_label and not _is_function_value(label, other_label):
            return False
        return self.same(value, other_value)

    def _sets(self, left: Value, right: Value) -> bool:
        (_, a), (_, b) = labelled(left), labelled(right)
        if isinstance(a, Relation) and isinstance(b, Relation) and same_relation(a, b, self):
            return True
        try:
            return same_real_set(a, b, self.budget)
        except Undecided:
            return self._set_parts(a, b)

    def _set_parts(self, left: Value, right: Value) -> bool:
        """Sets whose ends are not numbers: compared part by part."""
        match left, right:
            case SetExpression(), SetExpression() if left.operator == right.operator or "," in (
                left.operator,
                right.operator,
            ):
                return self._collections(Collection(left.parts, False), Collection(right.parts, False))
            case SetBuilder(), SetBuilder():
                return self.same(left.element, right.element) and self.same(left.condition, right.condition)
            case SetBuilder(), (Relation() | SetExpression()):
                return self.same(left.condition, right)
            case ((Relation() | SetExpression()), SetBuilder()):
                return self.same(left, right.condition)
            case Ordered(), Ordered():
                return (left.opening, left.closing) == (right.opening, right.closing) and self._pairwise(
                    left.items, right.items
                )
            case Relation(), Ordered():
                return self._chain_as_interval(left, right)
            case Ordered(), Relation():
                return self._chain_as_interval(right, left)
            case SetExpression(), Collection() if left.operator == ",":
                return self._collections(Collection(left.parts, False), right)
            case Collection(), SetExpression() if right.operator == ",":
                return self._collections(left, Collection(right.parts, False))
        return False

    def _chain_as_interval(self, chain: Relation, interval: Ordered) -> bool:
        """`0 < f(x) < a` and `(0, a)`."""
        if len(chain.signs) != 2 or len(interval.items) != 2 or not is_label(chain.sides[1]):
            return False
        if set(chain.signs) <= {"<", "<="}:
            low, high, signs = chain.sides[0], chain.sides[2], chain.signs
        elif set(chain.signs) <= {">", ">="}:
            low, high, signs = chain.sides[2], chain.sides[0], (chain.signs[1], chain.signs[0])
        else:
            return False
        brackets = ("[" if "=" in signs[0] else "(", "]" if "=" in signs[1] else ")")
        return brackets == (interval.opening, interval.closing) and self._pairwise((low, high), interval.items)


def _unlabelled(left: Value, right: Value) -> tuple[Value, Value]:
    """Both without their labels, where only one of them is an equation."""
    if isinstance(left, Relation) and not is_set_like(left):
        left = labelled(left)[1]
    if isinstance(right, Relation) and not is_set_like(right):
        right = labelled(right)[1]
    return left, right


def _is_function_value(left: Value, right: Value) -> bool:
    """Whether two labels may name the same function: `y` and `f(x)`."""
    keys = [v.expr.key for v in (left, right) if isinstance(v, Quantity)]
    return len(keys) == 2 and any(k.startswith("(apply:") for k in keys) and "y" in keys
