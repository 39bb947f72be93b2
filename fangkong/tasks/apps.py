from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "fangkong.tasks"
    label = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from . import types  # declares permissions and the free-text kind

        _ = types
