"""`python -m bench` runs every quick benchmark; `python -m bench NAME …` some; `… NAME --option` one with options."""

from __future__ import annotations

import importlib
import sys

QUICK = {
    "notes": "note and tab accuracy of every transcriber beside stock Basic Pitch",
    "arranging": "string and fret from true notes, beside simpler ways, live and offline",
    "rhythm": "beats, bars, chords and keys, live and final, beside librosa and templates",
    "locks": "what it costs to draw the bars of a live session anew",
    "latency": "how soon live notes come and what a stream costs",
    "edge": "API answers, sockets that idle and receive, and a large upload, at one edge process",
    "idle": "memory and processor time of a stack that does nothing",
    "live": "how soon notes are shown and settled, and how many are taken back",
    "stability": "how far the stability and confidence of tentative notes can be believed",
    "models": "every model in process and on a real Triton server: parity, overhead, batches",
    "gpu": "every model on a CUDA device, where there is one: parity and speed",
    "techniques": "how far bends, slides, hammer-ons, pull-offs, vibrato and let ring can be believed",
    "exports": "every export of every test piece, opened by independent readers",
    "offers": "how often another tuning or capo is offered, and how often rightly",
    "separation": "stems, latency, what auto hears, notes with and without, what it costs",
    "transcribe_file": "a 3-minute file, whole commands, beside stock Basic Pitch",
}
WITH_OPTIONS = ("notes", "rhythm", "latency", "stability", "arranging", "separation")


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 2 when there is no such one, or it takes no options."""
    first_option = next((n for n, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
    names = [name.replace("-", "_") for name in arguments[:first_option]] or list(QUICK)
    options = arguments[first_option:]
    unknown = [name for name in names if name not in QUICK]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There is:", file=sys.stderr)
        for name, what in QUICK.items():
            print(f"  {name:16} {what}", file=sys.stderr)
        return 2
    if options and (len(names) != 1 or names[0] not in WITH_OPTIONS):
        print(f"Options are understood by one benchmark at a time: {', '.join(WITH_OPTIONS)}.", file=sys.stderr)
        return 2
    for name in names:
        print(f"\n{name}: {QUICK[name]}")
        importlib.import_module(f"bench.{name}").main(*([options] if options else []))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
