#!/usr/bin/env python3
"""Checks of the fixed order. Run: python3 tests/data/reference/test_fixed_order.py

Loops over single float32 numbers, written from the contract, say what the vectorised functions must
give to the bit. TERN_SHARED_DIR names the folder with demo-model/valid.txt for the perplexity.
"""
import hashlib
import json
import math
import os
import sys
import unittest

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.dirname(HERE)
sys.path[:0] = [HERE, DATA]

import bpe  # noqa: E402
import fixed_order  # noqa: E402
import formats  # noqa: E402
import gguf  # noqa: E402
import perplexity_reference as ppl  # noqa: E402
from fixed_order import FixedOrder  # noqa: E402
from model import Cache, Model  # noqa: E402
from numerics import Numerics  # noqa: E402
from test_ternref import NAMES, shared, tiny, tolerance  # noqa: E402

F32 = np.float32
EPS = 2.0 ** -24
DEMO = os.path.join(DATA, "..", "..", "models", "demo-i2_s.gguf")


def sum_of(values):
    """The contract's sum of float32 numbers, one by one."""
    p = [F32(0)] * 16
    for i, x in enumerate(values):
        p[i % 16] = p[i % 16] + x
    for half in (8, 4, 2, 1):
        for i in range(half):
            p[i] = p[i] + p[i + half]
    return p[0]


def dot_of(a, b):
    return sum_of([x * y for x, y in zip(a, b)])


def normal(rng, *shape):
    return rng.normal(size=shape).astype(F32)


def attention_of(q, keys, values):
    """One query over all given positions, [head_dim], [n, head_dim] twice, one by one."""
    scale = F32(1) / np.sqrt(F32(len(q)))
    for first in range(0, len(keys), 256):
        scores = []
        for key in keys[first:first + 256]:
            score = F32(0)
            for x, k in zip(q, key):
                score = score + x * k
            scores.append(score * scale)
        weights = [fixed_order.exp(s - max(scores)) for s in scores]
        summed = [F32(0)] * len(q)
        for w, value in zip(weights, values[first:first + 256]):
            summed = [x + w * v for x, v in zip(summed, value)]
        if first == 0:
            out, total, largest = summed, sum_of(weights), max(scores)
            continue
        higher = max(largest, max(scores))
        keep, take = fixed_order.exp(largest - higher), fixed_order.exp(max(scores) - higher)
        out = [x * keep + y * take for x, y in zip(out, summed)]
        total, largest = total * keep + sum_of(weights) * take, higher
    inverse = F32(1) / total
    return np.array([x * inverse for x in out])


def factors_of(x):
    """(integers up to 16383, step) for float32 numbers, one by one."""
    absmax = max([F32(1e-30)] + [abs(v) for v in x])
    return [int(np.rint(v * (F32(16383) / absmax))) for v in x], absmax / F32(16383)


def attention_q8_of(q, keys, values):
    """attention_of() one block of positions, keys and values given as lists over blocks of elements
    of (codes [n, 32], scales [n])."""
    scale, n = F32(1) / np.sqrt(F32(len(q))), len(keys[0][1])
    scores = []
    for pos in range(n):
        score = F32(0)
        for b, (codes, scales) in enumerate(keys):
            factors, step = factors_of(q[32 * b:32 * b + 32])
            isum = sum(f * int(c) for f, c in zip(factors, codes[pos]))
            score = score + F32(isum) * (step * scales[pos])
        scores.append(score * scale)
    weights = [fixed_order.exp(s - max(scores)) for s in scores]
    out = []
    for codes, scales in values:
        factors, step = factors_of([w * s for w, s in zip(weights, scales)])
        out += [F32(sum(f * int(c) for f, c in zip(factors, column))) * step for column in codes.T]
    inverse = F32(1) / sum_of(weights)
    return np.array([x * inverse for x in out])


