"""Token windows: how goal and steps are laid before the backbone. The TypeScript side lays the same ones.

A step is cut into units (chunk + marker). A window holds the goal, a carry of the most recent units and
then new units; a unit is read in the window where it is first placed, and sees the goal, the earlier
units of its window and itself. So the layout, and every state, is a pure function of the prefix.

While training, alternatives of one context share a window as branches of a tree: each sees the goal and
those of its own ancestors that the runtime's window would hold, and its positions go on from its parent's.
43,000 contexts of PRM800K are about 3 million tokens an epoch that way instead of 25.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer

from config import WindowConfig

CLS, SEP, PAD = 101, 102, 0
PAD_SEGMENT = 1_000_000


@dataclass
class Unit:
    """A chunk of a step with its marker. ids end with the marker."""

    ids: list[int]
    parent: int  # index of the unit before it on its path, -1 right after the goal
    step: int  # index of the step it belongs to, in the caller's numbering


@dataclass
class Placed:
    unit: int  # index into the units given
    start: int  # first token in the window; the marker stands at end - 1
    end: int
    parent: int  # index into Window.placed, -1: the goal
    is_carry: bool


@dataclass
class Window:
    goal: list[int]  # [CLS] ... [SEP]
    placed: list[Placed] = field(default_factory=list)
    length: int = 0

    def arrays(self, units: list[Unit]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids (T,), positions (T,), visible (T, T) bool: may row's token see column's."""
        ids = np.array(self.goal + [i for p in self.placed for i in units[p.unit].ids], np.int64)
        positions = np.arange(len(ids))
        segment = np.zeros(len(ids), np.int64)
        sees = np.eye(len(self.placed) + 1, dtype=bool)
        sees[:, 0] = True
        for k, p in enumerate(self.placed, start=1):
            segment[p.start : p.end] = k
            if p.parent >= 0:
                sees[k] |= sees[p.parent + 1]
                start = positions[self.placed[p.parent].end - 1] + 1
            else:
                start = len(self.goal)
            positions[p.start : p.end] = np.arange(start, start + p.end - p.start)
        return ids, positions, sees[segment][:, segment]


def goal_head(ids: list[int], config: WindowConfig) -> list[int]:
    """A long goal keeps its beginning and its end."""
    if len(ids) > config.goal_tokens:
        ids = ids[: config.goal_head] + ids[config.goal_head - config.goal_tokens :]
    return [CLS, *ids, SEP]


def units_of(ids: list[int], parent: int, step: int, first: int, config: WindowConfig) -> list[Unit]:
    """Chunks of one step; `first` is the index the first of them will have."""
    cuts = range(0, max(len(ids), 1), config.chunk_tokens)
    found = []
    for k, at in enumerate(cuts):
        marker = config.step_end if at + config.chunk_tokens >= len(ids) else config.chunk_end
        found.append(Unit([*ids[at : at + config.chunk_tokens], marker], parent if k == 0 else first + k - 1, step))
    return found


def word_pieces(texts: Iterable[str], tokenizer: Tokenizer) -> dict[str, list[int]]:
    """Token ids of each text, without special tokens."""
    wanted = sorted(set(texts))
    ids: dict[str, list[int]] = {}
    for at in range(0, len(wanted), 4000):
        part = wanted[at : at + 4000]
        ids.update((t, e.ids) for t, e in zip(part, tokenizer.encode_batch(part, add_special_tokens=False)))
    return ids


def units_of_steps(steps: list[tuple[str, int]], ids: dict[str, list[int]], config: WindowConfig) -> list[Unit]:
    """Units of a tree of (text, index of the step before it or -1), parents first."""
    units: list[Unit] = []
    last: list[int] = []  # last unit of each step
    for k, (text, before) in enumerate(steps):
        units += units_of(ids[text], last[before] if before >= 0 else -1, k, len(units), config)
        last.append(len(units) - 1)
    return units


def lay_windows(goal: list[int], units: list[Unit], config: WindowConfig, longest: int | None = None) -> list[Window]:
    """Windows for a tree of units, parents first; each unit is fresh (not carry) in exactly one of them.

    What a unit sees is what the runtime shows it on its own path, whatever its siblings are: first it is
    settled after which unit its window opened, then the units of like openings are packed side by side.
    longest: most tokens of a packed window, config.tokens where not given (a chain never needs more).
    """
    opened: list[int] = []  # by unit: the unit its window opened after, -1 the goal
    filled: list[int] = []  # by unit: tokens of that window up to and with it
    carried: dict[int, list[int]] = {-1: []}
    packs: dict[int, tuple[Window, dict[int, int]]] = {}  # by opening: the window being filled, unit -> place
    windows: list[Window] = []
    for index, unit in enumerate(units):
        size, above = len(unit.ids), unit.parent
        opening = opened[above] if above >= 0 else -1
        before = filled[above] if above >= 0 else len(goal)
        if before + size > config.tokens:
            opening = above
            if opening not in carried:
                carried[opening] = carry_of(units, opening, config)
            before = len(goal) + sum(len(units[c].ids) for c in carried[opening])
        opened.append(opening)
        filled.append(before + size)
        missing = [index]  # the path from the opening to the unit, as far as the pack lacks it
        pack = packs.get(opening)
        while units[missing[-1]].parent != opening and not (pack and units[missing[-1]].parent in pack[1]):
            missing.append(units[missing[-1]].parent)
        if pack is None or pack[0].length + sum(len(units[m].ids) for m in missing) > (longest or config.tokens):
            pack = packs[opening] = Window(goal, length=len(goal)), {}
            windows.append(pack[0])
            while units[missing[-1]].parent != opening:
                missing.append(units[missing[-1]].parent)
            for c in carried[opening]:
                place(pack[0], units, c, pack[1], is_carry=True)
        for m in reversed(missing):
            place(pack[0], units, m, pack[1], is_carry=m != index)
    return windows


def carry_of(units: list[Unit], opening: int, config: WindowConfig) -> list[int]:
    """The most recent units up to `opening`, oldest first, that are read again when a window opens after it."""
    carry, total, at = [], 0, opening
    while at >= 0 and total + len(units[at].ids) <= config.carry_tokens:
        carry.append(at)
        total += len(units[at].ids)
        at = units[at].parent
    return carry[::-1]


def place(window: Window, units: list[Unit], index: int, where: dict[int, int], is_carry: bool) -> None:
    unit = units[index]
    end = window.length + len(unit.ids)
    window.placed.append(Placed(index, window.length, end, where.get(unit.parent, -1), is_carry))
    where[index] = len(window.placed) - 1
    window.length = end
