"""Serve the VLE with threads, and stop at once when asked."""

import errno
import signal
import threading

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


class PortTakenError(Exception):
    """Somebody else listens on the port."""


class RequestHandler(WSGIRequestHandler):
    # A browser opens spare connections and never speaks on them; let them go.
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """One line a request, without its query: an auth URL holds a nonce and a one-shot hint."""
        path = getattr(self, "path", "-").partition("?")[0]
        status = args[1] if len(args) > 1 else "-"
        print(f"{getattr(self, 'command', '-')} {path} {status}", flush=True)


class Server(ThreadedWSGIServer):
    daemon_threads = True  # an open keep-alive connection must not hold up the stop
    request_queue_size = 128


def serve(bind: str, port: int) -> None:
    """Prepare the database, then answer requests until SIGINT or SIGTERM."""
    django.setup()
    # The port first: a second copy must not touch the first one's database.
    try:
        server = Server((bind, port), RequestHandler)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTakenError(
            f"Port {port} is already in use. Stop the program that uses it, or start the VLE on "
            f"another port, for example --port {port + 10}."
        ) from None

    with server:
        # Tables that are missing are made; those that exist, and their rows, are kept.
        call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
        from deploy.demo_vle.seeding import seed

        seed()
        server.set_app(get_wsgi_application())

        def stop(*_: object) -> None:
            # shutdown() waits for the loop below, which runs in this very thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        print(
            f"Riverside School VLE: {settings.PUBLIC_URL}  (the tool: {settings.TOOL_URL})",
            flush=True,
        )
        server.serve_forever(poll_interval=0.1)
