from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "fangkong.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        from fangkong.config import rooms

        # Jobs, verbs, permissions and finders are declared when these modules load.
        for name in ("types", "jobs", "finders"):
            rooms.modules(name)
