"""Files that claim what they do not hold: none reaches a kernel or fills the memory, each ends in one message."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from util.checkpoints import files as checkpoint
from util.errors import InputError

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32),
    *(torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn),
)


def saved(path: Path, content: Any, **how: Any) -> Path:
    torch.save(content, path, **how)
    return path


@pytest.mark.parametrize("new", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_type_are_read_as_pytorch_reads_them(tmp_path, dtype, new) -> None:
    if not new and dtype.itemsize == 1 and dtype.is_floating_point:
        pytest.skip("PyTorch itself cannot write it so")
    grid = torch.arange(24).reshape(4, 6).to(dtype)
    content = {"whole": grid, "view": grid.T[1:3], "empty": grid[:0], "scalar": grid[1, 1]}
    path = saved(tmp_path / "a.pth", content, _use_new_zipfile_serialization=new)
    expected, found = torch.load(path, weights_only=True), checkpoint.load(path)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].tolist() == tensor.tolist()


def test_containers_numbers_and_parameters_are_read(tmp_path) -> None:
    content = OrderedDict(
        a=torch.nn.Parameter(torch.ones(2)), b=[1, 2.5, None, True, "text", b"bytes", {3, 4}],
        c=(torch.Size([1, 2]), torch.float16, 1 + 2j, 10**30),
    )  # fmt: skip
    found = checkpoint.load(saved(tmp_path / "a.pth", content))
    assert found["a"].tolist() == [1, 1]
    assert found["b"] == content["b"]
    assert found["c"] == ((1, 2), torch.float16, 1 + 2j, 10**30)


def test_state_dicts_with_their_version_are_read(tmp_path) -> None:
    state = torch.nn.BatchNorm2d(3).state_dict()
    assert list(checkpoint.load_weights(saved(tmp_path / "a.pth", state))) == list(state)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "before 1.6"])
def test_a_tensor_that_shows_one_value_many_times_is_refused(tmp_path, new) -> None:
    wide = torch.zeros(1).as_strided((4096, 4096, 4, 4), (0, 0, 0, 0))
    path = saved(tmp_path / "a.pth", {"w": wide}, _use_new_zipfile_serialization=new)
    with pytest.raises(InputError, match="claims more values than the file has"):
        checkpoint.load(path)


class Claims:
    """A tensor of a kind that torch.save would not write."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, self.arguments


