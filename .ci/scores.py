"""Print how many mutants the tests noticed, file by file.

`mutmut results --all true | python .ci/scores.py`; mutants that were not tried are left out.
"""

import sys
from collections import Counter
from collections.abc import Iterable

FOUND = ("killed", "timeout", "suspicious", "segfault", "caught by type check")


def scores(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the verdicts by module, from lines like `nnscratch.core.x_f__mutmut_1: killed`."""
    counts: dict[str, Counter[str]] = {}
    for line in lines:
        name, colon, verdict = line.strip().partition(": ")
        if colon and verdict != "not checked":
            module, _, _ = name.rpartition(".")
            counts.setdefault(module, Counter())[verdict] += 1
    return counts


if __name__ == "__main__":
    print("| file | mutants | noticed | score |\n|---|---:|---:|---:|")
    for module, verdicts in sorted(scores(sys.stdin).items()):
        noticed, total = sum(verdicts[verdict] for verdict in FOUND), verdicts.total()
        print(f"| `{module.replace('.', '/')}.py` | {total} | {noticed} | {noticed / total:.0%} |")
