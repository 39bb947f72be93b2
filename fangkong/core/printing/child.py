"""Turn one HTML page into a PDF, in a process of its own that may take only so much.

    python -m fangkong.core.printing.child < page.html > page.pdf

It reads nothing but its input: no file, no address. Exit codes are in ``EXITS``; no Django here.
"""

from __future__ import annotations

import resource
import subprocess
import sys

MOST_PAGES = 200
MEMORY = 2 * 1024**3  # bytes
NO_PANGO, NO_FONT, TOO_LONG = EXITS = (3, 4, 5)
FONTS = ("Noto Sans CJK", "Source Han Sans")


def has_chinese() -> bool:
    """Whether the system has a font that draws every Chinese sign, by one name."""
    for font in FONTS:
        asked = ["fc-match", "-f", "%{family}", f"{font} SC"]
        try:
            found = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if font in found.stdout:
            return True
    return False


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        import weasyprint
    except OSError:  # the wheel is there, Pango is not
        return NO_PANGO
    if not has_chinese():
        return NO_FONT

    class Nothing(weasyprint.urls.URLFetcher):  # type: ignore[misc]  # the package has no types
        def fetch(self, url: str, headers: object = None) -> object:
            raise ValueError("a printed page fetches nothing")

    page = weasyprint.HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=Nothing())
    document = page.render()
    if len(document.pages) > MOST_PAGES:
        return TOO_LONG
    sys.stdout.buffer.write(document.write_pdf())
    return 0


if __name__ == "__main__":
    sys.exit(main())
