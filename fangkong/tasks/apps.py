from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "fangkong.tasks"
    label = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from fangkong.core.files import types as files

        from . import queries, types  # declares permissions and the free-text kind

        files.show_to(types.PROOF, queries.sees)
