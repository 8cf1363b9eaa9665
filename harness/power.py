"""What a comparison of two systems can see: its power, the smallest gap that it finds, the problems and seeds it needs.

The model: a run of system A is right with chance `accuracy`, one of B with `accuracy + gap`. Two runs of one system on
one problem are correlated by `repeat_correlation`, a run of A and a run of B by `correlation` (both between outcomes
that are 0 or 1). The variance of B's mean minus A's over n problems with S seeds each is then, per problem,

    (v_A + v_B) ((1 - repeat_correlation) / S + repeat_correlation) - 2 correlation sqrt(v_A v_B),    v = p (1 - p),

without the last term where the two were not run on the same problems or are not compared problem by problem. The tests
are two-sided: McNemar's exact one for single paired runs, with its exact power; Student's t by problem otherwise, with
the noncentral t distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.distributions import binomial_cdf, binomial_mass, noncentral_student_tail, root, student_quantile
from tasks.types import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PROBLEMS = 200_000
MOST_SEEDS = 1024
"""Beyond these a plan is none: the answer is then None."""
_SPREADS, _BESIDE = 8.0, 20
"""Standard deviations, and changes beside them, within which all but 1e-10 of a binomial number lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two systems that are to be compared, and by which test. Raises InputError for values out of range."""

    accuracy: float = 0.5
    """Of the worse one, above 0 and below 1. 0.5 needs the most problems."""
    repeat_correlation: float = 0.6
    """Between two runs of one system on a problem, 0 to 1. Chosen, not tuned; a run with several seeds measures it
    (`harness.metrics.agreement`). 1 means that seeds change nothing."""
    correlation: float = 0.5
    """Between a run of each system on a problem, 0 to `repeat_correlation`. Chosen, not tuned. Where the two accuracies
    allow only less, that is taken."""
    is_paired: bool = True
    """Both on the same problems, compared problem by problem."""
    level: float = 0.05
    """Chance of a false alarm that the test allows."""

    def __post_init__(self) -> None:
        for name, low, high in (("accuracy", 0, 1), ("level", 0, 1)):
            if not low < getattr(self, name) < high:
                raise InputError(f"{name} {getattr(self, name):g} is not between 0 and 1")
        if not 0 <= self.repeat_correlation <= 1:
            raise InputError(f"repeat correlation {self.repeat_correlation:g} is not between 0 and 1")
        if not 0 <= self.correlation <= self.repeat_correlation:
            raise InputError(
                f"correlation {self.correlation:g} between two systems must be between 0 and the correlation between "
                f"two runs of one of them, {self.repeat_correlation:g}: lower it, or raise the repeat correlation"
            )

    @property
    def largest_gap(self) -> float:
        """Up to all problems right."""
        return 1 - self.accuracy

    def shared(self, gap: float) -> float:
        """Covariance of the outcomes of a run of each system on one problem."""
        better = self.accuracy + gap
        wanted = self.correlation * math.sqrt(_variance(self.accuracy) * _variance(better))
        # What A solves B solves too: more agreement than this cannot be.
        return min(wanted, self.accuracy * (1 - better))

    def deviation(self, gap: float, num_seeds: int) -> float:
        """Standard deviation of one problem's difference between the two means over seeds."""
        runs = (1 - self.repeat_correlation) / num_seeds + self.repeat_correlation
        total = (_variance(self.accuracy) + _variance(self.accuracy + gap)) * runs
        return math.sqrt(max(0.0, total - (2 * self.shared(gap) if self.is_paired else 0.0)))


def power(plan: Comparison, gap: float, num_problems: int, num_seeds: int = 1) -> float:
    """The chance, 0 to 1, that the test finds a true gap of `gap` (above 0, at most `plan.largest_gap`), the right way
    round.

    Raises InputError for a gap out of range and for fewer than one problem or seed.
    """
    _check(plan, gap, num_problems, num_seeds)
    if plan.is_paired and num_seeds == 1:
        return _mcnemar_power(plan, gap, num_problems)
    if num_problems < 2:
        return 0.0
    return _student_power(plan, gap, num_problems, num_seeds)


