#!/usr/bin/env python3
"""Writes tiny Hugging Face checkpoints whose weights are quantised when they are used, in the layout
of their families, and the logits that the NumPy reference computes with the weights quantised as the
models' own code does: checkpoints/NAME/ with golden.json.

Per matrix, in float32: s = 1 / max(mean|W|, 1e-5); W' = clamp(round_half_even(W s), -1, 1) / s, cast
to the type of the weights.
"""
import json
import os
import struct
from dataclasses import dataclass

import numpy as np

from tiny_models import CONTROLS, MERGES, Spec, Tiny

import gguf  # noqa: I001  tiny_models puts the reference folder on the path
from fixed_order import FixedOrder
from model import Model

HERE = os.path.dirname(os.path.abspath(__file__))
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
                r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
HF_LINEARS = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
              "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
              "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
HF_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}


@dataclass
class Checkpoint:
    """One checkpoint: its graph as a Spec, the type of its weights, what its config.json adds, the
    names of its sub-norms, and whether its tokenizer is SentencePiece's."""
    spec: Spec
    dtype: str
    config: dict
    sub_norms: tuple = ()
    sentencepiece: bool = False


_SIZES = dict(n_embd=128, n_ff=256, n_head=2, n_head_kv=1)
CHECKPOINTS = [
    Checkpoint(Spec("bitnet-1bitllm", "bitnet", seed=31, n_embd=128, n_ff=128, n_head=2,
                    n_head_kv=2), "F32",
               {"architectures": ["BitnetForCausalLM"], "model_type": "llama",
                "hidden_act": "silu", "input_bits": 8, "weight_bits": 1, "pretraining_tp": 1,
                "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2},
               ("self_attn.inner_attn_ln", "mlp.ffn_layernorm"), sentencepiece=True),
    Checkpoint(Spec("falcon-e-prequantized", "llama", separate_head=True, freq_base=1000042.0,
                    eps=1e-6, seed=32, **_SIZES), "BF16",
               {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
                "torch_dtype": "bfloat16"}),
    Checkpoint(Spec("bitnet-2b4t-bf16", "bitnet-b1.58", freq_base=500000.0, seed=33, **_SIZES),
               "BF16",
               {"architectures": ["BitNetForCausalLM"], "model_type": "bitnet",
                "hidden_act": "relu2", "torch_dtype": "bfloat16",
                "quantization_config": {"quant_method": "bitnet", "linear_class": "autobitlinear",
                                        "quantization_mode": "online"}},
               ("self_attn.attn_sub_norm", "mlp.ffn_sub_norm")),
]


def round_to(x, dtype):
    """Float32 values that the type holds, the nearest, ties to even."""
    x = np.ascontiguousarray(x, np.float32)
    if dtype == "F32":
        return x
    bits = x.view(np.uint32)
    return ((bits + 0x7fff + (bits >> 16 & 1)) & np.uint32(0xffff0000)).view(np.float32)


def to_bytes(x, dtype):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return (bits >> 16).astype("<u2").tobytes() if dtype == "BF16" else bits.astype("<u4").tobytes()


def quantise(w, dtype):
    """(codes, scale): what a matrix computes with."""
    mean = np.float32(np.abs(w.astype(np.float64)).mean())
    s = np.float32(1) / max(mean, np.float32(1e-5))
    codes = np.clip(np.rint(w * s), -1, 1).astype(np.int8)
    return codes, round_to(np.float32(1) / s, dtype)


def adjacent_pairs(w, head_dim):
    """Rows of each head in the order 0, d/2, 1, d/2 + 1, ...: architecture llama in GGUF."""
    heads = w.reshape(-1, 2, head_dim // 2, w.shape[1])
    return heads.swapaxes(1, 2).reshape(w.shape)


def draw(checkpoint):
    """(Tiny with the quantised weights, {(layer, name): weights as trained})."""
    spec, dtype = checkpoint.spec, checkpoint.dtype
    tiny = Tiny(spec)
    if spec.separate_head:
        tiny.head = tiny._draw_embedding(False)  # values that bf16 and f16 hold
    tiny.output_norm = round_to(tiny.output_norm, dtype)
    tiny.norms = {key: round_to(x, dtype) for key, x in tiny.norms.items()}
    masters = {}
    for key, shape in ((key, codes.shape) for key, codes in tiny.codes.items()):
        size = 1.25 * float(tiny.scales[key][0])
        masters[key] = round_to(tiny.rng.normal(0.0, size, shape), dtype)
        codes, scale = quantise(masters[key], dtype)
        if spec.arch == "llama" and key[1] in ("attn_q", "attn_k"):
            codes = adjacent_pairs(codes, spec.head_dim)
        tiny.codes[key], tiny.scales[key] = codes, np.array([scale], np.float32)
    return tiny, masters


def safetensors(checkpoint, tiny, masters):
    header, data = {"__metadata__": {"format": "pt"}}, b""

    def add(name, x):
        nonlocal data
        part = to_bytes(x, checkpoint.dtype)
        header[name] = {"dtype": checkpoint.dtype, "shape": list(x.shape),
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part

    add("model.embed_tokens.weight", tiny.embedding.astype(np.float32))
    if tiny.head is not None:
        add("lm_head.weight", tiny.head.astype(np.float32))
    add("model.norm.weight", tiny.output_norm)
    norms = dict(HF_NORMS)
    if checkpoint.sub_norms:
        norms |= dict(zip(("attn_sub_norm", "ffn_sub_norm"), checkpoint.sub_norms))
    for (layer, name), x in tiny.norms.items():
        add(f"model.layers.{layer}.{norms[name]}.weight", x)
    for (layer, name), x in masters.items():
        add(f"model.layers.{layer}.{HF_LINEARS[name]}.weight", x)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def config(checkpoint, tiny):
    s = checkpoint.spec
    return {"hidden_size": s.n_embd, "intermediate_size": s.n_ff, "num_hidden_layers": s.n_layer,
            "num_attention_heads": s.n_head, "num_key_value_heads": s.n_head_kv,
            "vocab_size": tiny.n_vocab, "max_position_embeddings": s.n_ctx,
            "rms_norm_eps": s.eps, "rope_theta": s.freq_base, "rope_scaling": None,
            "tie_word_embeddings": not s.separate_head,
            "initializer_range": 0.02, "use_cache": True} | checkpoint.config


def tokenizer_json(tiny):
    n = len(tiny.tokens) - len(CONTROLS)
    split = {"type": "Split", "pattern": {"Regex": LLAMA3_SPLIT}, "behavior": "Isolated",
             "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    return {"added_tokens": [{"id": n + i, "content": text, "special": True}
                             for i, text in enumerate(CONTROLS)],
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
            "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tiny.tokens[:n])},
                      "merges": MERGES}}


def tokenizer_model(n_vocab):
    """A SentencePiece model: <unk>, <s>, </s>, a token for each byte, a few words."""
    def varint(n):
        out = b""
        while n > 0x7f:
            out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
        return out + bytes([n])

    def message(number, body):
        return varint(number << 3 | 2) + varint(len(body)) + body

    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
    pieces += [(merge.replace(" ", "").replace("\u0120", "\u2581"), -float(rank), 1)
               for rank, merge in enumerate(MERGES[1:])]
    pieces.append(("\u2581", -100.0, 1))  # the space that starts a word
    assert len(pieces) == n_vocab
    out = b"".join(message(1, message(1, text.encode()) + b"\x15" + struct.pack("<f", score) +
                           b"\x18" + varint(kind)) for text, score, kind in pieces)
    out += message(2, b"\x18" + varint(2))  # trainer_spec.model_type: BPE
    # normalizer_spec as Llama 2 has it: a space in front, none removed
    return out + message(3, message(1, b"identity") + b"\x18\x01\x20\x00\x28\x01")


def golden(tiny):
    file = gguf.File(tiny.to_gguf())
    n = len(tiny.prompt)
    positions = [n // 3, 2 * n // 3, n - 1]
    runs = []
    for kv in ("f32", "f16"):
        logits = Model(file, kv=kv, numerics=FixedOrder()).forward(tiny.prompt, positions=positions)
        rows = [[float(str(x)) for x in row] for row in logits]
        assert (np.array(rows).astype(np.float32) == logits).all()
        runs.append({"kv": kv, "logits_fixed_order": rows})
    return {"prompt": tiny.prompt, "positions": positions, "runs": runs}


def main():
    for checkpoint in CHECKPOINTS:
        tiny, masters = draw(checkpoint)
        folder = os.path.join(HERE, "checkpoints", checkpoint.spec.name)
        os.makedirs(folder, exist_ok=True)

        def write(name, content):
            if not isinstance(content, bytes):
                content = (json.dumps(content) + "\n").encode()
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)

        write("model.safetensors", safetensors(checkpoint, tiny, masters))
        write("config.json", config(checkpoint, tiny))
        if checkpoint.sentencepiece:
            write("tokenizer.model", tokenizer_model(tiny.n_vocab))
            write("tokenizer_config.json", {"bos_token": "<s>", "eos_token": "</s>",
                                            "unk_token": "<unk>", "add_bos_token": True})
        else:
            write("tokenizer.json", tokenizer_json(tiny))
            write("tokenizer_config.json", {"bos_token": CONTROLS[0], "eos_token": CONTROLS[1],
                                            "add_bos_token": True})
        write("golden.json", golden(tiny))
        zeros = np.mean([(codes == 0).mean() for codes in tiny.codes.values()])
        print(checkpoint.spec.name, f"{100 * zeros:.1f} % zeros", flush=True)


if __name__ == "__main__":
    main()
