"""The application for an ASGI server (``fangkong run``)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
application = get_asgi_application()

from fangkong.core.watch import traces  # noqa: E402  # needs the settings

traces.start()
