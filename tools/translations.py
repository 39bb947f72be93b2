"""Keep the translations of every room complete. GNU gettext is not needed.

    python tools/translations.py update [ROOM …]   bring the .po files up to date with the sources
    python tools/translations.py check [ROOM …]    say with file and line what is missing or wrong,
                                                   and where a Chinese document has wrong signs
    python tools/translations.py compile [ROOM …]  write the .mo files that Django reads

The sources speak English. A text belongs to the room whose folder holds it and is translated in
``fangkong/<room>/locale/zh_Hans/LC_MESSAGES/django.po``.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / "fangkong"
LANGUAGE = "zh_Hans"
SKIPPED = {"tests", "migrations", "node_modules", "ui", "static", "locale", "__pycache__"}

# Function of django.utils.translation -> where its context, text and plural stand, from 0.
FUNCTIONS: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
# The same for the source that Django makes of a template, as Babel wants it (counted from 1).
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}

HEADER = """\
# Simplified Chinese of this room. Kept in step with the sources by `make messages`.
msgid ""
msgstr ""
"Project-Id-Version: Fangkong\\n"
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
PLACEHOLDER = re.compile(r"%\(\w+\)[a-zA-Z]|%[a-zA-Z]|\{[^{}]*\}")

# Not prose: values, tags, addresses and links keep the signs that they have.
_NO_PROSE = re.compile(
    r"%\(\w+\)[a-zA-Z]|%[a-zA-Z]|\{[^{}]*\}|<[^<>]*>|\w+://[^\s\u3000-\u9fff\uff00-\uffef]+|`[^`]*`|“[^“”]”"
)
_HAN = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef“”‘’…"  # Chinese signs with their punctuation
_WIDE = {",": "，", ":": "：", ";": "；", "?": "？", "!": "！"}

Key = tuple[str, str]  # context ("" for none) and English text (the singular)


@dataclass
class Text:
    """One text of a room: its plural form and where it is used."""

    plural: str = ""
    places: list[tuple[Path, int]] = field(default_factory=list)


class Wrong(Exception):
    """A source that cannot be read; the text is ``file:line: what``."""


# --- What the sources say -----------------------------------------------------------------------


def texts_of(room: Path) -> dict[Key, Text]:
    """Every text of a room that goes through translation."""
    texts: dict[Key, Text] = {}
    for path in sources(room):
        read = from_python if path.suffix == ".py" else from_template
        for line, context, singular, plural in read(path):
            text = texts.setdefault((context, singular), Text())
            text.plural = text.plural or plural
            text.places.append((path, line))
    return texts


def sources(room: Path) -> Iterator[Path]:
    """The Python files and templates of a room, sorted."""
    for path in sorted(room.rglob("*")):
        inside = path.relative_to(room).parts
        wanted = path.suffix == ".py" or "templates" in inside
        if wanted and SKIPPED.isdisjoint(inside) and path.is_file():
            yield path


Found = tuple[int, str, str, str]  # line, context, singular, plural


def from_python(path: Path) -> Iterator[Found]:
    """The texts of a Python file, whatever name the functions were imported under."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    names, modules = _imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = _called(node.func, names, modules)
        if not function:
            continue
        context, singular, plural = (
            "" if index is None else _text(node.args, index, path, node.lineno)
            for index in FUNCTIONS[function]
        )
        yield node.lineno, context, singular, plural


def _imported(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """Local name -> translation function; and the names under which the whole module is known."""
    names: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {a.asname or a.name: a.name for a in node.names if a.name in FUNCTIONS}
        elif isinstance(node, ast.ImportFrom) and node.module == "django.utils":
            modules |= {a.asname or a.name for a in node.names if a.name == "translation"}
    return names, modules


def _called(function: ast.expr, names: dict[str, str], modules: set[str]) -> str:
    if isinstance(function, ast.Name):
        return names.get(function.id, "")
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in modules
        and function.attr in FUNCTIONS
    ):
        return function.attr
    return ""


def _text(args: Sequence[ast.expr], index: int, path: Path, line: int) -> str:
    node = args[index] if index < len(args) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise Wrong(
        f"{shown(path)}:{line}: only a plain text can be translated; put values into it with "
        "%(name)s afterwards"
    )


def from_template(path: Path) -> Iterator[Found]:
    """The texts of a template, under the very keys that Django looks up."""
    from django.utils.translation.template import templatize

    try:
        source = templatize(path.read_text("utf-8"), origin=shown(path))
    except SyntaxError as problem:
        raise Wrong(f"{shown(path)}: {problem}") from None
    # What is not a text has become a row of X; its indentation would look like Python's.
    plain = "\n".join(line.lstrip() for line in source.split("\n"))
    found = extract_python(io.BytesIO(plain.encode()), KEYWORDS, (), {"encoding": "utf-8"})
    for line, function, message, _comments in found:
        # Babel's annotation forgets that one text comes bare.
        given: Any = message
        parts = [given] if isinstance(given, str) else [part for part in given if part is not None]
        if not parts:
            continue
        context = parts.pop(0) if function in ("pgettext", "npgettext") else ""
        plural = parts[1] if function in ("ngettext", "npgettext") else ""
        yield line, context, parts[0], plural


# --- What the catalogues say --------------------------------------------------------------------


def rooms(chosen: Sequence[str] = ()) -> list[Path]:
    """The folders of the rooms, all or those named."""
    everything = sorted(p for p in PRODUCT.iterdir() if (p / "__init__.py").is_file())
    if unknown := set(chosen) - {p.name for p in everything}:
        raise Wrong(f"there is no room {', '.join(sorted(unknown))} in {shown(PRODUCT)}")
    return [p for p in everything if not chosen or p.name in chosen]


def catalogue_of(room: Path) -> Path:
    """The .po file of a room."""
    return room / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def read(path: Path) -> dict[Key, Message]:
    """The entries of a .po file, empty if there is none."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=LANGUAGE, abort_invalid=True)
    return {key_of(message): message for message in catalogue if message.id}


