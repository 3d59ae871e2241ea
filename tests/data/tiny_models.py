"""The tiny models as parameters: what each holds, how a weight is drawn, and the GGUF bytes.

A model here is a `Tiny`: named float and ternary tensors that can be redrawn one row or one
element at a time, which is how make_tiny.py moves activations away from rounding ties.
"""
import os
import sys
from dataclasses import dataclass, field

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference"))

import bpe  # noqa: E402
import formats  # noqa: E402
import gguf  # noqa: E402
from model import BITNET, LINEARS  # noqa: E402

MERGES = ["\u0120 t", "h e", "\u0120 a", "\u0120t he", "i n", "e r", "o n", "\u0120 s", "\u0120 w",
          "r e", "n d", "\u0120a nd", "o u", "\u0120 b", "i s", "e d", "\u0120 o", "\u0120 f",
          "a t", "in g", "e n", "\u0120o f", "\u0120 m", "o r", "l l", "\u0120 c", "a r",
          "\u0120 p"]
CONTROLS = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
PROMPT = "The river and the red boat: 42 owls!"


@dataclass
class Spec:
    """One model. n_ff and the head counts are those of the GGUF keys; linear names the format of
    the seven linears; keys holds the rope.scaling keys."""
    name: str
    arch: str
    n_layer: int = 1
    n_embd: int = 256
    n_ff: int = 256
    n_head: int = 4
    n_head_kv: int = 2
    head_dim: int = 64
    linear: str = "i2_s"
    separate_head: bool = False
    fine_embedding: bool = False  # full float16 mantissas, not a grid that compresses well
    scale_layers: tuple = ()      # bitnet: layers of bare signs with .scale companions
    keys: dict = field(default_factory=dict)
    rope_freqs: bool = False
    freq_base: float = 10000.0
    eps: float = 1e-5
    n_ctx: int = 256
    seed: int = 1


_ROPE = dict(n_embd=128, n_ff=128, n_head=2, n_head_kv=1)
SPECS = [
    Spec("llama", "llama", n_layer=2, separate_head=True, fine_embedding=True, seed=11),
    Spec("bitnet", "bitnet", n_layer=2, scale_layers=(0,), seed=12),
    Spec("bitnet-25", "bitnet-25", seed=13),
    Spec("bitnet-b1.58", "bitnet-b1.58", n_layer=2, n_ff=512, freq_base=500000.0, seed=14),
    Spec("qwen3", "qwen3", n_ff=512, head_dim=128, freq_base=1000000.0, eps=1e-6, seed=15),
    Spec("qwen3-group128", "qwen3", head_dim=128, linear="pq2_0", freq_base=1000000.0, eps=1e-6,
         seed=16),
    Spec("llama-rope-linear", "llama", keys={"type": "linear", "factor": 4.0}, seed=17, **_ROPE),
    Spec("llama-rope-llama3", "llama", rope_freqs=True, seed=18, **_ROPE),
    # An original context of 1024 puts both ends of YaRN's ramp inside the pairs of a head.
    Spec("llama-rope-yarn", "llama", keys={"type": "yarn", "factor": 4.0,
                                           "original_context_length": 1024}, n_ctx=4096, seed=19,
         **_ROPE),
    Spec("llama-dense", "llama", n_embd=64, n_ff=64, head_dim=16, linear="f32", seed=20),
]


def llama3_divisors(head_dim, base, factor=8.0, low=1.0, high=4.0, original=64):
    """rope_freqs.weight as the Llama 3.1 converters write it: 1 for wavelengths short against the
    original context, `factor` for long ones, mixed between. [head_dim / 2] float32."""
    wavelength = 2 * np.pi * base ** (np.arange(0, head_dim, 2) / head_dim)
    smooth = np.clip((original / wavelength - low) / (high - low), 0.0, 1.0)
    return (1.0 / ((1.0 - smooth) / factor + smooth)).astype(np.float32)


