"""Visdom's server: run it on this machine only, start it in the background, talk to it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from util.errors import InputError
from util.logs.visdom.assets import ensure_assets

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "visdom_server.py"
INSTALL = (
    "visdom is not installed. To get it: PIP_CONSTRAINT=build-constraints.txt "
    "PIP_BUILD_CONSTRAINT=build-constraints.txt pip install visdom 'tornado<6.6'"
)
# Seconds for a server just started: the first time it fetches its page's scripts.
PATIENCE = 240.0
# Bytes of an answer that are read: visdom's are names of windows.
ANSWER = 1 << 14


class Detached(subprocess.Popen):
    """A process that is meant to outlive us."""

    def __del__(self) -> None:
        """Gives no warning that it is still running."""


def find_visdom() -> Path | None:
    """Finds its folder, without importing it; None when it is not installed."""
    spec = importlib.util.find_spec("visdom")
    return Path(spec.origin).parent if spec and spec.origin else None


def environment(name: str) -> str:
    """Makes a name of an environment that can stand in a path and in an address."""
    return re.sub(r"[^\w .+=-]", "_", name).strip(" .") or "main"


def page_url(server: str, port: int, env: str) -> str:
    """Returns the address at which an environment is looked at."""
    path = "" if env == "main" else f"/env/{quote(env)}"
    return f"{server.rstrip('/')}:{port}{path}"


def is_local(server: str) -> bool:
    """Tells whether `serve` on this machine would be reached as `server`."""
    url = _split(server)
    return url.scheme == "http" and url.hostname in {"localhost", "127.0.0.1"}


def is_answering(server: str, port: int, *, timeout: float = 1.0) -> bool:
    """Tells whether a server on this machine speaks HTTP, and answers within the time.

    Another service may hold the port: one that sends a byte now and then does not answer, of one that sends
    without end only the beginning is read.
    """
    host, until, answer = _split(server).hostname or "", time.monotonic() + timeout, b""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n")
            while len(answer) < ANSWER:
                connection.settimeout(max(1e-3, until - time.monotonic()))
                if not (received := connection.recv(ANSWER)):
                    break
                answer += received
    except OSError:
        return False
    return answer.startswith(b"HTTP/")


def connect(server: str, port: int, env: str) -> Any:
    """Makes a visdom client whose every request ends: its own has no time limits and obeys proxies.

    Raises: ConnectionError, here and in whatever is called on it.
    """
    if is_local(server) and not is_answering(server, port):
        raise ConnectionError("no answer")
    import logging

    import requests
    from requests.adapters import HTTPAdapter
    from visdom import Visdom

    # Seconds to connect (and to send), and to answer. Images take their time on a long way.
    limits = (1, 2) if is_local(server) else (5, 10)

    class Impatient(HTTPAdapter):
        def send(self, request, *args, **kwargs):
            settings = {"timeout": limits, "stream": True}
            response = super().send(request, *args, **kwargs | settings)
            if not response.ok:
                raise requests.ConnectionError(f"answer {response.status_code}")
            content, until = bytearray(), time.monotonic() + limits[1]
            for byte in response.iter_content(1):
                content += byte
                if len(content) > ANSWER or time.monotonic() > until:
                    response.close()
                    raise requests.ConnectionError("its answer does not end: is it visdom?")
            response._content = bytes(content)
            return response

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Impatient())
    session.mount("https://", Impatient())

    class Client(Visdom):
        @property
        def session(self):
            return session

        def win_exists(self, win, env=None):
            """Raises where visdom's own prints."""
            return self._win_exists_wrap(win, env) == "true"  # type: ignore[attr-defined]

    logger = logging.getLogger("visdom")
    logger.setLevel(logging.ERROR)  # it warns of there being no incoming socket, as asked for
    logger.warn = logger.warning  # type: ignore[method-assign]  # deprecated, 0.2.4 calls it
    return Client(server, port=port, env=env, use_incoming_socket=False, raise_exceptions=True)


def start(port: int, log_path: str | Path) -> subprocess.Popen | None:
    """Starts the server in the background and returns at once; it is up some seconds later.

    It outlives this process and its terminal, so that training can be looked at when it is over.

    Returns: None when something holds the port already, or the process cannot be started.
    """
    if _is_held(port):
        return None
    command = [sys.executable, "-u", str(SCRIPT), "--port", str(port)]
    windows_flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        Path(log_path).parent.mkdir(parents=True, exist_ok=True)
        with open(log_path, "ab") as log:
            return Detached(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                creationflags=windows_flags | getattr(subprocess, "DETACHED_PROCESS", 0),
            )
    except OSError:
        return None


def serve(port: int, *, env_path: str | None = None, download_seconds: float = 20) -> None:
    """Runs the server, reachable from this machine only, until it is interrupted.

    Args:
        env_path: folder of saved environments; None is visdom's own, ~/.visdom.
        download_seconds: time limit of visdom's own download of its page; 0 skips it.
    Raises: InputError without visdom, or when the port is taken or none.
    """
    package = find_visdom()
    if package is None:
        raise InputError(INSTALL)
    if not 0 < port < 65536:
        raise InputError(f"--port {port} is no port: take one from 1 to 65535.")
    if _is_held(port):
        raise InputError(f"--port {port} is taken, perhaps by a visdom that is running already.")
    version = (package / "VERSION").read_text().strip()
    problem = ensure_assets(package / "static", version, download_seconds=download_seconds)
    if problem:
        print(problem, flush=True)
    spare_imports()
    from util.logs.visdom.application import listen

    asyncio.run(listen(port, env_path))


def spare_imports() -> None:
    """Keeps visdom's server from importing what only a client needs: seconds and 400 MB."""
    for package in ("torch", "openTSNE"):
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]
    os.environ.setdefault("USER", "visdom")  # the page fails for a user id without a name


def _split(server: str):
    return urlsplit(server if "//" in server else f"http://{server}")


def _is_held(port: int) -> bool:
    """Tells whether something accepts connections there, even if it never answers them."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True
