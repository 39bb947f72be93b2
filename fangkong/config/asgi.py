"""The application for an ASGI server (``fangkong run``)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
application = get_asgi_application()
