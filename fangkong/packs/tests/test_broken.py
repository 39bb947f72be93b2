"""A broken pack is refused with its file, its table, its key and the cure."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from fangkong.packs import loader, queries
from fangkong.packs.types import PackError

WHOLE = """
[pack]
id = "xx-2020"
title_zh = "测试"
title_en = "Test"
jurisdiction = "XX"
valid_from = 2020-01-01
valid_to = 2020-12-31
version = "1"
status = "issued"
time_zone = "UTC"
note_zh = "无"
note_en = "None"

[[sources]]
code = "law"
title_zh = "法律"
title_en = "Law"

[[clauses]]
code = "one"
source = "law"
article = "1"
text_zh = "第一条"
text_en = "Article 1"

[[conditions]]
code = "cholera"
name_zh = "霍乱"
name_en = "Cholera"
icd10 = ["A00"]
class = "A"
clause = "one"

[[case_classes]]
code = "confirmed"
name_zh = "确诊"
name_en = "Confirmed"
clause = "one"

[[residence_relations]]
code = "here"
name_zh = "本地"
name_en = "From here"
lives = ["county"]
clause = "one"

[[report_clocks]]
code = "report"
name_zh = "报告"
name_en = "Report"
duty = "report"
trigger = "diagnosis"
hours = 2
who_zh = "医院"
who_en = "hospitals"
channel_zh = "网络"
channel_en = "network"
managed_as = ["A"]
clause = "one"

[moving_percentile]
years = 3
half_window = 2
block_days = 7
year_days = 364
percentile = 80
minimum_count = 3
signal_when = "above"
clause = "one"

[adaptive]
alpha = 0.0065
years = 3
guard_weeks = 1
minimum_count = 3
clause = "one"

[ears]
baseline_days = 7
gap_days = 2
threshold_c1 = 3
threshold_c2 = 3.0
threshold_c3 = 2.0
minimum_count = 1
clause = "one"

[load]
signals_per_county_week = 0.5
clause = "one"

[[place_rules]]
code = "village"
name_zh = "村3例"
name_en = "3 in a village"
place = "village"
days = 7
cases = 3
conditions = ["cholera"]
clause = "one"

[[count_definitions]]
code = "xx-count"
name_zh = "计数"
name_en = "Count"
purpose = "bulletin"
case_classes = ["confirmed"]
date_basis = "report"
clause = "one"

[[specimen_types]]
code = "swab"
name_zh = "拭子"
name_en = "Swab"
clause = "one"

[[specimen_types]]
code = "surface"
name_zh = "环境"
name_en = "Surface"
of_person = false
clause = "one"

[[test_methods]]
code = "pcr"
name_zh = "核酸"
name_en = "PCR"
targets = ["N"]
has_ct = true
clause = "one"

[[test_groups]]
code = "patients"
name_zh = "病人"
name_en = "Patients"
hours = 6
target_hours = 4
clause = "one"

[[test_groups]]
code = "everybody"
name_zh = "全员"
name_en = "Everybody"
hours = 24
screening = true
clause = "one"

[[pool_rules]]
code = "five"
name_zh = "5合1"
name_en = "Five in one"
size = 5
groups = ["everybody"]
specimens = ["swab"]
per_million = 1000
clause = "one"

[[test_judgements]]
code = "cholera-pcr"
name_zh = "核酸阳性"
name_en = "Positive PCR"
condition = "cholera"
methods = ["pcr"]
becomes = "confirmed"
clause = "one"

[[exposure_kinds]]
code = "lives-with"
name_zh = "同住"
name_en = "Lives with the case"
clause = "one"

[[exposure_kinds]]
code = "met"
name_zh = "见过"
name_en = "Met the case"
clause = "one"

[[contact_classes]]
code = "close"
name_zh = "密接"
name_en = "Close contact"
clause = "one"

[[contact_classes]]
code = "general"
name_zh = "一般接触"
name_en = "General contact"
clause = "one"

[[contact_windows]]
code = "early"
name_zh = "早期"
name_en = "Early"
condition = "cholera"
days_before = 2
days_after = 9
valid_to = 2020-06-30
clause = "one"

[[contact_windows]]
code = "late"
name_zh = "后期"
name_en = "Late"
condition = "cholera"
valid_from = 2020-07-01
judged = false
clause = "one"

[[contact_rules]]
code = "who-lives-with"
name_zh = "同住"
name_en = "Who lives with the case"
condition = "cholera"
contact_class = "close"
kinds = ["lives-with"]
valid_to = 2020-06-30
clause = "one"

