"""The scripts, styles and fonts that visdom's page needs and its package leaves out.

Visdom fetches them from public CDNs when its server first starts, and dies if that fails. Here they
come from there or from npm before the server starts, and a failure costs only the page: the server
still takes what it is sent.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# package@version: {path in the package: path under static/}, as visdom/server/build.py asks for.
COMMON = {
    "jquery@3.1.1": {"dist/jquery.min.js": "js/jquery.min.js"},
    "bootstrap@3.3.7": {
        "dist/js/bootstrap.min.js": "js/bootstrap.min.js",
        "dist/css/bootstrap.min.css": "css/bootstrap.min.css",
    }
    | {
        f"dist/{font}": font
        for font in (
            "fonts/glyphicons-halflings-regular.eot",
            "fonts/glyphicons-halflings-regular.ttf",
            "fonts/glyphicons-halflings-regular.woff",
            "fonts/glyphicons-halflings-regular.woff2",
        )
    },
    "react@16.2.0": {"umd/react.production.min.js": "js/react-react.min.js"},
    "react-dom@16.2.0": {"umd/react-dom.production.min.js": "js/react-dom.min.js"},
    "plotly.js-dist-min@2.11.1": {"plotly.min.js": "js/plotly-plotly.min.js"},
    "layout-bin-packer@1.4.0": {"dist/layout-bin-packer.js": "js/layout_bin_packer.js"},
    "d3@3.5.17": {"d3.min.js": "js/d3.v3.min.js"},
    "d3-selection-multi@1.0.1": {"build/d3-selection-multi.js": "js/d3-selection-multi.v1.js"},
    "save-svg-as-png@1.4.17": {"lib/saveSvgAsPng.js": "js/saveSvgAsPng.js"},
    "sjcl@1.0.7": {"sjcl.js": "js/sjcl.js"},
}
MATHJAX_2 = (
    "MathJax.js",
    "config/Safe.js",
    "config/TeX-AMS-MML_HTMLorMML.js",
    "extensions/Safe.js",
    "jax/output/SVG/config.js",
    "jax/output/SVG/fonts/TeX/Size1/Regular/Main.js",
    "jax/output/SVG/fonts/TeX/fontdata.js",
    "jax/output/SVG/jax.js",
)
VISDOM_0_2 = COMMON | {
    "react-resizable@1.4.6": {"css/styles.css": "css/react-resizable-styles.css"},
    "react-grid-layout@0.16.3": {"css/styles.css": "css/react-grid-layout-styles.css"},
    "mathjax@2.7.5": {path: f"js/mathjax/2.7.5/{path}" for path in MATHJAX_2},
}
VISDOM_0_3 = COMMON | {
    "react-resizable@3.1.3": {"css/styles.css": "css/react-resizable-styles.css"},
    "react-grid-layout@2.2.3": {"css/styles.css": "css/react-grid-layout-styles.css"},
    "mathjax@3.2.2": {"es5/tex-mml-svg.js": "js/mathjax/3.2.2/es5/tex-mml-svg.js"},
}

# In a process of its own: it has no time limit, and one of its requests may raise anything.
VISDOM_DOWNLOAD = """
import socket, sys
sys.modules["torch"] = sys.modules["openTSNE"] = None  # optional, and seconds to import
socket.setdefaulttimeout(5)
from visdom.server.build import download_scripts
download_scripts(install_dir=sys.argv[1])
"""
NPM_OPTIONS = (
    "--silent",
    "--prefer-offline",  # npm's own cache is ours too: a second environment fetches nothing
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)


def ensure_assets(static: Path, version: str, *, download_seconds: float = 20) -> str | None:
    """Fill visdom's folder `static` as far as can be. Several processes may do so at a time.

    Args:
        version: visdom's.
        download_seconds: time limit of visdom's own download; 0 skips it.
    Returns: None when the page will work, else one line on why not and what to do.
    """
    if _is_complete(static, version):
        return None
    packages = VISDOM_0_2 if version.startswith("0.2.") else VISDOM_0_3
    try:
        with _one_at_a_time(static / ".assets.lock"), tempfile.TemporaryDirectory() as folder:
            if _is_complete(static, version):  # another process was faster
                return None
            _remove_those_of_another_version(static, version)
            if _missing(static):
                print("visdom's page needs 10 MB of scripts: fetching them, once.", flush=True)
                _visdom_download(Path(folder), static, download_seconds)
                _npm_pack(Path(folder), static, packages)
            if missing := _missing(static):
                return (
                    f"visdom's page will stay blank: {len(missing)} files, such as {missing[0]}, "
                    "cannot be had. Start it once with internet access, or with npm installed."
                )
            _write(static / "version.built", version.encode())
    except OSError as error:
        return (
            f"visdom's page will stay blank: its folder {static} cannot be filled ({error}). "
            "Start it once as the folder's owner."
        )
    return None


def _is_complete(static: Path, version: str) -> bool:
    built = static / "version.built"  # visdom's own mark
    return built.is_file() and built.read_text().strip() == version and not _missing(static)


def _missing(static: Path) -> list[str]:
    """What visdom's pages refer to and the folder lacks. They know better than our table."""
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(static.glob("*.html")))
    urls = dict.fromkeys(re.findall(r"""static_url\(["']([^"']+)["']\)""", pages))
    return [url for url in urls if not url.startswith("..") and not (static / url).is_file()]


