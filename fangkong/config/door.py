"""What `fangkong serve` serves: the WSGI application behind its doorway."""

from __future__ import annotations

from fangkong.config.wsgi import application as inside

from django.conf import settings  # isort: skip  # the line above has chosen the settings

from fangkong.config.doorway import Doorway

application = Doorway(inside, largest=settings.FANGKONG_LARGEST_REQUEST)
