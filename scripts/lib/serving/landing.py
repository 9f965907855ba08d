"""The page at `/`, into which a picture is dropped, and its files: nothing comes from elsewhere."""

from __future__ import annotations

import html
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import RedirectResponse

from util.design import FILES, STYLE, THEME, icon

FOLDER = Path(__file__).parent / "page"
POLICY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'"
}
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def add_landing_page(app: FastAPI, title: str, formats: str, results: str) -> None:
    """Adds `/`, its files below /page, and `/docs`, which leads to the page's part for programs.

    Args:
        formats: a sentence about the files that are taken.
        results: such as "a PNG".
    """
    words = {"title": title, "formats": formats, "results": results}
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    page = page.format(**{name: html.escape(word) for name, word in words.items()})
    files = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("style.css", "page.js")}
    files |= {"design.css": STYLE, "theme.js": THEME, "files.js": FILES, "icon.svg": icon(title)}

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def landing() -> Response:
        return Response(page, media_type="text/html", headers=POLICY)

    @app.get("/page/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "no such file")
        return Response(files[name], media_type=TYPES[Path(name).suffix])

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return RedirectResponse("/#api")
