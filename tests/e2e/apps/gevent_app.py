"""gevent's own server: its loop is the only thread. The standard library is patched before instrumentation."""

import signal
import sys

from gevent import get_hub, monkey

monkey.patch_all()

from opentelemetry.instrumentation.auto_instrumentation import initialize  # noqa: E402  # after the patch, as everything

initialize()

from flask_app import app  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402

server = WSGIServer(("127.0.0.1", int(sys.argv[1])), app, log=None)
get_hub().loop.signal(signal.SIGTERM).start(server.stop)
server.serve_forever()
