#!/usr/bin/env python3
"""Checks of the reference itself. Run: python3 tests/data/reference/test_ternref.py

TERN_SHARED_DIR names the folder with data/ and demo-model/ for the checks against trained models
and published vocabularies; without it they are skipped.
"""
import json
import math
import os
import struct
import sys
import unittest
from unittest import mock

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bpe  # noqa: E402
import formats  # noqa: E402
import gguf  # noqa: E402
import model as reference  # noqa: E402
import rope  # noqa: E402
from model import Cache, Model  # noqa: E402
from numerics import Numerics  # noqa: E402

TINY = os.path.join(HERE, "..", "tiny")
NAMES = sorted(f[:-5] for f in os.listdir(TINY) if f.endswith(".gguf"))
SHARED = os.environ.get("TERN_SHARED_DIR", "")


def shared(*parts):
    """Path in the shared folder, or the test is skipped."""
    path = os.path.join(SHARED, *parts)
    if not SHARED or not os.path.exists(path):
        raise unittest.SkipTest(f"{os.path.join('TERN_SHARED_DIR', *parts)} is not there")
    return path


def tiny(name):
    with open(os.path.join(TINY, name + ".golden.json"), encoding="ascii") as f:
        return gguf.File.open(os.path.join(TINY, name + ".gguf")), json.load(f)


def tolerance(run):
    return 8 * max(run["max_abs_f32_minus_f64"], run["max_abs_f32_sequential_minus_f64"])


class FormatsTest(unittest.TestCase):
    def test_i2_s_bits(self):
        codes = np.zeros((1, 128), np.int8)
        codes[0, 3], codes[0, 32 + 3], codes[0, 64 + 3], codes[0, 96 + 3] = -1, 1, 0, 1
        data = formats.encode_i2_s(codes, 0.5)
        self.assertEqual(data[3], 0b00_10_01_10)
        self.assertEqual(data[0], 0b01_01_01_01)
        self.assertEqual(struct.unpack_from("<f", data, 32)[0], 0.5)
        self.assertEqual(len(data), 64)

    def test_pq2_0_bits(self):
        codes = np.zeros((1, 128), np.int8)
        codes[0, 4:8] = -1, 0, 1, 1
        data = formats.encode_pq2_0(codes, np.array([[0.75]], np.float32))
        self.assertEqual(struct.unpack_from("<e", data)[0], 0.75)
        self.assertEqual(data[2 + 1], 0b10_10_01_00)
        self.assertEqual(len(data), 34)

    def test_round_trip(self):
        rng = np.random.default_rng(1)
        codes = rng.integers(-1, 2, (6, 256)).astype(np.int8)
        scales = rng.uniform(0.1, 1, (6, 2)).astype(np.float16).astype(np.float32)
        w = gguf.Writer()
        w.add("general.architecture", gguf.STRING, "none")
        w.add_array("list", gguf.I32, [3, -1])
        w.add_tensor("a", (6, 256), formats.I2_S, formats.encode_i2_s(codes, 0.25))
        w.add_tensor("b", (6, 256), formats.PQ2_0, formats.encode_pq2_0(codes, scales))
        f = gguf.File(w.to_bytes())
        self.assertEqual(f.kv, {"general.architecture": "none", "list": [3, -1]})
        a, b = formats.decode(f.tensors["a"]), formats.decode(f.tensors["b"])
        np.testing.assert_array_equal(a.codes, codes)
        np.testing.assert_array_equal(b.codes, codes)
        np.testing.assert_array_equal(a.scales, np.full((6, 1), 0.25, np.float32))
        np.testing.assert_array_equal(b.scales, scales)

    def test_refuses_damage(self):
        data = bytearray(gguf.Writer().to_bytes())
        with self.assertRaises(ValueError):
            gguf.File(data[:10])
        data[0] = 0
        with self.assertRaises(ValueError):
            gguf.File(bytes(data))


