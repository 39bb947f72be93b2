"""``python -m epistat detect …``: the commands without Fangkong."""

import sys

from epistat.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
