"""A minimal GGUF v2/v3 reader and v3 writer, on bytes in memory.

Written for the reference program only: it checks what a wrong file would otherwise turn into wrong
numbers, and raises ValueError. Shapes are row-major ([rows, k]); the file's reversed order is
turned round here and nowhere else.
"""
import struct
from dataclasses import dataclass

import formats

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_SCALARS = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f",
            BOOL: "<?", U64: "<Q", I64: "<q", F64: "<d"}


@dataclass
class Tensor:
    """One entry of the tensor directory with the bytes it owns."""
    name: str
    shape: tuple  # row-major, last dimension contiguous
    type_id: int
    data: bytes


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n < 0 or n > len(self.data) - self.at:
            raise ValueError(f"file ends early: {n} bytes wanted at offset {self.at}")
        out = self.data[self.at:self.at + n]
        self.at += n
        return out

    def scalar(self, kind):
        fmt = _SCALARS[kind]
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def string(self):
        return self.take(self.scalar(U64)).decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.scalar(U32), self.scalar(U64)
            if element == ARRAY:
                raise ValueError("array of arrays")
            if count > len(self.data):
                raise ValueError(f"array of {count} elements in a file of {len(self.data)} bytes")
            return [self.value(element) for _ in range(count)]
        if kind not in _SCALARS:
            raise ValueError(f"unknown value type {kind}")
        return self.scalar(kind)


class File:
    """A parsed file: `kv` (key -> value) and `tensors` (name -> Tensor)."""

    def __init__(self, data):
        c = _Cursor(data)
        if c.take(4) != b"GGUF":
            raise ValueError("not a GGUF file")
        version = c.scalar(U32)
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version}, expected 2 or 3")
        n_tensors, n_kv = c.scalar(U64), c.scalar(U64)
        self.kv = {}
        for _ in range(n_kv):
            key = c.string()
            if key in self.kv:
                raise ValueError(f"key {key} given twice")
            self.kv[key] = c.value(c.scalar(U32))
        directory = []
        for _ in range(n_tensors):
            name = c.string()
            n_dims = c.scalar(U32)
            shape = tuple(reversed([c.scalar(U64) for _ in range(n_dims)]))
            directory.append((name, shape, c.scalar(U32), c.scalar(U64)))
        alignment = self.kv.get("general.alignment", 32)
        start = -(-c.at // alignment) * alignment
        self.tensors = {}
        for name, shape, type_id, offset in directory:
            n_bytes = formats.n_bytes(type_id, shape)
            first = start + offset
            if offset % alignment or first + n_bytes > len(data) or name in self.tensors:
                raise ValueError(f"tensor {name}: bad offset {offset}, size {n_bytes}, or name")
            self.tensors[name] = Tensor(name, shape, type_id, bytes(data[first:first + n_bytes]))

    @staticmethod
    def open(path):
        with open(path, "rb") as f:
            return File(f.read())


class Writer:
    """Collects keys and tensors in order; `to_bytes` lays the file out (v3, alignment 32)."""

    def __init__(self):
        self._kv, self._n_kv, self._tensors = b"", 0, []

    def add(self, key, kind, value):
        """Adds a scalar or string. kind is one of the constants above."""
        self._n_kv += 1
        self._kv += _string(key) + struct.pack("<I", kind) + _encode(kind, value)

    def add_array(self, key, kind, values):
        self._n_kv += 1
        self._kv += _string(key) + struct.pack("<IIQ", ARRAY, kind, len(values))
        self._kv += b"".join(_encode(kind, v) for v in values)

    def add_tensor(self, name, shape, type_id, data):
        expected = formats.n_bytes(type_id, shape)
        if len(data) != expected:
            raise ValueError(f"tensor {name}: {len(data)} bytes, expected {expected}")
        self._tensors.append((name, shape, type_id, data))

    def to_bytes(self):
        head = [b"GGUF", struct.pack("<IQQ", 3, len(self._tensors), self._n_kv), self._kv]
        body, offset = [], 0
        for name, shape, type_id, data in self._tensors:
            head.append(_string(name) + struct.pack("<I", len(shape)))
            head.append(b"".join(struct.pack("<Q", d) for d in reversed(shape)))
            head.append(struct.pack("<IQ", type_id, offset))
            padded = data + bytes(-len(data) % 32)
            body.append(padded)
            offset += len(padded)
        front = b"".join(head)
        return front + bytes(-len(front) % 32) + b"".join(body)


def _string(text):
    raw = text.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def _encode(kind, value):
    return _string(value) if kind == STRING else struct.pack(_SCALARS[kind], value)
