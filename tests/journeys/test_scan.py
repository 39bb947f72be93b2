"""The store with a phone and a hand scanner, in a browser; a call that is answered at once."""

from __future__ import annotations

import base64
import io
import re

from playwright.sync_api import Locator, Page, expect

from fangkong.supplies.stock.tests.symbols import photo, picture
from tests.journeys.conftest import Visit, shot, violations

GTIN = "09506000134352"
GS = "\x1d"
MASKS = "医用外科口罩"
# A browser without a reader of its own, whose camera sees the picture that the test gives it.
CAMERA = """
delete window.BarcodeDetector;
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  const picture = new Image();
  picture.src = "data:image/png;base64,%s";
  await picture.decode();
  canvas.width = picture.width * 2; canvas.height = picture.height * 2;
  const paper = canvas.getContext("2d");
  const draw = () => {
    paper.fillStyle = "white"; paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(picture, picture.width / 2, picture.height / 2);
  };
  draw(); setInterval(draw, 50);
  return canvas.captureStream(20);
};
"""


def hand_scanner(page: Page, text: str, field: str = "code") -> None:
    """Types as a hand scanner does: at once, the separator as Ctrl and ], Enter at the end."""
    expect(page.locator(f"#id_{field}")).to_be_focused()
    for n, part in enumerate(text.split(GS)):
        if n:
            page.keyboard.press("Control+]")
        page.keyboard.type(part)
    page.keyboard.press("Enter")


def at_store(page: Page, field: str = "place") -> None:
    """The prefecture's store, where there are several places to choose from."""
    options = page.locator(f"#id_{field} option")
    if options.count() > 1:
        store = options.filter(has_text="州疾病预防控制中心").first.get_attribute("value")
        page.locator(f"#id_{field}").select_option(value=store)


def lines(page: Page) -> Locator:
    return page.locator("section[aria-labelledby=sheet] fieldset")


def test_goods_come_in_by_hand_scanner_camera_and_photo_and_leave_again(visit: Visit) -> None:
    keeper = visit("store")
    keeper.goto("/supplies/stock/scan/in/")
    at_store(keeper)
    keeper.locator("#id_code").focus()
    hand_scanner(keeper, f"]d201{GTIN}17301231" + f"10HS-1{GS}21A1")
    # Nobody taught this code yet: it is asked for once.
    keeper.locator("#id_teach-item").fill(MASKS)
    keeper.locator("button[value=teach]").click()
    expect(lines(keeper)).to_have_count(1)
    hand_scanner(keeper, f"]d201{GTIN}17301231" + f"10HS-1{GS}21A2")
    expect(keeper.locator("#id_count_0")).to_have_value("2")
    expect(keeper.locator("#id_number_0")).to_have_value("HS-1")
    shot(keeper, "scan-in")
    keeper.locator("button[value=book]").click()
    expect(keeper).to_have_url(re.compile("/supplies/stock/entries/"))
    expect(keeper.locator("main")).to_contain_text("HS-1")

    # One of them goes to a hospital: it is scanned as it is loaded, by either.
    keeper.goto("/supplies/stock/shipments/prepare/")
    at_store(keeper, "source")
    hospital = keeper.locator("#id_target option", has_text="道孚县人民医院").first
    keeper.locator("#id_target").select_option(value=hospital.get_attribute("value"))
    for field, text in (("item_0", MASKS), ("quantity_0", "1"), ("lot_0", "HS-1")):
        keeper.locator(f"#id_{field}").fill(text)
    keeper.locator("form.fk-page-form button[type=submit]").click()
    expect(keeper).to_have_url(re.compile("/supplies/stock/shipments/[0-9a-f-]{36}/"))
    along = keeper.locator("#id_packages")
    along.focus()
    for serial in ("A1", "A2"):
        hand_scanner(keeper, f"]d201{GTIN}17301231" + f"10HS-1{GS}21{serial}", "packages")
    scanned = [f"]d201{GTIN}1730123110HS-1{GS}21{serial}" for serial in ("A1", "A2")]
    expect(along).to_have_value("\n".join([*scanned, ""]))
    along.fill(scanned[0])

    # A phone without a reader of its own: ZXing in JavaScript reads what the camera sees.
    seen = io.BytesIO()
    picture(f"(01){GTIN}(17)301231(10)HS-1", scale=6).save(seen, "PNG")
    phone = visit("store", width=390)
    phone.add_init_script(CAMERA % base64.b64encode(seen.getvalue()).decode())
    phone.goto("/supplies/stock/scan/")
    phone.locator("[data-camera]").click()
    expect(phone).to_have_url(re.compile("/supplies/stock/lots/"))
    expect(phone.locator("h1")).to_contain_text("HS-1")
    phone.goto(keeper.url)
    phone.locator("[data-camera]").click()
    expect(phone.locator("#id_packages")).to_have_value(re.compile(f"^.*{GTIN}.*HS-1\n$"))
    assert [*violations(phone), *violations(keeper)] == []
    shot(phone, "packages-along-phone")
    keeper.locator("#send button").click()
    expect(keeper.locator("section[aria-labelledby=packages]")).to_contain_text("A1")

    # A phone without a camera for pages: a photo is read on the server. Exactly this lot leaves.
    phone.goto("/supplies/stock/scan/out/")
    at_store(phone)
    phone.locator("summary", has_text="照片").click()
    content = photo(f"(01){GTIN}(17)301231(10)HS-1")
    phone.locator("#id_photo").set_input_files(
        {"name": "code.jpg", "mimeType": "image/jpeg", "buffer": content}
    )
    phone.locator("button[value=add]").click()
    expect(lines(phone)).to_contain_text("HS-1")
    expect(lines(phone)).to_contain_text("先用")
    shot(phone, "scan-out-phone")
    phone.locator("button[value=book]").click()
    expect(phone).to_have_url(re.compile("/supplies/stock/entries/"))
    expect(phone.locator("main")).to_contain_text("HS-1")


# The keystroke-level model (Card, Moran and Newell 1980): seconds of a practised person.
KEY, POINT, THINK = 0.28, 1.1, 1.35
PAGES = 3  # seconds that are left to the network and the server, for two pages


def test_a_call_is_answered_on_a_phone_in_under_thirty_seconds(visit: Visit) -> None:
    phone = visit("store", width=390)
    phone.goto("/supplies/stock/releases/")
    keys = thoughts = 0
    phone.locator(".fk-page-head a.btn-primary").click()
    taps = 1
    at_store(phone, "source")
    for field, text in (
        ("called_by", "州指挥部"),
        ("to", "炉城镇防疫组"),
        ("item", "surgical-mask"),
        ("quantity", "20"),
    ):
        phone.locator(f"#id_{field}").click()
        phone.keyboard.type(text)
        taps += 1
        keys += len(text) * (1 if text.isascii() else 3)  # pinyin
        thoughts += 1
    shot(phone, "call-phone")
    phone.locator("form.fk-page-form button[type=submit]").click()
    taps += 1
    assert keys * KEY + taps * POINT + thoughts * THINK < 30 - PAGES
    expect(phone).to_have_url(re.compile("/supplies/stock/releases/[0-9a-f-]{36}/"))
    expect(phone.locator("section[aria-labelledby=papers]")).to_contain_text("未齐")
