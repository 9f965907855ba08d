"""Limits of what a request may cost, and refusals: of other sites' pages, of what is too large or too slow, of files
that are no pictures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h11
import numpy as np
from fastapi import HTTPException
from PIL import Image
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from scripts.lib.serving.batching import Picture
from util.images import write_png
from util.images.read import upright
from util.images.values import Values
from util.images.write import SUFFIXES, encode_values, format_for

# Others have decoders that are rarely used, and rarely attacked.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


@dataclass(frozen=True)
class Limits:
    """bytes: of a request's body. pixels: of an image, as the network computes it. seconds: until headers, body and
    answer are there."""

    bytes: int
    pixels: int
    seconds: float


class BodyLimit:
    """Ends requests whose body is too large, said or not, or does not come."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > self.limits.bytes:
            await JSONResponse({"detail": self._too_large()}, 413)(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.limits.seconds
        size, ended = 0, False

        async def limited() -> Message:
            nonlocal size, ended
            if ended:  # what comes after a body is the client going away, for which nobody hurries
                return await receive()
            left = deadline - asyncio.get_running_loop().time()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0))
            except asyncio.TimeoutError:
                raise HTTPException(
                    408, f"the request did not come within {self.limits.seconds:g} s"
                ) from None
            size += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if size > self.limits.bytes:
                raise HTTPException(413, self._too_large())
            return message

        await self.app(scope, limited, send)

    def _too_large(self) -> str:
        return f"the request is larger than {self.limits.bytes / 1e6:g} MB"


class OriginCheck:
    """Refuses what pages of other sites send: a browser says in `Origin` whose page it is.

    Args:
        allowed: origins such as https://site.example that may send; "*" for all.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app, self.allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin", "")
            own = f"{scope['scheme']}://{headers.get('host', '')}"
            if origin and origin != own and not {origin, "*"} & set(self.allowed):
                words = f"pages of {origin} may not send images here; serve.py --allow_origin {origin} allows it"
                await JSONResponse({"detail": words}, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class TimedHeaders(H11Protocol):
    """A connection that is closed when the headers of a request do not come within some seconds."""

    def __init__(self, *words: Any, seconds: float, **named: Any) -> None:
        super().__init__(*words, **named)
        self.seconds = seconds
        self.deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def _await_headers(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self.deadline is None:
            self.deadline = self.loop.call_later(self.seconds, self.transport.close)

    def _stop(self) -> None:
        if self.deadline:
            self.deadline.cancel()
            self.deadline = None


def read_picture(content: bytes, limits: Limits, multiple: int, *, values: bool) -> Picture:
    """Returns the picture in a file, upright; with `values` an array (H, W) or (H, W, 3) of what the file holds.

    Its size is known, and refused, before it is decoded.

    Args:
        multiple: what the network's images are padded to, so that it computes more pixels than a narrow image has.

    Raises: HTTPException that says why not.
    """
    formats = (*FORMATS, "TIFF") if values else FORMATS
    try:
        with Image.open(io.BytesIO(content), formats=formats) as file:
            width, height = (-(-side // multiple) * multiple for side in file.size)
            if width * height > limits.pixels:
                padded = (
                    "" if (width, height) == file.size else f", computed as {width} x {height},"
                )
                raise HTTPException(
                    413,
                    f"the image has {file.width} x {file.height} pixels{padded} where {limits.pixels} are allowed in all",
                )
            if values and "16" in str(file.tile[:1]) and file.mode in ("RGB", "RGBA"):
                raise HTTPException(
                    400, "colours of 16 bits cannot be read here: use scripts/translate.py"
                )
            picture = upright(file)
    except HTTPException:
        raise
    except Image.DecompressionBombError as error:
        raise HTTPException(413, str(error)) from None
    except Exception as error:  # Pillow raises errors of many types for a damaged file
        reason = "" if "BytesIO" in str(error) else f" ({error})"
        kinds = f"{', '.join(formats[:-1])} or {formats[-1]}"
        raise HTTPException(400, f"this is no {kinds} file that can be read{reason}") from None
    if not values:
        return picture
    return np.array(picture.convert("L") if picture.mode == "1" else picture)


def encode(result: Picture, values: Values) -> tuple[bytes, str]:
    """Returns a result as a file, and its media type: PNG, or TIFF for values that PNG does not hold.

    Args:
        values: meaning of the numbers in an array.
    """
    file = io.BytesIO()
    if isinstance(result, Image.Image):
        write_png(file, result)
        return file.getvalue(), "image/png"
    kind = format_for("auto", "as.png", values) or "png"
    encode_values(file, SUFFIXES[kind], np.atleast_3d(result))
    return file.getvalue(), f"image/{kind}"
