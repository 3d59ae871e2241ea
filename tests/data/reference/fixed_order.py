"""float32 arithmetic with every rounding prescribed: the contract of the engine's kernels.

The engine states the order of its operations (kernels/kernel_table.h, kernels/exp_constants.h,
src/model/attention.h) so that its results do not depend on the instruction set, the batch or the
number of threads. The same order here makes both programs round alike, int8 and float16 ties
included: their results agree bit by bit, where the free order of numerics.py agrees up to the last
bits and the ties these flip. Operations are vectorised over tokens, rows and heads, never along a
sum, and never fused.
"""
import numpy as np

import formats
from numerics import HEAD_BLOCK, KV_BLOCK, KV_FLOOR, Numerics

_PARTIALS = 16
_ATTENTION_BLOCK = 256
_MAX_FACTOR = np.float32(16383)  # of the integers that stand for queries and weights in q8
_CHUNK = 1 << 17  # floats of the partial sums worked on at a time, so that they stay in the cache

_EXP_MIN, _EXP_MAX = np.float32(-87), np.float32(88)
_LOG2_E = np.float32(float.fromhex("0x1.715476p+0"))
_LN2_HIGH = np.float32(float.fromhex("0x1.63p-1"))
_LN2_LOW = np.float32(float.fromhex("-0x1.bd0106p-13"))
_EXP_SERIES = [np.float32(1) / np.float32(d) for d in (5040, 720, 120, 24, 6, 2, 1, 1)]


def exp(x):
    """e^x of float32, each operation rounded: 2^n p(r), x = n ln 2 + r. 0 below -87."""
    inside = np.where(x > _EXP_MIN, x, _EXP_MIN)
    inside = np.where(inside < _EXP_MAX, inside, _EXP_MAX)
    n = np.rint(inside * _LOG2_E)
    r = (inside - n * _LN2_HIGH) - n * _LN2_LOW
    p = np.full_like(r, _EXP_SERIES[0])
    for c in _EXP_SERIES[1:]:
        p = p * r + c
    p = p * np.ldexp(np.float32(1), n.astype(np.int32))
    return np.where(np.isnan(x), x, np.where(x < _EXP_MIN, np.float32(0), p))


def _tree(p):
    """Sum over the first dimension, of 16 partial sums: p[i] + p[i + 8], then + 4, + 2, + 1."""
    while len(p) > 1:
        half = len(p) // 2
        p = p[:half] + p[half:]
    return p[0]


def _by_partial(x):
    """[..., k] -> [ceil(k / 16), 16, ...], filled with zeros, which leave every sum as it is."""
    fill = [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % _PARTIALS)]
    x = np.moveaxis(np.pad(x, fill), -1, 0)
    return np.ascontiguousarray(x.reshape((-1, _PARTIALS) + x.shape[1:]))


def _factors(x):
    """x in integers up to _MAX_FACTOR, along the last dimension: (the integers, the step [..., 1])."""
    absmax = np.maximum(np.abs(x).max(axis=-1, keepdims=True), KV_FLOOR)
    return np.rint(x * (_MAX_FACTOR / absmax)).astype(np.int64), absmax / _MAX_FACTOR


