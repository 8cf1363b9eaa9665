"""Motion: trips in several legs, and one vehicle that catches up with another."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import PEOPLE

_VEHICLES = ("car", "bus", "train", "truck", "van")


def motion(draw: Draw, level: int) -> Draft | None:
    """A distance, a time or a speed in level + 1 steps; None where it does not come out whole."""
    return _legs(draw, level) if draw.chance(1, 2) else _pursuit(draw, level)


def _legs(draw: Draw, level: int) -> Draft | None:
    """level 1: two legs; then a third and fourth, fuel and its price, or the average speed."""
    num_legs, is_average, is_priced = {
        1: (2, False, False),
        2: (3, False, False),
        3: (2, True, False),
        4: (3, False, True),
        5: (4, True, False),
        6: (4, False, True),
    }[level]
    speeds, hours = [5 * speed for speed in draw.sample(range(8, 24), num_legs)], draw.sample(range(2, 9), num_legs)
    driver = draw.pick(*PEOPLE)
    legs = [f"{time} hours at {speed} km/h" for time, speed in zip(hours, speeds, strict=True)]
    shown = f"{driver} drives {', then '.join(legs)}."
    solution = Solution(draw)
    solution.let(
        "multiply",
        "First leg|Distance so far",
        "way",
        f"{speeds[0]} * {hours[0]}",
        f"{speeds[0]} + {hours[0]}",
        f"{speeds[0]} * {hours[1]}",
    )
    for speed, time, before in zip(speeds[1:], hours[1:], hours[:-1], strict=True):
        wrong = (f"way + {speed}", f"way + {speed} * {before}", f"way + {speed} + {time}")
        solution.let("add", "Next leg|Add the next leg", "way", f"way + {speed} * {time}", *wrong)
    way = sum(speed * time for speed, time in zip(speeds, hours, strict=True))
    if is_average:
        return _average(draw, solution, (shown, way), speeds, hours)
    if is_priced:
        return _fuel(draw, solution, (shown, way), level)
    return solution.draft(
        f"{shown} {draw.pick('How far is that in all, in km?', 'How many km is the whole trip?')}", way, "way"
    )


def _average(
    draw: Draw, solution: Solution, trip: tuple[str, int], speeds: list[int], hours: list[int]
) -> Draft | None:
    shown, way = trip
    if way % sum(hours):
        return None
    written = " + ".join(map(str, hours))
    solution.let("add", "Hours in all|Whole time", "time", written, " + ".join(map(str, hours[:-1])), f"{written} + 1")
    wrong = (f"({' + '.join(map(str, speeds))}) // {len(speeds)}", f"way // {len(speeds)}", "way - time")
    solution.let("average", "Average speed|Distance by time", "mean", "way // time", *wrong)
    asked = draw.pick("What is the average speed of the whole trip in km/h?", "Find the average speed in km/h.")
    return solution.draft(f"{shown} {asked}", way // sum(hours), "mean", "way")


def _fuel(draw: Draw, solution: Solution, trip: tuple[str, int], level: int) -> Draft | None:
    """Litres and their price; at level 6 also what is left of a sum of money."""
    shown, way = trip
    use, price = draw.between(4, 20), draw.between(2, 5)
    if way * use % 100:
        return None
    litres = way * use // 100
    wrong = (f"way // {use}", f"way * {use} // 10", f"(way + {use}) // 100")
    solution.let("multiply", "Fuel in litres|Litres of fuel", "fuel", f"way * {use} // 100", *wrong)
    solution.let(
        "multiply",
        "Price of the fuel",
        "cost",
        f"fuel * {price}",
        f"fuel + {price}",
        f"way * {price}",
        f"fuel // {price}",
    )
    told = f"{shown} The car needs {use} litres for 100 km, and a litre costs {price} dollars."
    if level == 4:
        return solution.draft(f"{told} What does the fuel cost, in dollars?", litres * price, "cost", "fuel")
    have = (litres * price // 50 + draw.between(1, 4)) * 50
    solution.let(
        "subtract", "What is left", "left", f"{have} - cost", f"{have} - fuel", f"{have} + cost", f"cost - {have}"
    )
    return solution.draft(
        f"{told} How many of {have} dollars are left after paying for it?", have - litres * price, "left", "cost"
    )


def _pursuit(draw: Draw, level: int) -> Draft | None:
    """One vehicle follows another: when, where, how far from the goal, how long from there, when there."""
    gain = 5 * draw.between(1, 8)
    slow = 5 * draw.between(6, 18)
    fast = slow + gain
    first, second = draw.sample(_VEHICLES, 2)
    solution = Solution(draw)
    if level <= 2:
        time = draw.between(2, 12)
        lead = gain * time
        shown = (
            f"A {first} is {lead} km ahead of a {second}. "
            f"It drives at {slow} km/h, and the {second} follows at {fast} km/h."
        )
        amount = str(lead)
    else:
        head_start = draw.between(2, 7)
        lead = slow * head_start
        if lead % gain or not 1 <= lead // gain <= 15:
            return None
        time = lead // gain
        shown = draw.pick(
            f"A {first} leaves at {slow} km/h. A {second} follows {head_start} hours later at {fast} km/h.",
            f"{head_start} hours after a {first} with {slow} km/h, a {second} with {fast} km/h takes the same road.",
        )
        amount = "lead"
        wrong = (f"{fast} * {head_start}", f"{slow} + {head_start}", f"{slow} * {head_start + 1}")
        solution.let("multiply", f"Lead of the {first}|Head start in km", "lead", f"{slow} * {head_start}", *wrong)
    solution.let(
        "subtract", "Gain per hour|Difference of the speeds", "gain", f"{fast} - {slow}", f"{fast} + {slow}", f"{fast}"
    )
    wrong = (f"{amount} // {slow}", f"{amount} // {fast}", f"{amount} // gain + 1")
    solution.let("divide", f"Hours until the {second} is there|Time to catch up", "time", f"{amount} // gain", *wrong)
    if level == 1:
        asked = draw.pick(
            f"After how many hours does the {second} catch up?", f"How many hours does the {second} need to catch it?"
        )
        return solution.draft(f"{shown} {asked}", time, "time", "gain")
    wrong = (f"{slow} * time", f"{fast} + time", "gain * time")
    solution.let("multiply", f"Way of the {second}|Where it catches up", "way", f"{fast} * time", *wrong)
    if level <= 3:
        asked = f"How many km has the {second} driven when it catches up?"
        return solution.draft(f"{shown} {asked}", fast * time, "way", "time")
    return _to_the_goal(draw, solution, (shown, second), (fast, time), level)


def _to_the_goal(draw: Draw, solution: Solution, scene: tuple[str, str], reached: tuple[int, int], level: int) -> Draft:
    """1 to 3 more steps after the catch: the rest of the way, its time, the whole time."""
    (shown, second), (fast, time) = scene, reached
    rest = fast * draw.between(2, 6)
    goal = fast * time + rest
    told = f"{shown} The goal is {goal} km from the start."
    solution.let("subtract", "Way that is left", "rest", f"{goal} - way", f"{goal} + way", "way", f"{goal} - time")
    if level == 4:
        return solution.draft(f"{told} How far from the goal does the {second} catch up, in km?", rest, "rest", "way")
    solution.let(
        "divide",
        "Hours for the rest",
        "more",
        f"rest // {fast}",
        f"{goal} // {fast}",
        f"rest // {fast} + 1",
        "rest // gain",
    )
    if level == 5:
        asked = f"How many hours before its arrival does the {second} catch up?"
        return solution.draft(f"{told} {asked}", rest // fast, "more", "time")
    start = draw.between(2, 9)
    solution.let(
        "add",
        "Time of arrival",
        "hour",
        f"{start} + time + more",
        f"{start} + more",
        "time + more",
        f"{start} + time - more",
    )
    asked = f"The {second} starts {start} hours after midnight. How many hours after midnight does it arrive?"
    return solution.draft(f"{told} {asked}", start + time + rest // fast, "hour", "more")
