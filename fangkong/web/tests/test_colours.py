"""The colours of maps are told apart, in light and in dark."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[1] / "ui" / "src" / "styles" / "_tokens.scss"
THEMES = {"light": 0, "dark": 1}


def colours(theme: str) -> dict[str, str]:
    found = re.findall(r"--fk-([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", TOKENS.read_text())
    return {name: both[THEMES[theme]] for name, *both in found}


def light(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_each_class_of_a_map_stands_out_from_the_next_and_the_hatch_from_its_ground(theme):
    named = colours(theme)
    steps = [contrast(named[f"seq-{n}"], named[f"seq-{n + 1}"]) for n in range(5)]

    assert min(steps) >= 1.5
    lights = [light(named[f"seq-{n}"]) for n in range(6)]
    assert len({a < b for a, b in pairwise(lights)}) == 1  # one way, never back
    assert contrast(named["line-strong"], named["surface"]) >= 3
    assert contrast(named["seq-0"], named["surface"]) >= 1.2  # beside the hatch, also as a flat


def test_black_on_white_is_the_greatest_contrast_that_there_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
