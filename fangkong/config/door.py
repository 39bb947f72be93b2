"""What `fangkong serve` serves: the WSGI application behind its doorway."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
inside = get_wsgi_application()

from django.conf import settings  # noqa: E402  # chosen above

from fangkong.config.doorway import Doorway  # noqa: E402
from fangkong.core.watch import traces  # noqa: E402

application = Doorway(inside, largest=settings.FANGKONG_LARGEST_REQUEST, begin=traces.start)
