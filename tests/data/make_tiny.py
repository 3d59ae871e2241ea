#!/usr/bin/env python3
"""Writes the tiny models and what the NumPy reference computes with them: tiny/NAME.gguf and
tiny/NAME.golden.json.

Rounding to int8 (and to float16 in the cache) turns a difference in the last bit into a whole step
when a value lies near a tie, so the weights are chosen such that no value does: the model is run
in float32 and float64, the weights behind the first values found near a tie are redrawn, and so on
until none is left over the whole prompt in either cache precision. What remains between float32
programs is then summation error, and the golden file says how large that is.

usage: make_tiny.py [NAME ...]    (all models by default)
"""
import hashlib
import json
import os
import sys

import numpy as np

from tiny_models import SPECS, Tiny

import gguf  # noqa: I001  tiny_models puts the reference folder on the path
from fixed_order import FixedOrder
from model import BITNET, Model
from numerics import Numerics

HERE = os.path.dirname(os.path.abspath(__file__))
KV = ("f32", "f16")
F32, F32_SEQUENTIAL, F64 = Numerics(), Numerics(sequential=True), Numerics(np.float64)
# Distance kept from a tie, in steps of the quantised activation: at least this, and at least MARGIN
# times what the float32 runs differ from float64 anywhere at that place.
MIN_TIE = 1e-4
MARGIN = 8.0
# The same for float16: relative to the size that the error of the value goes by (Model's probe),
# which allows for rope angles computed in float32.
MIN_TIE_F16 = 1e-6
# A float16 step no larger than this share of that size is left alone: taking it or not matters no
# more than float32 rounding does (a key's small component, turned from a large one by a small
# angle).
HARMLESS_F16 = 8 * MIN_TIE_F16
N_GREEDY = 16
# A greedy step counts as safe when the best logit leads by this share of the logits' spread.
MIN_GAP = 0.02
MIN_DISTINCT = 6


class Trace:
    """Everything a run rounded, in order: (layer, site) -> (values, scale) as float64."""

    def __init__(self):
        self.seen = {}

    def __call__(self, layer, site, values, scale):
        self.seen[layer, site] = (values.astype(np.float64), scale)


def run(file, kv, numerics, ids, positions):
    trace = Trace()
    model = Model(file, kv=kv, numerics=numerics, probe=trace)
    return model.forward(ids, positions=positions), trace.seen


def half_ties(x):
    """(distance of x to the nearest point half way between two neighbouring float16 values,
    distance between these two)."""
    near = x.astype(np.float16)
    up = np.nextafter(near, np.float16(np.inf)).astype(np.float64)
    down = np.nextafter(near, np.float16(-np.inf)).astype(np.float64)
    near = near.astype(np.float64)
    over = x > near
    return (np.where(over, (near + up) / 2 - x, x - (near + down) / 2),
            np.where(over, up - near, near - down))


def near_ties(site, exact, others):
    """(mask of the values too near a tie, smallest distance, largest deviation of `others`).

    exact: (values, scale) in float64; others: the float32 runs' values. Distances are in steps of
    the quantised activation, or relative to the scale of keys and values.
    """
    values, scale = exact
    deviation = max(np.abs(o - values).max() for o in others)
    if site in ("k", "v"):
        distance, step = half_ties(values)
        # An exact zero (a cancelled integer sum) is exact everywhere.
        matters = (scale > 0) & (step > HARMLESS_F16 * scale)
        distance = np.where(matters, distance / np.where(matters, scale, 1), np.inf)
        return distance < MIN_TIE_F16, distance.min(), deviation
    distance = np.abs(np.abs(values - np.floor(values)) - 0.5)
    # The largest code and beyond cannot flip: 127.5 is out of reach.
    return distance < max(MIN_TIE, MARGIN * deviation), distance.min(), deviation


def columns(mask, width):
    """Indices below `width` at which any value of a mask [n_tokens, ..., width] is set."""
    return np.flatnonzero(mask.reshape(-1, width).any(axis=0))


