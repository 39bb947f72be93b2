"""A photo proves a task: chosen, sent with its progress shown, kept, seen, and printed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from fangkong.core.files.tests import samples
from tests.journeys.conftest import Visit, shot


@pytest.mark.parametrize(("language", "width", "dark"), [("zh", 1440, False), ("en", 390, True)])
def test_a_photo_proves_a_task(visit: Visit, language: str, width: int, dark: bool) -> None:
    page = visit("hq", language=language, width=width, dark=dark)
    page.goto("/tasks/new/")
    page.fill("#id_text", "核实道孚县鲜水镇的消毒情况")
    page.select_option("#id_role", "headquarters")
    page.click("form.card button[type=submit]")
    photo = {"name": "现场照片.jpg", "mimeType": "image/jpeg", "buffer": samples.photo_from_daofu()}
    fake = {"name": "drawing.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}

    page.set_input_files("#id_attachments", [photo, fake])
    expect(page.locator(".fk-upload li[data-state=sent]")).to_have_count(1)
    expect(page.locator(".fk-upload li[data-state=failed] .fk-upload-state")).not_to_be_empty()
    page.locator(".fk-upload").scroll_into_view_if_needed()
    shot(page, f"files/form-{language}-{width}")
    page.locator(".fk-upload li[data-state=failed] [data-remove]").click()
    page.fill("#id_proof", "已现场查看，消毒完成。")
    page.locator("form", has=page.locator("#id_proof")).locator(".card-footer button").click()

    kept = page.locator(".fk-files img")
    expect(kept).to_have_count(1)
    kept.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.fk-files img').naturalWidth === 20")
    shot(page, f"files/kept-{language}-{width}")
    with page.expect_download(timeout=90_000) as printed:
        page.locator("a[href='?print']").click()
    assert printed.value.path().read_bytes().startswith(b"%PDF-")
