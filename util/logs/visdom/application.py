"""Visdom's server as we want it: for this machine only, with windows that stay as large as they were made.

It is put together here rather than by visdom's own `main`, which listens on every network address,
dies when it is offline, takes another port in silence (0.3.0), and imports torch for nothing.
Imported by the server's process alone, after `util.logs.visdom.server.spare_imports`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tornado.web import ErrorHandler, StaticFileHandler
from visdom.server import app
from visdom.server.defaults import DEFAULT_ENV_PATH
from visdom.server.handlers.web_handlers import PostHandler
from visdom.utils.server_utils import extract_eid


async def listen(port: int, env_path: str | None) -> None:
    """Serves this machine alone, for good.

    Args:
        env_path: folder of saved environments; None is visdom's own.
    """
    app.tornado_settings["static_handler_class"] = StaticFiles
    app.tornado_settings["autoreload"] = False  # would restart, empty, when a source file changes
    application = SameOrigin(port=port, env_path=env_path or DEFAULT_ENV_PATH)
    application.listen(port, address="127.0.0.1", max_buffer_size=1024**3)
    print(
        f"visdom: http://localhost:{port}, on this machine only. From elsewhere: "
        f"ssh -L {port}:localhost:{port} {socket.gethostname()}",
        flush=True,
    )
    await asyncio.Event().wait()


class SameOrigin(app.Application):
    """Refuses what other web pages in the user's browser send: they could post scripts."""

    def find_handler(self, request: Any, **kwargs: Any) -> Any:
        origin = request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != request.host:
            return self.get_handler_delegate(request, ErrorHandler, {"status_code": 403})
        if request.path == "/events":
            return self.get_handler_delegate(request, KeepsSizes, {"app": self})
        return super().find_handler(request, **kwargs)


class KeepsSizes(PostHandler):
    """Keeps a window's first size when it is redrawn without one, for pages opened later.

    A size undoes what the user has made of a window, in a page that is loaded again.
    """

    def post(self) -> None:
        message = json.loads(self.request.body)
        env, name = extract_eid(message), str(message.get("win"))
        before = self._window(env, name)
        super().post()
        window = self._window(env, name)
        if env in self.state and name not in self.state[env]["reload"]:  # sizes by users
            for side in ("width", "height"):
                window[side] = window.get(side) or before.get(side)

    def _window(self, env: str, name: str) -> dict[str, Any]:
        return self.state[env]["jsons"].get(name, {}) if env in self.state else {}


class StaticFiles(StaticFileHandler):
    """Gives an address to ../user/style.css, for which tornado 6.6 refuses the whole page."""

    @classmethod
    def make_static_url(
        cls, settings: dict[str, Any], path: str, include_version: bool = True
    ) -> str:
        if path.startswith("../"):
            return path.removeprefix("..")
        return super().make_static_url(settings, path, include_version)
