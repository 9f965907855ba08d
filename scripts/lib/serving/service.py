"""The service: POST /translate, GET /health, and OpenAPI's description of both."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from models.inference.translator import Translator
from scripts.lib.serving.batching import Batcher, Full
from scripts.lib.serving.limits import FORMATS, BodyLimit, Limits, read_picture

BINARY = {"type": "string", "format": "binary"}
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["image"], "properties": {"image": BINARY}}
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": "byte"}},
            }
        },
        "image/*": {"schema": BINARY},
    },
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "No image, or one that cannot be read"},
    408: {"description": "The request came too slowly"},
    413: {"description": "Too many bytes or pixels"},
    415: {"description": "Another type of content"},
    503: {"description": "Too many images wait: try again later"},
    504: {"description": "The translation took too long"},
}


def create_service(
    translator: Translator, batcher: Batcher, limits: Limits, *, name: str, hosts: list[str]
) -> FastAPI:
    """The application. hosts: names by which it may be called, ["*"] for any."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    app = FastAPI(
        title=f"Translation by {name}",
        description=f"{translator!r}. Images are {', '.join(FORMATS)}; results are PNG of the same size.",
        version="1",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)

    @app.post(
        "/translate",
        response_class=Response,
        responses={200: {"description": "A PNG", "content": {"image/png": {}}}, **REFUSALS},
        openapi_extra={"requestBody": BODY},
    )
    async def translate(request: Request) -> Response:
        """Translates one image: field `image` of a form, base64 in JSON's `image`, or the bare file as the body."""
        try:
            content = await _content(request)
        except ClientDisconnect:
            raise HTTPException(400, "the client went away") from None  # for the log alone
        try:
            png = await asyncio.wait_for(_translated(content), limits.seconds)
        except Full:
            raise HTTPException(503, "too many images wait", {"Retry-After": "1"}) from None
        except ValueError as error:  # the translator's, on what it cannot take
            raise HTTPException(400, str(error)) from None
        except asyncio.TimeoutError:
            raise HTTPException(504, f"no result within {limits.seconds:g} s") from None
        return Response(png, media_type="image/png")

    async def _translated(content: bytes) -> bytes:
        picture = await asyncio.to_thread(read_picture, content, limits.pixels)
        return await asyncio.to_thread(_png, await batcher(picture))

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """That the service is up, what it translates with, and how many images wait."""
        return {
            "status": "ok",
            "name": name,
            "network": type(translator.generator).__name__,
            "device": str(translator.device),
            "waiting": batcher.waiting,
        }

    return app


async def _content(request: Request) -> bytes:
    """The bytes of the image file. Raises: HTTPException when there are none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=1) as form:
            field = form.get("image")
            if not isinstance(field, UploadFile):
                raise HTTPException(400, "the form has no file in a field named image")
            return await field.read()
    if kind == "application/json":
        try:
            return base64.b64decode((await request.json())["image"], validate=True)
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
            raise HTTPException(400, 'JSON has to be {"image": "<base64>"}') from None
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await request.body()
    raise HTTPException(415, "send a form, JSON, or an image as the body; see /openapi.json")


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
