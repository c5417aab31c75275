"""Print the oldest versions that pyproject.toml allows, as constraints for pip.

`pip install -e '.[test]' -c oldest.txt` then installs exactly those; what has no bound is an error.
"""

import re
import tomllib
from pathlib import Path

BOUND = re.compile(r"(?P<name>[\w.-]+)>=(?P<version>[\w.]+)")


def oldest(project: dict) -> list[str]:
    """Return `name==version` for everything needed to run the package and its tests."""
    needed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    bounds = [BOUND.fullmatch(requirement) for requirement in needed]
    unbound = [need for need, bound in zip(needed, bounds, strict=True) if bound is None]
    if unbound:
        raise SystemExit(f"pyproject.toml: give these one lower bound, NAME>=VERSION: {unbound}")
    return [f"{bound['name']}=={bound['version']}" for bound in bounds if bound]


if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    print("\n".join(oldest(tomllib.loads(text)["project"])))
