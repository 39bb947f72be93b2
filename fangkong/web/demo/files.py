"""The cards of a day as files to import: CSV in two encodings, XLSX. No Django."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from fangkong.packs.types import Text

from . import history, invented, rules, transactions
from .invented import Invented

HEADINGS = (
    "姓名",
    "证件类型",
    "有效证件号",
    "性别",
    "出生日期",
    "工作单位",
    "联系电话",
    "病人属于",
    "现住址",
    "人群分类",
    "病例分类",
    "疾病名称",
    "发病日期",
    "诊断时间",
    "严重程度",
    "感染来源",
    "旅居史",
    "报告单位",
    "填卡医生",
    "填卡日期",
    "备注",
)
_CLASSES = {
    "confirmed": "确诊病例",
    "suspected": "疑似病例",
    "asymptomatic": "阳性检测（无症状感染者）",
}
_SEVERITIES = {
    "mild": "轻型",
    "ordinary": "普通型",
    "severe": "重型",
    "critical": "危重型",
    "asymptomatic": "无症状",
    "": "",
}
_ORIGINS = {"import": "输入", "local": "本地", "unknown": "不详"}
_OCCUPATIONS = {
    "child-at-home": "散居儿童",
    "student": "学生",
    "retired": "离退人员",
    "herder": "牧民",
    "farmer": "农民",
    "commerce": "商业服务",
    "office-worker": "干部职员",
    "migrant-worker": "民工",
}


@dataclass(frozen=True)
class DemoFile:
    """One file to download: its name, what it shows, and its bytes."""

    name: str
    about: Text
    content_type: str
    data: bytes


def of_day(day: date, now: datetime) -> list[DemoFile]:
    """Every file of a day, the plain one of the first county first. Same hour, same bytes."""
    told = history.read()
    return [
        file
        for county in rules.counties_of_files(told, day)
        for file in _of_county(county, day, now)
    ]


def every(day: date, now: datetime) -> list[DemoFile]:
    """The files of a day, and the transactions of supplies of early 2020."""
    about = Text(
        zh=f"{len(transactions.ROWS)} 笔物资收发，按报道原样：他州的、品名不明的会被退回",
        en=f"{len(transactions.ROWS)} transactions of supplies as printed: those of other"
        " prefectures and without an exact item are refused",
    )
    return [
        *of_day(day, now),
        DemoFile("supplies-2020.csv", about, "text/csv", transactions.as_csv()),
    ]


def _of_county(county: str, day: date, now: datetime) -> list[DemoFile]:
    cards = invented.for_import(county, day, now)
    rows = [row(card) for card in cards]
    stem = f"{history.read().counties[county].file}-{day.isoformat()}"
    faulty = row(broken(cards[0]))
    plain, kinds = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    confirmed = sum(card.case_class == invented.CONFIRMED for card in cards)
    others = len(cards) - confirmed
    about = Text(
        zh=f"{len(cards)} 张报告卡：确诊 {confirmed} 例（与真实数字相同），"
        f"另有虚构的疑似或无症状 {others} 例",
        en=f"{len(cards)} cards: {confirmed} confirmed (the true number), {others} suspected or "
        "without symptoms (made up)",
    )
    return [
        DemoFile(f"{stem}.csv", about, plain, as_csv(rows, "utf-8-sig")),
        DemoFile(
            f"{stem}-gb18030.csv",
            Text(zh="同上，GB18030 编码", en="The same in GB18030"),
            plain,
            as_csv(rows, "gb18030"),
        ),
        DemoFile(
            f"{stem}.xlsx",
            Text(zh="同上，XLSX 工作簿", en="The same as an XLSX workbook"),
            kinds,
            as_xlsx(rows),
        ),
        DemoFile(
            f"{stem}-with-errors.csv",
            Text(
                zh="同上，另加一行有错：证件号校验码不符，且发病晚于诊断",
                en="The same and one faulty row: a document number that does not check, and an "
                "onset after the diagnosis",
            ),
            plain,
            as_csv([*rows, faulty], "utf-8-sig"),
        ),
    ]


def row(card: Invented) -> list[str]:
    """A card in the order of the headings."""
    return [
        card.name,
        "居民身份证",
        card.id_number,
        "男" if card.sex == invented.MALE else "女",
        card.birth_date.isoformat(),
        card.workplace,
        card.phone,
        "本县区",
        card.address,
        _OCCUPATIONS[card.occupation],
        _CLASSES[card.case_class],
        "新型冠状病毒感染的肺炎",
        card.onset_date.isoformat() if card.onset_date else "",
        f"{card.diagnosed_at:%Y-%m-%d %H:%M}",
        _SEVERITIES[card.severity],
        _ORIGINS[card.origin],
        card.origin_place,
        card.county.hospital,
        card.doctor,
        f"{card.diagnosed_at:%Y-%m-%d}",
        "演示用虚构病例",
    ]


def broken(card: Invented) -> Invented:
    """The card with two faults that an import must name."""
    last = card.id_number[-1]
    return replace(
        card,
        id_number=card.id_number[:-1] + ("1" if last != "1" else "2"),
        onset_date=card.diagnosed_at.date() + timedelta(days=1),
    )


def as_csv(rows: Sequence[Sequence[str]], encoding: str) -> bytes:
    """Comma-separated lines with the headings first."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADINGS, *rows])
    return out.getvalue().encode(encoding)


def as_xlsx(rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook of texts, so that no spreadsheet cuts off the digits of a number."""
    import xlsxwriter  # as in core.pages.export: only where an Excel file is written

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": datetime(2020, 1, 1)})  # noqa: DTZ001  # XLSX knows no zones
    sheet = book.add_worksheet("报告卡")
    for number, cells in enumerate([HEADINGS, *rows]):
        for column, cell in enumerate(cells):
            sheet.write_string(number, column, cell)
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()
