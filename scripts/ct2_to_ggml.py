#!/usr/bin/env python3
"""Turns a Whisper model of CTranslate2 (fp16) into whisper.cpp's ggml file (f16).

usage: ct2_to_ggml.py OUT.bin TOKENIZER.json MODEL.bin [MODEL.bin.part2 ...]

Standard library only, and deterministic: the same weights give the same bytes, so the result's SHA-256 can be
pinned. The weights are copied, never rounded: fp16 stays fp16, and the small tensors that whisper.cpp wants in
f32 are widened exactly.
"""

import json
import math
import struct
import sys

GGML_MAGIC = 0x67676D6C
F32, F16 = 0, 1
CT2_FLOAT16 = 4
# whisper.cpp makes the special tokens itself; the file lists the 50,256 byte-pair tokens and <|endoftext|>.
LISTED_TOKENS = 50257
MEL_BINS, FFT_SIZE, SAMPLE_RATE = 80, 400, 16000


class NotThisModel(Exception):
    """The file is no Whisper model that this converter understands."""


class Tensor:
    """Dimensions (outermost first) and the bytes, as the source file holds them."""

    def __init__(self, dims, kind, data):
        self.dims, self.kind, self.data = dims, kind, data

    def scalar(self):
        return struct.unpack("<h", self.data)[0]

    def third(self, index, of):
        """One of several equal blocks of rows: fused query, key and value weights lie one after another."""
        size = len(self.data) // of
        return Tensor([self.dims[0] // of] + self.dims[1:], self.kind, self.data[index * size : (index + 1) * size])


def read_ctranslate2(data):
    """CTranslate2's binary format 6: a string names the specification, then each tensor with its shape and type."""
    at = 0

    def number(code):
        nonlocal at
        (value,) = struct.unpack_from("<" + code, data, at)
        at += struct.calcsize("<" + code)
        return value

    def text():
        nonlocal at
        size = number("H")
        value = data[at : at + size].rstrip(b"\0").decode()
        at += size
        return value

    version, specification, revision, count = number("I"), text(), number("I"), number("I")
    if (version, specification, revision) != (6, "WhisperSpec", 3):
        raise NotThisModel(f"format {version}, {specification} revision {revision}; this reads 6, WhisperSpec 3")
    tensors = {}
    for _ in range(count):
        name = text()
        dims = [number("I") for _ in range(number("B"))]
        kind, size = number("B"), number("I")
        tensors[name] = Tensor(dims, kind, data[at : at + size])
        at += size
    return tensors


def widened(half):
    """fp16 to f32, exactly."""
    count = len(half) // 2
    return struct.pack(f"<{count}f", *struct.unpack(f"<{count}e", half))


def rounded(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def mel_filter_bank():
    """The 80 triangular filters Whisper was trained with (Slaney's scale and norm), to the bit.

    Reproduces librosa's float32 result: the triangle is rounded to f32, multiplied by its norm, rounded again.
    The order of the arguments of `max` matters: the very first weight is -0.0 there.
    """
    hz_per_mel, knee_hz, log_step = 200.0 / 3, 1000.0, math.log(6.4) / 27.0
    knee_mel = knee_hz / hz_per_mel
    top_mel = knee_mel + math.log((SAMPLE_RATE / 2) / knee_hz) / log_step
    mels = [i * (top_mel / (MEL_BINS + 1)) for i in range(MEL_BINS + 1)] + [top_mel]
    hz = [hz_per_mel * m if m < knee_mel else knee_hz * math.exp(log_step * (m - knee_mel)) for m in mels]
    weights = []
    for low, centre, high in zip(hz, hz[1:], hz[2:]):
        for bin_ in range(FFT_SIZE // 2 + 1):
            f = bin_ * (1.0 / (FFT_SIZE * (1.0 / SAMPLE_RATE)))
            triangle = max(min(-(low - f) / (centre - low), (high - f) / (high - centre)), 0.0)
            weights.append(rounded(rounded(triangle) * (2.0 / (high - low))))
    return struct.pack(f"<{len(weights)}f", *weights)


def token_bytes(tokenizer):
    """The byte-pair vocabulary, back from GPT-2's printable stand-ins to the bytes they stand for."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    stands_for = {chr(b): b for b in printable}
    hidden = [b for b in range(256) if b not in set(printable)]
    stands_for.update({chr(256 + i): b for i, b in enumerate(hidden)})
    by_id = {number: token for token, number in json.loads(tokenizer)["model"]["vocab"].items()}
    return [bytes(stands_for[c] for c in by_id[i]) for i in range(LISTED_TOKENS)]


class Writer:
    """The tensors of the ggml file in whisper.cpp's names and order."""

    def __init__(self, tensors):
        self.source, self.out = tensors, []

    def put(self, name, tensor, f32=None, dims=None):
        if tensor.kind != CT2_FLOAT16:
            raise NotThisModel(f"{name} is no fp16 tensor")
        dims = dims or tensor.dims
        f32 = len(dims) < 2 if f32 is None else f32
        head = struct.pack("<3i", len(dims), len(name), F32 if f32 else F16)
        self.out.append(head + struct.pack(f"<{len(dims)}i", *reversed(dims)) + name.encode())
        self.out.append(widened(tensor.data) if f32 else tensor.data)

    def linear(self, name, source, block=None, bias=True):
        weight, offset = self.source[source + "/weight"], self.source[source + "/bias"]
        if block:
            weight, offset = weight.third(*block), offset.third(*block)
        self.put(name + ".weight", weight)
        if bias:
            self.put(name + ".bias", offset)
        elif any(offset.data.replace(b"\x80", b"\0")):
            # Whisper's keys have no bias: anything but zeros (of either sign) would be lost in silence.
            raise NotThisModel(f"{source} has a bias for its keys")

    def norm(self, name, source):
        self.put(name + ".weight", self.source[source + "/gamma"])
        self.put(name + ".bias", self.source[source + "/beta"])

    def block(self, name, source, cross):
        attention = source + "/self_attention"
        self.linear(name + ".attn.query", attention + "/linear_0", (0, 3))
        self.linear(name + ".attn.key", attention + "/linear_0", (1, 3), bias=False)
        self.linear(name + ".attn.value", attention + "/linear_0", (2, 3))
        self.linear(name + ".attn.out", attention + "/linear_1")
        self.norm(name + ".attn_ln", attention + "/layer_norm")
        if cross:
            attention = source + "/attention"
            self.linear(name + ".cross_attn.query", attention + "/linear_0")
            self.linear(name + ".cross_attn.key", attention + "/linear_1", (0, 2), bias=False)
            self.linear(name + ".cross_attn.value", attention + "/linear_1", (1, 2))
            self.linear(name + ".cross_attn.out", attention + "/linear_2")
            self.norm(name + ".cross_attn_ln", attention + "/layer_norm")
        self.linear(name + ".mlp.0", source + "/ffn/linear_0")
        self.linear(name + ".mlp.2", source + "/ffn/linear_1")
        self.norm(name + ".mlp_ln", source + "/ffn/layer_norm")

    def layers(self, side):
        prefix = side + "/layer_"
        found = {name[len(prefix) :].split("/")[0] for name in self.source if name.startswith(prefix)}
        return len([number for number in found if number.isdigit()])

    def encoder(self, width):
        self.put("encoder.positional_embedding", self.source["encoder/position_encodings/encodings"], f32=True)
        for conv in ("conv1", "conv2"):
            self.put(f"encoder.{conv}.weight", self.source[f"encoder/{conv}/weight"])
            self.put(f"encoder.{conv}.bias", self.source[f"encoder/{conv}/bias"], f32=True, dims=[width, 1])
        for i in range(self.layers("encoder")):
            self.block(f"encoder.blocks.{i}", f"encoder/layer_{i}", cross=False)
        self.norm("encoder.ln_post", "encoder/layer_norm")

    def decoder(self):
        self.put("decoder.positional_embedding", self.source["decoder/position_encodings/encodings"], f32=True)
        self.put("decoder.token_embedding.weight", self.source["decoder/embeddings/weight"])
        for i in range(self.layers("decoder")):
            self.block(f"decoder.blocks.{i}", f"decoder/layer_{i}", cross=True)
        self.norm("decoder.ln", "decoder/layer_norm")


def convert(model, tokenizer):
    """The ggml file's pieces, in order, from the two source files' bytes."""
    tensors = read_ctranslate2(model)
    writer = Writer(tensors)
    vocabulary, width = tensors["decoder/embeddings/weight"].dims
    if tensors["encoder/conv1/weight"].dims[1] != MEL_BINS:
        raise NotThisModel("it does not hear 80 mel bins")
    yield struct.pack(
        "<12i",
        GGML_MAGIC,
        vocabulary,
        tensors["encoder/position_encodings/encodings"].dims[0],
        width,
        tensors["encoder/num_heads"].scalar(),
        writer.layers("encoder"),
        tensors["decoder/position_encodings/encodings"].dims[0],
        width,
        tensors["decoder/num_heads"].scalar(),
        writer.layers("decoder"),
        MEL_BINS,
        F16,
    )
    yield struct.pack("<2i", MEL_BINS, FFT_SIZE // 2 + 1) + mel_filter_bank()
    tokens = token_bytes(tokenizer)
    yield struct.pack("<i", len(tokens))
    yield b"".join(struct.pack("<i", len(token)) + token for token in tokens)
    writer.encoder(width)
    writer.decoder()
    yield from writer.out


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(out, tokenizer, *parts):
    with open(out, "wb") as file:
        file.writelines(convert(b"".join(map(read, parts)), read(tokenizer)))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
