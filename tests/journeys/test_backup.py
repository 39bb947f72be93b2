"""A record made in the browser is there again after backup, loss and restore."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demonstration, Visit, shot, sign_in
from tests.journeys.server import Server, command, free_port, serving, wait_until_ready

TITLE = "检查卡口的消毒用品"


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    """An installation of its own: it is lost and restored."""
    data = tmp_path_factory.mktemp("backup")
    with serving(data, demonstration(data)) as running:
        yield running


def fangkong(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        command(*words), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_a_task(page: Page) -> None:
    page.goto("/tasks/new/")
    page.fill("[name=text]", TITLE)
    page.fill("[name=due_at]", "2020-02-07T12:00")
    for field in page.locator("main form select").all():
        if not field.input_value():
            field.select_option(index=1)
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text(TITLE)
    expect(page).not_to_have_url(re.compile("/new/"))


def test_what_was_made_in_the_browser_is_there_after_a_restore(
    visit: Visit, server: Server, tmp_path: Path, new_database: Callable[[], str], browser
) -> None:
    make_a_task(visit("hq"))
    (tmp_path / "backups").mkdir()
    fangkong(server.environment, "backup-key", str(tmp_path / "key"))
    said = fangkong(
        server.environment,
        *("backup", "--to", str(tmp_path / "backups"), "--key", str(tmp_path / "key.pub")),
    )
    assert "proven" in said
    administrator = visit("admin")
    administrator.goto("/watch/")
    expect(administrator.locator("#backups")).to_be_visible()
    shot(administrator, "watch-zh")

    elsewhere, port = tmp_path / "elsewhere", free_port()
    elsewhere.mkdir()
    for kept_apart in ("secret.key", "keys.json"):
        shutil.copy(server.data / kept_apart, elsewhere)
    environment = {
        **server.environment,
        "FANGKONG_DATA": str(elsewhere),
        "FANGKONG_PORT": str(port),
        "DATABASE_URL": new_database(),
    }
    (file,) = (tmp_path / "backups").iterdir()
    fangkong(environment, "restore", str(file), "--key", str(tmp_path / "key"))

    log = (elsewhere / "server.log").open("wb")
    again = subprocess.Popen(command("run"), env=environment, stdout=log, stderr=log)
    try:
        url = f"http://localhost:{port}"
        wait_until_ready(url, again, elsewhere / "server.log")
        page = browser.new_page(base_url=url, locale="zh-CN")
        sign_in(page, "hq")
        page.goto("/tasks/")
        expect(page.locator("main")).to_contain_text(TITLE)
        page.close()
    finally:
        again.terminate()
        again.wait(30)
        log.close()