def repair(tiny, layer, site, mask):
    """Redraws the weights behind the values of `site` that lie near a tie."""
    s = tiny.spec
    if site in ("attn_in", "ffn_in"):
        tiny.redraw_norm(layer, site.replace("_in", "_norm"), columns(mask, s.n_embd))
    elif site == "k":
        # [n_tokens, n_head_kv, pairs, 2 of the pair]
        pair_bad = mask.any(axis=-1)
        half = s.head_dim // 2

        def both(pair):
            return [2 * pair, 2 * pair + 1] if s.arch == "llama" else [pair, pair + half]

        if s.arch == "qwen3":
            for pair in columns(pair_bad, half):
                tiny.redraw_norm(layer, "attn_k_norm", both(pair))
        else:
            for at in columns(pair_bad, s.n_head_kv * half):
                head, pair = divmod(int(at), half)
                tiny.redraw_rows(layer, "attn_k", [head * s.head_dim + d for d in both(pair)])
    elif site == "v":
        tiny.redraw_rows(layer, "attn_v", columns(mask, s.n_head_kv * s.head_dim))
    elif s.arch in BITNET:
        name = "attn_sub_norm" if site == "attn_out_in" else "ffn_sub_norm"
        tiny.redraw_norm(layer, name, columns(mask, mask.shape[-1]))
    elif site == "attn_out_in":
        for at in columns(mask, mask.shape[-1]):
            head, d = divmod(int(at), s.head_dim)
            head_kv = head // (s.n_head // s.n_head_kv)
            tiny.redraw_rows(layer, "attn_v", [head_kv * s.head_dim + d])
    else:
        tiny.redraw_rows(layer, "ffn_up", columns(mask, s.n_ff))


def first_tie(file, ids):
    """(layer, site, mask) of the first place with values near a tie, or None; and the smallest
    distances found, {name: value}, for activations also over the float32 runs' deviation there."""
    runs = [[run(file, kv, n, ids, [-1])[1] for n in (F64, F32, F32_SEQUENTIAL)] for kv in KV]
    found, stats = None, {"min_tie_distance_q": np.inf, "min_tie_over_deviation_q": np.inf,
                          "min_tie_distance_k": np.inf, "min_tie_distance_v": np.inf}
    for layer, site in runs[-1][0]:
        mask = False
        for exact, *others in runs:
            if (layer, site) not in exact:  # A float32 cache rounds nothing.
                continue
            bad, distance, deviation = near_ties(site, exact[layer, site],
                                                 [o[layer, site][0] for o in others])
            mask = mask | bad
            kind = site if site in ("k", "v") else "q"
            stats[f"min_tie_distance_{kind}"] = min(stats[f"min_tie_distance_{kind}"], distance)
            if kind == "q":
                ratio = distance / max(deviation, 1e-30)
                stats["min_tie_over_deviation_q"] = min(stats["min_tie_over_deviation_q"], ratio)
        if found is None and np.any(mask):
            found = layer, site, mask
    return found, {k: float(v) for k, v in stats.items() if np.isfinite(v)}


def remove_ties(tiny):
    """Redraws until the prompt is free of ties; returns (rounds, statistics)."""
    for rounds in range(2000):
        found, stats = first_tie(gguf.File(tiny.to_gguf()), tiny.prompt)
        if found is None:
            return rounds, stats
        repair(tiny, *found)
    raise RuntimeError(f"{tiny.spec.name}: ties remain after {rounds} rounds")


def greedy_runs(file, prompt):
    """{kv: (ids, smallest gap)} where float32 and float64 agree, gaps are safe and the text moves;
    None otherwise."""
    out = {}
    for kv in KV:
        model = Model(file, kv=kv, numerics=F32)
        ids, gaps = model.greedy(prompt, N_GREEDY)
        spread = float(model.forward(prompt, positions=[-1]).std())
        control = min(ids) < 0 or max(ids) >= model.n_vocab - 3
        if control or min(gaps) < MIN_GAP * spread or len(set(ids)) < MIN_DISTINCT:
            return None
        if ids != Model(file, kv=kv, numerics=F64).greedy(prompt, N_GREEDY)[0]:
            return None
        out[kv] = ids, min(gaps)
    return out


