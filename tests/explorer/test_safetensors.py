"""Files that a reader may open: a run's own is read, whatever else is refused."""

import base64
import json
import struct

import pytest
import torch
from node import needs_node, run

from disentlib.models.networks import VAE
from disentlib.training.checkpoints import FORMAT, save_tensors

OPEN = """
return given.map((text) => {
  try {
    Explorer.models.open(new Uint8Array(Buffer.from(text, "base64")).buffer, "mine");
    return "opened";
  } catch (error) { return error.message; }
});"""


def answers(*files: bytes) -> list[str]:
    scripts = ["sprites", "text", "network", "weights", "safetensors", "models"]
    return run(scripts, OPEN, [base64.b64encode(file).decode() for file in files])


def packed(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("run") / "model.safetensors"
    save_tensors(path, VAE(3, batch_norm=True).state_dict(), {"step": 5})
    return path.read_bytes()


def changed(good: bytes, change) -> bytes:
    """`good` with its header passed through `change`."""
    length = struct.unpack("<Q", good[:8])[0]
    header = json.loads(good[8 : 8 + length])
    change(header)
    return packed(header, good[8 + length :])


@needs_node
def test_a_runs_file_is_opened_and_others_are_refused_in_one_line(good):
    ours = {"__metadata__": {"format": FORMAT}}

    def lie(key, value):
        return lambda header: header["features.0.weight"].update({key: value})

    cases = {
        "opened": good,
        "cut short, in the numbers": good[:-1000],
        "cut short, in the header": good[:50],
        "empty": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "no JSON": packed(b"{nonsense"),
        "a list": packed([1, 2]),
        "null": packed(b"null"),
        "a header of 2^60 bytes": struct.pack("<Q", 2**60) + bytes(100),
        "more bytes than it says": good + b"more",
        "not ours": changed(good, lambda h: h.pop("__metadata__")),
        "no tensors": packed(ours),
        "lies about its end": changed(good, lie("data_offsets", [0, 2**40])),
        "negative start": changed(good, lie("data_offsets", [-8, 2040])),
        "not a number": changed(good, lie("data_offsets", ["0", "2048"])),
        "overlaps": changed(good, lie("data_offsets", [4, 2052])),
        "shape of another size": changed(good, lie("shape", [32, 1, 4, 5])),
        "shape of the same size": changed(good, lie("shape", [16, 2, 4, 4])),
        "shape that overflows": changed(good, lie("shape", [2**31, 2**31, 2**31])),
        "unknown type": changed(good, lie("dtype", "F16")),
        "type of a prototype": changed(good, lie("dtype", "constructor")),
        "entry is null": changed(good, lambda h: h.update({"mean.weight": None})),
        "another name": changed(
            good, lambda h: h.update(other=h.pop("features.0.weight"))
        ),
    }
    found = dict(zip(cases, answers(*cases.values())))
    assert found.pop("opened") == "opened"
    for case, message in found.items():
        assert message != "opened", case
        assert "\n" not in message and message.endswith((".", "run.")), case
        assert "undefined" not in message and "TypeError" not in message, case
    assert "cut short" in found["cut short, in the numbers"]
    assert "not written by disentlib" in found["not ours"]
    assert "16 × 2 × 4 × 4, not 32 × 1 × 4 × 4" in found["shape of the same size"]


@needs_node
def test_a_model_that_ran_away_is_refused(tmp_path):
    vae = VAE(3, batch_norm=False)
    with torch.no_grad():
        vae.mean.weight[0, 0] = torch.nan
    save_tensors(tmp_path / "model.safetensors", vae.state_dict(), {})
    (message,) = answers((tmp_path / "model.safetensors").read_bytes())
    assert "mean.weight" in message and "not finite" in message
