"""The filters of packages with a serial number."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages


class SerialFilter(pages.FilterForm):
    """By item, by the end of a serial, by GTIN."""

    q = pages.SearchField(label=_("Item"), placeholder=_("Name, pinyin initials or code"))
    serial = forms.CharField(label=_("Serial number"), max_length=20, required=False)
    gtin = forms.CharField(label=_("GTIN"), max_length=14, required=False)

    def narrow(self, rows: Any) -> Any:
        said = self.chosen()
        rows = pages.named_like(rows, said.get("q", ""), "lot__item__search_text")
        for name, path in (("serial", "serial__endswith"), ("gtin", "code__gtin__endswith")):
            if text := said.get(name):
                rows = rows.filter(**{path: text})
        return rows
