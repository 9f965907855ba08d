"""Reads a file of torch.save without running code from it, and without believing what it claims.

torch.load(weights_only=True) runs no code, but takes sizes from the file as they stand there and checks no checksum: a
flipped bit goes unnoticed, a tensor may claim more values than the file has bytes, and small packed files fill the
memory. Here every part is compared with what the file really holds before anything is allocated for it.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import IO, Any

import torch

DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexDoubleStorage": torch.complex128,
    "ComplexFloatStorage": torch.complex64,
    "UntypedStorage": torch.uint8,
}
UNSUPPORTED = ("sparse", "qtensor", "meta_tensor", "nested", "wrapper_subclass", "device_tensor")
DEEPEST = 200
MOST_ITEMS = 20_000_000
# Bytes that are read and summed at once, while they are in the processor's cache.
CHUNK = 1 << 18


class Refused(Exception):
    """A file that is no plain checkpoint, or was made to do harm."""


class Damaged(Exception):
    """A file whose content is not what was written."""


class Archive:
    """The members of a zip file as PyTorch writes it: not packed, one after the other, listed at the end.

    Raises: Refused, Damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self._lock = file, Lock()
        self.size = file.seek(0, io.SEEK_END)
        try:
            members = zipfile.ZipFile(file).infolist()
        except (zipfile.BadZipFile, NotImplementedError, UnicodeError, ValueError) as error:
            raise Damaged(str(error)) from None
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise Refused("it is packed, as PyTorch's files never are")
        if not self._ends_with_its_only_directory():
            raise Refused("it has more than one zip directory, as PyTorch's files never have")
        if sum(member.file_size for member in members) > self.size:
            raise Refused("it claims more content than it has bytes")
        # PyTorch's reader looks for names without regard to case.
        if len({member.filename.lower() for member in members}) < len(members):
            raise Refused("it holds several parts of one name")
        self.members = {member.filename: member for member in members}
        self.root = members[0].filename.partition("/")[0] if members else ""

    def _ends_with_its_only_directory(self) -> bool:
        """Tells whether the directory that Python reads is at the very end, and at the offset it states itself.

        Readers differ in how they look for it, so that a file could show one to us and another one to PyTorch.
        """
        end = self.size - 22
        mark, length, offset, comment = struct.unpack("<4s8xIIH", self._read(end, 22))
        # A zip64: the true numbers are in a record before.
        if self._read(end - 20, 4) == b"PK\x06\x07":
            (end,) = struct.unpack("<8xQ4x", self._read(end - 20, 20))
            length, offset = struct.unpack("<40xQQ", self._read(end, 56))
            if end + 56 + 20 + 22 != self.size:
                return False
        return mark == b"PK\x05\x06" and not comment and offset + length == end

    def _read(self, start: int, count: int) -> bytes:
        self.file.seek(max(start, 0))
        return self.file.read(count).ljust(count, b"\0")

    def read(self, name: str) -> bytes:
        """Reads a member. Raises: Damaged when it is missing or its checksum differs."""
        member = self.members.get(name)
        if member is None:
            raise Damaged(f"{name} is missing")
        content = bytearray(member.file_size)
        self.read_into(memoryview(content), member)
        return bytes(content)

    def read_into(self, target: memoryview, member: zipfile.ZipInfo) -> None:
        """Reads a member, as several threads may at once. Raises: Damaged when its checksum differs."""
        with self._lock:
            header = self._read(member.header_offset, 30)
        if header[:4] != b"PK\x03\x04":
            raise Damaged(f"{member.filename} is not where the directory says")
        start = member.header_offset + 30 + sum(struct.unpack("<26xHH", header))
        done, checksum = 0, 0
        while done < len(target):
            part = target[done : done + CHUNK]
            with self._lock:
                self.file.seek(start + done)
                count = self.file.readinto(part)  # type: ignore[attr-defined]
            if not count:
                raise Damaged(f"{member.filename} is cut off")
            checksum = zlib.crc32(part[:count], checksum)
            done += count
        if checksum != member.CRC:
            raise Damaged(f"the checksum of {member.filename} differs")


def read_checkpoint(file: IO[bytes]) -> Any:
    """Reads dicts, lists, numbers, texts and tensors on the CPU from a file of torch.save.

    Raises: Refused for anything else, Damaged when the content is not what was written.
    """
    if zipfile.is_zipfile(file):
        archive = Archive(file)
        content = _read_archive(archive)
        size = archive.size
    else:
        size = file.seek(0, io.SEEK_END)
        _check_old_format(file, size)
        file.seek(0)
        content = torch.load(file, map_location="cpu", weights_only=True)
    _check_extent(content, size)
    return content


def _read_archive(archive: Archive) -> Any:
    root, storages = archive.root, dict[str, torch.Tensor]()
    reading: list[Future[None]] = []
    for name in archive.members:  # all that is not tensors' content is small
        if not name.startswith(f"{root}/data/") and name != f"{root}/data.pkl":
            archive.read(name)
    order = f"{root}/byteorder"
    if order in archive.members and archive.read(order) != sys.byteorder.encode():
        raise Refused("it was written by a machine of another byte order")

    def storage(key: str, count: int, dtype: torch.dtype) -> torch.Tensor:
        member = archive.members.get(f"{root}/data/{key}")
        if member is None or member.file_size != count * dtype.itemsize:
            raise Damaged(f"tensor {key} is not as large as is claimed")
        if key not in storages:
            storages[key] = torch.empty(member.file_size, dtype=torch.uint8)
            view = memoryview(storages[key].numpy().data)
            reading.append(pool.submit(archive.read_into, view, member))
        return storages[key]

    with ThreadPoolExecutor(2) as pool:  # sums of one part are taken while the next one is read
        content = _load_pickle(io.BytesIO(archive.read(f"{root}/data.pkl")), storage)
        for part in reading:
            part.result()
    return content


