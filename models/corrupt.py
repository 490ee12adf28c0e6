"""Wrong twins: one controlled error put into a step that people hold to be right.

Every corruption keeps the manner and nearly the length of the step, so that only content tells twin and
original apart. `corrupt` returns the wrong text and its kind, or None where nothing applies.
"""

import random
import re

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w]|\.\d)")
EQUATION = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([-+*/x×])\s*\$?(\d[\d,]*(?:\.\d+)?)\s*=\s*\$?(\d[\d,]*(?:\.\d+)?)(?![\d.,]*\d|\s*[-+*/x×])")
NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]{2,}\b")
# Pairs of words whose exchange turns the meaning; each is replaced by its partner.
TURNS = (
    ("more", "fewer"), ("greater", "less"), ("before", "after"), ("first", "last"), ("increases", "decreases"),
    ("increase", "decrease"), ("maximum", "minimum"), ("largest", "smallest"), ("even", "odd"), ("positive", "negative"),
    ("hours", "minutes"), ("minutes", "seconds"), ("days", "weeks"), ("weeks", "months"), ("feet", "inches"),
    ("dollars", "cents"), ("left", "right"), ("twice", "half"), ("double", "half"), ("each", "all"), ("above", "below"),
    ("add", "subtract"), ("multiply", "divide"), ("sum", "difference"), ("product", "quotient"), ("all", "none"),
    ("always", "never"), ("can", "cannot"), ("hot", "cold"), ("north", "south"), ("east", "west"), ("earlier", "later"),
    ("together", "each"), ("remaining", "used"), ("longer", "shorter"), ("higher", "lower"), ("true", "false"),
    ("parallel", "perpendicular"), ("area", "perimeter"), ("radius", "diameter"), ("prime", "composite"),
    ("convert", "keep"), ("absorbs", "reflects"), ("parents", "offspring"), ("predator", "prey"),
)
PARTNER = {word: other for a, b in TURNS for word, other in ((a, b), (b, a))}
WORD = re.compile(r"\b(" + "|".join(sorted(PARTNER, key=len, reverse=True)) + r")\b")


def value_of(text: str) -> float:
    return float(text.replace(",", ""))


def written(value: float) -> str:
    return str(int(round(value))) if abs(value - round(value)) < 1e-9 else f"{value:.2f}".rstrip("0").rstrip(".")


def near(value: float, rng: random.Random) -> float:
    """A number one might arrive at by a slip."""
    whole = abs(value - round(value)) < 1e-9
    slips = [value + rng.choice((1, 2, -1, 3, 10)), value * 2, value / 2, value * 10, value - rng.choice((1, 2, 5))]
    if whole and value >= 12:
        digits = list(str(int(value)))
        i = rng.randrange(len(digits) - 1)
        digits[i], digits[i + 1] = digits[i + 1], digits[i]
        slips.append(float("".join(digits)))
    slips = [s for s in slips if s > 0 and abs(s - value) > 1e-9 and (not whole or abs(s - round(s)) < 1e-9)]
    return rng.choice(slips) if slips else value + 1


def compute(a: float, op: str, b: float) -> float | None:
    if op == "/":
        return a / b if b else None
    return {"+": a + b, "-": a - b}.get(op, a * b)


def replace_value(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w]|\.\d)", new, text)


def wrong_equation(text: str, known: list[str], rng: random.Random) -> tuple[str, str] | None:
    """Another operator, another operand or another result; a changed result is carried through the step."""
    found = list(EQUATION.finditer(text))
    if not found:
        return None
    m = rng.choice(found)
    a, op, b, c = m.groups()
    kind = rng.choice(("operator", "operand", "result", "result"))
    if kind == "result":
        new = written(near(value_of(c), rng))
        return text[: m.start(4)] + new + replace_value(text[m.end(4) :], c, new), kind
    if kind == "operator":
        other = rng.choice([o for o in "+-*/" if o != op and not (op in "x×" and o == "*")])
        operands = (a, other, b)
    else:
        choice = [k for k in known if value_of(k) not in (value_of(a), value_of(b))]
        if not choice:
            return None
        operands = (rng.choice(choice), op, b) if rng.random() < 0.5 else (a, op, rng.choice(choice))
    result = compute(value_of(operands[0]), operands[1], value_of(operands[2]))
    if result is None or result < 0 or abs(result - value_of(c)) < 1e-9:
        return None
    new = written(result)
    middle = text[m.end(1) : m.start(2)] + operands[1] + text[m.end(2) : m.start(3)]
    left = operands[0] + middle + operands[2] + text[m.end(3) : m.start(4)]
    return text[: m.start(1)] + left + new + replace_value(text[m.end(4) :], c, new), kind


def wrong_number(text: str, known: list[str], rng: random.Random) -> tuple[str, str] | None:
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    m = rng.choice(found)
    choice = [k for k in known if value_of(k) != value_of(m.group())]
    new = rng.choice(choice) if choice and rng.random() < 0.5 else written(near(value_of(m.group()), rng))
    return text[: m.start()] + new + text[m.end() :], "number"


def wrong_name(text: str, context: str, rng: random.Random) -> tuple[str, str] | None:
    inside = sorted(set(NAME.findall(text)))
    outside = sorted(set(NAME.findall(context)) - set(inside))
    if not inside or not outside:
        return None
    old, new = rng.choice(inside), rng.choice(outside)
    return re.sub(rf"\b{old}\b", new, text), "entity"


def wrong_turn(text: str, rng: random.Random) -> tuple[str, str] | None:
    found = list(WORD.finditer(text))
    if not found:
        return None
    m = rng.choice(found)
    return text[: m.start()] + PARTNER[m.group()] + text[m.end() :], "direction"


def negated(text: str, rng: random.Random) -> tuple[str, str] | None:
    found = list(re.finditer(r"\b(is|are|can|will|does|has)\b(?! not)", text))
    if not found:
        return None
    m = rng.choice(found)
    new = "does not have" if m.group() == "has" else m.group() + " not"
    return text[: m.start()] + new + text[m.end() :], "negation"


def corrupt(text: str, context: str, rng: random.Random) -> tuple[str, str] | None:
    """context: goal and earlier steps. Numeric errors come first where there is an equation."""
    known = sorted({m.group() for m in NUMBER.finditer(context)})
    tries = {
        "equation": lambda: wrong_equation(text, known, rng), "number": lambda: wrong_number(text, known, rng),
        "name": lambda: wrong_name(text, context, rng), "turn": lambda: wrong_turn(text, rng),
        "negation": lambda: negated(text, rng),
    }
    weight = {"equation": 6, "number": 2, "name": 1.5, "turn": 2, "negation": 0.7}
    names = list(tries)
    while names:
        name = rng.choices(names, [weight[n] for n in names])[0]
        names.remove(name)
        found = tries[name]()
        if found and found[0] != text:
            return found
    return None
