"""The web server's entry. WSGI: under ASGI a Django page costs five to eight times the CPU."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

application = get_wsgi_application()
