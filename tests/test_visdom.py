"""The visdom sink and server: a real server, a real browser where there is one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from util import visdom_assets, visdom_server
from util.logger import At
from util.sinks.visdom_sink import VisdomSink, grid, thinned

pytestmark = pytest.mark.timeout(120)
needs_visdom = pytest.mark.skipif(visdom_server.find_visdom() is None, reason="needs visdom")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
IMAGES = {
    "real_A": np.full((8, 8, 3), 200, np.uint8),
    "<script>document.title = 'broken into'</script>": np.zeros((8, 6), np.uint8),
    "rec_A": np.full((4, 8, 3), 90, np.uint8),
}


def at(x):
    return At(epoch=int(x) + 1, epoch_images=0, run_images=0, x=x)


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running_server(port, folder):
    command = [sys.executable, visdom_server.SCRIPT, "--port", port, "--env_path", folder]
    with open(folder / "server.log", "ab") as log:
        process = subprocess.Popen(
            [*map(str, command), "--download_seconds", "5"], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: visdom_server.is_answering("localhost", port), 90)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    import visdom  # noqa: F401  # takes longer than a sink's close() would wait

    port = free_port()
    with running_server(port, tmp_path_factory.mktemp("visdom")):
        yield port


def post(port, path, content, **headers):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}", json.dumps(content).encode(), headers
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read().decode()


def windows(port, env):
    try:
        return json.loads(post(port, "win_data", {"win": None, "eid": env}))
    except urllib.error.HTTPError as error:  # 500 before there is such an environment
        error.close()
        return {}


def curve(port, env, window="1"):
    """{loss: its points} as the server has them."""
    traces = windows(port, env).get(window, {}).get("content", {}).get("data", [])
    return {it["name"]: list(zip(it["x"], it["y"], strict=True)) for it in traces}


@contextmanager
def sink(port, env, lines=None, folder=Path(), **options):
    options = {"display_id": 1, "ncols": 2, "interval": 0.1, "retry_seconds": 0.3} | options
    server = options.pop("server", "http://localhost")
    lines = [] if lines is None else lines
    sink = VisdomSink(
        server, port, env, name=env, log_path=folder / "visdom.log", say=lines.append, **options
    )
    try:
        yield sink
    finally:
        sink.close()


@needs_visdom
def test_curves_and_images_arrive_past_a_proxy_variable(port, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    lines = []
    with sink(port, "arrive", lines) as visdom:
        for epoch in range(3):
            visdom.losses(at(epoch), {"G": epoch / 2, "D": float("inf")})
        visdom.images(at(2), IMAGES)
    assert curve(port, "arrive")["G"] == [(0, 0), (1, 0.5), (2, 1)]
    assert [y for _, y in curve(port, "arrive")["D"]] == [None] * 3
    assert windows(port, "arrive")["2"]["content"]["src"].startswith("data:image/jpeg")
    assert "real_A" in windows(port, "arrive")["3"]["content"]
    assert lines == []


@needs_visdom
def test_labels_are_escaped(port):
    with sink(port, "labels") as visdom:
        visdom.images(at(0), IMAGES)
    table = windows(port, "labels")["3"]["content"]
    assert "&lt;script&gt;" in table
    assert "<script>" not in table


@needs_visdom
def test_without_columns_every_image_has_a_window(port):
    with sink(port, "apart", display_id=7, ncols=0) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.images(at(0), IMAGES)
    titles = {window: it["title"] for window, it in windows(port, "apart").items()}
    assert titles == dict(zip(["7", "8", "9", "10"], ["apart: losses", *IMAGES], strict=True))


@needs_visdom
def test_a_resumed_run_draws_its_whole_curve_into_the_same_window(port):
    with sink(port, "a/resumed run") as visdom:
        visdom.losses(at(0), {"G": 3.0})
    with sink(port, "a/resumed run") as visdom:
        visdom.restore([(0.0, {"G": 3.0}), (1.0, {"G": 2.0})])
        visdom.losses(at(2), {"G": 1.0})
    assert curve(port, "a_resumed run") == {"G": [(0, 3), (1, 2), (2, 1)]}
    assert len(windows(port, "a_resumed run")) == 1


@needs_visdom
def test_a_server_that_comes_back_gets_the_whole_curve_after_one_warning(tmp_path):
    port, lines = free_port(), []
    with running_server(port, tmp_path) as server, sink(port, "back", lines) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.images(at(0), IMAGES)
        wait_until(lambda: "3" in windows(port, "back"))
        server.kill()
        server.wait()
        for epoch in range(1, 4):
            visdom.losses(at(epoch), {"G": 1.0})
            time.sleep(0.3)
        assert len(lines) == 1, lines
        with running_server(port, tmp_path):
            wait_until(lambda: len(curve(port, "back").get("G", [])) == 4)
            wait_until(lambda: "3" in windows(port, "back"))
    assert len(lines) == 1, lines


@needs_visdom
def test_a_server_that_never_answers_keeps_nobody_waiting(tmp_path):
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with sink(listener.getsockname()[1], "stuck", lines, tmp_path) as visdom:
            began = time.perf_counter()
            for step in range(1000):
                visdom.losses(at(step), {"G": 1.0})
                visdom.images(at(step), IMAGES)
            assert time.perf_counter() - began < 1
            wait_until(lambda: lines)
            began = time.perf_counter()
        assert time.perf_counter() - began < 2.5
    assert len(lines) == 1
    assert not (tmp_path / "visdom.log").exists()  # none is started on a port that is taken


@needs_visdom
def test_without_a_server_one_is_started_and_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # its environments are kept there
    port, lines = free_port(), []
    with sink(port, "main", lines, tmp_path) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        wait_until(lambda: lines)
        try:
            wait_until(lambda: visdom_server.is_answering("localhost", port), 90)
            wait_until(lambda: curve(port, "main"))
            assert os.getpgid(visdom._process.pid) != os.getpgid(0)
            visdom.close()
            assert visdom_server.is_answering("localhost", port)
        finally:
            visdom._process.terminate()
            visdom._process.wait()
    assert lines == [f"Starting visdom: http://localhost:{port} (its log: {tmp_path}/visdom.log)"]


@needs_visdom
def test_no_server_is_started_for_another_machine(tmp_path):
    lines = []
    with sink(free_port(), "far", lines, tmp_path, server="http://127.0.0.2") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        wait_until(lambda: lines)
    assert "fails" in lines[0]
    assert not (tmp_path / "visdom.log").exists()


def test_without_visdom_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "visdom", None)
    lines = []
    with sink(free_port(), "none", lines) as visdom:
        visdom.losses(at(0), {"G": 1.0})
    assert len(lines) == 1
    assert "pip install visdom" in lines[0]


@needs_visdom
def test_the_server_is_reached_from_this_machine_only(port):
    with pytest.raises((ConnectionError, TimeoutError)):  # which a server on all addresses answers
        socket.create_connection(("127.0.0.2", port), timeout=1).close()


@needs_visdom
def test_other_web_pages_cannot_write(port):
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        post(port, "delete_env", {"eid": "main"}, Origin="http://elsewhere.example")
    refused.value.close()
    post(port, "env_state", {}, Origin=f"http://127.0.0.1:{port}")


@needs_visdom
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_shows_curves_images_and_labels_as_text(port, tmp_path):
    static = visdom_server.find_visdom() / "static"
    if not (static / "version.built").exists():
        pytest.skip("the scripts of visdom's page could not be fetched")
    with sink(port, "page") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.losses(at(1), {"G": 0.5})
        visdom.images(at(1), IMAGES)
    with page(f"http://127.0.0.1:{port}/env/page", tmp_path) as evaluate:
        wait_until(lambda: evaluate("document.querySelectorAll('.window').length") == 3)
        wait_until(lambda: evaluate("document.querySelectorAll('.plot .js-line').length") == 1)
        wait_until(lambda: evaluate("document.querySelector('.window img').naturalWidth") == 24)
        assert "<script>" in evaluate("document.querySelector('.window table').innerText")
        assert evaluate("document.title") == "visdom"


@contextmanager
def page(url, folder):
    """Opens the page in Chromium; yields a function that evaluates JavaScript in it."""
    from websocket import create_connection

    quiet = ["background-networking", "component-update", "sync", "gpu"]
    command = [CHROMIUM, "--headless", "--no-sandbox", "--no-first-run", "--window-size=1300,900"]
    command += [f"--disable-{what}" for what in quiet]
    command += [f"--user-data-dir={folder}/profile", "--remote-debugging-port=0", url]
    null = subprocess.DEVNULL
    browser = subprocess.Popen(command, stdout=null, stderr=null)
    try:
        address = folder / "profile" / "DevToolsActivePort"
        wait_until(lambda: address.exists() and address.read_text().count("\n"))
        with urllib.request.urlopen(f"http://127.0.0.1:{address.read_text().split()[0]}/json") as f:
            pages = [it for it in json.load(f) if it["type"] == "page"]
        connection = create_connection(pages[0]["webSocketDebuggerUrl"], suppress_origin=True)

        def evaluate(expression):
            params = {"expression": expression, "returnByValue": True}
            message = {"id": 1, "method": "Runtime.evaluate", "params": params}
            connection.send(json.dumps(message))
            return json.loads(connection.recv())["result"]["result"].get("value")

        try:
            yield evaluate
        finally:
            connection.close()
    finally:
        browser.terminate()
        browser.wait()


@pytest.fixture
def static(tmp_path):
    """A folder like visdom's, whose page needs two scripts."""
    static = tmp_path / "static"
    static.mkdir()
    urls = ("js/jquery.min.js", "js/d3.v3.min.js", "../user/style.css")
    page = "".join(f'<script src={{{{ static_url("{url}") }}}}></script>' for url in urls)
    (static / "index.html").write_text(page)
    return static


