"""What a request may cost, and refusals: of bodies that are too large or too slow, of files that are no pictures."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass

from fastapi import HTTPException
from PIL import Image, ImageOps
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Others have decoders that are rarely used, and rarely attacked.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


@dataclass(frozen=True)
class Limits:
    """bytes: of a request's body. pixels: of an image. seconds: until a body is there, and until an answer is."""

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


def read_picture(content: bytes, pixels: int) -> Image.Image:
    """The picture in a file, upright. Its size is known, and refused, before it is decoded.

    Raises: HTTPException that says why not.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as file:
            if file.width * file.height > pixels:
                raise HTTPException(
                    413,
                    f"the image has {file.width} x {file.height} pixels; {pixels} are allowed in all",
                )
            file.load()
            return ImageOps.exif_transpose(file)
    except HTTPException:
        raise
    except Image.DecompressionBombError as error:
        raise HTTPException(413, str(error)) from None
    except Exception as error:  # Pillow has many words for a damaged file
        reason = "" if "BytesIO" in str(error) else f" ({error})"
        kinds = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise HTTPException(400, f"this is no {kinds} file that can be read{reason}") from None