def key_of(message: Message) -> Key:
    """Context and singular of an entry."""
    return message.context or "", forms(message.id)[0]


def forms(value: str | Sequence[str] | None) -> list[str]:
    """The forms of an English text or of a translation, as a list."""
    return [value or ""] if value is None or isinstance(value, str) else list(value)


def update(chosen: Sequence[str] = ()) -> list[str]:
    """Write the .po files anew. A text that moved to another room takes its translation along."""
    known: dict[Key, Message] = {}
    for room in rooms():
        for key, message in read(catalogue_of(room)).items():
            if all(forms(message.string)):
                known.setdefault(key, message)
    report = []
    for room in rooms(chosen):
        texts, path = texts_of(room), catalogue_of(room)
        if not texts and not path.is_file():
            continue
        entries = {**known, **{k: m for k, m in read(path).items() if all(forms(m.string))}}
        write(path, texts, entries)
        missing = sum(key not in entries for key in texts)
        report.append(f"{room.name}: {len(texts)} texts, {missing} without translation")
    return report


def write(path: Path, texts: dict[Key, Text], entries: dict[Key, Message]) -> None:
    """Write one .po file: the texts in order, with the translations that are known."""
    catalogue = Catalog(locale=LANGUAGE)
    for (context, singular), text in texts.items():
        old = entries.get((context, singular))
        catalogue.add(
            (singular, text.plural) if text.plural else singular,
            _string(old, plural=bool(text.plural)),
            context=context or None,
            locations=[(shown(place), 0) for place in sorted({p for p, _ in text.places})],
            flags=sorted(old.flags - {"python-format"}) if old else (),
            user_comments=old.user_comments if old else (),
        )
    buffer = io.BytesIO()
    # Without line numbers, so that an edit elsewhere in a source changes nothing here.
    write_po(buffer, catalogue, width=100, omit_header=True, sort_output=True, include_lineno=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + buffer.getvalue().decode().strip() + "\n", "utf-8")


def _string(old: Message | None, *, plural: bool) -> str | tuple[str, ...]:
    string = forms(old.string)[0] if old else ""
    return (string,) if plural else string


def compile_all(chosen: Sequence[str] = ()) -> list[str]:
    """Write the .mo file beside every .po file."""
    report = []
    for room in rooms(chosen):
        path = catalogue_of(room)
        if path.is_file():
            with path.open("rb") as source:
                catalogue = read_po(source, locale=LANGUAGE)
            target = path.with_suffix(".mo")
            with target.open("wb") as file:
                write_mo(file, catalogue)
            report.append(f"{shown(target)}: {len(catalogue)} texts")
    return report


# --- What is wrong -------------------------------------------------------------------------------


def problems(chosen: Sequence[str] = ()) -> list[str]:
    """What is missing or wrong, each as ``file:line: what``."""
    found: list[str] = []
    for room in rooms(chosen):
        texts, path = texts_of(room), catalogue_of(room)
        entries = read(path)
        for key, text in texts.items():
            place = f"{shown(text.places[0][0])}:{text.places[0][1]}"
            if key not in entries or not all(forms(entries[key].string)):
                found.append(f"{place}: “{short(key[1])}” has no {LANGUAGE} translation")
            elif text.plural != "".join(forms(entries[key].id)[1:]):
                found.append(f"{place}: the plural of “{short(key[1])}” changed: `make messages`")
        for key, message in entries.items():
            place = f"{shown(path)}:{message.lineno}"
            if key not in texts:
                found.append(f"{place}: “{short(key[1])}” is used nowhere in this room")
            elif message.fuzzy:
                found.append(f"{place}: “{short(key[1])}” is marked fuzzy: look at it again")
            elif all(forms(message.string)) and not same_placeholders(message):
                found.append(f"{place}: “{short(key[1])}”: the translation has other placeholders")
            else:
                found += [
                    f"{place}: Chinese takes its own signs: “{short(full_width(string))}”"
                    for string in forms(message.string)
                    if full_width(string) != string
                ]
    return found + ([*contradictions(), *documents()] if not chosen else [])


