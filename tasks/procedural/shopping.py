"""Shopping: two or three sorts of goods, a coupon, delivery, a shared bill, change."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import GOODS, PEOPLE

_EXTRAS = ("third", "coupon", "delivery", "friends", "change")
"""What may follow the two basic steps, in the order in which it is worked out; a level takes level - 1 of them."""


@dataclass(slots=True)
class _Basket:
    """One purchase; a part that the level leaves out is 0."""

    who: str
    goods: list[str]
    counts: list[int]
    prices: list[int]
    coupon: int = 0
    delivery: int = 0
    friends: int = 0
    paid: int = 0
    bill: int = 0


def shopping(draw: Draw, level: int) -> Draft | None:
    """A bill to work out, in level + 1 steps; None where the bill does not come out even."""
    extras = set(draw.sample(_EXTRAS, level - 1))
    basket = _fill(draw, extras)
    if basket is None:
        return None
    answer = basket.paid - basket.bill if basket.paid else basket.bill
    solution, last = _solve(draw, basket)
    names = ("bill", "cost") if last != "bill" else ("cost",)
    return solution.draft(_question(draw, basket), answer, last, *names)


def _fill(draw: Draw, extras: set[str]) -> _Basket | None:
    num_goods = 3 if "third" in extras else 2
    unit = 5 if "coupon" in extras else 1  # so that a percentage of the bill is whole
    prices = draw.sample(range(2, 20), num_goods)
    counts = draw.sample(range(2, 10), num_goods)
    basket = _Basket(draw.pick(*PEOPLE), draw.sample(GOODS, num_goods), counts, [unit * price for price in prices])
    bill = sum(count * price for count, price in zip(basket.counts, basket.prices, strict=True))
    if "coupon" in extras:
        basket.coupon = draw.pick(10, 20, 30, 40, 60)
        if bill * basket.coupon % 100:
            return None
        bill -= bill * basket.coupon // 100
    if "friends" in extras:
        basket.friends = draw.between(2, 6)
    if "delivery" in extras:
        basket.delivery = draw.between(4, 15)
        if basket.friends:
            basket.delivery += -(bill + basket.delivery) % basket.friends
        bill += basket.delivery
    if basket.friends:
        if bill % basket.friends:
            return None
        bill //= basket.friends
    if "change" in extras:
        basket.paid = (bill // 50 + draw.between(1, 2)) * 50
    basket.bill = bill
    return basket


def _question(draw: Draw, basket: _Basket) -> str:
    (who, (a, b, *rest), (n, m, *more), (p, q, *last)) = (basket.who, basket.goods, basket.counts, basket.prices)
    opening = draw.pick(
        f"{who} buys {n} {a} at {p} dollars each and {m} {b} at {q} dollars each.",
        f"A shop sells {a} for {p} dollars and {b} for {q} dollars apiece. {who} takes {n} {a} and {m} {b}.",
        f"{who} needs {n} {a} and {m} {b}. The {a} cost {p} dollars each, the {b} {q} dollars each.",
    )
    middle = []
    for c, k, r in zip(rest, more, last, strict=True):
        middle.append(
            draw.pick(f"{k} {c} for {r} dollars each are added.", f"{who} also takes {k} {c} at {r} dollars.")
        )
    if basket.coupon:
        middle.append(
            draw.pick(
                f"A coupon takes {basket.coupon}% off all goods.", f"All goods are {basket.coupon}% cheaper today."
            )
        )
    if basket.delivery:
        middle.append(
            draw.pick(
                f"Delivery costs {basket.delivery} dollars.",
                f"There is a fixed delivery fee of {basket.delivery} dollars.",
            )
        )
    sentences = [opening, *draw.shuffled(middle)]
    payer = who
    if basket.friends:
        payer = "each friend"
        sentences.append(f"{basket.friends} friends share the bill equally.")
    return " ".join([*sentences, _closing(draw, basket, payer)])


def _closing(draw: Draw, basket: _Basket, payer: str) -> str:
    if basket.paid:
        return draw.pick(
            f"How much change does {payer} get from {basket.paid} dollars?",
            f"If {payer} pays with {basket.paid} dollars, how many dollars come back?",
        )
    return draw.pick(f"How many dollars does {payer} pay?", f"What does {payer} have to pay, in dollars?")


def _solve(draw: Draw, basket: _Basket) -> tuple[Solution, str]:
    """The steps, and the variable that holds the answer."""
    solution = Solution(draw)
    (a, b, *rest), (n, m, *more), (p, q, *last) = basket.goods, basket.counts, basket.prices
    solution.let("multiply", f"Cost of the {a}|All {a} together", "cost", f"{n} * {p}", f"{n} * {q}", f"{n} + {p}")
    comment = f"Add the {b}|With the {b}"
    solution.let("add", comment, "bill", f"cost + {m} * {q}", f"cost + {m} * {p}", f"cost + {q}", f"cost + {n} * {q}")
    for c, k, r in zip(rest, more, last, strict=True):
        wrong = (f"bill + {r}", f"bill + {m} * {r}", f"bill + {k} * {q}")
        solution.let("add", f"Add the {c}|With the {c}", "bill", f"bill + {k} * {r}", *wrong)
    if basket.coupon:
        off = basket.coupon
        wrong = (f"bill * {off} // 100", f"bill - {off}", f"bill * {100 + off} // 100")
        solution.let("percent", "Take the coupon off|After the discount", "bill", f"bill * {100 - off} // 100", *wrong)
    if basket.delivery:
        fee = basket.delivery
        solution.let(
            "add", "Add delivery|With delivery", "bill", f"bill + {fee}", f"bill - {fee}", f"bill + {fee} * {n}"
        )
    if basket.friends:
        k = basket.friends
        wrong = (f"bill // {k + 1}", f"bill // {k - 1}", f"bill - {k}")
        solution.let("share", "Share the bill|Part of each friend", "bill", f"bill // {k}", *wrong)
    if basket.paid:
        paid = basket.paid
        wrong = (f"{paid} - cost", f"{paid} + bill", f"{2 * paid} - bill")
        solution.let("subtract", "Change|What comes back", "back", f"{paid} - bill", *wrong)
        return solution, "back"
    return solution, "bill"
