"""Model fields whose values lie encrypted in the database and are plain text to everybody else.

A ciphertext is bound to its table, column and the ``public_id`` of its row: moved elsewhere it does
not open. It is opened when it is first read, so that a list that shows no number opens none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute

from . import keys

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
    CharField = models.CharField[str, str]
else:
    TextField, CharField = models.TextField, models.CharField


class Sealed(str):
    """A text as it lies in the database."""

    __slots__ = ()


class OfRow(str):
    """The plain text of one row's field, which knows how it is sealed for that row."""

    field: Any  # a SealedTextField; named so, mypy would take it for a column of this class
    row: models.Model
    kept: Sealed | None  # the ciphertext it was read from: an unchanged value is not sealed anew

    def sealed(self) -> str:
        """What is stored."""
        if not self:
            return ""
        return self.kept or self.field.sealed(self.row, self)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return str, (str(self),)  # a copy is a plain text: no row hangs on it


class _Sealed(DeferredAttribute):
    """Opens on reading, and takes plain text."""

    field: SealedTextField

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        held = instance.__dict__.get(name)
        if held is None:
            if name in instance.__dict__:
                return None
            held = super().__get__(instance, cls)  # was deferred; fetched now
        if not isinstance(held, Sealed) or not held:
            text, kept = str(held), None
        else:
            opened = instance.__dict__.setdefault("_opened", {})
            if name not in opened or opened[name][0] is not held:
                opened[name] = (held, self.field.opened(instance, held))
            text, kept = opened[name][1], held
        bound = OfRow(text)
        bound.field, bound.row, bound.kept = self.field, instance, kept
        return bound

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, OfRow):
            value = value.kept if value.kept and self._is_home(instance, value) else str(value)
        instance.__dict__[self.field.attname] = value

    def _is_home(self, instance: models.Model, value: OfRow) -> bool:
        """Whether a value comes from the same row and field, as on a refresh from the database."""
        same_row = value.row.__dict__.get("public_id") == instance.__dict__.get("public_id")
        return same_row and value.field is self.field


class SealedTextField(TextField):
    """Text that is encrypted in the database; ``max_length`` counts plain characters.

    Cannot be searched or sorted by: see ``BlindIndexField``. Empty texts stay empty. The model has
    a ``public_id`` that never changes.
    """

    descriptor_class = _Sealed

    def bound_to(self, row: models.Model) -> bytes:
        """What a ciphertext of this field in this row is tied to."""
        return self._bound_to(cast(Any, row).public_id)

    def _bound_to(self, public_id: UUID) -> bytes:
        return f"{self.model._meta.db_table}\0{self.column}\0{public_id.hex}".encode()

    def sealed_column(self, public_ids: Sequence[UUID], texts: Sequence[str]) -> list[Sealed]:
        """The texts as they are stored in the rows that will have these public ids."""
        seal, bound_to = keys.sealing(), self._bound_to
        return [
            Sealed(seal(text, bound_to(public_id)) if text else "")
            for public_id, text in zip(public_ids, texts, strict=True)
        ]

    def sealed(self, row: models.Model, text: str) -> str:
        """The text as it is stored in this row."""
        return keys.seal(text, self.bound_to(row)) if text else ""

    def opened(self, row: models.Model, sealed: str) -> str:
        """The plain text; NotAuthentic where the ciphertext is not of this row and column."""
        return keys.unseal(sealed, self.bound_to(row)) if sealed else ""

    def from_db_value(self, value: str | None, *_rest: object) -> Sealed | None:
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.attname)
        return Sealed(value.sealed()) if isinstance(value, OfRow) else value

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "" or type(value) is Sealed:
            return value
        return self._refuse()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in ("exact", "in", "isnull"):
            self._refuse()
        return super().get_lookup(lookup_name)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, OfRow):  # bulk_update hands over what was read from the row
            return value.sealed()
        return super().get_db_prep_save(value, connection)

    def _refuse(self) -> NoReturn:
        raise TypeError(
            f"{self} is sealed for each row: search by its blind index, and save through the model"
        )

    def value_to_string(self, obj: models.Model) -> str:
        """A serialised row keeps its ciphertext, never the plain text."""
        return cast(str, self.pre_save(obj, False) or "")


class _Blind(DeferredAttribute):
    """Follows the sealed field: computed when that one was set, else as stored."""

    field: BlindIndexField

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        held = instance.__dict__.get(self.field.of)
        if held is None or isinstance(held, Sealed):
            return super().__get__(instance, cls)
        return self.field.of_plain(str(held))

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class BlindIndexField(CharField):
    """A keyed digest of a sealed field of the same row, for exact search and uniqueness.

    Empty for an empty text. ``Phone.objects.filter(number_index__in=…)`` with ``index_of``.
    """

    descriptor_class = _Blind

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        kwargs.update(max_length=24, blank=True, default="", editable=False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "blank", "default", "editable"):
            kwargs.pop(fixed, None)
        return name, path, args, {**kwargs, "of": self.of}

    def of_plain(self, text: str) -> str:
        """The digest of a plain text in this column."""
        return keys.blind(text, self.column_name) if text else ""

    @property
    def column_name(self) -> bytes:
        """What its digests are of: those of another column are unlike."""
        return f"{self.model._meta.db_table}\0{self.of}".encode()


def index_of(model: type[models.Model], name: str, texts: Iterable[str]) -> list[str]:
    """The blind indexes of plain texts, to look rows up by."""
    field = model._meta.get_field(name)
    if not isinstance(field, BlindIndexField):
        raise TypeError(f"{field} is no blind index")
    blind = keys.blinding(field.column_name)
    return [blind(text) for text in texts if text]


def fields_of(model: type[models.Model]) -> list[SealedTextField]:
    """The sealed fields of a model."""
    return [field for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
