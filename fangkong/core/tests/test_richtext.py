"""Whatever an editor pastes: nothing is left that runs, fetches or leads astray."""

# ruff: noqa: E501  # payloads stand as they are sent

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.core.exceptions import ValidationError
from django.template import Context, Template
from hypothesis import example, given
from hypothesis import strategies as st

from fangkong.core import richtext
from fangkong.core.richtext import RichTextField, SafeHtml, clean

PICTURE = "/core/files/01908a3e-5b1c-7c3e-9d2f-3f6f2b7f8c11/"
HOSTILE = [
    "<script>alert(1)</script>", "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>", "<img src=https://evil.example/pixel.gif>",
    "<img src=//evil.example/p.gif>", "<img src=data:image/svg+xml;base64,PHN2Zz4=>",
    "<img srcset='https://evil.example/p 2x'>", "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<object data=javascript:alert(1)>",
    "<embed src=//evil.example>", "<applet code=x>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>", "<link rel=stylesheet href=//evil.example>",
    "<style>@import '//evil.example'</style>", "<p style='background:url(//evil.example)'>x</p>",
    "<p onclick=alert(1)>x</p>", "<body onload=alert(1)>", "<details open ontoggle=alert(1)>x</details>",
    "<a href=javascript:alert(1)>x</a>", "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>", "<a href=' javascript:alert(1)'>x</a>",
    "<a href=\"jav&#x0A;ascript:alert(1)\">x</a>", "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=vbscript:x>x</a>", "<a href=//evil.example>x</a>", "<a href='/\\evil.example'>x</a>",
    "<a href=file:///etc/passwd>x</a>", "<a href=https:evil.example>x</a>",
    "<a href=/x target=_blank>x</a>", "<form action=//evil.example><input name=p></form>",
    "<input autofocus onfocus=alert(1)>", "<button formaction=javascript:alert(1)>x</button>",
    "<video src=//evil.example onerror=alert(1)>", "<audio src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<xmp><script>alert(1)</script></xmp>", "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>", "<p hx-get=/x hx-trigger=load>x</p>",
    "<p data-hx-get=/x id=main class=fk-banner name=x>x</p>", "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src='x' alt='\"><script>alert(1)</script>'>", "<table background=//evil.example><td>x</table>",
    "<a title='\" onmouseover=\"alert(1)' href=/x>x</a>", "<p>\u202egnp.exe</p>", "<p>a\x00b</p>",
    f"<img src='{PICTURE}../../../accounts/logout'>", f"<img src='https://evil.example{PICTURE}'>",
    "<svg><a xlink:href=javascript:alert(1)>x</a></svg>", "<marquee onstart=alert(1)>x</marquee>",
]  # fmt: skip


class Dangers(HTMLParser):
    """A second reading of the result, by the rules and not by the cleaner."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in richtext.TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name not in richtext.ATTRIBUTES.get(tag, set()) | {"rel"}:
                self.found.append(f"{tag} {name}")
            address = (value or "").lower()
            if name == "src" and not address.startswith("/core/files/"):
                self.found.append(f"src {value}")
            if name == "src" and ".." in address:
                self.found.append(f"src {value}")
            if name == "href" and not address.startswith(
                ("http://", "https://", "mailto:", "tel:", "/", "#")
            ):
                self.found.append(f"href {value}")
            if name == "href" and address.startswith(("//", "/\\")):
                self.found.append(f"href {value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")


def dangers(text: str) -> list[str]:
    reader = Dangers()
    reader.feed(text)
    reader.close()
    return reader.found


def test_nothing_dangerous_is_left_of_any_payload():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40
    left = {payload: dangers(clean(payload)) for payload in HOSTILE}
    assert {payload: found for payload, found in left.items() if found} == {}
    assert all("\u202e" not in clean(payload) and "\0" not in clean(payload) for payload in HOSTILE)


def test_only_what_a_tag_may_have_stays_with_it():
    assert clean('<p title="x" lang="zh">甲</p>') == "<p>甲</p>"
    assert 'title="x"' in clean('<a href="/x" title="x" lang="zh">甲</a>')


def test_the_second_reading_sees_dangers():
    assert dangers("<p onclick=x><img src=//evil><a href=javascript:x><script>")


@example(["<svg onload=alert(1)>", '<noscript><p title="</noscript><img src=x onerror=alert(1)>">'])
@example(["<p>", "<object data=javascript:alert(1)>", "<p>x</p>"])
@given(
    st.lists(st.sampled_from([*HOSTILE, "<p>", "</p>", "<b>", "甲", "&lt;", '"', ">"]), max_size=6)
)
def test_any_mixture_is_harmless_and_cleaning_again_changes_nothing(parts):
    once = clean("".join(parts))
    assert dangers(once) == []
    assert clean(once) == once


@given(st.text(max_size=200))
def test_any_text_is_harmless_and_stays_as_it_is(text):
    once = clean(text)
    assert dangers(once) == [] and clean(once) == once


def test_what_an_editor_needs_stays():
    text = (
        '<h2>公告</h2><p><strong>重要</strong>：<a href="https://www.nhc.gov.cn/" '
        'rel="noopener noreferrer nofollow">来源</a></p><ul><li>一</li></ul>'
        f'<figure><img src="{PICTURE}" alt="现场" width="20"><figcaption>现场</figcaption></figure>'
        '<table><thead><tr><th scope="col">县</th></tr></thead>'
        '<tbody><tr><td colspan="2">道孚</td></tr></tbody></table>'
    )
    assert clean(text) == text


def test_only_cleaned_text_is_shown_as_markup():
    page = Template("{{ text }}")
    assert page.render(Context({"text": clean("<b>甲</b><script>x</script>")})) == "<b>甲</b>"
    assert page.render(Context({"text": "<b>甲</b>"})) == "&lt;b&gt;甲&lt;/b&gt;"
    assert isinstance(clean("x"), SafeHtml)


def test_the_field_cleans_and_plain_text_becomes_paragraphs():
    field = RichTextField()
    assert field.clean("第一段\n第二行\n\n1 < 2") == "<p>第一段<br>第二行</p><p>1 &lt; 2</p>"
    assert field.clean("<p>甲</p><script>x</script>") == "<p>甲</p>"
    for empty in ("", "   ", "<script>x</script>", "<p> </p>"):
        with pytest.raises(ValidationError):
            field.clean(empty)
    assert richtext.plain(clean("<p>甲 &lt; 乙</p><p>丙</p>")) == "甲 < 乙\n丙"
