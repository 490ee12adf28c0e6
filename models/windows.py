"""Token windows: how goal and steps are laid before the backbone. The TypeScript side lays the same ones.

A step is cut into units (chunk + marker). A window holds the goal, a carry of the most recent units and
then new units; a unit is read in the window where it is first placed, and sees the goal, the earlier
units of its window and itself. So the layout, and every state, is a pure function of the prefix.

While training, alternatives of one context share a window as branches of a tree: each sees its own
ancestors alone, and its positions go on from its parent's. 43,000 contexts of PRM800K are 1.4 million
tokens that way instead of 25.
"""

from dataclasses import dataclass, field

import numpy as np

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


def lay_windows(goal: list[int], units: list[Unit], config: WindowConfig) -> list[Window]:
    """Windows for units given parents first. A chain gives what the runtime lays."""
    windows: list[Window] = []
    where: dict[int, int] = {}  # unit -> its place in the window being filled
    for index, unit in enumerate(units):
        window = windows[-1] if windows else None
        fits = window is not None and window.length + len(unit.ids) <= config.tokens
        if not fits or (unit.parent >= 0 and unit.parent not in where):
            window = Window(goal, length=len(goal))
            windows.append(window)
            where = {}
            carry, total, at = [], 0, unit.parent
            while at >= 0 and total + len(units[at].ids) <= config.carry_tokens:
                carry.append(at)
                total += len(units[at].ids)
                at = units[at].parent
            for c in reversed(carry):
                place(window, units, c, where, is_carry=True)
        place(window, units, index, where, is_carry=False)
    return windows


def path_windows(goal: list[int], units: list[Unit], config: WindowConfig) -> list[Window]:
    """The windows the runtime lays for every path of a tree; units read in an earlier path's window are carry.

    Unlike `lay_windows` on a tree, what a unit sees depends on its own path alone.
    """
    inner = {u.parent for u in units}
    done: set[int] = set()
    found: list[Window] = []
    for leaf in (i for i in range(len(units)) if i not in inner):
        path = [leaf]
        while units[path[-1]].parent >= 0:
            path.append(units[path[-1]].parent)
        path.reverse()
        chain = [Unit(units[u].ids, k - 1, units[u].step) for k, u in enumerate(path)]
        for window in lay_windows(goal, chain, config):
            for p in window.placed:
                p.unit = path[p.unit]
                p.is_carry = p.is_carry or p.unit in done
            fresh = {p.unit for p in window.placed if not p.is_carry}
            if fresh:
                found.append(window)
                done |= fresh
    return found


def place(window: Window, units: list[Unit], index: int, where: dict[int, int], is_carry: bool) -> None:
    unit = units[index]
    end = window.length + len(unit.ids)
    window.placed.append(Placed(index, window.length, end, where.get(unit.parent, -1), is_carry))
    where[index] = len(window.placed) - 1
    window.length = end