class FixedOrder(Numerics):
    """Takes the place of Numerics in a Model. What is not overridden has one order only."""

    def __init__(self):
        super().__init__(np.float32)

    def exp(self, x):
        return exp(x)

    def sum(self, x):
        """Partial sum i takes elements i, i + 16, ... in order; then the tree."""
        steps = _by_partial(x)
        p = np.zeros_like(steps[0])
        for step in steps:
            p += step
        return _tree(p)[..., None]

    def dot(self, a, b):
        """Sums as in sum(), over rounded products."""
        a_steps, b_steps = _by_partial(a), _by_partial(b)
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        m, n = a.shape[-2], b.shape[-2]
        out = np.empty(batch + (m, n), np.float32)
        rows = max(1, _CHUNK // (_PARTIALS * n * max(1, int(np.prod(batch)))))
        for first in range(0, m, rows):
            some = a_steps[..., first:first + rows]
            p = np.zeros((_PARTIALS,) + batch + (some.shape[-1], n), np.float32)
            product = np.empty_like(p)
            for x, y in zip(some, b_steps):
                np.multiply(x[..., :, None], y[..., None, :], out=product)
                p += product
            out[..., first:first + rows, :] = _tree(p)
        return out

    def attention(self, q, keys, values, n_past):
        """Softmax of each block of positions alone; the blocks are merged in order, each scaled to
        the largest score so far; the sum of the weights divides at the end. Scores and outputs are
        summed element by element."""
        def scores_of(q, keys):
            scores = np.zeros((q.shape[0], q.shape[1], keys.shape[1]), np.float32)
            for d in range(q.shape[-1]):
                scores += q[:, :, d, None] * keys[:, None, :, d]
            return scores

        def outputs_of(weights, values):
            summed = np.zeros(weights.shape[:2] + values.shape[-1:], np.float32)
            for i in range(values.shape[1]):
                summed += weights[:, :, i, None] * values[:, i][:, None]
            return summed

        return self._by_blocks(q, keys, values, n_past, scores_of, outputs_of)

    def attention_q8(self, q, keys, values, n_past):
        """The same over what q8() gave: queries and weights become integers too, and products with
        the codes of 32 elements are summed exactly."""
        def codes_and_scales(x):
            # Rounding again finds the codes and scales of what has been rounded.
            return [self.q8_parts(x[..., d:d + KV_BLOCK]) for d in range(0, x.shape[-1], KV_BLOCK)]

        def scores_of(q, keys):
            scores = np.zeros((q.shape[0], q.shape[1], keys.shape[1]), np.float32)
            for b, (codes, scales) in enumerate(codes_and_scales(keys)):
                factors, step = _factors(q[..., b * KV_BLOCK:(b + 1) * KV_BLOCK])
                isum = factors @ codes.astype(np.int64).swapaxes(1, 2)
                scores += isum.astype(np.float32) * (step * scales.swapaxes(1, 2))
            return scores

        def outputs_of(weights, values):
            out = []
            for codes, scales in codes_and_scales(values):
                factors, step = _factors(weights * scales.swapaxes(1, 2))
                out.append((factors @ codes.astype(np.int64)).astype(np.float32) * step)
            return np.concatenate(out, axis=-1)

        return self._by_blocks(q, keys, values, n_past, scores_of, outputs_of)

    def _by_blocks(self, q, keys, values, n_past, scores_of, outputs_of):
        n_tokens, head_dim = q.shape[1:]
        scale = np.float32(1) / np.sqrt(np.float32(head_dim))
        seen = n_past + np.arange(n_tokens)
        out, total, largest = None, None, None
        for first in range(0, keys.shape[1], _ATTENTION_BLOCK):
            block = slice(first, min(first + _ATTENTION_BLOCK, keys.shape[1]))
            # Tokens in front of the block do not see it.
            rows = slice(max(0, first - n_past), None)
            scores = scores_of(q[:, rows], keys[:, block]) * scale
            # A weight of zero leaves sums as they are: within a block tokens may be given positions
            # that they do not see.
            future = np.arange(first, block.stop)[None] > seen[rows, None]
            scores = np.where(future, np.float32(-np.inf), scores)
            highest = scores.max(axis=-1, keepdims=True)
            weights = exp(scores - highest)
            weight = self.sum(weights)
            summed = outputs_of(weights, values[:, block])
            if first == 0:
                out, total, largest = summed, weight, highest
                continue
            higher = np.maximum(largest[:, rows], highest)
            keep, take = exp(largest[:, rows] - higher), exp(highest - higher)
            out[:, rows] = out[:, rows] * keep + summed * take
            total[:, rows] = total[:, rows] * keep + weight * take
            largest[:, rows] = higher
        return out * (np.float32(1) / total)

    def head_q8_0(self, x, codes, scales):
        """Exact sums of four neighbours, each times (weight scale * activation step), added to
        partial sum (number of the four) % 16; then the tree."""
        x_codes, steps, _ = self.quantise(x, HEAD_BLOCK)
        (m, k), n = x.shape, codes.shape[0]
        out = np.empty((m, n), np.float32)
        for row in range(m):
            p = np.zeros((_PARTIALS, n), np.float32)
            for four in range(k // 4):
                cols, block = slice(4 * four, 4 * four + 4), 4 * four // HEAD_BLOCK
                isum = codes[:, cols].astype(np.int64) @ x_codes[row, cols].astype(np.int64)
                p[four % _PARTIALS] += isum.astype(np.float32) * (scales[:, block] *
                                                                  steps[row, block])
            out[row] = _tree(p)
        return out

    def columns_at_once(self, matrices, act_group):
        """All matrices that read an input are summed in the finest groups any of them needs."""
        return min([act_group] + [_coarsest_group(m) for m in matrices])

    def ternary_matmul(self, weights, codes, steps, factor=None, width=None):
        """The factor goes into the weight scales."""
        if factor is not None:
            weights = formats.Ternary(weights.codes, weights.scales * factor, weights.group)
        # Numerics begins with the first product and the engine with zero, which turns -0 into 0.
        return np.float32(0) + super().ternary_matmul(weights, codes, steps, None, width)


def _coarsest_group(matrix):
    """Columns that share a scale in every row: the stored group, doubled while neighbours agree."""
    scales, group = matrix.scales, matrix.group
    while scales.shape[1] > 1:
        n_pairs = scales.shape[1] // 2
        if (scales[:, 0:2 * n_pairs:2] != scales[:, 1::2]).any():
            return group
        scales, group = scales[:, ::2], 2 * group
    return matrix.codes.shape[1]
