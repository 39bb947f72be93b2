from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "fangkong.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        from fangkong.config import rooms

        # Jobs, verbs and permissions are declared when these modules load.
        for name in ("types", "jobs"):
            rooms.modules(name)
