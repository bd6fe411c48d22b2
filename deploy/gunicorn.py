"""gunicorn's configuration, for the demo and for containers alike."""

import os
from pathlib import Path

import environ

# As settings do, and before them: BIND and WEB_CONCURRENCY may stand in the same file.
_env_file = os.environ.get("ENV_FILE", str(Path(__file__).resolve().parent.parent / ".env"))
if _env_file and Path(_env_file).exists():
    environ.Env.read_env(_env_file)

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads, so that a slow phone on school wifi does not keep a whole process waiting.
worker_class = "gthread"
threads = 4
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
# A launch's id_token comes in the body; nothing legitimate has a longer line than a Canvas message hint.
limit_request_line = 8190
# gunicorn's heartbeat file, in memory: on a slow disk it would freeze a worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
accesslog = None  # URLs may carry one-use tokens; the application logs what matters itself.
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "warning").lower()
control_socket_disable = True