class BpeTest(unittest.TestCase):
    def test_split(self):
        cases = {
            "I'm we'LL 'tis": ["I", "'m", " we", "'LL", " '", "tis"],
            "12345 6": ["123", "45", " ", "6"],
            "a  b\n \n c": ["a", " ", " b", "\n \n", " c"],
            "x = (y);\n\nz ": ["x", " =", " (", "y", ");\n\n", "z", " "],
            "\tword \t": ["\tword", " \t"],
            "(word": ["(word"],
        }
        for text, words in cases.items():
            self.assertEqual(bpe.split(text), words)
            self.assertEqual("".join(words), text)

    def test_merges_by_rank_then_leftmost(self):
        tokens = ["a", "b", "ab", "ba", "aba", "aa"]
        encoder = bpe.Bpe(tokens, [("b", "a"), ("a", "a"), ("a", "b")], ignore_merges=False)
        self.assertEqual(encoder.encode("aba"), [0, 3])
        self.assertEqual(encoder.encode("aaa"), [5, 0])
        self.assertEqual(bpe.Bpe(tokens, [("b", "a")]).encode("aba"), [4])

    def test_llama3_vocabulary_gives_the_published_ids(self):
        with open(shared("data", "tokenizer", "llama3", "tokenizer.json"), encoding="utf-8") as f:
            tokenizer = json.load(f)["model"]
        tokens = [None] * (max(tokenizer["vocab"].values()) + 1)
        for text, i in tokenizer["vocab"].items():
            tokens[i] = text
        merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in tokenizer["merges"]]
        encoder = bpe.Bpe(tokens, merges)
        base = shared("data", "tokenizer", "llama-bpe", "ggml-vocab-llama-bpe.gguf.inp")
        with open(base, encoding="utf-8", newline="") as f:
            texts = f.read().split("\n__ggml_vocab_test__\n")
        with open(base[:-4] + ".out", encoding="ascii") as f:
            ids = [[int(i) for i in line.split()] for line in f.read().split("\n")]
        self.assertGreaterEqual(len(ids), len(texts) - 1)
        for text, expected in zip(texts, ids):
            self.assertEqual(encoder.encode(text), expected, repr(text))


class RopeTest(unittest.TestCase):
    KV = {"llama.rope.freq_base": 10000.0, "llama.context_length": 4096}

    def test_yarn_keeps_fast_pairs_and_divides_slow_ones(self):
        plain, _ = rope.frequencies(self.KV, "llama", 64)
        kv = self.KV | {"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0,
                        "llama.rope.scaling.original_context_length": 1024}
        scaled, magnitude = rope.frequencies(kv, "llama", 64)
        self.assertAlmostEqual(magnitude, 1 + 0.1 * math.log(4))
        turns = plain * 1024 / (2 * math.pi)
        spare = 10000 ** (2 / 64)  # The ends of the ramp are rounded outwards, by a pair at most.
        fast, slow = turns > 32 * spare, turns < 1 / spare
        self.assertTrue(fast.sum() > 2 and slow.sum() > 2)
        np.testing.assert_allclose(scaled[fast], plain[fast], rtol=1e-15)
        np.testing.assert_allclose(scaled[slow], plain[slow] / 4, rtol=1e-15)
        middle = ~fast & ~slow
        self.assertTrue((scaled[middle] <= plain[middle]).all())
        self.assertTrue((np.diff(scaled / plain) <= 1e-15).all())

    def test_pairings_differ_by_a_permutation(self):
        rng = np.random.default_rng(2)
        x, angles = rng.normal(size=(3, 2, 8)), rng.normal(size=(3, 4))
        order = np.arange(8).reshape(2, 4).T.ravel()  # adjacent position 2i + j holds j * 4 + i
        half = rope.rotate(x, np.cos(angles), np.sin(angles), adjacent=False)
        adjacent = rope.rotate(x[..., order], np.cos(angles), np.sin(angles), adjacent=True)
        np.testing.assert_array_equal(half[..., order], adjacent)

    def test_refuses_the_unknown(self):
        for key, value in (("type", "longrope"), ("attn_factor", 1.0)):
            with self.assertRaises(ValueError):
                rope.frequencies(self.KV | {f"llama.rope.scaling.{key}": value}, "llama", 64)


class NumericsTest(unittest.TestCase):
    def test_quantise_rounds_ties_to_even(self):
        x = np.array([[127.0, 0.5, 1.5, -2.5, 3.25, -127.0]], np.float32)
        codes, steps, _ = Numerics().quantise(x, 6)
        self.assertEqual(codes.tolist(), [[127, 0, 2, -2, 3, -127]])
        self.assertEqual(steps.tolist(), [[1.0]])
        self.assertEqual(Numerics().quantise(x * 0, 6)[0].tolist(), [[0] * 6])

    def test_ternary_matmul_is_the_sum_of_its_scaled_groups(self):
        rng = np.random.default_rng(3)
        codes = rng.integers(-1, 2, (5, 512)).astype(np.int8)
        scales = rng.uniform(0.1, 1, (5, 2)).astype(np.float32)
        q, steps = rng.integers(-127, 128, (3, 512)), rng.uniform(0.1, 1, (3, 4))
        weights = formats.Ternary(codes, scales, 256)
        y = Numerics(np.float64).ternary_matmul(weights, q.astype(np.float64), steps)
        full = (q * steps.repeat(128, axis=1)) @ (codes * scales.repeat(256, axis=1)).T
        np.testing.assert_allclose(y, full, rtol=1e-6, atol=1e-6 * np.abs(full).max())

    def test_sequential_sum_runs_from_left_to_right(self):
        x = np.array([1e8, 1.0, -1e8, 1.0] * 4, np.float32)
        expected = np.float32(0)
        for value in x:
            expected += value
        self.assertEqual(Numerics(sequential=True).sum(x)[0], expected)


