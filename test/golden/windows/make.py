"""Window layouts by models/windows.py, for test/golden/windows.test.ts: `python test/golden/windows/make.py`."""

import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here.parents[2] / "models"))

from config import WindowConfig  # noqa: E402
from windows import goal_head, lay_windows, units_of  # noqa: E402


def layout(goal_pieces: int, step_pieces: list[int], config: WindowConfig) -> dict:
    """Pieces are numbered from 1000 on, goal first, so that every token says where it came from."""
    ids = iter(range(1000, 1_000_000))
    goal = goal_head([next(ids) for _ in range(goal_pieces)], config)
    units: list = []
    for step, pieces in enumerate(step_pieces):
        units += units_of([next(ids) for _ in range(pieces)], len(units) - 1, step, len(units), config)
    windows = lay_windows(goal, units, config)
    return {
        "goalPieces": goal_pieces, "stepPieces": step_pieces, "head": goal,
        "windows": [{
            "firstCarried": w.placed[0].unit, "firstRead": next(p.unit for p in w.placed if not p.is_carry),
            "end": w.placed[-1].unit + 1, "length": w.length,
            "tail": (w.goal + [i for p in w.placed for i in units[p.unit].ids])[-3:],
        } for w in windows],
    }


rng = random.Random(7)
config = WindowConfig()
chains = [
    (20, []), (0, [0]), (5, [3, 4, 5]), (119, [60] * 12), (120, [120, 120, 120, 121]), (121, [119, 1, 120, 0, 241]),
    (400, [30, 700, 5, 5, 5, 240, 1]), (12, [61] * 20), (50, [rng.choice((0, 3, 20, 57, 90, 123, 124, 125, 260)) for _ in range(40)]),
]
found = {"rules": asdict(config), "chains": [layout(goal, steps, config) for goal, steps in chains]}
(here / "layouts.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