def put_npm_on_path(monkeypatch, folder, content):
    """An npm that packs `content` as every file, and writes down that it was called."""
    npm = folder / "npm"
    npm.write_text(f"""#!{sys.executable}
import io, sys, tarfile
sys.path.insert(0, {str(Path.cwd())!r})
from util.visdom_assets import VISDOM_0_2
open({str(folder / "calls")!r}, "a").write("called ")
for spec in VISDOM_0_2.keys() & set(sys.argv):
    with tarfile.open(spec.replace("@", "-") + ".tgz", "w:gz") as package:
        for path in VISDOM_0_2[spec]:
            member = tarfile.TarInfo("package/" + path)
            member.size = {len(content)}
            package.addfile(member, io.BytesIO({content!r}))
""")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def ensure(static):
    return visdom_assets.ensure_assets(static, "0.2.4", download_seconds=0)


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_the_page_is_fetched_once_by_servers_that_start_together(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"content")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ensure, [static] * 4)) == [None] * 4
    assert (static / "js/d3.v3.min.js").read_bytes() == b"content"
    assert (static / "version.built").read_text() == "0.2.4"
    assert (tmp_path / "calls").read_text() == "called "


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_a_page_of_an_older_visdom_is_replaced(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"new")
    (static / "js").mkdir()
    (static / "js/jquery.min.js").write_bytes(b"old")
    (static / "version.built").write_text("0.1.8")
    assert ensure(static) is None
    assert (static / "js/jquery.min.js").read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="npm is a script here")