def detectable_gap(plan: Comparison, num_problems: int, num_seeds: int = 1, wanted: float = 0.8) -> float | None:
    """The smallest true gap that is found with chance `wanted`; None where even the largest is found less often."""
    largest = plan.largest_gap
    if power(plan, largest, num_problems, num_seeds) < wanted:
        return None
    return root(lambda gap: power(plan, gap, num_problems, num_seeds) - wanted, 1e-9, largest, precision=1e-7)


def problems_needed(plan: Comparison, gap: float, num_seeds: int = 1, wanted: float = 0.8) -> int | None:
    """The fewest problems with which a gap is found with chance `wanted`; None where `MOST_PROBLEMS` are too few.

    Exact power rises in small steps with dips between them; the number is one with which it is reached.
    """
    return _fewest(lambda number: power(plan, gap, number, num_seeds) >= wanted, MOST_PROBLEMS)


def seeds_needed(plan: Comparison, gap: float, num_problems: int, wanted: float = 0.8) -> int | None:
    """The fewest seeds per problem; None where `MOST_SEEDS` are too few: then only more problems help."""
    return _fewest(lambda number: power(plan, gap, num_problems, number) >= wanted, MOST_SEEDS)


def _fewest(is_enough: Callable[[int], bool], most: int) -> int | None:
    if not is_enough(most):
        return None
    low, high = 0, 1
    while not is_enough(high):
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def _mcnemar_power(plan: Comparison, gap: float, num_problems: int) -> float:
    """Over the number of changed problems, which is binomial, and over the gains among them, which are too."""
    import numpy as np

    lost = max(0.0, plan.accuracy * (1 - plan.accuracy - gap) - plan.shared(gap))
    gained = lost + gap
    changed_chance = min(1.0, lost + gained)
    centre, spread = num_problems * changed_chance, math.sqrt(num_problems * changed_chance * (1 - changed_chance))
    first, last = centre - _SPREADS * spread - _BESIDE, centre + _SPREADS * spread + _BESIDE
    changed = np.arange(max(1, math.floor(first)), min(num_problems, math.ceil(last)) + 1)
    if not len(changed):
        return 0.0
    few = _most_losses(plan.level / 2, 1 << int(changed[-1]).bit_length())[changed]
    share = gained / changed_chance
    found = np.where(few >= 0, binomial_cdf(few, changed, 1 - share), 0.0)
    return min(1.0, float(binomial_mass(changed, num_problems, changed_chance) @ found))


@lru_cache(maxsize=8)
def _most_losses(tail: float, largest: int) -> NDArray[np.int64]:
    """For 0 to `largest` changes, the most losses with which a fair coin has at most `tail` to lose so few; -1: none.

    From each number of changes to the next by the binomial recurrences: `mass` is the chance of one loss more than
    `few`, `below` that of at most `few`.
    """
    import numpy as np

    found = np.empty(largest + 1, dtype=np.int64)
    few, below, mass = -1, 0.0, 1.0
    for changes in range(largest + 1):
        if below + mass <= tail:
            few, below = few + 1, below + mass
            mass *= (changes - few) / (few + 1)
        found[changes] = few
        below -= mass * (few + 1) / (changes - few) / 2
        mass *= (changes + 1) / (2 * (changes - few))
    return found


@lru_cache(maxsize=4096)
def _student_power(plan: Comparison, gap: float, num_problems: int, num_seeds: int) -> float:
    deviation = plan.deviation(gap, num_seeds)
    if deviation < 1e-12:
        return 1.0
    # Unpaired: two groups of problems, whose variances are pooled.
    freedom = num_problems - 1 if plan.is_paired else 2 * (num_problems - 1)
    shift = gap * math.sqrt(num_problems) / deviation
    critical = student_quantile(1 - plan.level / 2, freedom)
    if shift - critical > 8:
        # Certain to 1e-15.
        return 1.0
    return noncentral_student_tail(critical, freedom, shift)


def _check(plan: Comparison, gap: float, num_problems: int, num_seeds: int) -> None:
    if not 0 < gap <= plan.largest_gap + 1e-12:
        raise InputError(
            f"a gap of {100 * gap:g} points above an accuracy of {100 * plan.accuracy:g} % cannot be; the largest is "
            f"{100 * plan.largest_gap:g}"
        )
    if num_problems < 1 or num_seeds < 1:
        raise InputError(f"{num_problems} problems with {num_seeds} seeds compare nothing; use at least 1 of each")


def _variance(share: float) -> float:
    return max(0.0, share * (1 - share))
