"""The service: POST /translate, GET /health, OpenAPI's description of both, and a page to try it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.datastructures import UploadFile
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from models.inference.translator import Translator
from scripts.lib.serving.batching import Batcher, Full
from scripts.lib.serving.landing import add_landing_page
from scripts.lib.serving.limits import FORMATS, BodyLimit, Limits, OriginCheck, encode, read_picture

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
    403: {"description": "Sent by a page of another site"},
    408: {"description": "The request came too slowly"},
    413: {"description": "Too many bytes or pixels"},
    415: {"description": "Another type of content"},
    503: {"description": "Server busy: try again later"},
    504: {"description": "The translation took too long"},
}


def create_service(
    translator: Translator,
    batcher: Batcher,
    limits: Limits,
    *,
    name: str,
    hosts: list[str],
    origins: Sequence[str] = (),
) -> FastAPI:
    """Makes the application.

    Args:
        hosts: names by which it may be called, ["*"] for any.
        origins: sites whose pages may send images, "*" for all; others' are refused.
    """
    multiple = int(getattr(translator.generator, "size_multiple", 1))
    kinds = {"image/png": {}} if translator.eight_bits else {"image/png": {}, "image/tiff": {}}
    results = (
        "a PNG" if translator.eight_bits else "a PNG, or a TIFF where PNG cannot hold the values,"
    )
    taken = FORMATS if translator.eight_bits else (*FORMATS, "TIFF")
    title, formats = f"{name}: image translation", f"Images are {', '.join(taken)}."

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    app = FastAPI(
        title=title,
        description=f"{translator!r}. {formats} A result is {results} of the same size.",
        version="1",
        docs_url=None,  # FastAPI's own pages fetch their scripts from the internet
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, limits=limits)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    app.add_middleware(OriginCheck, allowed=origins)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)

    @app.post(
        "/translate",
        response_class=Response,
        responses={200: {"description": "The translation", "content": kinds}, **REFUSALS},
        openapi_extra={"requestBody": BODY},
    )
    async def translate(request: Request) -> Response:
        """Translates one image: field `image` of a form, base64 in JSON's `image`, or the bare file as the body."""
        try:
            content = await _content(request)
        except ClientDisconnect:
            raise HTTPException(400, "the client went away") from None  # for the log alone
        work = asyncio.ensure_future(_translated(content))
        gone = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait(
                {work, gone}, timeout=limits.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if work.done():
                result, kind = work.result()
                return Response(result, media_type=kind)
        except Full:
            raise HTTPException(503, "too many images are waiting", {"Retry-After": "1"}) from None
        except ValueError as error:  # the translator's, on what it cannot take
            raise HTTPException(400, str(error)) from None
        finally:  # what nobody waits for is not computed
            work.cancel()
            gone.cancel()
        raise HTTPException(504, f"no result within {limits.seconds:g} s")

    async def _translated(content: bytes) -> tuple[bytes, str]:
        read = partial(read_picture, content, limits, multiple, values=not translator.eight_bits)
        result = await batcher(await asyncio.to_thread(read))
        return await asyncio.to_thread(encode, result, translator.outputs)

    add_landing_page(app, title, formats, results)

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Says that the service is up, what it translates with, and how many images wait."""
        return {
            "status": "ok",
            "name": name,
            "network": type(translator.generator).__name__,
            "device": str(translator.device),
            "waiting": batcher.waiting,
        }

    return app


async def _content(request: Request) -> bytes:
    """Returns the bytes of the image file. Raises: HTTPException when there are none."""
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


async def _left(request: Request) -> None:
    """Returns when the client goes away; after a request's body nothing else can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
