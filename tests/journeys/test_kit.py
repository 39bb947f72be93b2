"""The kit page in every look: no axe violation, fits the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Visit, shot, violations
from tests.journeys.test_every_page import _too_wide


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_kit_fits_and_has_no_axe_violation(visit: Visit, language: str) -> None:
    page = visit("daofu", language=language)
    wrong: list[str] = []
    for address in ("/kit/", "/kit/steps/"):
        for width in (390, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            for dark in (False, True):
                page.emulate_media(color_scheme="dark" if dark else "light")
                # Loaded anew: axe would measure a colour that is half way to its new one.
                page.goto(address)
                _draw_all(page)
                name = f"{language}-{width}{'-dark' if dark else ''}{address.replace('/', '-')}"
                wrong += [f"{name}: {text}" for text in (*_too_wide(page), *violations(page))]
                if (language == "zh") == (width == 390) == dark:
                    shot(page, f"kit/{name}")
    assert not wrong, "\n".join(wrong)


def _draw_all(page: Page) -> None:
    for figure in page.locator(".fk-chart, .fk-map").all():
        figure.scroll_into_view_if_needed()  # figures are drawn when they come into sight
        expect(figure).to_have_attribute("data-drawn", "yes")