def rewritten(path: Path, change: dict[str, bytes], **how: Any) -> None:
    """Writes the archive again with other members."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()} | change
    with zipfile.ZipFile(path, "w", **how) as new:
        for name, content in members.items():
            new.writestr(name, content)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (5,), (1,)), (3, (2,), (1,)), (0, (2,), (9,)), (-1, (1,), (1,)), (0, (-1,), (1,)), (0, (2, 2), (1,))],
)  # fmt: skip
def test_a_tensor_outside_of_its_storage_is_refused(tmp_path, offset, size, stride) -> None:
    bytes_of_four = torch.zeros(4).untyped_storage()
    storage = torch.storage.TypedStorage(
        wrap_storage=bytes_of_four, dtype=torch.float32, _internal=True
    )
    content = {"w": Claims(storage, offset, size, stride, False, OrderedDict())}
    with pytest.raises(InputError, match="claims more values|impossible shape"):
        checkpoint.load(saved(tmp_path / "a.pth", content))


def test_a_storage_smaller_than_it_claims_is_refused(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(1000)})
    rewritten(path, {"a/data/0": b"1234"})
    with pytest.raises(InputError, match="not as large as is claimed"):
        checkpoint.load(path)


def test_an_old_file_that_claims_terabytes_is_refused_before_they_are_reserved(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(77)}, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"KM", b"\x8a\x06" + (2**40).to_bytes(6, "little")))
    assert path.read_bytes() != content
    with pytest.raises(
        InputError, match="claims more content than it has bytes|claims more values"
    ):
        checkpoint.load(path)


def test_packed_files_are_refused(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(100_000)})
    rewritten(path, {}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="it is packed"):
        checkpoint.load(path)


def test_packed_files_behind_a_second_directory_are_refused(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(100_000)})
    rewritten(path, {}, compression=zipfile.ZIP_DEFLATED)
    plain = io.BytesIO()
    torch.save({"w": torch.zeros(1)}, plain)
    path.write_bytes(path.read_bytes() + plain.getvalue())
    with pytest.raises(InputError, match="more than one zip directory|is damaged"):
        checkpoint.load(path)


def test_members_that_lie_over_each_other_are_refused(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {f"{i}": torch.rand(1000) for i in range(20)})
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    names = [i for i in range(first, len(content)) if content[i : i + 4] == b"PK\x01\x02"]
    data = [i for i in names if b"/data/" in content[i + 46 : i + 60]]
    size = struct.unpack_from("<I", content, data[0] + 20)[0] * 30
    for start in data:  # each claims what all of them have together
        struct.pack_into("<II", content, start + 20, size, size)
    path.write_bytes(content)
    with pytest.raises(InputError, match="claims more content|is damaged"):
        checkpoint.load(path)


def doubled(times: int) -> Any:
    content: Any = [0.0]
    for _ in range(times):
        content = [content, content]
    return content


def test_content_that_doubles_forty_times_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="refers to its own parts so often"):
        checkpoint.load(saved(tmp_path / "a.pth", {"curve": doubled(40)}))


def test_one_tensor_under_thousands_of_names_is_refused(tmp_path) -> None:
    tensor = torch.zeros(1 << 20)
    with pytest.raises(InputError, match="refers to its own parts so often"):
        checkpoint.load(saved(tmp_path / "a.pth", {f"{i}": tensor for i in range(2000)}))


def test_content_that_holds_itself_is_refused(tmp_path) -> None:
    content: list[Any] = []
    content.append(content)
    with pytest.raises(InputError, match="holds itself"):
        checkpoint.load(saved(tmp_path / "a.pth", content))


def test_a_pickle_that_reserves_a_memo_of_gigabytes_is_read_in_little_memory(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(3)})
    # An empty dict, remembered as number 4,294,967,294 of what the pickle refers to.
    rewritten(path, {"a/data.pkl": b"\x80\x02}r\xfe\xff\xff\xff."})
    assert checkpoint.load(path) == {}


@pytest.mark.parametrize("member", ["a/data.pkl", "a/data/0", "a/version"])
def test_one_flipped_bit_is_noticed(tmp_path, member) -> None:
    path = saved(tmp_path / "a.pth", {"w": torch.rand(1000)})
    with zipfile.ZipFile(path) as archive:
        content, info = bytearray(path.read_bytes()), archive.getinfo(member)
        start = path.read_bytes().index(archive.read(member), info.header_offset)
    content[start + info.file_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"the checksum of {member} differs"):
        checkpoint.load(path)


def test_bare_pickles_of_protocol_four_run_no_code(tmp_path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(print, protocol=4))
    with pytest.raises(InputError, match="not a checkpoint of plain tensors"):
        checkpoint.load(tmp_path / "a.pth")


def test_terminal_escapes_in_names_are_written_out(tmp_path) -> None:
    path = saved(tmp_path / "a.pth", {"\x1b]0;title\x07": 1})
    with pytest.raises(InputError) as error:
        checkpoint.load_weights(path)
    assert "\x1b" not in str(error.value)
    assert "\\x1b" in str(error.value)


@pytest.mark.parametrize("name", ["state_dict", "model", "params_ema"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module."])
def test_weights_are_found_where_other_programs_put_them(tmp_path, name, prefix) -> None:
    weights = {"a.weight": torch.ones(2), "a.bias": torch.zeros(1)}
    content = {name: {f"{prefix}{key}": value for key, value in weights.items()}, "epoch": 3}
    found = checkpoint.load_weights(saved(tmp_path / "a.pth", content))
    assert list(found) == list(weights)