def settle_greedy(tiny):
    """Redraws the output norm, which touches no rounded value, until greedy_runs is content."""
    for tries in range(3000):
        found = greedy_runs(gguf.File(tiny.to_gguf()), tiny.prompt)
        if found:
            return tries, found
        tiny.output_norm = tiny.draw_norm(tiny.spec.n_embd)
    raise RuntimeError(f"{tiny.spec.name}: no safe greedy text in {tries} tries")


def rounded_alike(a, b):
    """Whether two runs rounded every value to the same code or, harmless steps apart, float16."""
    def alike(site, x, y, scale):
        if site in ("k", "v"):
            x, y = (v.astype(np.float16).astype(np.float64) for v in (x, y))
            return (np.abs(x - y) <= HARMLESS_F16 * scale).all()
        return (np.rint(x) == np.rint(y)).all()

    return all(alike(at[1], a[at][0], b[at][0], a[at][1]) for at in a)


def exact_decimals(logits):
    """float32 as the shortest decimals that give them back, also by way of a double."""
    rows = [[float(str(x)) for x in row] for row in logits]
    assert (np.array(rows).astype(np.float32) == logits).all()
    return rows


def golden(tiny):
    """The content of the golden file, and the model's bytes."""
    rounds, stats = remove_ties(tiny)
    tries, greedy = settle_greedy(tiny)
    data = tiny.to_gguf()
    file, n = gguf.File(data), len(tiny.prompt)
    positions = [n // 3, 2 * n // 3, n - 1]
    out = {"model": f"{tiny.spec.name}.gguf", "sha256": hashlib.sha256(data).hexdigest(),
           "seed": tiny.spec.seed, "tie_rounds": rounds, "greedy_tries": tries,
           "act": Model(file).act, "prompt": tiny.prompt, "positions": positions} | stats
    out["runs"] = []
    for kv in KV:
        exact, exact_trace = run(file, kv, F64, tiny.prompt, positions)
        plain, plain_trace = run(file, kv, F32, tiny.prompt, positions)
        ordered, ordered_trace = run(file, kv, F32_SEQUENTIAL, tiny.prompt, positions)
        fixed, fixed_trace = run(file, kv, FixedOrder(), tiny.prompt, positions)
        assert plain.dtype == ordered.dtype == fixed.dtype == np.float32
        traces = plain_trace, ordered_trace, fixed_trace
        if not all(rounded_alike(exact_trace, t) for t in traces):
            raise RuntimeError(f"{tiny.spec.name}: float32 and float64 rounded differently")
        integer_head = Model(file, kv=kv, numerics=FixedOrder(), head="q8_0").forward(
            tiny.prompt, positions=positions)
        out["runs"].append({
            "kv": kv, "max_abs_f32_minus_f64": float(np.abs(plain - exact).max()),
            "max_abs_f32_sequential_minus_f64": float(np.abs(ordered - exact).max()),
            "max_abs_logit": float(np.abs(exact).max()),
            "greedy": greedy[kv][0], "greedy_min_gap": greedy[kv][1],
            "logits": exact_decimals(plain), "logits_fixed_order": exact_decimals(fixed),
            "logits_fixed_order_head_q8_0": exact_decimals(integer_head)})
    return out, data


def main():
    names = sys.argv[1:] or [s.name for s in SPECS]
    unknown = set(names) - {s.name for s in SPECS}
    if unknown:
        sys.exit(f"make_tiny.py: no such model: {sorted(unknown)}")
    for spec in SPECS:
        if spec.name not in names:
            continue
        out, data = golden(Tiny(spec))
        base = os.path.join(HERE, "tiny", spec.name)
        with open(base + ".gguf", "wb") as f:
            f.write(data)
        with open(base + ".golden.json", "w", encoding="ascii") as f:
            json.dump(out, f)
            f.write("\n")
        shown = {k: v for k, v in out.items() if k not in ("runs", "prompt", "sha256", "model")}
        print(spec.name, len(data), "bytes", shown, flush=True)
        for r in out["runs"]:
            print("  ", {k: v for k, v in r.items() if not k.startswith("logits")}, flush=True)


if __name__ == "__main__":
    main()
