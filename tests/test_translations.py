"""tools/translations.py finds each text under the key that Django looks up when it draws a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template import Context, Engine
from django.utils import translation

from tools import translations

PAGE = """{% load i18n %}{# Translators: seen by nobody #}
<h1>{% translate "Open cases" %}</h1>
{% trans 'It said "no"' %} {% translate "100% sure" %}
{% translate "May" context "a month" %} {% translate "May" context "a permission" %}
{% translate "Later" as later %}{{ later }} {{ _("Shown") }} {{ nothing|default:_("Nobody") }}
{% with word=_("Word") %}{{ word }}{% endwith %}
  {% blocktranslate %}Reported by {{ who }} at 5% of sites{% endblocktranslate %}
{% blocktranslate trimmed %}
    Two lines
    become one, {{ who }}.
{% endblocktranslate %}
{% blocktranslate %}
Kept
  as written
{% endblocktranslate %}
{% blocktranslate count n=n %}{{ n }} case{% plural %}{{ n }} cases{% endblocktranslate %}
{% blocktranslate trimmed count n=n context "of a list" %}
  one card
{% plural %}
  {{ n }} cards
{% endblocktranslate %}
{% blocktranslate with who=who|upper context "loud" %}Hear {{ who }}!{% endblocktranslate %}
"""
TEXTS = 15

PYTHON = """
from django.utils import translation
from django.utils.translation import gettext as _now, gettext_lazy as _, npgettext, pgettext_lazy

A = _("Long texts " "are joined")
B = pgettext_lazy("a drug", "Dose")
def c(n):
    return npgettext("of stock", "%(n)d box", "%(n)d boxes", n) % {"n": n}
D = translation.gettext("By module")
def e(name):
    return _now("Hello %(name)s") % {"name": name}
def f(_):
    return print("Not a text")
"""


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("写一句话说明,审计员会查看。", "写一句话说明，审计员会查看。"),
        ("您还在吗?", "您还在吗？"),
        ("请运行:fangkong backup", "请运行：fangkong backup"),
        ("所有会话(包括当前会话)将结束", "所有会话（包括当前会话）将结束"),
        ("标识(sub)", "标识（sub）"),
        ("%(said)s,未启用", "%(said)s，未启用"),
        ("共 {n} 行, 其余不读; 完!", "共 {n} 行，其余不读；完！"),
    ],
)
def test_ascii_signs_beside_chinese_are_refused(written, wanted):
    assert translations.full_width(written) == wanted
    assert translations.full_width(wanted) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "时间 12:30 至 13:00",
        "例如 2020-02-05T09:00+08:00。",
        "共 %(count)d 个，{a[b]:,} 元",
        "见 https://example.org/a?b=c,d 一页",
        '<a href="/x?y=1">打开</a>',
        "快捷键“?”和“/”",
        "CSV, XLSX (Excel) 均可",
        "运行 `a(b):c`",
        "Only English, (as it is): yes?",
    ],
)
def test_times_codes_addresses_and_values_keep_their_signs(text):
    assert translations.full_width(text) == text


def test_a_translation_with_ascii_signs_fails_the_check(product):
    page = product / "room" / "templates" / "page.html"
    page.parent.mkdir(parents=True)
    (product / "room" / "__init__.py").touch()
    page.write_text('{% load i18n %}{% translate "Are you there?" %}', "utf-8")
    entry = '#: room/templates/page.html\nmsgid "Are you there?"\nmsgstr "%s"\n'
    catalogue = translations.catalogue_of(product / "room")
    catalogue.parent.mkdir(parents=True)

    catalogue.write_text(translations.HEADER + entry % "您还在吗?", "utf-8")
    (problem,) = translations.problems()
    assert "Chinese takes its own signs: “您还在吗？”" in problem

    catalogue.write_text(translations.HEADER + entry % "您还在吗？", "utf-8")
    assert translations.problems() == []


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty product; the tool works on it."""
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "PRODUCT", tmp_path)
    return tmp_path


def room(product: Path, name: str, **files: str) -> Path:
    """A room with these files: page is a template, code a module, po its catalogue."""
    folder = product / name
    places = {
        "page": folder / "templates" / name / "page.html",
        "code": folder / "code.py",
        "po": translations.catalogue_of(folder),
    }
    for kind, text in files.items():
        places[kind].parent.mkdir(parents=True, exist_ok=True)
        places[kind].write_text(text, "utf-8")
    (folder / "__init__.py").touch()
    return folder


def translate_all(folder: Path) -> None:
    """Fill the catalogue: every text in brackets, with its plural as its translation."""
    path = translations.catalogue_of(folder)
    texts = translations.texts_of(folder)
    entries = translations.read(path)
    for (context, singular), text in texts.items():
        entry = entries[(context, singular)]
        string = f"⟦{text.plural or singular}⟧"
        # gettext wants both ends of a text to have the same line break.
        if singular.startswith("\n"):
            string = f"\n⟦{singular[1:-1]}⟧\n"
        entry.string = (string,) if text.plural else string
    translations.write(path, texts, entries)