class ModelTest(unittest.TestCase):
    def test_golden_logits_and_text(self):
        for name in NAMES:
            file, golden = tiny(name)
            for run in golden["runs"]:
                with self.subTest(model=name, kv=run["kv"]):
                    m = Model(file, kv=run["kv"])
                    self.assertEqual(m.act, golden["act"])
                    logits = m.forward(golden["prompt"], positions=golden["positions"])
                    self.assertEqual(logits.dtype, np.float32)
                    np.testing.assert_allclose(logits, np.array(run["logits"]), rtol=0,
                                               atol=tolerance(run))
                    ids, _ = m.greedy(golden["prompt"], len(run["greedy"]))
                    self.assertEqual(ids, run["greedy"])

    def test_one_token_at_a_time_gives_the_same(self):
        for name in NAMES:
            file, golden = tiny(name)
            m, cache, rows = Model(file), Cache(Model(file).config.n_layer), []
            for token in golden["prompt"]:
                rows.append(m.forward([token], cache)[0])
            run = next(r for r in golden["runs"] if r["kv"] == "f16")
            np.testing.assert_allclose(np.array(rows)[golden["positions"]], np.array(run["logits"]),
                                       rtol=0, atol=tolerance(run))

    def assert_golden_notices(self, name, change):
        """Fails unless the golden logits of `name` reject what the change computes, by far."""
        file, golden = tiny(name)
        run = golden["runs"][0]
        with change(file):
            logits = Model(file, kv=run["kv"]).forward(golden["prompt"],
                                                       positions=golden["positions"])
        worst = np.abs(logits - np.array(run["logits"])).max()
        self.assertGreater(worst, 100 * tolerance(run), name)

    def test_golden_logits_notice_a_wrong_graph(self):
        def key_changed(key, value):
            return lambda file: mock.patch.dict(file.kv, {key: value})

        def tensor_zeroed(name):
            def change(file):
                t = file.tensors[name]
                zeroed = gguf.Tensor(t.name, t.shape, t.type_id, bytes(len(t.data)))
                return mock.patch.dict(file.tensors, {name: zeroed})
            return change

        def other_pairing(_):
            rotate = rope.rotate
            return mock.patch.object(rope, "rotate",
                                     lambda x, c, s, adjacent: rotate(x, c, s, not adjacent))

        def other_activation(function):
            return lambda _: mock.patch.object(reference, "squared_relu", function)

        for name in NAMES:
            arch = tiny(name)[0].kv["general.architecture"]
            self.assert_golden_notices(name, other_pairing)
            self.assert_golden_notices(name, key_changed(f"{arch}.rope.freq_base", 9000.0))
            self.assert_golden_notices(name, key_changed(f"{arch}.attention.layer_norm_rms_epsilon",
                                                         1e-3))
        for name in ("bitnet-25", "bitnet-b1.58"):
            self.assert_golden_notices(name, other_activation(reference.silu))
        def without_rope_freqs(file):
            rest = {k: v for k, v in file.tensors.items() if k != "rope_freqs.weight"}
            return mock.patch.object(file, "tensors", rest)

        self.assert_golden_notices("llama-rope-llama3", without_rope_freqs)
        self.assert_golden_notices("bitnet", tensor_zeroed("blk.0.attn_v.scale"))
        self.assert_golden_notices("qwen3", tensor_zeroed("blk.0.attn_q_norm.weight"))
        for name, key, value in (("linear", "factor", 1.0), ("yarn", "factor", 2.0),
                                 ("yarn", "type", "linear"),
                                 ("yarn", "original_context_length", 4096)):
            self.assert_golden_notices(f"llama-rope-{name}",
                                       key_changed(f"llama.rope.scaling.{key}", value))

    def test_trained_llama_writes_its_published_text(self):
        file = gguf.File.open(shared("data", "model", "stories260K", "stories260K-f32.gguf"))
        with open(shared("data", "model", "stories260K", "golden-greedy-200.txt"), "rb") as f:
            expected = f.read()
        for kv in ("f32", "f16"):
            ids, _ = Model(file, kv=kv).greedy([file.kv["tokenizer.ggml.bos_token_id"]], 200)
            self.assertEqual(bpe.decode(file, ids), expected)

    def test_demo_model_writes_a_story(self):
        file = gguf.File.open(shared("demo-model", "demo-i2_s.gguf"))
        ids = bpe.from_gguf(file).encode("Once upon a time")
        out, _ = Model(file).greedy([file.kv["tokenizer.ggml.bos_token_id"]] + ids, 12)
        self.assertTrue(bpe.decode(file, out).startswith(b", there was a little "))


if __name__ == "__main__":
    unittest.main()
