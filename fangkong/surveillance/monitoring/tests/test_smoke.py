from .factories import *
from fangkong.surveillance.monitoring import imports, queries
from fangkong.surveillance.monitoring.models import *
from django.db import connection
from django.test.utils import CaptureQueriesContext


def test_smoke(world):
    c = case(world)
    with CaptureQueriesContext(
        connection,
    ) as q:
        c2 = case(world, 2)
    for x in q.captured_queries:
        print(x["sql"][:160])
    print(len(q), c.number, c2.number, c.report_due_at, c.review_due_at)
    assert queries.check_counts().right
    text = (
        "姓名,有效证件号,现住址,病例分类,疾病名称,诊断时间,发病日期\n扎西,%s,道孚县鲜水镇团结社区3号,确诊病例,新冠肺炎,2020-2-5 8:00,2020/2/1\n李四,,天上人间,确诊,新冠,2020-2-9,x\n"
        % id_number(77)
    )
    b = imports.upload(
        content=imports.FileContent(text.encode("gb18030")),
        file_name="a.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=AT,
    )
    for r in queries.rows_of(b):
        print(r.line, r.outcome, r.reasons)
    b = imports.confirm_import(batch=b, by=world.daofu_cdc, at=AT)
    b = imports.import_rows(batch=b, at=AT)
    print(b.state, b.ok, b.errors, b.known, b.imported)
    print(queries.totals(world.headquarters, AT))
    print(queries.series(last=AT.date(), days=7))
