"""Find a Chromium for the tests, or install one.

    python tools/browser.py

Looked for in this order: the file that FANGKONG_BROWSER names, PATH, the usual places of macOS and
Windows, Playwright's own. If there is none: Playwright's download, then (as root on Debian or
Ubuntu) the system's package with Chinese fonts. Where nothing works: one line with what to install
and exit code 1; the tests that need a browser are never skipped in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "microsoft-edge",
    "brave-browser",
)
USUAL_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# Quiet and the same on every machine; a container's /dev/shm is too small for Chromium.
CHROMIUM_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
DEBIAN = ("chromium", "fonts-noto-cjk")


class NoBrowser(Exception):
    """There is no usable browser; the text says what to do."""


def find_browser(environment: Mapping[str, str] = os.environ) -> Path:
    """The browser that the tests use. Raises ``NoBrowser``."""
    if named := environment.get("FANGKONG_BROWSER"):
        if not Path(named).is_file():
            raise NoBrowser(f"FANGKONG_BROWSER={named} is no file: name the browser's program")
        return Path(named)
    for path in _candidates():
        if path.is_file():
            return path
    raise NoBrowser(
        "the tests need a browser: install Chromium or Chrome "
        f"(Debian, Ubuntu: sudo apt-get install {' '.join(DEBIAN)}), "
        "or name one in FANGKONG_BROWSER"
    )


def _candidates() -> Iterator[Path]:
    yield from (Path(found) for name in NAMES if (found := shutil.which(name)))
    yield from map(Path, USUAL_PLACES)
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folder = Path(cache) if cache else Path.home() / ".cache" / "ms-playwright"
    for program in ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*"):
        yield from sorted(folder.glob(f"chromium-*/{program}"), reverse=True)


def can_apt() -> bool:
    """Whether this user may install packages of Debian or Ubuntu."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> bool:
    """Install packages of the system; False if that did not work."""
    print(f"      installing {' '.join(packages)} …", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages]
    for command in (["apt-get", "-qq", "update"], install):
        done = subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            return False
    return True


def driver_starts() -> bool:
    """Whether Playwright's own Node runs; a minimal Debian lacks libatomic1."""
    from playwright._impl._driver import compute_driver_executable

    node = compute_driver_executable()[0]
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


def has_chinese_font() -> bool:
    """Whether pictures of Chinese pages show characters; True where nobody can tell."""
    if not shutil.which("fc-list"):
        return sys.platform != "linux"
    found = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False)
    return bool(found.stdout.strip())


def ensure() -> Path:
    """Find a browser or install one, with what it needs. Raises ``NoBrowser``."""
    if not driver_starts():
        if can_apt():
            apt_install("libatomic1")
        if not driver_starts():
            raise NoBrowser(
                "Playwright does not start: install libatomic1 (sudo apt-get install libatomic1)"
            )
    try:
        browser = find_browser()
    except NoBrowser:
        if can_apt():
            apt_install(*DEBIAN)
        else:
            _download()
        browser = find_browser()
    # Checked after the browser: its package may bring fonts and fontconfig.
    if not has_chinese_font() and not (can_apt() and apt_install("fonts-noto-cjk")):
        print("      no Chinese font here: pictures of pages will show boxes", file=sys.stderr)
    return browser


def _download() -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, check=False, capture_output=True)


def main() -> int:
    """Make sure of a browser; 0 if there is one."""
    try:
        ensure()
    except NoBrowser as problem:
        print(f"fangkong: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