class FunctionsTest(unittest.TestCase):
    def test_exp_is_accurate_and_ends_where_it_says(self):
        x = np.linspace(-87, 88, 200001).astype(F32)
        exact = np.exp(x.astype(np.float64))
        self.assertLess(np.abs(fixed_order.exp(x) / exact - 1).max(), 2e-7)
        below, above = F32([-np.inf, -1e30, -87.1]), F32([88.1, 1e30, np.inf])
        self.assertEqual(fixed_order.exp(below).tolist(), [0.0] * 3)
        self.assertEqual(fixed_order.exp(above).tolist(), [float(fixed_order.exp(F32(88)))] * 3)
        self.assertEqual(float(fixed_order.exp(F32(0))), 1.0)
        self.assertTrue(np.isnan(fixed_order.exp(F32(np.nan))))
        self.assertEqual(fixed_order.exp(x).dtype, F32)

    def test_sums_take_16_partial_sums_and_the_tree(self):
        rng, fixed, differs = np.random.default_rng(1), FixedOrder(), 0
        for k in (1, 15, 16, 17, 64, 257):
            x = normal(rng, 2, 3, k)
            self.assertEqual(fixed.sum(x)[..., 0].tolist(),
                             [[float(sum_of(row)) for row in rows] for rows in x])
            a, b = normal(rng, 2, 3, k), normal(rng, 2, 5, k)
            expected = [[[float(dot_of(u, v)) for v in n] for u in m] for m, n in zip(a, b)]
            self.assertEqual(fixed.dot(a, b).tolist(), expected)
            differs += (Numerics(sequential=True).dot(a, b) != expected).sum()
        self.assertGreater(differs, 0)  # Otherwise these numbers tell no orders apart.

    def test_dot_does_not_depend_on_how_rows_are_worked_on(self):
        rng = np.random.default_rng(2)
        a, b = normal(rng, 37, 48), normal(rng, 900, 48)  # 9 rows at a time
        whole = FixedOrder().dot(a, b)
        for row in (0, 8, 9, 36):
            np.testing.assert_array_equal(whole[row], FixedOrder().dot(a[row:row + 1], b)[0])

    def test_ternary_matmul_adds_scaled_groups_to_zero(self):
        rng, fixed = np.random.default_rng(3), FixedOrder()
        k, factor = 384, F32([0.7])
        q = rng.integers(-127, 128, (2, k)).astype(F32)
        steps = rng.uniform(0.001, 0.1, (2, 1)).astype(F32)
        codes = rng.integers(-1, 2, (4, k)).astype(np.int8)
        grouped = formats.Ternary(codes, rng.uniform(0.1, 1, (4, 3)).astype(F32), 128)
        single = formats.Ternary(codes, F32([[0.3]] * 4), k)
        self.assertEqual(fixed.columns_at_once([single], k), k)
        self.assertEqual(fixed.columns_at_once([single], 128), 128)
        # A matrix is summed in finer groups than its own where its neighbour needs them.
        self.assertEqual(fixed.columns_at_once([single, grouped], k), 128)
        for weights in (single, grouped):
            y = fixed.ternary_matmul(weights, q, steps, factor, 128)
            for t, r in np.ndindex(y.shape):
                expected = F32(0)
                for g in range(3):
                    cols = slice(128 * g, 128 * g + 128)
                    isum = F32(int(q[t, cols].astype(int) @ codes[r, cols].astype(int)))
                    w = weights.scales[r, g if weights is grouped else 0] * factor[0]
                    expected = expected + isum * (w * steps[t, 0])
                self.assertEqual(y[t, r], expected)

    def test_groups_are_as_coarse_as_the_scales_allow(self):
        codes = np.zeros((2, 640), np.int8)

        def group(*rows):
            matrix = formats.Ternary(codes, np.array(rows, F32), 128)
            return FixedOrder().columns_at_once([matrix], 640)

        self.assertEqual(group([1, 1, 2, 2, 3], [4, 4, 4, 4, 4]), 256)
        self.assertEqual(group([1, 1, 1, 1, 3], [4, 4, 4, 4, 5]), 512)
        self.assertEqual(group([1, 1, 2, 2, 3], [4, 5, 4, 4, 4]), 128)
        self.assertEqual(group([1, 1, 1, 1, 1], [4, 4, 4, 4, 4]), 640)

    def test_an_integer_head_sums_fours_exactly(self):
        rng, fixed = np.random.default_rng(8), FixedOrder()
        for k in (32, 96, 256):
            x, rows = normal(rng, 2, k), normal(rng, 3, k)
            rows[1, :32] = 0
            codes, scales = fixed.q8_0(rows)
            self.assertLessEqual(np.abs(codes).max(), 127)
            self.assertLess(np.abs(codes * np.repeat(scales, 32, axis=1) - rows).max(),
                            np.abs(rows).max() / 250)
            q, steps, _ = fixed.quantise(x, 32)
            y = fixed.head_q8_0(x, codes, scales)
            for t, r in np.ndindex(y.shape):
                p = [F32(0)] * 16
                for i in range(0, k, 4):
                    isum = sum(int(codes[r, j]) * int(q[t, j]) for j in range(i, i + 4))
                    p[i // 4 % 16] += F32(isum) * (scales[r, i // 32] * steps[t, i // 32])
                self.assertEqual(y[t, r], sum_of(p))
            # Half a step of either operand, for each element.
            bound = k * (np.abs(x).max() * scales.max() + np.abs(rows).max() * steps.max())
            self.assertLess(np.abs(y - Numerics(np.float64).dot(x, rows)).max(), bound)

    def test_attention_merges_the_softmax_of_blocks(self):
        rng, fixed = np.random.default_rng(4), FixedOrder()
        n_past, n = 523, 3  # three blocks; the last token sees 526 positions
        q, keys, values = normal(rng, 2, n, 16), normal(rng, 2, n_past + n, 16), \
            normal(rng, 2, n_past + n, 16)
        keys[0, 300] = 3 * q[0, 0]  # Head 0 finds its largest score in the second block.
        keys[1, 5] = 3 * q[1, 0]
        out = fixed.attention(q, keys, values, n_past)
        for h, t in np.ndindex(2, n):
            seen = n_past + t + 1
            np.testing.assert_array_equal(
                out[h, t], attention_of(q[h, t], keys[h, :seen], values[h, :seen]))

    def test_attention_in_q8_sums_integers(self):
        rng, fixed = np.random.default_rng(6), FixedOrder()
        n, head_dim = 70, 80  # the last block of elements is short
        q = normal(rng, 1, 1, head_dim)
        parts = []
        for _ in range(2):
            blocks = []
            for width in (32, 32, 16):
                codes = rng.integers(-127, 128, (n, width))
                codes[:, 0] = 127  # Rounding again finds these codes.
                blocks.append((codes, np.ldexp(F32(1), rng.integers(-9, -4, n)).astype(F32)))
            parts.append(blocks)
        keys, values = (np.concatenate([c * s[:, None] for c, s in blocks], axis=1, dtype=F32)[None]
                        for blocks in parts)
        np.testing.assert_array_equal(fixed.q8(keys), keys)
        np.testing.assert_array_equal(fixed.attention_q8(q, keys, values, n - 1)[0, 0],
                                      attention_q8_of(q[0, 0], *parts))

    def test_attention_in_q8_is_close_to_attention(self):
        rng, fixed = np.random.default_rng(7), FixedOrder()
        q, keys, values = (normal(rng, 2, 600, 64) for _ in range(3))
        keys, values = fixed.q8(keys), fixed.q8(values)
        out = fixed.attention_q8(q, keys, values, 0)
        # Half a step of a query's elements, for each of 64; half a step of 256 weights.
        score_error = 64 * np.abs(q).max() * np.abs(keys).max() / 32766 / 8
        bound = (4 * score_error + 256 / 32766) * np.abs(values).max()
        self.assertLess(np.abs(out - fixed.attention(q, keys, values, 0)).max(), bound)

    def test_attention_agrees_with_plain_softmax(self):
        rng = np.random.default_rng(5)
        q, keys, values = (normal(rng, 2, 600, 16) for _ in range(3))
        wide = (x.astype(np.float64) for x in (q, keys, values))
        exact = Numerics(np.float64).attention(*wide, 0)
        # An error of a score is a relative error of its weight; weights and outputs are sums of up
        # to 600 terms.
        score_error = 16 * EPS * np.abs(q).sum(-1).max() * np.abs(keys).max() / 4
        bound = (2 * score_error + 2 * 600 * EPS + 4e-7) * np.abs(values).max()
        out = FixedOrder().attention(q, keys, values, 0)
        self.assertLess(np.abs(out - exact).max(), bound)


class ModelTest(unittest.TestCase):
    def test_golden_logits_to_the_bit(self):
        for name in NAMES:
            file, golden = tiny(name)
            for run in golden["runs"]:
                with self.subTest(model=name, kv=run["kv"]):
                    logits = Model(file, kv=run["kv"], numerics=FixedOrder()).forward(
                        golden["prompt"], positions=golden["positions"])
                    self.assertEqual(logits.dtype, F32)
                    np.testing.assert_array_equal(logits, F32(run["logits_fixed_order"]))
                    integer = Model(file, kv=run["kv"], numerics=FixedOrder(), head="q8_0").forward(
                        golden["prompt"], positions=golden["positions"])
                    np.testing.assert_array_equal(
                        integer, F32(run["logits_fixed_order_head_q8_0"]))
                    # Nothing of the prompt lies near a tie: only summation errors are left.
                    np.testing.assert_allclose(logits, np.array(run["logits"]), rtol=0,
                                               atol=tolerance(run))

    def test_one_token_at_a_time_gives_the_same_to_the_bit(self):
        for name in NAMES:
            file, golden = tiny(name)
            m = Model(file, numerics=FixedOrder())
            cache = Cache(m.config.n_layer)
            rows = [m.forward([token], cache)[0] for token in golden["prompt"]]
            np.testing.assert_array_equal(rows, m.forward(golden["prompt"]), name)

    def test_greedy_text_is_that_of_the_free_order(self):
        for name in NAMES:
            file, golden = tiny(name)
            for run in golden["runs"]:
                ids, _ = Model(file, kv=run["kv"], numerics=FixedOrder()).greedy(
                    golden["prompt"], len(run["greedy"]))
                self.assertEqual(ids, run["greedy"])


class PerplexityTest(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(DATA, "demo_perplexity.json"), encoding="ascii") as f:
            self.recorded = json.load(f)
        if not os.path.exists(DEMO):
            self.skipTest("models/demo-i2_s.gguf is not there")
        with open(DEMO, "rb") as f:
            data = f.read()
        self.assertEqual(hashlib.sha256(data).hexdigest(), self.recorded["model_sha256"])
        self.file = gguf.File(data)

    def nll(self, ids, kv, numerics):
        return ppl.window_nll(Model(self.file, kv=kv, numerics=numerics), ids)

    def test_fixed_and_free_order_differ_by_no_more_than_ties_do(self):
        """A trained model meets ties, which other orders of the same sums take otherwise. How much
        that matters is seen from three programs that know nothing of the fixed order."""
        ids = self.recorded["first_ids"]
        others, fixed = [], []
        for kv in ("f16", "f32"):
            free, sequential, exact = (self.nll(ids, kv, n) for n in (
                Numerics(), Numerics(sequential=True), Numerics(np.float64)))
            ours = self.nll(ids, kv, FixedOrder())
            others += [ppl.rms(x) for x in (free - sequential, free - exact, sequential - exact)]
            fixed += [ppl.rms(ours - x) for x in (free, sequential, exact)]
        self.assertGreater(min(others), 0)
        self.assertLess(max(fixed), 2 * max(others))

    def test_recorded_perplexities_differ_by_no_more_than_ties_do(self):
        for run in self.recorded["runs"]:
            # The error of the mean of as many predictions, were each off on its own.
            noise = max(run["rms_nll_f32_minus_f64"], run["rms_nll_fixed_order_minus_f64"]) / \
                math.sqrt(run["n_predictions"])
            for a, b in (("perplexity", "fixed_order_perplexity"),
                         ("perplexity_f64", "fixed_order_perplexity")):
                self.assertLess(abs(math.log(run[a] / run[b])), 4 * noise)
            self.assertAlmostEqual(math.exp(run["fixed_order_mean_nll"]),
                                   run["fixed_order_perplexity"], delta=1e-9)

    def test_recorded_perplexity_is_computed_again(self):
        with open(shared("demo-model", "valid.txt"), "rb") as f:
            text = f.read()
        self.assertEqual(hashlib.sha256(text).hexdigest(), self.recorded["text_sha256"])
        # 2,000 tokens are far less than 20,000 bytes of text.
        ids = bpe.from_gguf(self.file).encode(text[:20000].decode("utf-8", "ignore"))
        ids = ([self.recorded["bos"]] + ids)[:self.recorded["n_tokens_used"]]
        self.assertEqual(hashlib.sha256(np.array(ids, "<i4").tobytes()).hexdigest(),
                         self.recorded["ids_sha256"])
        run = next(r for r in self.recorded["runs"] if r["n_ctx"] == 512 and r["kv"] == "f16")
        model = Model(self.file, kv="f16", numerics=FixedOrder())
        n_windows, nll = ppl.perplexity(model, ids, 512, self.recorded["bos"])
        self.assertEqual((n_windows, len(nll)), (run["n_windows"], run["n_predictions"]))
        # The logits are the same to the bit; the float64 log-softmax is NumPy's own.
        self.assertAlmostEqual(float(nll.mean()), run["fixed_order_mean_nll"], delta=1e-12)


if __name__ == "__main__":
    unittest.main()