def _check_old_format(file: IO[bytes], size: int) -> None:
    """Reads the pickles of a file from before PyTorch 1.6 without its tensors, to see what these claim."""
    file.seek(0)
    claimed: dict[str, int] = {}

    def storage(key: str, count: int, dtype: torch.dtype) -> torch.Tensor | None:
        claimed[key] = max(claimed.get(key, 0), count * dtype.itemsize)
        if sum(claimed.values()) > size:
            raise Refused("it claims more content than it has bytes")
        return None

    for _ in range(4):  # a magic number, a version, a machine, the content
        _load_pickle(_Bounded(file, size), storage)


class _Bounded:
    """A file of which no more is asked for than it holds, whatever a pickle claims."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.size, self.readline = file, size, file.readline

    def read(self, count: int) -> bytes:
        content = self.file.read(min(count, self.size - self.file.tell()))
        if len(content) < count:
            raise EOFError
        return content


def _load_pickle(file: Any, storage: Callable[[str, int, torch.dtype], torch.Tensor | None]) -> Any:
    try:
        return _Unpickler(file, storage).load()
    except (Refused, Damaged, MemoryError):
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise Damaged(f"its list of contents cannot be read, {type(error).__name__}") from None


class _Dict(dict):  # type: ignore[type-arg]
    """An OrderedDict of the file, without the attributes it had."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Unpickler(pickle._Unpickler):
    """Makes containers, numbers, texts and tensors, and nothing else.

    Python's own implementation, because the faster one reserves as much memory for its memo as a file says.

    storage: key, number of values, type -> the bytes (uint8) that the file has for them; None: tensors are checked,
        not made.
    """

    def __init__(
        self, file: Any, storage: Callable[[str, int, torch.dtype], torch.Tensor | None]
    ) -> None:
        super().__init__(file)
        self._storage = storage

    def persistent_load(self, pid: Any) -> tuple[torch.Tensor | None, int, torch.dtype]:
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not _is_size(count):
            raise Refused("it holds content of a kind that is not known")
        return self._storage(str(key), count, dtype), count, dtype

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "torch" and name in DTYPES:
            return DTYPES[name]
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if module.startswith("torch") and any(word in name for word in UNSUPPORTED):
            raise Refused("its tensors are sparse, quantized or without content")
        raise Refused("it is not a checkpoint of plain tensors, and may run code")


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48


def _tensor(
    stored: tuple[torch.Tensor | None, int, torch.dtype],
    offset: Any,
    size: Any,
    stride: Any,
    *_: Any,
) -> torch.Tensor | None:
    """Builds a tensor that looks at no more values than its storage has, and at none of them twice."""
    content, count, dtype = stored
    whole = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > 16 or not all(map(_is_size, whole)):
        raise Refused("it holds a tensor of impossible shape")
    values = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if values > count or (values and last >= count):
        raise Refused("it holds a tensor that claims more values than the file has")
    if content is None:
        return None
    return content.view(dtype).as_strided(tuple(size), tuple(stride), offset)


def _tensor_of(
    stored: tuple[torch.Tensor | None, int, torch.dtype], offset: Any, size: Any, stride: Any,
    requires_grad: Any, hooks: Any, dtype: torch.dtype, *_: Any,
) -> torch.Tensor | None:  # fmt: skip
    """Builds a tensor of a type that has no storage type; its storage counts bytes."""
    content, count, _bytes = stored
    return _tensor((content, count // dtype.itemsize, dtype), offset, size, stride)


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Dict,
    ("collections", "Counter"): _Dict,
    ("builtins", "set"): lambda items=(): set(items) if isinstance(items, list) else set(),
    ("__builtin__", "set"): lambda items=(): set(items) if isinstance(items, list) else set(),
    ("builtins", "complex"): complex,
    ("__builtin__", "complex"): complex,
    ("_codecs", "encode"): lambda text, code: text.encode("latin1"),
    ("torch", "Size"): lambda sizes=(): tuple(sizes),
    ("torch", "device"): lambda *place: ":".join(map(str, place)),
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): lambda tensor, *_: tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda build, kind, parts, state: build(*parts),
    ("torch.nn.parameter", "Parameter"): None,
    ("torch", "Tensor"): None,
}


def _check_extent(content: Any, size: int) -> None:
    """Refuses content that refers to its parts so often that a copy of it would be much larger than the file.

    Raises: Refused.
    """
    known: dict[int, tuple[int, int]] = {}

    def extent(value: Any, depth: int) -> tuple[int, int]:
        """Items and bytes of tensors, in a copy that shares nothing."""
        if isinstance(value, torch.Tensor):
            return 1, value.numel() * value.element_size()
        if not isinstance(value, (dict, list, tuple, set)):
            return 1, 0
        if id(value) in known:
            return known[id(value)]
        if depth > DEEPEST:
            raise Refused("it is nested too deeply, or holds itself")
        items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        counts = [extent(item, depth + 1) for item in items]
        known[id(value)] = 1 + sum(n for n, _ in counts), sum(b for _, b in counts)
        return known[id(value)]

    items, nbytes = extent(content, 0)
    if items > MOST_ITEMS or nbytes > 4 * size + (1 << 20):
        raise Refused("it refers to its own parts so often that it would fill the memory")
