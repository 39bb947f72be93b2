"""``python -m epistat --method c2 counts.csv``: the detect command without Fangkong."""

import sys

from epistat.command import detect

if __name__ == "__main__":
    sys.exit(detect(sys.argv[1:]))