class Tiny:
    """Parameters of one model, drawn from the seed of its Spec."""

    def __init__(self, spec):
        self.spec, self.rng = spec, np.random.default_rng(spec.seed)
        self.tokens = sorted(bpe.byte_alphabet())
        self.tokens += [m.replace(" ", "") for m in MERGES] + CONTROLS
        self.n_vocab = len(self.tokens)
        self.prompt = [self.n_vocab - 3]
        self.prompt += bpe.Bpe(self.tokens, [tuple(m.split(" ")) for m in MERGES]).encode(PROMPT)
        s = spec
        q, kv = s.n_head * s.head_dim, s.n_head_kv * s.head_dim
        self.shapes = {"attn_q": (q, s.n_embd), "attn_k": (kv, s.n_embd), "attn_v": (kv, s.n_embd),
                       "attn_output": (s.n_embd, q), "ffn_gate": (s.n_ff, s.n_embd),
                       "ffn_up": (s.n_ff, s.n_embd), "ffn_down": (s.n_embd, s.n_ff)}
        norms = {"attn_norm": s.n_embd, "ffn_norm": s.n_embd}
        if s.arch in BITNET:
            norms |= {"attn_sub_norm": q, "ffn_sub_norm": s.n_ff}
        if s.arch == "qwen3":
            norms |= {"attn_q_norm": s.head_dim, "attn_k_norm": s.head_dim}
        self.embedding = self._draw_embedding(s.fine_embedding)
        self.head = self._draw_embedding(True) if s.separate_head else None
        self.output_norm = self.draw_norm(s.n_embd)
        self.norms = {(i, n): self.draw_norm(size)
                      for i in range(s.n_layer) for n, size in norms.items()}
        self.codes = {(i, n): self.draw_codes(shape)
                      for i in range(s.n_layer) for n, shape in self.shapes.items()}
        self.scales = {key: self._draw_scales(key[1]) for key in self.codes}

    def draw_norm(self, n):
        return self.rng.uniform(0.5, 1.5, n).astype(np.float32)

    def draw_codes(self, shape):
        """Ternary codes, 40 % zeros. Full-precision weights for dense linears."""
        if self.spec.linear == "f32":
            return self.rng.normal(0.0, 0.77, shape).astype(np.float32)
        return self.rng.choice(np.array([-1, 0, 1], np.int8), shape, p=[0.3, 0.4, 0.3])

    def _draw_embedding(self, fine):
        x = self.rng.normal(0.0, 0.125, (self.n_vocab, self.spec.n_embd))
        return (x if fine else np.rint(x * 64) / 64).astype(np.float16)

    def _draw_scales(self, name):
        """float32 values that float16 holds exactly. The sizes make attention choose among its
        tokens, and the feed-forward part, which tells tokens apart, outweigh both the embedding and
        the averages of attention: otherwise greedy text repeats one token for ever."""
        k = self.shapes[name][1]
        sub_norm = self.spec.arch in BITNET
        outputs = {"attn_q": 1.5, "attn_k": 1.5, "attn_output": 0.3 if sub_norm else 1.0,
                   "ffn_down": 1.0 if sub_norm else 2.0}
        size = outputs.get(name, 1.0) / np.sqrt(0.6 * k)
        count = self.shapes[name][0] * k // 128 if self.spec.linear == "pq2_0" else 1
        return (size * self.rng.uniform(0.7, 1.4, count)).astype(np.float16).astype(np.float32)

    def redraw_rows(self, layer, name, rows):
        for row in rows:
            self.codes[layer, name][row] = self.draw_codes(self.shapes[name][1])

    def redraw_norm(self, layer, name, columns):
        for column in columns:
            self.norms[layer, name][column] = self.draw_norm(1)[0]

    def _add_linear(self, w, layer, name):
        codes, scales = self.codes[layer, name], self.scales[layer, name]
        full = f"blk.{layer}.{name}"
        if self.spec.linear == "f32":
            w.add_tensor(full + ".weight", codes.shape, formats.F32,
                         (codes * scales).astype("<f4").tobytes())
        elif self.spec.linear == "pq2_0":
            w.add_tensor(full + ".weight", codes.shape, formats.PQ2_0,
                         formats.encode_pq2_0(codes, scales.reshape(codes.shape[0], -1)))
        elif layer in self.spec.scale_layers:
            w.add_tensor(full + ".weight", codes.shape, formats.I2_S,
                         formats.encode_i2_s(codes, 1.0))
            w.add_tensor(full + ".scale", (1,), formats.F32, scales.astype("<f4").tobytes())
        else:
            w.add_tensor(full + ".weight", codes.shape, formats.I2_S,
                         formats.encode_i2_s(codes, float(scales[0])))

    def _add_keys(self, w):
        s = self.spec
        w.add("general.architecture", gguf.STRING, s.arch)
        w.add("general.name", gguf.STRING, f"tern tiny {s.name}")
        w.add("general.license", gguf.STRING, "mit")
        for key, value in [("vocab_size", self.n_vocab), ("context_length", s.n_ctx),
                           ("embedding_length", s.n_embd), ("block_count", s.n_layer),
                           ("feed_forward_length", s.n_ff), ("attention.head_count", s.n_head),
                           ("attention.head_count_kv", s.n_head_kv),
                           ("rope.dimension_count", s.head_dim)]:
            w.add(f"{s.arch}.{key}", gguf.U32, value)
        if s.n_head * s.head_dim != s.n_embd:
            w.add(f"{s.arch}.attention.key_length", gguf.U32, s.head_dim)
            w.add(f"{s.arch}.attention.value_length", gguf.U32, s.head_dim)
        w.add(f"{s.arch}.attention.layer_norm_rms_epsilon", gguf.F32, s.eps)
        w.add(f"{s.arch}.rope.freq_base", gguf.F32, s.freq_base)
        kinds = {"type": gguf.STRING, "factor": gguf.F32, "original_context_length": gguf.U32}
        for key, value in s.keys.items():
            w.add(f"{s.arch}.rope.scaling.{key}", kinds[key], value)
        w.add("tokenizer.ggml.model", gguf.STRING, "gpt2")
        w.add("tokenizer.ggml.pre", gguf.STRING, "llama-bpe")
        w.add_array("tokenizer.ggml.tokens", gguf.STRING, self.tokens)
        w.add_array("tokenizer.ggml.token_type", gguf.I32,
                    [1] * (self.n_vocab - 3) + [3] * 3)
        w.add_array("tokenizer.ggml.merges", gguf.STRING, MERGES)
        for i, key in enumerate(("bos", "eos", "eot")):
            w.add(f"tokenizer.ggml.{key}_token_id", gguf.U32, self.n_vocab - 3 + i)
        w.add("tokenizer.ggml.add_bos_token", gguf.BOOL, True)

    def to_gguf(self):
        """The file, as bytes."""
        s, w = self.spec, gguf.Writer()
        self._add_keys(w)

        def add_f32(name, x):
            w.add_tensor(name, x.shape, formats.F32, x.astype("<f4").tobytes())

        w.add_tensor("token_embd.weight", self.embedding.shape, formats.F16,
                     self.embedding.astype("<f2").tobytes())
        add_f32("output_norm.weight", self.output_norm)
        if self.head is not None:
            w.add_tensor("output.weight", self.head.shape, formats.F16,
                         self.head.astype("<f2").tobytes())
        if s.rope_freqs:
            add_f32("rope_freqs.weight", llama3_divisors(s.head_dim, s.freq_base))
        for i in range(s.n_layer):
            for (layer, name), x in self.norms.items():
                if layer == i:
                    add_f32(f"blk.{i}.{name}.weight", x)
            for name in LINEARS:
                self._add_linear(w, i, name)
        return w.to_bytes()