def _remove_those_of_another_version(static: Path, version: str) -> None:
    """pip leaves them behind when it replaces visdom."""
    built = static / "version.built"
    if not built.is_file() or built.read_text().strip() == version:
        return
    for files in (VISDOM_0_2 | VISDOM_0_3).values():
        for path in files.values():
            (static / path).unlink(missing_ok=True)
    built.unlink()


def _visdom_download(folder: Path, static: Path, seconds: float) -> None:
    if seconds > 0 and _run([sys.executable, "-c", VISDOM_DOWNLOAD, str(folder)], folder, seconds):
        for path in (folder / "static").rglob("*.*"):
            if path.is_file() and path.name != "version.built":
                _install(static / path.relative_to(folder / "static"), path.read_bytes())


def _npm_pack(folder: Path, static: Path, packages: dict[str, dict[str, str]]) -> None:
    wanted = {
        spec: files
        for spec, files in packages.items()
        if not all((static / path).is_file() for path in files.values())
    }
    npm = shutil.which("npm")
    if not npm or not wanted or not _run([npm, "pack", *NPM_OPTIONS, *wanted], folder, 180):
        return
    for spec, files in wanted.items():
        try:
            with tarfile.open(folder / f"{spec.replace('@', '-')}.tgz") as package:
                for source, path in files.items():
                    member = package.extractfile(f"package/{source}")
                    _install(static / path, member.read() if member else b"")
        except (FileNotFoundError, KeyError, tarfile.TarError):
            continue  # that package could not be had; what is missing is counted at the end


def _run(command: list[str], folder: Path, seconds: float) -> bool:
    """True when it ended by itself, even badly: what it wrote by then is whole."""
    null = subprocess.DEVNULL
    try:
        subprocess.run(command, cwd=folder, timeout=seconds, stdin=null, stdout=null, stderr=null)
    except subprocess.TimeoutExpired:
        return False
    return True


def _install(path: Path, content: bytes) -> None:
    """Write, unless it is nothing or the HTML that a proxy sent in place of a script."""
    is_page = path.suffix in {".js", ".css"} and content.lstrip().startswith(b"<")
    if content and not is_page:
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """Beside and then renamed: a server that is running never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Wait for others that fill the folder. Without such locks the work is only done twice."""
    with open(path, "ab") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # ends with the process, however that ends
        except (ImportError, OSError):
            pass
        yield
