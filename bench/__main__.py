"""`python -m bench` runs every quick benchmark, `python -m bench NAME …` some of them."""

from __future__ import annotations

import importlib
import sys

QUICK = {
    "notes": "note and tab accuracy beside stock Basic Pitch",
    "transcribe_file": "a 3-minute file, whole commands, beside stock Basic Pitch",
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 2 when there is no such one."""
    names = [name.replace("-", "_") for name in arguments] or list(QUICK)
    unknown = [name for name in names if name not in QUICK]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There is:", file=sys.stderr)
        for name, what in QUICK.items():
            print(f"  {name:16} {what}", file=sys.stderr)
        return 2
    for name in names:
        print(f"\n{name}: {QUICK[name]}")
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
