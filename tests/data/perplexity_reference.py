#!/usr/bin/env python3
"""Perplexity of a model on the first tokens of a text, by the NumPy reference.

The protocol is that of llama-perplexity: the text is tokenised once with BOS in front; window i is
tokens [i * ctx, (i + 1) * ctx) with its first token replaced by BOS; the predictions made at
positions ctx / 2 .. ctx - 2 of a window count; a last window that is not full is dropped. Every run
is made three times: in float32 as NumPy sums, in float64, and in the fixed order, which a program
that keeps to it must reproduce.

usage: perplexity_reference.py MODEL TEXT OUT.json [--tokens 2000] [--ctx 512,256]
"""
import argparse
import hashlib
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "reference"))

import bpe  # noqa: E402
import gguf  # noqa: E402
from fixed_order import FixedOrder  # noqa: E402
from model import Model  # noqa: E402
from numerics import Numerics  # noqa: E402


def window_nll(model, window):
    """Negative log-likelihoods, in nats, of the tokens ctx / 2 + 1 .. ctx - 1 of `window`."""
    positions = np.arange(len(window) // 2, len(window) - 1)
    logits = model.forward(window, positions=positions).astype(np.float64)
    top = logits.max(axis=1, keepdims=True)
    log_sum = (top + np.log(np.exp(logits - top).sum(axis=1, keepdims=True)))[:, 0]
    return log_sum - logits[np.arange(len(positions)), np.asarray(window)[positions + 1]]


def perplexity(model, ids, n_ctx, bos):
    """(windows, nll of every prediction) of `ids`."""
    n_windows = len(ids) // n_ctx
    nll = [window_nll(model, [bos] + ids[i * n_ctx + 1:(i + 1) * n_ctx]) for i in range(n_windows)]
    return n_windows, np.concatenate(nll)


def figures(nll):
    """(mean nll, perplexity, standard error of the perplexity)"""
    ppl = float(np.exp(nll.mean()))
    return float(nll.mean()), ppl, float(ppl * nll.std(ddof=1) / np.sqrt(len(nll)))


def rms(x):
    return float(np.sqrt(np.square(x).mean()))


def measure(file, ids, n_ctx, bos, kv):
    """An element of `runs` in the file that is written."""
    model = Model(file, kv=kv)
    n_windows, nll = perplexity(model, ids, n_ctx, bos)
    nll_f64, nll_fixed = (perplexity(Model(file, kv=kv, numerics=n), ids, n_ctx, bos)[1]
                          for n in (Numerics(np.float64), FixedOrder()))
    mean, ppl, error = figures(nll)
    mean_fixed, ppl_fixed, error_fixed = figures(nll_fixed)
    return {"n_ctx": n_ctx, "kv": kv, "act": model.act, "n_windows": n_windows,
            "n_predictions": len(nll), "mean_nll": mean, "perplexity": ppl, "standard_error": error,
            "perplexity_f64": figures(nll_f64)[1],
            "max_abs_nll_f32_minus_f64": float(np.abs(nll - nll_f64).max()),
            "rms_nll_f32_minus_f64": rms(nll - nll_f64),
            "fixed_order_mean_nll": mean_fixed, "fixed_order_perplexity": ppl_fixed,
            "fixed_order_standard_error": error_fixed,
            "rms_nll_fixed_order_minus_f64": rms(nll_fixed - nll_f64)}


def main():
    parser = argparse.ArgumentParser(description="Perplexity by the NumPy reference.")
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("out")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--ctx", default="512,256")
    args = parser.parse_args()
    with open(args.model, "rb") as f:
        model_bytes = f.read()
    with open(args.text, "rb") as f:
        text_bytes = f.read()
    file = gguf.File(model_bytes)
    bos = file.kv["tokenizer.ggml.bos_token_id"]
    all_ids = [bos] + bpe.from_gguf(file).encode(text_bytes.decode("utf-8"))
    ids = all_ids[:args.tokens]
    runs = []
    for n_ctx in map(int, args.ctx.split(",")):
        for kv in ("f16", "f32", "q8"):
            runs.append(measure(file, ids, n_ctx, bos, kv))
            print(runs[-1], file=sys.stderr)
    result = {
        "model": os.path.basename(args.model),
        "model_sha256": hashlib.sha256(model_bytes).hexdigest(),
        "text": os.path.basename(args.text),
        "text_sha256": hashlib.sha256(text_bytes).hexdigest(),
        "bos": bos, "n_tokens_in_text_with_bos": len(all_ids), "n_tokens_used": len(ids),
        "ids_sha256": hashlib.sha256(np.array(ids, "<i4").tobytes()).hexdigest(),
        "first_ids": ids[:64], "runs": runs}
    with open(args.out, "w", encoding="ascii") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
