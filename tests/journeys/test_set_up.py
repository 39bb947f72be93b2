"""From nothing to a working prefecture on the page, in one go and in under ten minutes."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fangkong.accounts.sign_in import rules
from tests.journeys.conftest import shot
from tests.journeys.server import command, free_port, wait_until_ready

# The thirteen counties of Aba by GB/T 2260, with the people of the census of 2020.
ABA = """区划编号,县(市)名,第七次普查
513200,阿坝藏族羌族自治州,822587
513201,马尔康市,58390
513221,汶川县,82971
513222,理县,36926
513223,茂县,95462
513224,松潘县,67156
513225,九寨沟县,66055
513226,金川县,61976
513227,小金县,65553
513228,黑水县,42166
513230,壤塘县,45179
513231,阿坝县,80195
513232,若尔盖县,74619
513233,红原县,49939
"""
ADMIN, CLERK = "Zx8-wolke-brunnen", "Holz-mond-77-fluss"
TEN_MINUTES = 600


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Making a house takes seconds, on a busy machine a minute: longer than a page may take."""
    expect.set_options(timeout=120_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def empty(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[tuple[str, str, Path]]:
    """``fangkong run`` over nothing: its address, the address of the set-up, and its log."""
    port = free_port()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("FANGKONG_", "DATABASE_URL"))}
    environment = {
        **own,
        "FANGKONG_DATA": str(tmp_path / "data"),
        "DATABASE_URL": new_database(),
        "FANGKONG_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    # Tables of a database take their time on a busy machine; that is not what is timed here.
    subprocess.run(command("migrate"), env=environment, check=True)
    log = tmp_path / "server.log"
    with log.open("wb") as sink:
        server = subprocess.Popen(command("run"), env=environment, stdout=sink, stderr=sink)
        try:
            wait_until_ready(f"http://localhost:{port}", server, log)
            found = re.search(r"http://\S+/setup/enter/\S+", log.read_text())
            assert found, log.read_text()
            yield f"http://localhost:{port}", found[0], log
        finally:
            server.terminate()
            server.wait(30)


def fill(page: Page, **answers: str) -> None:
    for name, value in answers.items():
        page.fill(f"[name={name}]", value)


def go_on(page: Page) -> None:
    page.click(".fk-form-buttons .btn-primary")


def test_a_prefecture_is_set_up_from_nothing_in_the_browser(
    browser: Browser, empty: tuple[str, str, Path], tmp_path: Path
) -> None:
    home, address, log = empty
    began = time.monotonic()
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    context.set_default_timeout(120_000)
    page = context.new_page()

    page.goto(home)  # without the code: nothing but where to find it
    expect(page.locator("h1")).to_have_text("尚未初始化")
    shot(page, "setup-closed-zh-390")
    page.goto(address)
    code = address.rstrip("/").rsplit("/", 1)[1]
    assert code not in page.url
    other = browser.new_context().new_page()
    answer = other.goto(address)
    assert answer is not None and answer.status == 404  # it worked once
    answer = other.goto(f"{home}/setup/")
    assert answer is not None and answer.status == 404

    fill(page, area="510000")
    go_on(page)
    expect(page.locator("[role=alert]").first).to_be_visible()
    fill(page, area="513200")
    shot(page, "setup-where-zh-390")
    go_on(page)

    file = tmp_path / "aba.csv"
    file.write_text(ABA.replace("513222", "51322X"), "gb18030")
    page.set_input_files("[name=file]", file)
    shot(page, "setup-places-zh-390")
    go_on(page)
    for number, field in enumerate(["code", "name_zh", "census_2020"]):
        page.select_option(f"[name=column_{number}]", field)
    shot(page, "setup-columns-zh-390")
    go_on(page)
    expect(page.locator("[role=alert]")).to_contain_text("51322X")
    shot(page, "setup-faults-zh-390")
    page.get_by_role("link", name="换一个文件").click()
    file.write_text(ABA, "gb18030")
    page.set_input_files("[name=file]", file)
    go_on(page)
    for number, field in enumerate(["code", "name_zh", "census_2020"]):
        page.select_option(f"[name=column_{number}]", field)
    go_on(page)
    expect(page.locator("main")).to_contain_text("14")
    page.set_viewport_size({"width": 1440, "height": 900})
    shot(page, "setup-preview-zh-1440")
    go_on(page)

    page.select_option("[name=county]", "513201")
    fill(page, hospital="马尔康市人民医院")
    go_on(page)
    fill(page, admin="zhou", admin_name="周宁", clerk="tashi", clerk_name="扎西")
    fill(page, admin_password="zhou1234", admin_again="zhou1234")
    fill(page, clerk_password=CLERK, clerk_again=CLERK)
    go_on(page)
    expect(page.locator("[role=alert]").first).to_be_visible()  # too weak
    fill(page, admin_password=ADMIN, admin_again=ADMIN, clerk_password=CLERK, clerk_again=CLERK)
    shot(page, "setup-staff-zh-1440")
    go_on(page)
    expect(page.locator("h1")).to_have_text("初始化完成")
    expect(page.locator("main")).not_to_contain_text("fangkong worker")  # it starts with the house
    shot(page, "setup-done-zh-1440")

    sign_in_when_it_is_back(page, home, log)
    first_sign_in(page)
    took = time.monotonic() - began
    assert took < TEN_MINUTES
    print(f"set up from nothing in {took:.0f} s")

    page.goto(f"{home}/places/")
    expect(page.locator("tr", has_text="马尔康市")).to_contain_text("58,390")
    page.get_by_role("link", name="马尔康市").first.click()
    expect(page.locator("main")).to_contain_text("2020-01-01")
    shot(page, "setup-county-zh-1440")
    page.goto(f"{home}/places/facilities/")
    expect(page.locator("main")).to_contain_text("马尔康市人民医院")
    expect(page.locator("main")).not_to_contain_text("康定")  # none of another prefecture
    for path in ("/setup/", "/setup/staff/", f"/setup/enter/{code}/"):
        answer = page.goto(home + path)
        assert answer is not None and answer.status == 404  # closed for ever
    text = log.read_text()
    assert ADMIN not in text and CLERK not in text
    assert text.count(code) == 1  # where it was printed, in no line of a request
    context.close()


def sign_in_when_it_is_back(page: Page, home: str, log: Path) -> None:
    """The server starts anew; then the first page leads to signing in, not to the set-up."""
    nobody = threading.Event()
    for _try in range(900):
        status, text = asked(home)
        if b"id_password" in text:
            break
        assert status != 500, log.read_text()[-3000:]  # it will not mend by waiting
        nobody.wait(0.2)
    else:
        raise AssertionError(f"the server did not come back:\n{log.read_text()[-3000:]}")
    page.goto(f"{home}/accounts/login/")


def asked(address: str) -> tuple[int, bytes]:
    """What a page answers; 0 where nobody listens, as between an end and a new start."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, b""
    except OSError:
        return 0, b""


def first_sign_in(page: Page) -> None:
    """Nothing opens before the second factor stands."""
    page.fill("#id_login", "zhou")
    page.fill("#id_password", ADMIN)
    page.press("#id_password", "Enter")
    expect(page).to_have_url(re.compile("/2fa/"))
    page.goto(page.url.split("/accounts/")[0] + "/accounts/2fa/totp/activate/")
    secret = page.locator("code.user-select-all").inner_text()
    page.fill("#id_code", rules.totp(secret, int(time.time() // 30)))
    page.press("#id_code", "Enter")
    expect(page.locator(".fk-codes li")).to_have_count(10)
