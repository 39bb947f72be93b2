from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "fangkong.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        from fangkong.config import rooms
        from fangkong.core import slots

        from .demo.views import examples

        # Jobs, verbs, permissions and finders are declared when these modules load.
        for name in ("types", "jobs", "finders"):
            rooms.modules(name)
        slots.register("surveillance.exchange.send", examples)
