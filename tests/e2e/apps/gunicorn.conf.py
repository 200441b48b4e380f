"""Lets a test tell that a worker has booted: before that, gunicorn's workers lose the signal that ends them.

A worker has its master's signal handlers until it sets its own, and `gevent` first patches modules for half a second:
a SIGTERM of that time is put into a queue that nobody reads, and the master waits for `graceful_timeout`, 30 seconds.
"""

from gunicorn.workers.base import Worker


def post_worker_init(worker: Worker) -> None:
    worker.log.info("Worker has booted (pid: %s)", worker.pid)
