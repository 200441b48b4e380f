"""Middleware of web servers: a request's id becomes that of its rows, and a refused call becomes an HTTP problem.

Opt-in, and without dependencies: `app.add_middleware(driftline.middleware.ASGIMiddleware)` in FastAPI and Starlette,
`app.wsgi_app = driftline.middleware.WSGIMiddleware(app.wsgi_app)` in Flask.
"""

from driftline.middleware.asgi import ASGIMiddleware
from driftline.middleware.wsgi import WSGIMiddleware

__all__ = ["ASGIMiddleware", "WSGIMiddleware"]
