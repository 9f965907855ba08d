"""Visdom's server: run it on this machine only, start it in the background, talk to it."""

import asyncio
import http.client
import importlib.util
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from util.errors import InputError
from util.logs.visdom.application import listen
from util.logs.visdom.assets import ensure_assets

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "visdom_server.py"
INSTALL = (
    "visdom is not installed. To get it: PIP_CONSTRAINT=build-constraints.txt "
    "PIP_BUILD_CONSTRAINT=build-constraints.txt pip install visdom 'tornado<6.6'"
)
PATIENCE = 240.0  # seconds for a server just started: the first time it fetches its page's scripts


class Detached(subprocess.Popen):
    """A process that is meant to outlive us."""

    def __del__(self) -> None:
        """No warning that it is still running."""


def find_visdom() -> Path | None:
    """Its folder, without importing it; None when it is not installed."""
    spec = importlib.util.find_spec("visdom")
    return Path(spec.origin).parent if spec and spec.origin else None


def environment(name: str) -> str:
    """The name of an environment that can stand in a path and in an address."""
    return re.sub(r"[^\w .+=-]", "_", name).strip(" .") or "main"


def page_url(server: str, port: int, env: str) -> str:
    """Where an environment is looked at."""
    path = "" if env == "main" else f"/env/{quote(env)}"
    return f"{server.rstrip('/')}:{port}{path}"


def is_local(server: str) -> bool:
    """Whether `serve` on this machine would be reached as `server`."""
    return _split(server).hostname in {"localhost", "127.0.0.1"}


def is_answering(server: str, port: int, *, timeout: float = 1.0) -> bool:
    """Whether anything there speaks HTTP. Asks directly: no proxy knows our localhost."""
    url = _split(server)
    Connection = (
        http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    )
    connection = Connection(url.hostname or "", port, timeout=timeout)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def connect(server: str, port: int, env: str) -> Any:
    """A visdom client whose every request ends: its own has no time limits and obeys proxies.

    Raises: ConnectionError, here and in whatever is called on it.
    """
    import logging

    import requests
    from requests.adapters import HTTPAdapter
    from visdom import Visdom

    # Seconds to connect (and to send), and to answer. Images take their time on a long way.
    limits = (1, 2) if is_local(server) else (5, 10)

    class Impatient(HTTPAdapter):
        def send(self, request, *args, **kwargs):
            response = super().send(request, *args, **kwargs | {"timeout": limits})
            if not response.ok:
                raise requests.ConnectionError(f"answer {response.status_code}")
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
    """Start the server in the background and return at once; it is up some seconds later.

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
    """Run the server, reachable from this machine only, until it is interrupted.

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
    asyncio.run(listen(port, env_path))


def _split(server: str):
    return urlsplit(server if "//" in server else f"http://{server}")


def _is_held(port: int) -> bool:
    """Whether something accepts connections there, even if it never answers them."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True
