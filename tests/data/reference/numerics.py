"""How numbers are rounded and sums are ordered, apart from the model that uses them.

Three arithmetics over the same graph: float32 with whatever order NumPy sums in, float32 strictly
from left to right with float32 rope angles, and float64. What the first two differ from the third
is what another float32 program may differ by, too. A fourth, whose every rounding is prescribed, is
in fixed_order.py.
"""
import numpy as np

_ACT_FLOOR = np.float32(1e-5)
ACT_GROUP = 128
HEAD_BLOCK = 32
KV_BLOCK, KV_FLOOR = 32, np.float32(1e-30)


def _bfloat16(x):
    """float32 rounded to the nearest bfloat16, ties to even; as float32."""
    bits = x.astype(np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7fff) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits & np.uint32(0xffff0000)).view(np.float32)


class Numerics:
    """dtype of all float arithmetic; `sequential` sums strictly from left to right."""

    def __init__(self, dtype=np.float32, sequential=False):
        self.dtype, self.sequential = np.dtype(dtype).type, sequential

    def sum(self, x):
        """Sum over the last dimension, which is kept with length 1."""
        if self.sequential:
            return np.add.accumulate(x, axis=-1)[..., -1:]
        return x.sum(axis=-1, keepdims=True, dtype=self.dtype)

    def dot(self, a, b):
        """a [..., m, k], b [..., n, k] -> [..., m, n]."""
        if not self.sequential:
            return np.matmul(a, np.swapaxes(b, -1, -2))
        out = np.empty(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-2]),
                       self.dtype)
        for i in range(a.shape[-2]):  # One row at a time bounds the memory of the products.
            out[..., i, :] = self.sum(a[..., i:i + 1, :] * b)[..., 0]
        return out

    def rms_norm(self, x, weight, eps):
        """x * (1 / sqrt(mean(x^2) + eps)) * weight over the last dimension."""
        mean = self.sum(x * x) / self.dtype(x.shape[-1])
        return x * (self.dtype(1) / np.sqrt(mean + self.dtype(eps))) * weight.astype(self.dtype)

    def exp(self, x):
        return np.exp(x)

    def softmax(self, x):
        e = self.exp(x - x.max(axis=-1, keepdims=True))
        return e / self.sum(e)

    def attention(self, q, keys, values, n_past):
        """q [n_head, n_tokens, head_dim]; keys, values [n_head, n_past + n_tokens, head_dim], in
        which token t sees positions up to n_past + t -> [n_head, n_tokens, head_dim]."""
        scores = self.dot(q, keys) / self.dtype(np.sqrt(q.shape[-1]))
        future = np.arange(keys.shape[1])[None] > n_past + np.arange(q.shape[1])[:, None]
        weights = self.softmax(np.where(future, -np.inf, scores))
        return self.dot(weights, np.swapaxes(values, -1, -2))

    def rope_tables(self, freqs, factor, positions):
        """cos and sin, [n_positions, n_dims / 2] each, multiplied by factor."""
        if self.sequential:
            angles = (positions[:, None].astype(np.float32) * freqs.astype(np.float32)[None])
        else:
            angles = positions[:, None] * freqs[None]
        return ((np.cos(angles) * factor).astype(self.dtype),
                (np.sin(angles) * factor).astype(self.dtype))

    def quantise(self, x, group):
        """int8 activations. x [n_tokens, k] -> (codes in x's shape as whole floats, step
        [n_tokens, k / group], and x in units of the step before rounding)."""
        blocks = x.reshape(x.shape[0], -1, group)
        absmax = np.maximum(np.abs(blocks).max(axis=-1, keepdims=True), self.dtype(_ACT_FLOOR))
        scaled = blocks * (self.dtype(127) / absmax)
        codes = np.clip(np.rint(scaled), -128, 127)  # rint rounds ties to even
        return codes.reshape(x.shape), (absmax / self.dtype(127))[..., 0], scaled.reshape(x.shape)

    def attention_q8(self, q, keys, values, n_past):
        """The same over keys and values that are q8() of others."""
        return self.attention(q, keys, values, n_past)

    def q8_parts(self, x):
        """(codes as whole floats, scale [..., 1]) of up to 32 elements of a head: the scale is the
        bfloat16 nearest to the largest of them / 127."""
        absmax = np.maximum(np.abs(x).max(axis=-1, keepdims=True), self.dtype(KV_FLOOR))
        scale = _bfloat16(absmax / self.dtype(127)).astype(self.dtype)
        return np.clip(np.rint(x * (self.dtype(1) / scale)), -127, 127), scale

    def q8(self, x):
        """What a cache in q8 gives back: codes times scales."""
        out = np.empty_like(x)
        for first in range(0, x.shape[-1], KV_BLOCK):
            codes, scale = self.q8_parts(x[..., first:first + KV_BLOCK])
            out[..., first:first + KV_BLOCK] = codes * scale
        return out

    def q8_0(self, x):
        """Rows as Q8_0 holds them: (codes as whole floats in x's shape, scale [n_rows, k / 32]). The
        scale is the float16 nearest to the largest of 32 / 127."""
        blocks = np.float32(x).reshape(x.shape[0], -1, HEAD_BLOCK)
        scale = (np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(127)).astype(np.float16)
        scale = scale.astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            codes = np.rint(np.clip(blocks / scale, -127, 127))
        return np.where(scale == 0, np.float32(0), codes).reshape(x.shape), scale[..., 0]

    def head_q8_0(self, x, codes, scales):
        """Logits of rows in Q8_0, of activations in int8 with a step for each 32 of them."""
        x_codes, steps, _ = self.quantise(x, HEAD_BLOCK)
        return self.dot(x_codes * np.repeat(steps, HEAD_BLOCK, axis=1),
                        (codes * np.repeat(scales, HEAD_BLOCK, axis=1)).astype(self.dtype))

    def columns_at_once(self, matrices, act_group):
        """How many columns the integer sums of `matrices`, which share an input, may run over; None
        leaves it to each of them. act_group: columns that share an activation step."""
        return None

    def ternary_matmul(self, weights, codes, steps, factor=None, width=None):
        """y [n_tokens, n_rows] of formats.Ternary and quantised activations.

        Sums over `width` columns, which share both scales, are exact integers; each is then
        multiplied by (weight scale * activation step), and these products are added in the order of
        the columns. factor [1], where given, multiplies the result.
        """
        k = codes.shape[1]
        act_group = k // steps.shape[1]
        width = width or min(act_group, weights.group)
        # Every partial sum is an integer below 2^24, which float32 holds exactly in any order.
        assert k * 128 < 1 << 24
        y = None
        for first in range(0, k, width):
            cols = slice(first, first + width)
            isum = codes[:, cols] @ weights.codes[:, cols].T.astype(self.dtype)
            w_scale = weights.scales[None, :, first // weights.group].astype(self.dtype)
            term = isum * (w_scale * steps[:, first // act_group, None])
            y = term if y is None else y + term
        return y if factor is None else y * factor.astype(self.dtype)