def test_a_login_page_is_not_taken_for_a_script(static, tmp_path, monkeypatch):
    put_npm_on_path(monkeypatch, tmp_path, b"\n<html>please log in</html>")
    assert "js/jquery.min.js" in ensure(static)
    assert not (static / "js/jquery.min.js").exists()


def test_without_internet_and_npm_one_line_says_what_to_do(static, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "install" in ensure(static)
    assert not (static / "version.built").exists()


def test_a_folder_that_cannot_be_written_is_reported(static):
    (static / ".assets.lock").mkdir()
    assert "cannot be filled" in ensure(static)


def test_a_thinned_curve_keeps_its_ends():
    for length in (1, 2, 999, 1000, 1001, 2001, 12345):
        points = [(float(x), {}) for x in range(length)]
        assert len(thinned(points)) <= 1000
        assert thinned(points)[0] == points[0]
        assert thinned(points)[-1] == points[-1]
    assert thinned([]) == []


def test_a_grid_is_filled_row_by_row_on_white():
    black, grey = np.zeros((2, 2), np.uint8), np.full((1, 2, 3), 9, np.uint8)
    canvas = grid([black, grey, black], columns=2, padding=1)
    assert canvas.shape == (8, 8, 3)
    assert canvas[1:3, 1:3].max() == 0
    assert canvas[1, 5:7].max() == 9
    assert canvas[2, 5:7].min() == 255  # the smaller image leaves white
    assert canvas[5:7, 5:7].min() == 255  # as does the missing one