def full_width(text: str) -> str:
    """A Chinese text with ，：；？！（） where , : ; ? ! ( ) stand beside a Chinese sign.

    Times, codes, addresses and the values that are put in keep theirs.
    """
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return chr(0xE000 + len(kept) - 1)

    masked = _NO_PROSE.sub(keep, text)
    masked = re.sub(
        rf"(?<=[{_HAN}])([,:;?!]) ?|([,:;?!]) ?(?=[{_HAN}])",
        lambda found: _WIDE[found[1] or found[2]],
        masked,
    )
    pair = r" ?\(([^()]*)\) ?"
    masked = re.sub(
        pair, lambda found: _brackets(found[0], found[1], masked[: found.start()]), masked
    )
    return re.sub("[\ue000-\uf8ff]", lambda found: kept[ord(found[0]) - 0xE000], masked)


def documents() -> list[str]:
    """The Chinese lines of our documents in which a sign of another script stands."""
    return [
        f"{shown(path)}:{n}: Chinese takes its own signs: “{short(wide_line(line))}”"
        for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
        for n, line in chinese_lines(path.read_text("utf-8"), whole=path.name.endswith(".zh.md"))
        if wide_line(line) != line
    ]


def chinese_lines(text: str, *, whole: bool) -> Iterator[tuple[int, str]]:
    """The lines outside code blocks: all that hold Chinese, or those that are mostly Chinese."""
    in_code = False
    for n, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
            continue
        prose = _NO_PROSE.sub("", line)
        han, latin = len(re.findall(f"[{_HAN}]", prose)), len(re.findall("[A-Za-z]", prose))
        if not in_code and han > (0 if whole else latin):
            yield n, line


def wide_line(line: str) -> str:
    """``full_width`` of a line of Markdown; the addresses of its links stay."""
    links = re.findall(r"\]\([^()]*\)", line)
    plain = re.sub(r"\]\([^()]*\)", "]\x01", line)
    plain = full_width(full_width(plain))  # what stands beside a bracket that became a wide one
    plain = re.sub(rf"(?<=[{_HAN}]\*\*)([,:;?!]) ?", lambda found: _WIDE[found[1]], plain)
    return re.sub("]\x01", lambda _found: links.pop(0), plain)


def _brackets(whole: str, inner: str, before: str) -> str:
    """Chinese ones where a Chinese sign stands before, within or right behind them."""
    chinese = re.search(f"[{_HAN}]", inner) or re.search(f"[{_HAN}]$", before)
    return f"（{inner}）" if chinese else whole


def same_placeholders(message: Message) -> bool:
    """Whether the translation names exactly the values that the English text names."""
    wanted = placeholders(forms(message.id)[-1])
    return all(placeholders(string) == wanted for string in forms(message.string))


def placeholders(text: str) -> list[str]:
    """The values that a text has room for; a named one counts once, however often it is said."""
    found = PLACEHOLDER.findall(text.replace("%%", ""))
    named = {p for p in found if len(p) > 2}
    return sorted(named) + sorted(p for p in found if len(p) == 2)


def contradictions() -> list[str]:
    """Texts that two rooms translate differently: Django shows one of the two everywhere."""
    first: dict[Key, tuple[str, list[str]]] = {}
    found = []
    for room in rooms():
        path = catalogue_of(room)
        for key, message in read(path).items():
            place, strings = f"{shown(path)}:{message.lineno}", forms(message.string)
            elsewhere, other = first.setdefault(key, (place, strings))
            if other != strings and all(strings) and all(other):
                found.append(
                    f"{place}: “{short(key[1])}” is {strings[0]} here and {other[0]} in "
                    f"{elsewhere}; agree, or tell them apart with a context"
                )
    return found


def shown(path: Path) -> str:
    """A path as people write it: from the root of the repository."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


def short(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) < 60 else f"{line[:57]}…"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the three commands; returns the exit code."""
    parser = argparse.ArgumentParser(description="Keep the translations of every room complete.")
    parser.add_argument("command", choices=("update", "check", "compile"))
    parser.add_argument("room", nargs="*", help="rooms; all if none is named")
    options = parser.parse_args(argv)
    call = {"update": update, "check": problems, "compile": compile_all}[options.command]
    try:
        lines = call(options.room)
    except Wrong as problem:
        print(problem, file=sys.stderr)
        return 1
    if options.command != "compile":
        for line in lines:
            print(line)
    return 1 if options.command == "check" and lines else 0


if __name__ == "__main__":
    sys.exit(main())