[[contact_rules]]
code = "who-met"
name_zh = "见过"
name_en = "Who met the case"
condition = "cholera"
contact_class = "general"
kinds = ["met"]
valid_to = 2020-06-30
clause = "one"

[[watch_terms]]
code = "five-days"
name_zh = "5天"
name_en = "Five days"
condition = "cholera"
contact_class = "close"
valid_to = 2020-06-30
clause = "one"

[[watch_terms.phases]]
place = "central"
days = 5
visits = 2
tests = [1, 5]

[[watch_terms]]
code = "told"
name_zh = "告知"
name_en = "Told"
condition = "cholera"
contact_class = "general"
valid_to = 2020-06-30
clause = "one"

[[incubations]]
code = "longest"
name_zh = "潜伏期"
name_en = "Incubation"
condition = "cholera"
days = 5
clause = "one"

[[origin_tiers]]
code = "from-abroad"
name_zh = "境外"
name_en = "Abroad"
condition = "cholera"
counted_from = "leaving"
within_days = 5
areas = ["abroad"]
certificate_hours = 48
entry_tests = [24, 72]
clause = "one"

[[screening_questions]]
code = "left-on"
name_zh = "何日离开"
name_en = "When did you leave?"
asked = ["arrival"]
answer = "day"
known = "stay"
clause = "one"
"""

PERIODS = """
clause = "one"
[[conditions.periods]]
valid_from = 2020-01-01
valid_to = 2020-02-01
class = "A"
clause = "one"
[[conditions.periods]]
valid_from = 2020-02-03
class = "B"
clause = "one"
"""


def write(folder: Path, text: str, name: str = "xx.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_whole_pack_is_read(tmp_path):
    (pack,) = loader.load([write(tmp_path, WHOLE)])
    assert (pack.id, pack.file, pack.warning.ears.threshold_c1) == ("xx-2020", "xx.toml", 3.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("county_week = 0.5", "county_week = 0", 'load, key "signals_per_county_week": 0 is not'),
        ('place = "village"', 'place = "moon"', "unknown 'moon'; use one of school, village"),
        ('place = "village"', 'place = "school"', '(village), key "occupations": missing; write'),
        ("cases = 3", "cases = 0", '(village), key "cases": 0 is not a whole number'),
        ("cases = 3", 'cases = 3\noccupations = ["clown"]', "'clown' is not in occupations"),
        ('["cholera"]\nclause', '["flu"]\nclause', "'flu' is not in conditions; add it there"),
        ('title_en = "Test"\n', "", 'xx.toml, pack, key "title_en": missing; add'),
        ('version = "1"', "version = 1", 'pack, key "version": 1 is not a text in quotation'),
        ('version = "1"', 'version = " "', 'pack, key "version": is empty'),
        ('jurisdiction = "XX"', 'jurisdiction = "xx"', 'key "jurisdiction": \'xx\' is not "*"'),
        ('status = "issued"', 'status = "new"', "unknown 'new'; use one of draft, issued"),
        ('time_zone = "UTC"', 'time_zone = "Mars/Olympus"', "'Mars/Olympus' is not known"),
        ("2020-12-31", "2019-12-31", "2019-12-31 is before valid_from 2020-01-01; swap"),
        ("= 2020-01-01", '= "2020-01-01"', "is not a day without quotation marks"),
        ("= 2020-01-01", "= 2020-01-01T00:00:00", "is not a day without quotation marks"),
        ('class = "A"', 'class = "D"', "(cholera), key \"class\": unknown 'D'; use one of A, B, C"),
        ('["A00"]', '["cholera"]', "'cholera' is not an ICD-10 code"),
        ('["A00"]', '"A00"', "'A00' is not a list of texts"),
        ('["A00"]', '["A00", "A00"]', "says one thing twice"),
        ('code = "cholera"', 'code = "Cholera!"', "'Cholera!' is not a code; use a-z"),
        ('class = "A"', 'clas = "A"', '(cholera), key "class": missing'),
        ('class = "A"', 'class = "A"\ncolour = "red"', 'key "colour": unknown; correct the spel'),
        ('source = "law"\n', "", 'clauses[1] (one), key "source": missing; add'),
        ('source = "law"', 'source = "laws"', "no [[sources]] row 'laws'; add it"),
        ('class = "A"\nclause = "one"', 'class = "A"', '(cholera), key "clause": missing'),
        ('class = "A"\nclause = "one"', 'class = "A"\nclause = "two"', "no [[clauses]] row 'two'"),
        ("hours = 2", "hours = 0", '(report), key "hours": 0 is not a whole number of at least 1'),
        ("hours = 2", "hours = 2.5", "2.5 is not a whole number of at least 1"),
        ("hours = 2", "hours = true", "True is not a whole number"),
        ('managed_as = ["A"]', 'managed_as = ["D"]', "key \"managed_as\": unknown 'D'; use one"),
        ('managed_as = ["A"]', 'conditions = ["flu"]', "'flu' is not in conditions; add it there"),
        (
            'case_classes = ["confirmed"]',
            'case_classes = ["sure"]',
            "'sure' is not in case_classes",
        ),
        ('case_classes = ["confirmed"]', "", "say which case classes are counted"),
        ('lives = ["county"]', 'lives = ["next door"]', "unknown 'next door'; use some of county"),
        ('lives = ["county"]\n', "", 'residence_relations[1] (here), key "lives": missing; write'),
        ("percentile = 80", "percentile = 100", "at least 1 and at most 99"),
        ("alpha = 0.0065", "alpha = 1.5", "must lie between 0 and 1"),
        ("guard_weeks = 1", "guard_weeks = 53", "at least 0 and at most 52"),
        ("threshold_c1 = 3", "threshold_c1 = 0", "0 is not a number above 0"),
        ("target_hours = 4", "target_hours = 7", "7 is not a whole number of at least 1 and at"),
        (
            'targets = ["N"]\n',
            "",
            'test_methods[1] (pcr), key "targets": missing; name the targets',
        ),
        (
            'has_ct = true\nclause = "one"',
            'has_ct = true\nclause = "one"\n[[test_methods.targets_of]]\ncondition = "flu"\n'
            'targets = ["M"]',
            "'flu' is not in conditions",
        ),
        (
            'has_ct = true\nclause = "one"',
            'has_ct = true\nclause = "one"\n[[test_methods.targets_of]]\ncondition = "cholera"',
            'key "targets": missing; name the targets of this disease',
        ),
        ("size = 5", "size = 1", "1 is not a whole number of at least 2"),
        ('["everybody"]', '["patients"]', "'patients' is not in test_groups with screening = true"),
        ('["everybody"]', "[]", "a pool is never for everybody and everything"),
        ('specimens = ["swab"]', 'specimens = ["surface"]', "not in specimen_types of persons"),
        ('methods = ["pcr"]', 'methods = ["look"]', "'look' is not in test_methods"),
        ('methods = ["pcr"]\n', "", "say which methods are proof"),
        ('condition = "cholera"', 'condition = "flu"', "'flu' is not in conditions"),
        ('becomes = "confirmed"', 'becomes = "sure"', "unknown 'sure'; use one of confirmed"),
        ("days_before = 2", "days_before = -1", '(early), key "days_before": -1 is not a whole'),
        ("days_before = 2\n", "", '(early), key "days_before": missing; add'),
        ("judged = false", "judged = false\ndays_before = 2", 'key "days_before": unknown'),
        ("2020-07-01", "2020-07-03", "'early' ends on 2020-06-30 and this begins on 2020-07-03"),
        ("2020-07-01", "2020-06-30", "2020-06-30 is still covered by 'early' (to 2020-06-30)"),
        ("days_after = 9\nvalid_to = 2020-06-30", "", "covered by 'early' (to without an end)"),
        ('kinds = ["lives-with"]', 'kinds = ["lived"]', "'lived' is not in exposure_kinds; add it"),
        ('kinds = ["lives-with"]', "kinds = []", "say which kinds of exposure make this class"),
        ('kinds = ["met"]', 'kinds = ["met", "lives-with"]', "still covered by 'who-lives-with'"),
        (
            'contact_class = "close"',
            'contact_class = "near"',
            "unknown 'near'; use one of close, g",
        ),
        (
            'contact_class = "close"\nkinds',
            'contact_class = "close"\nto = "friend"\nkinds',
            "unknown 'friend'; use one of case, contact",
        ),
        (
            'kinds = ["lives-with"]\nvalid_to = 2020-06-30',
            'kinds = ["lives-with"]',
            "on 2020-07-01 no contact of 'cholera' is judged; add it, or correct the days",
        ),
        ("judged = false", "days_before = 2", "on 2020-07-01 no [[contact_rules]] says who is"),
        (
            'contact_class = "general"\nvalid_to = 2020-06-30',
            'contact_class = "general"\nvalid_to = 2020-05-31',
            "(who-met), key \"valid_from\": on 2020-06-01 'general' has no [[watch_terms]] row",
        ),
        ('place = "central"', 'place = "hotel"', "watch_terms[1] (five-days).phases[1]"),
        ("tests = [1, 5]", "tests = [1, 6]", "rising whole numbers from 1 to 5"),
        ("tests = [1, 5]", "tests = [5, 1]", "[5, 1] does not rise; write each once, the smallest"),
        ("tests = [1, 5]", "tests = [1, true]", "rising whole numbers from 1 to 5"),
        ("days = 5\nclause", "days = 0\nclause", '(longest), key "days": 0 is not a whole number'),
        ('areas = ["abroad"]', 'areas = ["moon"]', "'moon' is not the beginning of an area code"),
        (
            'areas = ["abroad"]',
            'areas = ["abroad"]\neverybody = true',
            "for everybody has no areas",
        ),
        ('"leaving"', '"exposure"', "unknown 'exposure'; use one of leaving, arriving"),
        ("within_days = 5\n", "", '(from-abroad), key "within_days": missing'),
        ('asked = ["arrival"]', 'asked = ["doctor"]', "unknown 'doctor'; use some of contact, arr"),
        (
            'asked = ["arrival"]\n',
            "",
            'screening_questions[1] (left-on), key "asked": missing; say',
        ),
        ('answer = "day"', 'answer = "poem"', "unknown 'poem'; use one of words, day"),
        ('known = "stay"', 'known = "all"', "unknown 'all'; use one of person"),
        ("[ears]", "[earss]", 'the file, key "earss": unknown'),
        ("[[sources]]", "[sources]", "sources: this must be a list; write [[sources]]"),
        ('class = "A"\nclause = "one"', PERIODS, "must follow each other day by day"),
        ('class = "A"\n', 'class = "A"\n[[', "xx.toml: not a TOML file"),
        ("[[sources]]", "[drop]\nsources = []\n[[sources]]", 'key "extends": missing; [drop]'),
        ('version = "1"', 'version = "1"\nextends = "yy"', "there is no pack 'yy'; known: xx-2020"),
        (
            'version = "1"',
            'version = "1"\nreplaces = "yy"',
            "there is no pack 'yy'; known: xx-2020",
        ),
        ('version = "1"', 'version = "1"\nextends = "xx-2020"', "break the circle"),
    ],
)
def test_a_broken_pack_is_refused_with_its_place_and_the_cure(tmp_path, old, new, said):
    assert old in WHOLE
    with pytest.raises(PackError) as refused:
        loader.load([write(tmp_path, WHOLE.replace(old, new, 1))])
    assert said in str(refused.value)
    assert str(refused.value).startswith("xx.toml")


@pytest.mark.parametrize(
    ("late", "said"),
    [
        ("[[report_clocks.late]]\nhours = 0\n", "hours"),
        ('[[report_clocks.late]]\nhours = 2\nclause = "two"\n', "there is no [[clauses]] row"),
        ('[[report_clocks.late]]\nhours = 2\nclause = "one"\n' * 2, "twice"),
    ],
)
def test_what_follows_a_late_review_is_checked_too(tmp_path, late, said):
    head, clock, rest = WHOLE.partition("[[report_clocks]]")
    fields, gap, others = rest.partition("\n\n")
    with pytest.raises(PackError) as refused:
        loader.load([write(tmp_path, f"{head}{clock}{fields}\n{late}{gap}{others}")])
    assert said in str(refused.value)


def test_a_code_may_be_used_once(tmp_path):
    row = WHOLE[WHOLE.index("[[conditions]]") : WHOLE.index("[[case_classes]]")]
    with pytest.raises(PackError, match=r"conditions\[2\] \(cholera\).*'cholera' is used twice"):
        loader.load([write(tmp_path, WHOLE + row)])


def test_a_subtype_may_not_share_the_code_of_a_condition(tmp_path):
    form = '[[conditions.subtypes]]\ncode = "cholera"\nname_zh = "型"\nname_en = "Form"\n'
    text = WHOLE.replace("[[case_classes]]", form + "[[case_classes]]")
    with pytest.raises(PackError, match="'cholera' is used twice"):
        loader.load([write(tmp_path, text)])


def next_pack(first_day: str, status: str = "issued") -> str:
    text = WHOLE.replace("xx-2020", "xx-next").replace("2020-01-01", first_day)
    return text.replace("valid_to = 2020-12-31\n", "").replace('"issued"', f'"{status}"')


def test_two_packs_of_one_place_may_not_hold_on_one_day(tmp_path):
    write(tmp_path, WHOLE)
    write(tmp_path, next_pack("2020-12-31"), "yy.toml")
    with pytest.raises(PackError) as refused:
        loader.load([tmp_path])
    assert 'yy.toml, pack, key "valid_from": 2020-12-31 is still covered by xx-2020' in str(
        refused.value
    )


@pytest.mark.parametrize(("day", "status"), [("2021-01-01", "issued"), ("2020-12-31", "draft")])
def test_a_pack_may_follow_the_next_day_and_a_draft_may_overlap(tmp_path, day, status):
    write(tmp_path, WHOLE)
    write(tmp_path, next_pack(day, status), "yy.toml")
    assert len(loader.load([tmp_path])) == 2


def test_two_files_may_not_share_an_id(tmp_path):
    write(tmp_path, WHOLE)
    write(tmp_path, WHOLE, "yy.toml")
    with pytest.raises(PackError, match=r"yy.toml.*'xx-2020' is also the id in xx.toml"):
        loader.load([tmp_path])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PackError, match="there is no such folder of rule packs"):
        loader.load([tmp_path / "nowhere"])


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "xx.toml").write_bytes(WHOLE.encode("gb18030"))
    with pytest.raises(PackError, match=r"xx.toml: not UTF-8; save the file as UTF-8"):
        loader.load([tmp_path])


def test_a_province_may_extend_the_national_pack_with_one_disease_of_its_own(tmp_path):
    header = WHOLE[: WHOLE.index("[[conditions]]")]
    header = header.replace("xx-2020", "cn-51-2020").replace('"XX"', '"CN-51"')
    header = header.replace('version = "1"', 'version = "1"\nextends = "cn-2020-01"')
    own = (
        '[[conditions]]\ncode = "chickenpox"\nname_zh = "水痘"\nname_en = "Chickenpox"\n'
        'icd10 = ["B01"]\nclass = "C"\nclause = "one"\n'
    )
    write(tmp_path, header.replace("2020-01-01", "2020-01-20") + own)
    day = date(2020, 2, 5)

    daofu = queries.in_force("513326", day, folder=tmp_path)
    chengdu_next_year = queries.in_force("510104", date(2021, 2, 5), folder=tmp_path)
    wuhan = queries.in_force("420106", day, folder=tmp_path)

    assert (daofu.id, chengdu_next_year.id, wuhan.id) == ("cn-51-2020", "cn-2020-01", "cn-2020-01")
    assert queries.managed_as(daofu, "chickenpox", day) == "C"
    assert queries.managed_as(wuhan, "chickenpox", day) == "other"
    assert queries.managed_as(daofu, "covid-19", day) == "A"


def test_what_is_dropped_must_be_there_to_drop(tmp_path):
    shutil.copytree(loader.SHIPPED, tmp_path / "packs")
    path = tmp_path / "packs" / "cn-2025-09.toml"
    text = path.read_text(encoding="utf-8").replace('"avian-influenza", ', '"bird-flu", ', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PackError, match="the extended pack has no row 'bird-flu'"):
        loader.load([tmp_path / "packs"])


def test_all_rows_of_a_section_may_be_dropped_at_once_and_none_of_one_that_is_kept(tmp_path):
    header = WHOLE[: WHOLE.index("[[conditions]]")]
    header = header.replace("xx-2020", "yy-2020").replace('"XX"', '"YY"')
    header = header.replace('version = "1"', 'version = "1"\nextends = "xx-2020"')
    write(tmp_path, WHOLE)
    write(tmp_path, header + '[drop]\norigin_tiers = ["*"]\n', "yy.toml")
    heir = {pack.id: pack for pack in loader.load([tmp_path])}["yy-2020"]
    assert heir.screening.tiers == ()
    assert [row.code for row in heir.screening.questions] == ["left-on"]


def test_lines_of_other_days_than_those_of_the_pack_are_no_lines_of_it(tmp_path):
    text = WHOLE.replace("valid_from = 2020-01-01", "valid_from = 2020-07-01", 1)
    (pack,) = loader.load([write(tmp_path, text)])
    assert [row.code for row in pack.screening.windows] == ["late"]
    assert (pack.screening.rules, pack.screening.kinds, pack.screening.classes) == ((), (), ())


def test_the_environment_may_name_a_folder_of_own_packs(tmp_path, monkeypatch):
    monkeypatch.setenv("FANGKONG_PACKS", str(write(tmp_path, WHOLE)))
    assert queries.pack("xx-2020").jurisdiction == "XX"
    monkeypatch.delenv("FANGKONG_PACKS")
    assert "xx-2020" not in {pack.id for pack in queries.all_packs()}
