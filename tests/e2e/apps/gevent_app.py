"""gevent's own server: its loop is the only thread. It patches the standard library before or after instrumentation."""

import signal
import sys

from gevent import get_hub, monkey

if sys.argv[2] == "patched":
    monkey.patch_all()
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()
else:
    monkey.patch_all()

from flask_app import app
from gevent.pywsgi import WSGIServer

server = WSGIServer(("127.0.0.1", int(sys.argv[1])), app, log=None)
get_hub().loop.signal(signal.SIGTERM).start(server.stop)
server.serve_forever()
