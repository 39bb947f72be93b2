"""Transactions of supplies in Ganzi and its peers, early 2020, as they were printed.

Facts from public reports; where each was read stands with it. The keeper of the demonstration can
import them: those of other prefectures, and those that name no item exactly, are refused.
"""

from __future__ import annotations

import csv
import io

HEAD = (
    "date", "type", "item", "qty", "unit", "from_party", "to_party", "channel", "source",
)  # fmt: skip
KBC_1 = "康巴传媒网2020-02-04报道（转载）"
KBC_2 = "康巴传媒网2020-02报道（转载）"
NOTED = "网页汇编，无地址"
QINGYANG = "青羊区报道（转载）"
APPEAL = "医院求援视频，2020-02-07报道引用"
CNS = "中国新闻网2020-01-27报道（转载）"
XGLL = "香格里拉网2020-02-04"
ZHOUKOU = "周口市红十字会公示第1345号"

ROWS: tuple[tuple[str, ...], ...] = (
    (
        "2020-02-02",
        "receipt",
        "一次性医用口罩",
        "4200",
        "只",
        "州商务合作局(捐赠物资,第一批)",
        "州卫健委统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-02",
        "receipt",
        "75%医用酒精",
        "200000",
        "毫升",
        "州商务合作局(捐赠物资,第一批)",
        "州卫健委统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-03",
        "receipt",
        "医用防护服",
        "200",
        "套",
        "州商务合作局(捐赠物资,第二批)",
        "州经信局、州医院等统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-03",
        "receipt",
        "一次性医用口罩",
        "3000",
        "只",
        "州商务合作局(捐赠物资,第二批)",
        "州经信局、州医院等统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-03",
        "receipt",
        "75%医用酒精",
        "10",
        "桶(10升)",
        "州商务合作局(捐赠物资,第二批)",
        "州经信局、州医院等统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-03",
        "receipt",
        "医用84消毒液",
        "15",
        "桶(10升)",
        "州商务合作局(捐赠物资,第二批)",
        "州经信局、州医院等统一调拨",
        "donation",
        KBC_1,
    ),
    (
        "2020-02-13",
        "receipt",
        "疫情防控资金",
        "600000",
        "元",
        "玉树州委、州政府",
        "甘孜州",
        "donation",
        KBC_2,
    ),
    (
        "2020-02-13",
        "receipt",
        "消毒液",
        "20",
        "吨",
        "玉树州委、州政府",
        "甘孜州",
        "donation",
        KBC_2,
    ),
    (
        "2020-02-13",
        "receipt",
        "冬虫夏草",
        "60",
        "盒",
        "玉树州委、州政府",
        "甘孜州",
        "donation",
        KBC_2,
    ),
    (
        "2020-02-17",
        "dispatch",
        "口罩",
        "8600",
        "个",
        "州委老干局成都联络站退休干部",
        "道孚县",
        "donation",
        NOTED,
    ),
    (
        "2020-02-21",
        "dispatch",
        "医用口罩",
        "5000",
        "个",
        "成都市青羊区",
        "得荣县",
        "counterpart support",
        QINGYANG,
    ),
    (
        "2020-02-21",
        "dispatch",
        "84消毒液",
        "3.8",
        "吨",
        "成都市青羊区",
        "得荣县",
        "counterpart support",
        QINGYANG,
    ),
    ("2020-02-06", "stock", "防护服", "13", "套", "", "甘孜州人民医院", "stock report", APPEAL),
    ("2020-02-06", "stock", "N95口罩", "60", "个", "", "甘孜州人民医院", "stock report", APPEAL),
    ("2020-01-27", "stock", "N95口罩", "80", "个", "", "武汉市第七医院", "stock report", CNS),
    (
        "2020-02-02",
        "receipt",
        "医用一次性口罩",
        "200",
        "个",
        "迪庆康诺商贸",
        "迪庆州红十字会",
        "donation",
        XGLL,
    ),
    (
        "2020-02-02",
        "receipt",
        "检查用手套",
        "1000",
        "双",
        "迪庆康诺商贸",
        "迪庆州红十字会",
        "donation",
        XGLL,
    ),
    (
        "2020-02-02",
        "receipt",
        "含消毒泡腾片",
        "20",
        "瓶",
        "迪庆康诺商贸",
        "迪庆州红十字会",
        "donation",
        XGLL,
    ),
    (
        "2020-02-02",
        "receipt",
        "资金",
        "1000000",
        "元",
        "噶丹·松赞林寺",
        "迪庆州红十字会",
        "donation",
        XGLL,
    ),
    (
        "2020-02-03",
        "receipt",
        "一次性医用口罩",
        "36000",
        "个",
        "社会捐赠(4批次)",
        "周口市红十字会",
        "donation",
        ZHOUKOU,
    ),
)


def as_csv() -> bytes:
    """The rows as a file to import."""
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *ROWS])
    return text.getvalue().encode()
