#!/usr/bin/env python3
"""The reference as a program: greedy text of a model file.

usage: ternref.py MODEL [-p PROMPT] [-n TOKENS] [--kv f16|f32|q8] [--act auto|token|group]
                  [--order free|fixed] [--ids]
Writes the text that follows PROMPT (from BOS alone without one) to stdout; --ids writes token ids.
--order fixed computes what the engine does, to the bit (fixed_order.py).
"""
import argparse
import sys

import bpe
import gguf
from fixed_order import FixedOrder
from model import Model
from numerics import Numerics


def main():
    parser = argparse.ArgumentParser(description="Greedy text of a model, by the NumPy reference.")
    parser.add_argument("model")
    parser.add_argument("-p", "--prompt", default="")
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--kv", default="f16", choices=("f16", "f32", "q8"))
    parser.add_argument("--act", default="auto", choices=("auto", "token", "group"))
    parser.add_argument("--order", default="free", choices=("free", "fixed"))
    parser.add_argument("--ids", action="store_true")
    args = parser.parse_args()
    file = gguf.File.open(args.model)
    ids = [file.kv["tokenizer.ggml.bos_token_id"]]
    if args.prompt:
        ids += bpe.from_gguf(file).encode(args.prompt)
    numerics = FixedOrder() if args.order == "fixed" else Numerics()
    out, _ = Model(file, act=args.act, kv=args.kv, numerics=numerics).greedy(ids, args.n)
    if args.ids:
        print(" ".join(map(str, out)))
    else:
        sys.stdout.buffer.write(bpe.decode(file, out))


if __name__ == "__main__":
    main()
