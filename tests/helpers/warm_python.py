"""A Python that has imported PyTorch already: `WARM file.py words` is `python file.py words` without seconds of waiting.

WARM is a small program that sends its files, folder, environment and words to a server, which forks. The project's own modules
are not imported before the fork, so that a script finds them by itself or not at all. Signals are passed on, and both end together.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import runpy
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

PRELOADED = "numpy PIL.Image torch torchvision torchvision.transforms.v2 torch.distributed.run tqdm dominate"
CLIENT = """#!{python} -ISs
import array, json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps([os.getcwd(), dict(os.environ), sys.argv[1:]]).encode()
fds = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
server.sendmsg([len(request).to_bytes(8, "big")], [fds])
server.sendall(request)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: server.send(bytes([number])))
status = json.loads(server.recv(100) or "-9")
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


@cache
def warm_python() -> str:
    """The path of the program, which can be used where the path of Python could; its server ends with this process.

    It is Python itself where the system lacks what the server needs.
    """
    if not hasattr(os, "pidfd_open"):
        return sys.executable
    folder = tempfile.TemporaryDirectory(prefix="warm")
    program, address = Path(folder.name, "python"), str(Path(folder.name, "socket"))
    program.write_text(CLIENT.format(python=sys.executable, address=address))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    ready, told = os.pipe()
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(
        [sys.executable, __file__, address, str(told), str(os.getpid())],
        env={**environment, "OMP_NUM_THREADS": "1"},
        pass_fds=(told,),
        start_new_session=True,
    )
    os.close(told)
    assert os.read(ready, 1) == b"x", "the server of warm processes did not start"
    os.close(ready)
    atexit.register(folder.cleanup)
    atexit.register(server.wait)
    atexit.register(server.kill)
    return str(program)


@pytest.fixture(scope="module")
def warm() -> Iterator[str]:
    """`sys.executable` is the program, for tests and code that start `sys.executable file.py`; torchrun takes it, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", warm_python())
        patch.setenv("PYTHON_EXEC", sys.executable)
        yield sys.executable


def main(address: str, told: int, parent: int) -> None:
    """The server."""
    del sys.path[0]  # this folder
    for name in PRELOADED.split():
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for here
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    os.write(told, b"x")
    os.close(told)
    while os.getppid() == parent:
        if not select.select([listener], [], [], 5)[0]:
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            serve(connection)
        connection.close()


def serve(connection: socket.socket) -> None:
    """One process, from request to status."""
    head, ancillary, *_ = connection.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    files = array.array("i", ancillary[0][2])
    length, content = int.from_bytes(head, "big"), b""
    while len(content) < length:
        content += connection.recv(length - len(content))
    folder, environment, words = json.loads(content)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os._exit(run(folder, environment, words))
    for file in files:
        os.close(file)
    ended, listening = os.pidfd_open(child), [connection]
    while ended not in (ready := select.select([ended, *listening], [], [])[0]):
        asked = ready[0].recv(1)
        if not asked:
            listening.clear()
        os.kill(child, asked[0] if asked else signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError):  # whoever asked has been killed
        connection.sendall(json.dumps(status).encode())
    os._exit(0)


def run(folder: str, environment: dict[str, str], words: list[str]) -> int:
    """What `python words` does; returns the exit status."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(0, "r"),
        os.fdopen(1, "w", 1 if os.isatty(1) else -1),
        os.fdopen(2, "w", 1),
    )
    while words[0] in ("-u", "-B"):
        words = words[1:]
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    status = 0
    try:
        if words[0] == "-m":
            sys.argv = words[1:]
            sys.path.insert(0, folder)
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            sys.path.insert(0, folder)
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = words
            sys.path.insert(0, str(Path(words[0]).resolve().parent))
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as ending:
        code = ending.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        threading._shutdown()  # what waits for threads; private, as is what runs the functions
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    return status


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
