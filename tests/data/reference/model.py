"""Forward passes of the architectures llama, bitnet, bitnet-b1.58, bitnet-25 and qwen3.

Plain NumPy, one function a step, written from the formats document. Slow and meant to be read:
this is what the engine is compared with.
"""
import numpy as np

import formats
import rope
from numerics import ACT_GROUP, HEAD_BLOCK, Numerics

BITNET = ("bitnet", "bitnet-b1.58", "bitnet-25")
ARCHS = ("llama", "qwen3") + BITNET
# What two float32 roundings of an angle of 1 add to a relative error of 1e-6, as a share of it.
_ANGLE_ERROR = 2 * 2.0 ** -24 / 1e-6
LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def silu(x, numerics):
    return x / (1 + numerics.exp(-x))


def squared_relu(x, numerics):
    return np.square(np.maximum(x, 0))


class Config:
    """Hyper-parameters of a gguf.File."""

    def __init__(self, file):
        self.arch = file.kv["general.architecture"]
        if self.arch not in ARCHS:
            raise ValueError(f"architecture {self.arch}, expected one of {ARCHS}")
        key = lambda name, *default: self._key(file.kv, name, *default)
        self.n_layer = key("block_count")
        self.n_embd = key("embedding_length")
        self.n_ff = key("feed_forward_length")
        self.n_head = key("attention.head_count")
        self.n_head_kv = key("attention.head_count_kv", self.n_head)
        self.eps = key("attention.layer_norm_rms_epsilon")
        self.n_ctx = key("context_length")
        self.head_dim = key("attention.key_length", self.n_embd // self.n_head)
        if key("attention.value_length", self.head_dim) != self.head_dim:
            raise ValueError("value_length differs from key_length")
        self.rope_dims = key("rope.dimension_count", self.head_dim)
        self.adjacent_rope = self.arch == "llama"
        self.activation = squared_relu if self.arch in ("bitnet-b1.58", "bitnet-25") else silu

    def _key(self, kv, name, *default):
        full = f"{self.arch}.{name}"
        if full not in kv and not default:
            raise ValueError(f"key {full} is missing")
        return kv.get(full, *default)


class Cache:
    """Keys and values of one sequence: per layer float arrays [n_tokens, n_head_kv, head_dim]."""

    def __init__(self, n_layer):
        self.keys, self.values, self.n_tokens = [None] * n_layer, [None] * n_layer, 0


class Model:
    """Immutable weights of one file.

    act: "auto", "token" or "group". kv: "f16", "f32" or "q8". head: "keep", or "q8_0" for a head
    (the embedding, where it is that) requantised to Q8_0 that multiplies integers. probe, where given, is called as
    probe(layer, site, values, scale) with what is about to be rounded: quantised activations in
    units of their step (scale None), and cached keys and values with the size their error goes by
    (in a float32 program, about 1e-6 of it).
    """

    def __init__(self, file, act="auto", kv="f16", numerics=None, probe=None, head="keep"):
        self.config = c = Config(file)
        self.numerics = numerics or Numerics()
        self._probe = probe or (lambda layer, site, values, scale: None)
        if kv not in ("f16", "f32", "q8"):
            raise ValueError(f"kv {kv}, expected f16, f32 or q8")
        self._kv = kv
        self._tensors = {name: formats.decode(t) for name, t in file.tensors.items()}
        self._used = set()
        self._embedding = self._take("token_embd.weight", None, c.n_embd)
        self.n_vocab = self._embedding.shape[0]
        self._head = self._take_optional("output.weight", self.n_vocab, c.n_embd)
        tied = self._head is None
        if tied:
            self._head = self._embedding
        self._output_norm = self._take("output_norm.weight", c.n_embd)
        self._layers = [self._layer(i) for i in range(c.n_layer)]
        divisors = self._take_optional("rope_freqs.weight", c.rope_dims // 2)
        self._freqs, self._rope_factor = rope.frequencies(file.kv, c.arch, c.rope_dims, divisors)
        unused = set(self._tensors) - self._used
        if unused:
            raise ValueError(f"tensors the architecture does not use: {sorted(unused)}")
        self.act = self._choose_act(act)
        # Float weights and tables in the arithmetic's own type, converted once.
        self._head = self._head.astype(self.numerics.dtype)
        self._head_q8_0 = None
        if head == "q8_0":
            codes, scales = self._head_q8_0 = self.numerics.q8_0(self._head)
            if tied:
                self._embedding = codes * np.repeat(scales, HEAD_BLOCK, axis=1)
        elif head != "keep":
            raise ValueError(f"head {head}, expected keep or q8_0")

    def _take(self, name, *shape):
        out = self._take_optional(name, *shape)
        if out is None:
            raise ValueError(f"tensor {name} is missing")
        return out

    def _take_optional(self, name, *shape):
        if name not in self._tensors:
            return None
        self._used.add(name)
        out = self._tensors[name]
        actual = out.codes.shape if isinstance(out, formats.Ternary) else out.shape
        if len(actual) != len(shape) or any(s not in (None, a) for s, a in zip(shape, actual)):
            raise ValueError(f"tensor {name} has shape {actual}, expected {shape}")
        return out

    def _layer(self, i):
        c = self.config
        q, kv = c.n_head * c.head_dim, c.n_head_kv * c.head_dim
        shapes = {"attn_q": (q, c.n_embd), "attn_k": (kv, c.n_embd), "attn_v": (kv, c.n_embd),
                  "attn_output": (c.n_embd, q), "ffn_gate": (c.n_ff, c.n_embd),
                  "ffn_up": (c.n_ff, c.n_embd), "ffn_down": (c.n_embd, c.n_ff)}
        out = {}
        for name, shape in shapes.items():
            scale = None
            if c.arch in BITNET:
                scale = self._take_optional(f"blk.{i}.{name}.scale", 1)
            out[name] = self._take(f"blk.{i}.{name}.weight", *shape), scale
        norms = {"attn_norm": c.n_embd, "ffn_norm": c.n_embd}
        if c.arch in BITNET:
            norms |= {"attn_sub_norm": q, "ffn_sub_norm": c.n_ff}
        if c.arch == "qwen3":
            norms |= {"attn_q_norm": c.head_dim, "attn_k_norm": c.head_dim}
        for name, size in norms.items():
            out[name] = self._take(f"blk.{i}.{name}.weight", size)
        return out

    def _choose_act(self, act):
        if act in ("token", "group"):
            return act
        if act != "auto":
            raise ValueError(f"act {act}, expected auto, token or group")
        matrices = [layer[name][0] for layer in self._layers for name in LINEARS]
        along_k = any(isinstance(m, formats.Ternary) and m.scales.shape[1] > 1 for m in matrices)
        return "group" if along_k and self.config.arch not in BITNET else "token"

    def _linears(self, i, site, names, x):
        """The products of one input with several matrices; the input is quantised once."""
        found = [self._layers[i][name] for name in names]
        ternary = [weight for weight, _ in found if isinstance(weight, formats.Ternary)]
        if ternary:
            codes, steps = self._quantise(i, site, x)
            width = self.numerics.columns_at_once(ternary, x.shape[1] // steps.shape[1])
        out = []
        for weight, scale in found:
            if isinstance(weight, formats.Ternary):
                y = self.numerics.ternary_matmul(weight, codes, steps, scale, width)
            else:
                y = self.numerics.dot(x, weight.astype(self.numerics.dtype))
                y = y if scale is None else y * scale.astype(self.numerics.dtype)
            out.append(y)
        return out

    def _quantise(self, i, site, x):
        k = x.shape[1]
        group = k if self.act == "token" else ACT_GROUP if k % ACT_GROUP == 0 else ACT_GROUP // 2
        codes, steps, scaled = self.numerics.quantise(x, group)
        self._probe(i, site, scaled, None)
        return codes, steps

    def _norm(self, i, name, x):
        return self.numerics.rms_norm(x, self._layers[i][name], self.config.eps)

    def _store(self, i, cache, k, v):
        """Appends to the cache, rounded as it would be, and returns all keys and values so far."""
        if self._kv == "f16":
            # A rotated pair's error goes by its length and angle, a value's by the value.
            half = self.config.rope_dims // 2
            turned = k[..., :2 * half]
            pairs = (turned[..., 0::2], turned[..., 1::2]) if self.config.adjacent_rope else \
                (turned[..., :half], turned[..., half:])
            angles = (cache.n_tokens + np.arange(k.shape[0]))[:, None, None, None] * \
                self._freqs[:, None]
            size = np.hypot(*pairs)[..., None] * (1 + _ANGLE_ERROR * angles)
            self._probe(i, "k", np.stack(pairs, -1), size)
            self._probe(i, "v", v, np.abs(v))
            k, v = (x.astype(np.float16).astype(self.numerics.dtype) for x in (k, v))
        elif self._kv == "q8":
            k, v = self.numerics.q8(k), self.numerics.q8(v)
        if cache.n_tokens:
            k, v = np.concatenate([cache.keys[i], k]), np.concatenate([cache.values[i], v])
        cache.keys[i], cache.values[i] = k, v
        return k, v

    def _attention(self, i, x, cache, cos, sin):
        c, n = self.config, x.shape[0]
        q, k, v = self._linears(i, "attn_in", ("attn_q", "attn_k", "attn_v"), x)
        q = q.reshape(n, c.n_head, c.head_dim)
        k, v = (m.reshape(n, c.n_head_kv, c.head_dim) for m in (k, v))
        if c.arch == "qwen3":
            q, k = self._norm(i, "attn_q_norm", q), self._norm(i, "attn_k_norm", k)
        q, k = (rope.rotate(m, cos, sin, c.adjacent_rope) for m in (q, k))
        keys, values = self._store(i, cache, k, v)
        shared = c.n_head // c.n_head_kv  # Query head h reads key head h // shared.
        # [n_head, tokens, head_dim]
        q, keys, values = (m.transpose(1, 0, 2) for m in
                           (q, keys.repeat(shared, axis=1), values.repeat(shared, axis=1)))
        attention = self.numerics.attention_q8 if self._kv == "q8" else self.numerics.attention
        out = attention(q, keys, values, cache.n_tokens)
        out = out.transpose(1, 0, 2).reshape(n, -1)
        if c.arch in BITNET:
            out = self._norm(i, "attn_sub_norm", out)
        return self._linears(i, "attn_out_in", ("attn_output",), out)[0]

    def _feed_forward(self, i, x):
        gate, up = self._linears(i, "ffn_in", ("ffn_gate", "ffn_up"), x)
        h = self.config.activation(gate, self.numerics) * up
        if self.config.arch in BITNET:
            h = self._norm(i, "ffn_sub_norm", h)
        return self._linears(i, "ffn_down_in", ("ffn_down",), h)[0]

    def forward(self, ids, cache=None, positions=None):
        """Logits [n_asked, n_vocab] after `ids`, which follow what the cache holds.

        positions: which of `ids` are asked for (indices into it), all by default.
        """
        c = self.config
        ids = np.asarray(ids)
        cache = cache or Cache(c.n_layer)
        if cache.n_tokens + len(ids) > c.n_ctx:
            raise ValueError(f"{cache.n_tokens + len(ids)} tokens, the context holds {c.n_ctx}")
        cos, sin = self.numerics.rope_tables(self._freqs, self._rope_factor,
                                             cache.n_tokens + np.arange(len(ids)))
        x = self._embedding[ids].astype(self.numerics.dtype)
        for i in range(c.n_layer):
            x = x + self._attention(i, self._norm(i, "attn_norm", x), cache, cos, sin)
            x = x + self._feed_forward(i, self._norm(i, "ffn_norm", x))
        cache.n_tokens += len(ids)
        if positions is not None:
            x = x[np.asarray(positions)]
        x = self.numerics.rms_norm(x, self._output_norm, c.eps)
        if self._head_q8_0 is not None:
            return self.numerics.head_q8_0(x, *self._head_q8_0)
        return self.numerics.dot(x, self._head)

    def greedy(self, ids, n):
        """The n ids of highest logit that follow `ids`, lowest id on a tie; and, for each, how far
        the second logit was below the first."""
        cache, out, gaps = Cache(self.config.n_layer), [], []
        pending = list(ids)
        for _ in range(n):
            logits = self.forward(pending, cache, positions=[-1])[0]
            out.append(int(np.argmax(logits)))
            gaps.append(float(logits[out[-1]] - np.delete(logits, out[-1]).max()))
            pending = [out[-1]]
        return out, gaps
