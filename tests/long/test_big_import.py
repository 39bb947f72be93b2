"""A file of 30,000 cards, as a province might send it: every card once, however often it comes."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from fangkong.core.imports import actions as kit
from fangkong.core.queue import queries as queue
from fangkong.people.rules import check_digit
from fangkong.surveillance.monitoring import imports, queries
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests.factories import AT, World

pytestmark = [pytest.mark.long, pytest.mark.django_db]

CARDS = 30_000


def file_of(cards: int) -> imports.FileContent:
    """Cards of invented people, born on different days so that each number is its own."""
    text = io.StringIO()
    writer = csv.writer(text)
    headings = ["姓名", "有效证件号", "现住址", "病人属于", "人群分类"]
    writer.writerow([*headings, "病例分类", "疾病名称", "诊断时间", "填卡医生"])
    born = AT.date().replace(year=1930)
    for n in range(cards):
        first = f"513326{born + timedelta(days=n % 9000):%Y%m%d}{n // 9000:03d}"
        row = [
            f"扎西{'一二三四五六七八九十'[n % 10]}",
            first + check_digit(first),
            "道孚县鲜水镇",
            "本县区",
            "牧民",
            "临床诊断病例",
        ]
        writer.writerow([*row, "流行性感冒", "2020-02-04 10:00", "王医生"])
    return imports.FileContent(text.getvalue().encode("gb18030"))


def imported(world: World):
    batch = imports.upload(
        content=file_of(CARDS),
        file_name="cards.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=AT,
    )
    kit.check(run=batch, by=world.daofu_cdc, at=AT)
    batch.refresh_from_db()
    return batch


def test_every_card_of_a_big_file_is_entered_once_and_known_the_next_time():
    world = World()
    batch = imported(world)
    assert (batch.ok, batch.errors) == (CARDS, 0)
    assert queue.latest_about(kit.CHECK, batch.pk) is not None  # large files go to the queue

    kit.confirm(run=batch, by=world.daofu_cdc, at=AT)
    batch.refresh_from_db()
    kit.enter(run=batch, at=AT)

    assert Case.objects.count() == CARDS
    assert queries.check_counts().right
    again = imported(world)
    assert (again.ok, again.known) == (0, CARDS)
