"""Made-up traces with exact labels: every step comes with a right text and wrong twins of the same shape.

Small worlds whose truth is computed: tool results to be read, running totals, who stands where, dates,
units, test reports. They teach the backbone to compare a claim with what stands earlier in the window.
"""

import datetime
import json
import random
from dataclasses import dataclass

NAMES = ["Ana", "Ben", "Carla", "Dmitri", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Marek", "Noor"]
THINGS = ["apples", "bolts", "tickets", "books", "coins", "stickers", "pencils", "boxes", "shirts", "bottles"]


@dataclass(frozen=True)
class Made:
    goal: str
    steps: list[str]  # right texts, in order
    twins: list[list[str]]  # wrong alternatives of each step, perhaps none


def other(rng: random.Random, value: int, low: int = 1) -> int:
    return rng.choice([v for v in (value + 1, value - 1, value + 2, value + 10, value - 10, value * 2) if v >= low and v != value])


def running_total(rng: random.Random) -> Made:
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    total = rng.randint(5, 90)
    parts, steps, twins = [f"{name} starts with {total} {thing}."], [], []
    for _ in range(rng.randint(2, 5)):
        n, kind = rng.randint(2, 40), rng.choice(("gets", "gives", "doubles"))
        if kind == "gives" and n >= total:
            kind = "gets"
        before = total
        total = {"gets": total + n, "gives": total - n, "doubles": total * 2}[kind]
        parts.append({
            "gets": f"Then {name} gets {n} more.", "gives": f"Then {name} gives away {n}.", "doubles": "Then the number doubles."}[kind])
        def line(b: int, k: str, v: int, r: int) -> str:
            return {
                "gets": f"After getting {v} more there are {b} + {v} = {r} {thing}.",
                "gives": f"After giving away {v} there are {b} - {v} = {r} {thing}.",
                "doubles": f"Doubling gives {b} * 2 = {r} {thing}."}[k]
        steps.append(line(before, kind, n, total))
        wrong_n = other(rng, n)
        turned = {"gets": "gives", "gives": "gets", "doubles": "gets"}[kind]
        redo = {"gets": before + wrong_n, "gives": before - wrong_n, "doubles": before * 2}[kind]
        twins.append([
            line(before, kind, n, other(rng, total)),
            line(before, kind, wrong_n, redo) if kind != "doubles" else line(other(rng, before), kind, n, other(rng, before) * 2),
            line(before, turned, n, before - n if turned == "gives" else before + n),
        ])
    steps.append(f"So {name} ends with {total} {thing}.")
    twins.append([f"So {name} ends with {other(rng, total)} {thing}."])
    return Made(" ".join(parts) + f" How many {thing} does {name} have at the end?", steps, twins)


def lookup(rng: random.Random) -> Made:
    """A record is fetched, then spoken about; then something is done with it."""
    person, status = rng.choice(NAMES), rng.choice(["pending", "delivered", "cancelled", "processed"])
    ident = f"#{rng.choice('WRTK')}{rng.randint(1000, 9999)}"
    record = {
        "id": ident, "customer": person, "status": status, "items": rng.randint(1, 9),
        "total": round(rng.uniform(5, 400), 2), "payment": rng.choice(["gift_card", "paypal", "credit_card"]),
    }
    keys = list(record)
    rng.shuffle(keys)
    record = {k: record[k] for k in keys}
    tool = rng.choice(["get_order_details", "fetch_order", "orders.read"])
    wrong_id = f"{ident[:-1]}{(int(ident[-1]) + rng.randint(1, 8)) % 10}"
    steps = [f"{tool}({json.dumps({'id': ident})})\n-> {json.dumps(record)}"]
    twins = [[f"{tool}({json.dumps({'id': wrong_id})})\n-> {json.dumps({**record, 'id': wrong_id})}"]]
    wrong_status = rng.choice([s for s in ["pending", "delivered", "cancelled", "processed"] if s != status])
    wrong_payment = rng.choice([p for p in ["gift_card", "paypal", "credit_card"] if p != record["payment"]])
    said = [
        (f"Your order {ident} is {status}.", [f"Your order {ident} is {wrong_status}.", f"Your order {wrong_id} is {status}."]),
        (f"The order has {record['items']} items and costs ${record['total']}.", [
            f"The order has {other(rng, record['items'])} items and costs ${record['total']}.",
            f"The order has {record['items']} items and costs ${round(record['total'] + rng.choice((1, 10, -1, 0.5)), 2)}."]),
        (f"It was paid by {record['payment']}.", [f"It was paid by {wrong_payment}."]),
    ]
    rng.shuffle(said)
    for right, wrong in said[: rng.randint(1, 3)]:
        steps.append(right)
        twins.append(wrong)
    if status == "pending":
        act, bad = f"cancel_order({json.dumps({'id': ident})})\n-> ok", f"cancel_order({json.dumps({'id': wrong_id})})\n-> ok"
        steps.append(act)
        twins.append([bad])
    else:
        steps.append(f"The order {ident} is {status}, so it cannot be cancelled.")
        twins.append([f"The order {ident} is {wrong_status if wrong_status == 'pending' else 'pending'}, so it can be cancelled."])
    return Made(f"{person} wants to cancel order {ident} if it is still pending.", steps, twins)


def test_report(rng: random.Random) -> Made:
    failed, passed = rng.choice((0, 0, rng.randint(1, 6))), rng.randint(3, 60)
    module = rng.choice(["parser", "cache", "auth", "router", "billing"])
    command = rng.choice([f"pytest tests/test_{module}.py", f"npm test -- {module}", f"cargo test {module}"])
    result = f"{passed} passed" + (f", {failed} failed" if failed else "")
    code = 1 if failed else 0
    good = f"All {passed} tests of {module} pass now." if not failed else f"{failed} of the tests of {module} still fail; {passed} pass."
    bad = (f"All {passed + failed} tests of {module} pass now." if failed
           else f"{rng.randint(1, 4)} of the tests of {module} still fail; {passed} pass.")
    steps = [f"I run the tests of {module}.\nrun({json.dumps({'cmd': command})})\n-> exit code {code}\n{result}", good]
    twins = [[], [bad]]
    if failed:
        steps.append(f"I look at the failures in {module} before I go on.")
        twins.append([f"Since the tests of {module} pass, the task is done."])
    else:
        steps.append(f"The tests of {module} pass, so the task is done.")
        twins.append([f"The tests of {module} fail, so I change the code again."])
    return Made(f"Make the tests of the {module} module pass.", steps, twins)


def ordering(rng: random.Random) -> Made:
    who = rng.sample(NAMES, rng.randint(3, 5))
    word, turned = rng.choice([("taller", "shorter"), ("older", "younger"), ("faster", "slower")])
    facts = [f"{a} is {word} than {b}." for a, b in zip(who, who[1:])]
    rng.shuffle(facts)
    steps, twins = [], []
    for i in range(len(who) - 2):
        a, b, c = who[0], who[i + 1], who[i + 2]
        steps.append(f"{a} is {word} than {b} and {b} is {word} than {c}, so {a} is {word} than {c}.")
        twins.append([f"{a} is {word} than {b} and {b} is {word} than {c}, so {c} is {word} than {a}.",
                      f"{a} is {word} than {b} and {c} is {word} than {b}, so {a} is {word} than {c}."])
    steps.append(f"Therefore {who[0]} is the one who is {word} than all others.")
    twins.append([f"Therefore {rng.choice(who[1:])} is the one who is {word} than all others."])
    return Made(" ".join(facts) + f" Who is not {turned} than anyone?", steps, twins)


def rule(rng: random.Random) -> Made:
    kind, trait, second = rng.choice([("wugs", "blue", "heavy"), ("tovs", "loud", "old"), ("daxes", "round", "cold"), ("feps", "fast", "shy")])
    name = rng.choice(NAMES)
    steps = [f"{name} is one of the {kind}, and all {kind} are {trait}, so {name} is {trait}.",
             f"Everything {trait} is {second}, and {name} is {trait}, so {name} is {second}."]
    twins = [[f"{name} is one of the {kind}, and all {kind} are {trait}, so {name} is not {trait}.",
              f"{name} is one of the {kind}, and all {kind} are {second}, so {name} is not {second}."],
             [f"Everything {second} is {trait}, and {name} is {trait}, so {name} is not {second}.",
              f"Nothing {trait} is {second}, and {name} is {trait}, so {name} is not {second}."]]
    return Made(f"All {kind} are {trait}. Everything {trait} is {second}. {name} is one of the {kind}. What follows for {name}?", steps, twins)


def dates(rng: random.Random) -> Made:
    day = datetime.date(rng.randint(2018, 2027), rng.randint(1, 12), rng.randint(1, 28))
    n = rng.randint(3, 25)
    end = day + datetime.timedelta(days=n)
    wrong = day + datetime.timedelta(days=n + rng.choice((1, -1, 7, 30)))
    return Made(
        f"A parcel is sent on {day} and arrives {n} days later. On which date and weekday does it arrive?",
        [f"{n} days after {day} is {end}.", f"{end} is a {end:%A}."],
        [[f"{n} days after {day} is {wrong}."], [f"{end} is a {(end + datetime.timedelta(days=rng.randint(1, 6))):%A}."]],
    )


def units(rng: random.Random) -> Made:
    unit, small, factor = rng.choice([("hours", "minutes", 60), ("km", "m", 1000), ("kg", "g", 1000), ("days", "hours", 24), ("feet", "inches", 12), ("weeks", "days", 7)])
    n, extra = rng.randint(2, 30), rng.randint(2, 50)
    total = n * factor + extra
    wrong_factor = rng.choice([f for f in (10, 12, 24, 60, 100, 1000) if f != factor])
    return Made(
        f"How many {small} are {n} {unit} and {extra} {small}?",
        [f"One of the {unit} is {factor} {small}, so {n} {unit} are {n * factor} {small}.", f"Together that is {n * factor} + {extra} = {total} {small}."],
        [[f"One of the {unit} is {wrong_factor} {small}, so {n} {unit} are {n * wrong_factor} {small}.", f"One of the {unit} is {factor} {small}, so {n} {unit} are {other(rng, n * factor)} {small}."],
         [f"Together that is {n * factor} + {extra} = {other(rng, total)} {small}.", f"Together that is {n * factor} - {extra} = {n * factor - extra} {small}."]],
    )


WORLDS = (running_total, lookup, lookup, test_report, ordering, rule, dates, units)


def make_traces(count: int, seed: int) -> list[Made]:
    rng = random.Random(seed)
    return [rng.choice(WORLDS)(rng) for _ in range(count)]
