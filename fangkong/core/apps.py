from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "fangkong.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from . import checks, moments  # checks register themselves
        from .audit import context, migrating, types  # names the verbs
        from .editions import listening
        from .files import types as file_types
        from .notices import types as notice_types
        from .pages import types as page_types
        from .printing import types as printing_types
        from .purposes import types as purpose_types
        from .queue import types as queue_types
        from .retention import types as retention_types
        from .sealing import types as sealing_types
        from .tokens import types as token_types
        from .walls import policies, reach
        from .webhooks import types as webhook_types

        _ = checks, page_types, file_types, printing_types, queue_types, types
        _ = notice_types, purpose_types, retention_types, sealing_types, token_types, webhook_types
        moments.listen()
        # The later one sees a statement first: a trail that came second would not know it again.
        reach.listen()
        context.listen()
        migrating.listen(self)
        policies.listen(self)
        listening.listen()
