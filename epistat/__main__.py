"""``python -m epistat detect …``: the commands without Fangkong."""

import sys

from epistat.commands import main


def run() -> int:
    """The command ``epistat``."""
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