def test_every_text_of_a_page_is_found_under_the_key_that_django_looks_up(product, settings):
    ward = room(product, "ward", page=PAGE)
    translations.update()
    translate_all(ward)
    translations.compile_all()
    settings.LOCALE_PATHS = [str(ward / "locale")]  # Django forgets what it had read before

    page = Engine(libraries={"i18n": "django.templatetags.i18n"}).from_string(PAGE)
    with translation.override("zh-hans"):
        drawn = page.render(Context({"who": "li", "n": 3, "nothing": ""}))

    assert len(translations.texts_of(ward)) == TEXTS
    for text in (
        "⟦Open cases⟧",
        '⟦It said "no"⟧',
        "⟦100% sure⟧",
        "⟦May⟧ ⟦May⟧",
        "⟦Later⟧ ⟦Shown⟧ ⟦Nobody⟧",
        "⟦Word⟧",
        "⟦Reported by li at 5% of sites⟧",
        "⟦Two lines become one, li.⟧",
        "⟦Kept\n  as written⟧",
        "⟦3 cases⟧",
        "⟦3 cards⟧",
        "⟦Hear LI!⟧",
    ):
        assert text in drawn


def test_texts_of_python_are_found_whatever_name_the_function_has(product):
    ward = room(product, "ward", code=PYTHON)

    found = {(*key, text.plural) for key, text in translations.texts_of(ward).items()}

    assert found == {
        ("", "Long texts are joined", ""),
        ("a drug", "Dose", ""),
        ("of stock", "%(n)d box", "%(n)d boxes"),
        ("", "By module", ""),
        ("", "Hello %(name)s", ""),
    }


def test_a_text_put_together_at_run_time_is_refused_with_its_line(product):
    code = 'from django.utils.translation import gettext as _\n\nA = _(f"{1} cases")\n'
    room(product, "ward", code=code)

    with pytest.raises(translations.Wrong, match=r"ward/code\.py:3: only a plain text"):
        translations.problems()


CODE = 'from django.utils.translation import gettext as _\nA = _("%(n)d cases in %(area)s")\n'
GOOD = 'msgid "%(n)d cases in %(area)s"\nmsgstr "%(area)s有%(n)d例"\n'


def test_a_complete_room_has_no_problems(product):
    room(product, "ward", code=CODE, po=translations.HEADER + GOOD)

    assert translations.problems() == []


@pytest.mark.parametrize(
    ("po", "problem"),
    [
        ("", "ward/code.py:2: “%(n)d cases in %(area)s” has no zh_Hans translation"),
        (GOOD.replace("%(area)s有%(n)d例", ""), "ward/code.py:2: “%(n)d cases in %(area)s” has no"),
        (f"#, fuzzy\n{GOOD}", "django.po:12: “%(n)d cases in %(area)s” is marked fuzzy"),
        (GOOD.replace("%(area)s有", ""), "the translation has other placeholders"),
        (GOOD + '\nmsgid "Gone"\nmsgstr "无"\n', "“Gone” is used nowhere in this room"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_file_and_line(product, po, problem):
    room(product, "ward", code=CODE, po=translations.HEADER + po)

    found = translations.problems()

    assert len(found) == 1
    assert problem in found[0]


def test_two_rooms_that_disagree_about_a_text_are_told(product):
    for name, word in (("labs", "标本"), ("ward", "样本")):
        code = 'from django.utils.translation import gettext\nA = gettext("Sample")\n'
        po = f'{translations.HEADER}msgid "Sample"\nmsgstr "{word}"\n'
        room(product, name, code=code, po=po)

    found = translations.problems()

    assert len(found) == 1
    assert "“Sample” is 样本 here and 标本 in labs/" in found[0]


def test_a_text_takes_its_translation_along_to_another_room(product):
    room(product, "labs", po=translations.HEADER + GOOD)
    room(product, "ward", code=CODE)

    translations.update()

    assert translations.problems() == []
    assert "例" not in translations.catalogue_of(product / "labs").read_text("utf-8")


def test_an_update_that_finds_nothing_new_changes_nothing(product):
    ward = room(product, "ward", page=PAGE, code=PYTHON)
    translations.update()
    translate_all(ward)
    before = translations.catalogue_of(ward).read_bytes()

    translations.update()

    assert translations.catalogue_of(ward).read_bytes() == before


def test_a_room_that_does_not_exist_is_refused(product, capsys):
    assert translations.main(["check", "kitchen"]) == 1
    assert "there is no room kitchen" in capsys.readouterr().err


def test_django_reads_the_catalogue_of_every_room(settings):
    read = {f"fangkong.{Path(folder).parent.name}" for folder in settings.LOCALE_PATHS}
    read |= set(settings.INSTALLED_APPS)
    written = [r for r in translations.rooms() if translations.catalogue_of(r).is_file()]

    assert [room.name for room in written if f"fangkong.{room.name}" not in read] == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("- `admin`:建账号、授角色,查看任务", "- `admin`：建账号、授角色，查看任务"),
        ("1. **我的工作台**: 待办任务", "1. **我的工作台**：待办任务"),
        ("见[说明](docs/a(1).md):按角色", "见[说明](docs/a(1).md)：按角色"),
        ("错误(`a/b`),`title` 不变", "错误（`a/b`），`title` 不变"),
        ("见 https://example.org/a,b 和 10:30", "见 https://example.org/a,b 和 10:30"),
    ],
)
def test_a_chinese_line_of_a_document_takes_its_own_signs(line, right):
    assert translations.wide_line(line) == right


def test_code_and_english_lines_of_a_document_are_no_chinese_ones():
    text = "# 说明(一)\n```csv\n513201,马尔康市,58390\n```\nThe class (病例分类), in full\n"

    assert list(translations.chinese_lines(text, whole=False)) == [(1, "# 说明(一)")]
    assert [n for n, _line in translations.chinese_lines(text, whole=True)] == [1, 5]
