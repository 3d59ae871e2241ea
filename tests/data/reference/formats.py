"""Tensor formats of the reference: F32, F16, I2_S (128 elements in 32 bytes), PQ2_0."""
import math
import struct
from dataclasses import dataclass

import numpy as np

F32, F16, I2_S, PQ2_0 = 0, 1, 36, 142


@dataclass
class Ternary:
    """A ternary matrix: weight[r, c] = codes[r, c] * scale, scale constant over `group` columns.

    codes [n_rows, k] int8 in {-1, 0, 1}; scales [n_rows, k / group] float32.
    """
    codes: np.ndarray
    scales: np.ndarray
    group: int

    def collapsed(self):
        """The same matrix with one scale a row where the scales do not differ along k."""
        if self.scales.shape[1] > 1 and (self.scales == self.scales[:, :1]).all():
            return Ternary(self.codes, self.scales[:, :1], self.codes.shape[1])
        return self


def n_bytes(type_id, shape):
    """Stored size in bytes of a tensor of row-major `shape`."""
    n = math.prod(shape)
    if type_id == F32:
        return 4 * n
    if type_id == F16:
        return 2 * n
    if type_id == I2_S:
        if n % 128:
            raise ValueError(f"I2_S tensor of {n} elements, expected a multiple of 128")
        return n // 4 + 32
    if type_id == PQ2_0:
        if shape[-1] % 128:
            raise ValueError(f"PQ2_0 rows of {shape[-1]} elements, expected a multiple of 128")
        return n // 128 * 34
    raise ValueError(f"type id {type_id} is not one the reference knows")


def decode(tensor):
    """float32 array for F32 and F16, Ternary for I2_S and PQ2_0. tensor: gguf.Tensor."""
    if tensor.type_id == F32:
        return np.frombuffer(tensor.data, "<f4").reshape(tensor.shape).copy()
    if tensor.type_id == F16:
        return np.frombuffer(tensor.data, "<f2").reshape(tensor.shape).astype(np.float32)
    if len(tensor.shape) != 2:
        raise ValueError(f"{tensor.name}: ternary tensor of shape {tensor.shape}")
    rows, k = tensor.shape
    if tensor.type_id == I2_S:
        if k % 128:
            raise ValueError(f"{tensor.name}: I2_S rows of {k} elements straddle blocks")
        packed = np.frombuffer(tensor.data, np.uint8, rows * k // 4).reshape(-1, 1, 32)
        # Bits 7-6 of byte p hold element p, bits 5-4 element 32 + p, and so on.
        codes = packed >> np.array([6, 4, 2, 0], np.uint8).reshape(1, 4, 1) & 3
        scale = struct.unpack_from("<f", tensor.data, rows * k // 4)[0]
        scales, group = np.full((rows, 1), scale, np.float32), k
    else:
        blocks = np.frombuffer(tensor.data, np.uint8).reshape(-1, 34)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32).reshape(rows, k // 128)
        # Low bits first, neighbours in one byte.
        codes = blocks[:, 2:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3
        group = 128
    if (codes == 3).any():
        raise ValueError(f"{tensor.name}: code 3 is not a ternary weight")
    return Ternary(codes.reshape(rows, k).astype(np.int8) - 1, scales, group).collapsed()


def encode_i2_s(codes, scale):
    """codes [n_rows, k] in {-1, 0, 1}, one scale: the bytes of the tensor."""
    u = (codes + 1).astype(np.uint8).reshape(-1, 4, 32)
    data = u[:, 0] << 6 | u[:, 1] << 4 | u[:, 2] << 2 | u[:, 3]
    return data.tobytes() + struct.pack("<f", scale) + bytes(28)


def encode_pq2_0(codes, scales):
    """codes [n_rows, k] in {-1, 0, 1}, scales [n_rows, k / 128] that float16 holds exactly."""
    half = scales.astype("<f2")
    if (half.astype(np.float32) != scales).any():
        raise ValueError("a scale is not representable in float16")
    u = (codes + 1).astype(np.uint8).reshape(-1, 32, 4)
    data = u[:, :, 0] | u[:, :, 1] << 2 | u[:, :, 2] << 4 | u[:, :, 3] << 6
    return np.concatenate([half.reshape(-1, 1).view(np.uint8), data], axis=1).tobytes()
