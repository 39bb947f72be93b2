from django.apps import AppConfig


class SuppliesConfig(AppConfig):
    name = "fangkong.supplies"
    label = "supplies"
    verbose_name = "Supplies"

    def ready(self) -> None:
        """What is promised counts as on its way where days of cover are counted."""
        from .demand import pipeline
        from .sources import queries

        pipeline.provider(queries.coming)
