from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "fangkong.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from . import probes  # noqa: F401  # what the doctor looks at here
        from .sign_in import signals  # noqa: F401  # hears what allauth does
