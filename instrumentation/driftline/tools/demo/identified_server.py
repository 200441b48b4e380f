"""The model server with the middleware that answers each request with the id of its prediction, for labels to come."""

from driftline.middleware.asgi import ASGIMiddleware
from driftline.tools.demo import server

app = ASGIMiddleware(server.app)
