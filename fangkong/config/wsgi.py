"""The application for a WSGI server (production pages and API)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
application = get_wsgi_application()

from fangkong.core.watch import traces  # noqa: E402  # needs the settings

traces.start()
