"""The words of the grammar: functions, Greek letters, relation signs, units, number words.

Plain spellings (`pi`, `sqrt`, `<=`) and LaTeX spellings (`\\pi`, `\\sqrt`, `\\le`) lead to the same names.
"""

from __future__ import annotations

FUNCTIONS = {
    name: name
    for name in (
        "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch "
        "ln log exp gcd lcm max min lg det arg deg dim ker Re Im sgn"
    ).split()
} | {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "cosec": "csc", "arctg": "arctan",
     "sup": "max", "inf": "min", "arsinh": "arcsinh", "arcsinh": "arcsinh", "arccosh": "arccosh", "arctanh": "arctanh",
     "abs": "abs", "floor": "floor", "ceil": "ceil", "binom": "binomial", "sign": "sgn"}  # fmt: skip
INVERSES = {
    "sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec", "csc": "arccsc",
    "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh",
}  # fmt: skip
TRIGONOMETRIC = {"sin", "cos", "tan", "cot", "sec", "csc"}
PLAIN_FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "exp",
    "asin", "acos", "atan", "gcd", "lcm", "max", "min", "abs", "floor", "ceil", "arccot", "binom",
}  # fmt: skip
GREEK = set(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar aleph".split()
)
PLAIN_GREEK = {"alpha", "beta", "gamma", "delta", "theta", "lambda", "sigma", "omega", "phi", "epsilon"}
RELATIONS = {
    "le": "<=", "leq": "<=", "leqslant": "<=", "leqq": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "geqq": ">=",
    "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "~", "thickapprox": "~", "simeq": "~", "sim": "~",
    "doteq": "~", "in": "in", "notin": "notin", "equiv": "===", "to": "->", "rightarrow": "->", "mapsto": "->",
    "Rightarrow": "=>", "implies": "=>", "subset": "subset", "subseteq": "subset", "cong": "~", "propto": "propto",
    "Leftrightarrow": "<=>", "iff": "<=>", "leftrightarrow": "<->", "perp": "perp", "parallel": "parallel",
}  # fmt: skip
OPERATORS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "pm": "±", "mp": "∓", "cup": "∪", "cap": "∩", "bigcup": "∪",
    "setminus": "\\", "backslash": "\\", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "|",
    "lVert": "|", "rVert": "|", "colon": ":", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "lbrace": "\\{", "rbrace": "\\}", "lbrack": "[", "rbrack": "]", "prime": "'",
    "bullet": "*", "star": "*", "land": "and", "wedge": "and", "lor": "or", "vee": "or", "bmod": "mod", "mod": "mod",
    "lparen": "(", "rparen": ")", "slash": "/",
}  # fmt: skip
TEXT_COMMANDS = {
    "text", "textbf", "textit", "textrm", "textsf", "texttt", "textnormal", "textup", "mbox", "hbox", "mathrm",
    "mathbf", "mathit", "mathsf", "mathtt", "mathcal", "mathbb", "mathfrak", "mathscr", "operatorname", "bm",
    "boldsymbol", "emph", "underline", "texttimes", "textsc", "rm", "textstyle", "pmb", "mathnormal", "unit", "si",
    "bold",
}  # fmt: skip
ACCENTS = {
    "vec", "hat", "widehat", "tilde", "widetilde", "overrightarrow", "overleftarrow", "mathring", "check", "breve",
    "underbrace", "overbrace", "overset", "underset", "stackrel", "cancel", "not",
}  # fmt: skip
COMMANDS = {
    "frac", "dfrac", "tfrac", "cfrac", "sfrac", "sqrt", "root", "binom", "dbinom", "tbinom", "choose", "over", "sum",
    "prod", "int", "iint", "oint", "lim", "limsup", "liminf", "circ", "degree", "deg", "percent", "infty", "infin",
    "emptyset", "varnothing", "ldots", "dots", "cdots", "dotsc", "dotsb", "vdots", "ddots", "overline", "bar", "dot",
    "begin", "end", "pi", "angle", "triangle", "square", "partial", "nabla", "forall", "exists", "because", "therefore",
    "pmod", "displaylines", "hline", "quad", "qquad", "neg", "qed", "checkmark", "dagger", "nmid", "sup", "inf",
    "cases", "Re", "Im", "imath", "jmath", "euro", "pounds", "item", "substack", "lnot", "times", "oslash", "ddot",
    "mho",
}  # fmt: skip
DOTS = {"ldots", "dots", "cdots", "dotsc", "dotsb"}
KNOWN_COMMANDS = set(FUNCTIONS) | GREEK | set(RELATIONS) | set(OPERATORS) | TEXT_COMMANDS | ACCENTS | COMMANDS
CONNECTIVES = {
    "and": "and", "or": "or", "And": "and", "Or": "or", "AND": "and", "OR": "or", "as well as": "and",
    "respectively": "", "if": "if", "when": "if", "for": "if", "where": "where", "with": "where",
    "otherwise": "otherwise", "else": "otherwise", "elsewhere": "otherwise", "such that": "where",
    "for all": "if", "for any": "if", "for every": "if", "for each": "if",
    "for some": "if", "and also": "and", "union": "∪", "to": "to", "provided": "if",
}  # fmt: skip
UNITS = {
    "cm": "centimeter centimeters centimetre centimetres", "m": "meter meters metre metres", "mm": "millimeter "
    "millimeters millimetre millimetres", "km": "kilometer kilometers kilometre kilometres kms",
    "inch": "in inches ins", "ft": "foot feet", "yd": "yard yards yds", "mile": "miles mi",
    "kg": "kilogram kilograms kgs kilo kilos", "g": "gram grams gm gms", "mg": "milligram milligrams",
    "lb": "lbs pound pounds", "oz": "ounce ounces", "second": "s sec secs seconds", "minute": "min mins minutes",
    "hour": "h hr hrs hours", "day": "days", "week": "weeks wk wks", "month": "months", "year": "years yr yrs",
    "l": "liter liters litre litres L", "ml": "milliliter milliliters millilitre millilitres mL",
    "gallon": "gallons gal", "quart": "quarts", "dollar": "dollars usd bucks", "cent": "cents ¢",
    "euro": "euros eur", "pound sterling": "gbp", "yen": "jpy", "yuan": "rmb cny", "rupee": "rupees rs",
    "degree": "degrees deg", "radian": "radians rad", "n": "newton newtons N", "j": "joule joules J",
    "w": "watt watts W", "v": "volt volts V", "pa": "pascal pascals Pa", "hz": "hertz Hz", "k": "kelvin K",
    "mol": "moles", "celsius": "C °C", "mph": "", "kph": "kmh", "ton": "tons tonnes", "c": "coulomb",
    "a": "ampere amperes amp amps", "omega": "ohm ohms", "person": "people persons",
}  # fmt: skip
UNIT_NAMES = {name: unit for unit, names in UNITS.items() for name in (unit, *names.split())}
PLAIN_UNITS = {n for n in UNIT_NAMES if len(n) >= 2 and n.isalpha()} - {"in", "pa", "rs", "ins", "mi"} | {
    "units", "unit", "sq", "square", "cubic", "per", "percent", "pct", "percentage", "rpm", "kmh",
}  # fmt: skip
GENERIC_UNITS = {"unit", "units", "square unit", "square units", "cubic units", "cubic unit", "sq units",
                 "units^2", "units^3", "unit^2", "unit^3", "u", "sq unit", "total", "in total", "exactly",
                 "altogether"}  # fmt: skip
NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
SYNONYMS = {
    "true": "yes", "false": "no", "infinite": "infinitely many", "infinity": "infinitely many", "none": "no solution",
    "no solutions": "no solution", "no real solution": "no solution", "no real solutions": "no solution",
    "empty set": "no solution", "there is no solution": "no solution", "there are no solutions": "no solution",
    "does not exist": "dne", "doesnt exist": "dne", "an infinite number": "infinitely many",
    "infinitely many solutions": "infinitely many", "all real numbers": "all reals", "all real": "all reals",
    "real numbers": "all reals",
}  # fmt: skip
