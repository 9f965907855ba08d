"""A trained generator behind HTTP, for this machine only unless told otherwise: python scripts/serve.py --name N

POST an image to /translate, get a PNG back: curl -F image=@photo.jpg http://127.0.0.1:8000/translate -o result.png
docs/deploy.md says more.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.inference.translator import load_translator
from util.errors import InputError, run_command
from util.script_parser import script_parser

# A web page elsewhere could reach this machine by a name of its own for it; such names are refused.
LOCAL = ["127.0.0.1", "localhost"]


def main(argv: Sequence[str]) -> int:
    """Serves until a signal ends it; returns the exit status."""
    options = build_parser().parse_args(argv)
    try:
        import python_multipart  # noqa: F401
        import uvicorn

        from scripts.lib.serving.batching import Batcher
        from scripts.lib.serving.limits import Limits
        from scripts.lib.serving.service import create_service
    except ImportError as error:
        raise InputError(
            f"the server needs a package that is not installed ({error.name}): pip install fastapi uvicorn python-multipart"
        ) from None
    translator = load_translator(
        Path(options.checkpoints_dir) / options.name,
        direction=options.direction,
        epoch=options.epoch,
        use_ema=options.use_ema,
        device=options.device,
        precision=options.precision,
        running_statistics=options.norm_policy == "running",
        batch_size=options.batch_size,
    )
    check_channels(1 if translator.units.labels else translator.input_nc, translator.output_nc)
    batcher = Batcher(
        translator, most=options.batch_size, linger=options.linger / 1000, queue=options.queue
    )
    limits = Limits(
        int(options.max_megabytes * 1e6), int(options.max_megapixels * 1e6), options.timeout
    )
    hosts = LOCAL if options.host in LOCAL else ["*"]
    app = create_service(translator, batcher, limits, name=options.name, hosts=hosts)
    listening = listen(options.host, options.port)
    print(f"{translator}")
    print(f"listening on http://{options.host}:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app,
        log_level="warning",
        limit_concurrency=8 * options.queue,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=int(options.timeout) + 1,
    )
    uvicorn.Server(config).run([listening])
    return 0


def check_channels(input_nc: int, output_nc: int) -> None:
    if not {input_nc, output_nc} <= {1, 3, 4}:
        raise InputError(
            f"this network translates {input_nc} channels into {output_nc}, which are no pictures"
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket; port 0 is any that is free. Raises: InputError when the address cannot be had."""
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


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    parser.add_argument("--name", required=True, help="of the run: the folder in --checkpoints_dir")
    parser.add_argument("--checkpoints_dir", default="./checkpoints", help="folder of the runs")
    parser.add_argument("--direction", choices=("AtoB", "BtoA"), help="default: that of training")
    parser.add_argument("--epoch", default="latest", help="latest, a number, iter_N, or best")
    parser.add_argument("--use_ema", action="store_true", help="the averaged weights of --ema")
    parser.add_argument(
        "--norm_policy",
        choices=("image", "running"),
        default="image",
        help="batch norm by each image's own statistics, as test.py does, or by those of training, as test.py --eval",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0 ...")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16, fp16")
    parser.add_argument("--host", default="127.0.0.1", help="address; 0.0.0.0 = reached from all")
    parser.add_argument("--port", type=int, default=8000, help="0 = any that is free")
    parser.add_argument("--batch_size", type=int, default=8, help="images that go together")
    parser.add_argument("--linger", type=float, default=2, help="milliseconds to wait for others")
    parser.add_argument("--queue", type=int, default=64, help="images that may wait")
    parser.add_argument(
        "--timeout", type=float, default=30, help="seconds for a request, and for its answer"
    )
    parser.add_argument("--max_megabytes", type=float, default=20, help="of a request")
    parser.add_argument("--max_megapixels", type=float, default=4, help="of an image")
    return parser


if __name__ == "__main__":
    run_command(main)
