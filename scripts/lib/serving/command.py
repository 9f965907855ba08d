"""scripts/serve.py after its flags: opens the generator and the port, and serves."""

from __future__ import annotations

import argparse
import socket
from functools import partial

from models.inference.translator import load_translator
from options.wording import count
from scripts.lib.generator_flags import checkpoint, print_settings, translator_arguments
from util.errors import InputError

# A web page elsewhere could reach this machine by a name of its own for it; such names are refused.
LOCAL = ["127.0.0.1", "localhost"]


def serve(options: argparse.Namespace) -> int:
    """Serves until a signal ends it; returns the exit status."""
    try:
        import python_multipart  # noqa: F401
        import uvicorn

        from scripts.lib.serving.batching import Batcher
        from scripts.lib.serving.limits import Limits, TimedHeaders
        from scripts.lib.serving.service import create_service
    except ImportError as error:
        raise InputError(
            f"the server needs a package that is not installed ({error.name}): pip install fastapi uvicorn python-multipart"
        ) from None
    translator = load_translator(checkpoint(options), **translator_arguments(options))
    sides = translator.inputs, translator.outputs
    check_channels(*(1 if side.labels else side.channels for side in sides))
    batcher = Batcher(
        translator.stream,
        most=options.batch_size,
        linger=options.linger / 1000,
        queue=options.queue,
    )
    limits = Limits(
        int(options.max_megabytes * 1e6), int(options.max_megapixels * 1e6), options.timeout
    )
    hosts = LOCAL if options.host in LOCAL else ["*"]
    app = create_service(
        translator, batcher, limits, name=options.name, hosts=hosts, origins=options.allow_origin
    )
    listening = listen(options.host, options.port)
    print(f"{translator}")
    print_settings(translator.settings)
    address = f"http://{options.host}:{listening.getsockname()[1]}"
    print(f"listening on {address} (a page to try it is there)", flush=True)
    config = uvicorn.Config(
        app,
        http=partial(TimedHeaders, seconds=options.timeout),
        log_level="warning",
        limit_concurrency=2 * options.queue,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=int(options.timeout) + 1,
    )
    uvicorn.Server(config).run([listening])
    return 0


def check_channels(input_nc: int, output_nc: int) -> None:
    if not {input_nc, output_nc} <= {1, 3, 4}:
        raise InputError(
            f"this network translates {count(input_nc, 'channel')} into {output_nc}, but a server needs 1, 3 or 4"
        )


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket; port 0 is any that is free. Raises: InputError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((host, port))
        one.listen(512)  # who comes while the server still starts is waited on, not refused
    except (OSError, OverflowError) as error:
        one.close()
        raise InputError(
            f"cannot listen on --host {host} --port {port}: {error}. Give another --port, or 0 for any that is free."
        ) from None
    return one
