"""Migrating without rendering the whole house anew at every step.

Django keeps the models as they were at each moment of the history, and after each operation renders
again whatever is related to the model that it changed. Here everybody is related to everybody, by
the staff and by the places, so a table more meant a hundred models again: nine tenths of the time
of a fresh installation.

Most operations change one model and nothing that others see of it: here it alone is rendered.
Whatever others do see comes after a rendering of all, and so does Python code of a migration, for
which Django has its own mark (``is_delayed``). What comes out is the same, which a test holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.migrations.utils import field_is_referenced


class QuickState(ProjectState):
    """The models of one moment, of which a change renders as few as it can."""

    _alone = False

    @contextmanager
    def _nobody_else(self, really: bool = True) -> Iterator[None]:
        """Within, a model that changes is rendered by itself."""
        self._alone = really
        try:
            yield
        finally:
            self._alone = False

    def add_model(self, model_state: Any) -> None:
        with self._nobody_else():
            super().add_model(model_state)

    def _append_option(self, *of: Any) -> None:
        with self._nobody_else():
            super()._append_option(*of)  # type: ignore[misc]

    def _remove_option(self, *of: Any) -> None:
        with self._nobody_else():
            super()._remove_option(*of)  # type: ignore[misc]

    def add_field(self, *of: Any) -> None:
        with self._nobody_else():
            super().add_field(*of)

    def remove_field(self, *of: Any) -> None:
        with self._nobody_else():
            super().remove_field(*of)

    def alter_field(
        self, app_label: str, model_name: str, name: str, field: Any, preserve_default: bool
    ) -> None:
        seen = field.many_to_many or field_is_referenced(
            self, (app_label, model_name), (name, field)
        )
        with self._nobody_else(not seen):
            super().alter_field(app_label, model_name, name, field, preserve_default)

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" in self.__dict__ and self._alone:
            self.is_delayed = True
            self._reload({(app_label, model_name)})  # type: ignore[attr-defined]
        elif not self._whole_again():
            super().reload_model(app_label, model_name, delay)

    def reload_models(self, models: Any, delay: bool = True) -> None:
        if not self._whole_again():
            super().reload_models(models, delay)

    def _whole_again(self) -> bool:
        """Render all where some were left; what is related to whom is not to be trusted then."""
        if "apps" not in self.__dict__ or not self.is_delayed:
            return False
        self.clear_delayed_apps_cache()
        self.is_delayed = False
        _ = self.apps  # rendered by being asked for
        return True

    def clone(self) -> QuickState:
        new = super().clone()
        new.__class__ = QuickState
        return new  # type: ignore[return-value]


class QuickExecutor(MigrationExecutor):
    """Django's, but for the way forwards.

    On the way back the code of migrations is not given models that were rendered for it.
    """

    def _migrate_all_forwards(self, state: ProjectState, *more: Any, **named: Any) -> ProjectState:
        state.__class__ = QuickState
        return super()._migrate_all_forwards(state, *more, **named)  # type: ignore[misc,no-any-return]
