"""Rotary position embedding: frequencies, their scalings, and the two ways of pairing dimensions.

YaRN as llama.cpp defines it, with ext_factor 1, attn_factor 1, beta_fast 32 and beta_slow 1: pair i
keeps its frequency where it turns more than beta_fast times within the original context, is
divided by the factor where it turns less than beta_slow times, and is mixed linearly between; cos
and sin are multiplied by 1 + 0.1 ln(factor). (Peng et al., "YaRN", arXiv 2309.00071, sections 3.2
to 3.4.)
"""
import math

import numpy as np

_BETA_FAST, _BETA_SLOW = 32.0, 1.0
_KNOWN_KEYS = {"type", "factor", "original_context_length"}


def _yarn_share_kept(n_dims, base, original_context):
    """[n_dims / 2] in [0, 1]: how much of the unscaled frequency each pair keeps."""
    def pair_turning(times):
        return n_dims * math.log(original_context / (times * 2 * math.pi)) / (2 * math.log(base))

    low = max(0, math.floor(pair_turning(_BETA_FAST)))
    high = min(n_dims - 1, math.ceil(pair_turning(_BETA_SLOW)))
    pair = np.arange(n_dims // 2, dtype=np.float64)
    return 1.0 - np.clip((pair - low) / max(0.001, high - low), 0.0, 1.0)


def frequencies(kv, arch, n_dims, divisors=None):
    """(frequencies [n_dims / 2] float64 in radians per position, factor on cos and sin).

    divisors: the rope_freqs.weight tensor, [n_dims / 2], or None.
    """
    base = float(kv.get(f"{arch}.rope.freq_base", 10000.0))
    freqs = base ** (-np.arange(0, n_dims, 2, dtype=np.float64) / n_dims)
    if divisors is not None:
        freqs = freqs / divisors.astype(np.float64)
    prefix = f"{arch}.rope.scaling."
    scaling = {k[len(prefix):]: v for k, v in kv.items() if k.startswith(prefix)}
    if set(scaling) - _KNOWN_KEYS:
        raise ValueError(f"unknown rope scaling keys {sorted(set(scaling) - _KNOWN_KEYS)}")
    kind, factor = scaling.get("type", "linear"), float(scaling.get("factor", 1.0))
    if kind == "none":
        return freqs, 1.0
    if kind == "linear":
        return freqs / factor, 1.0
    if kind == "yarn":
        context = scaling.get("original_context_length", kv[f"{arch}.context_length"])
        kept = _yarn_share_kept(n_dims, base, float(context))
        return freqs * kept + freqs / factor * (1.0 - kept), 1.0 + 0.1 * math.log(factor)
    raise ValueError(f"unknown rope scaling type {kind}")


def rotate(x, cos, sin, adjacent):
    """x [n_tokens, n_heads, head_dim]; cos, sin [n_tokens, n_dims / 2]. Turns the first n_dims.

    adjacent: pairs are (2i, 2i + 1), otherwise (i, i + n_dims / 2).
    """
    half = cos.shape[-1]
    if adjacent:
        first, second = np.s_[..., 0:2 * half:2], np.s_[..., 1:2 * half:2]
    else:
        first, second = np.s_[..., :half], np.s_[..., half:2 * half]
    c, s = cos[:, None, :], sin[:, None, :]
    out = x.copy()
    out[first] = x[first] * c - x[second] * s
    out[second] = x[first] * s + x[second] * c
    return out
