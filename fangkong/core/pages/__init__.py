"""The page kit: lists, details, forms, charts and maps, so that every page works the same way.

``from fangkong.core import pages``; the pieces live in the modules beside this one.
"""

from .board import BoardColumn, Card, Event, Mark, Month, Move, marks_of
from .camera import with_camera
from .charts import AreaMap, AreaValue, Band, Chart, Series, chart_json, map_json
from .editing import editing
from .forms import (
    Done,
    FilterForm,
    Form,
    MomentField,
    PersonSearch,
    RecordField,
    SearchField,
    carry_out,
    done_before,
    form,
    key_of,
    named_like,
    pressed,
    refused,
    status_of,
    unconfirmed,
)
from .listing import Column, Listing, listing
from .live import nothing_new
from .wizard import Step, Wizard, wizard

__all__ = [
    "AreaMap",
    "AreaValue",
    "Band",
    "BoardColumn",
    "Card",
    "Chart",
    "Column",
    "Done",
    "Event",
    "FilterForm",
    "Form",
    "Listing",
    "Mark",
    "MomentField",
    "Month",
    "Move",
    "PersonSearch",
    "RecordField",
    "SearchField",
    "Series",
    "Step",
    "Wizard",
    "carry_out",
    "chart_json",
    "done_before",
    "editing",
    "form",
    "key_of",
    "listing",
    "map_json",
    "marks_of",
    "named_like",
    "nothing_new",
    "pressed",
    "refused",
    "status_of",
    "unconfirmed",
    "with_camera",
    "wizard",
]
