"""The commands by name; each is loaded when it is asked for."""

import sys
from collections.abc import Sequence
from importlib import import_module

# Name: module, function, what it does. ``fangkong`` lists them too.
COMMANDS = {
    "detect": ("epistat.command", "detect", "Judge counts by day or week: which are high?"),
    "clusters": (
        "epistat.command_clusters",
        "clusters",
        "Scan counts by place for clusters in space and time.",
    ),
    "rt": ("epistat.command_rt", "rt", "Reproduction numbers, growth and doubling times."),
    "nowcast": (
        "epistat.command_nowcast",
        "nowcast",
        "What the cases of the last days will come to.",
    ),
    "forecast": (
        "epistat.command_forecast",
        "forecast_command",
        "The cases of the next two weeks, with quantiles.",
    ),
    "evaluate": (
        "epistat.command_evaluate",
        "evaluate",
        "Measure detectors on simulated or labelled outbreaks.",
    ),
}


def run(name: str, argv: Sequence[str], prog: str) -> int:
    """Run a command; the exit code."""
    module, function, _ = COMMANDS[name]
    code: int = getattr(import_module(module), function)(argv, f"{prog} {name}")
    return code


def main(argv: Sequence[str]) -> int:
    """``python -m epistat``; without a name of a command it is ``detect``, as it used to be."""
    if argv[:1] and argv[0] in COMMANDS:
        return run(argv[0], argv[1:], "epistat")
    if argv[:1] in ([], ["--help"], ["-h"]):
        print("usage: python -m epistat COMMAND …  (each has its --help)\n")
        print("\n".join(f"  {name:12}{text}" for name, (*_, text) in COMMANDS.items()))
        return 0 if argv else 2
    if argv[0].startswith("-"):
        return run("detect", argv, "epistat")
    print(f"epistat: no command {argv[0]!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
    return 2
