#!/usr/bin/env python3
"""Build the corpus and the byte-level BPE tokenizer of the demo model.

Reads CORPUS (tinystories-train-head-2MiB.txt, fairytaleqa/sentence_level_*.csv, books/*.md), writes
OUT/tokenizer.json (Hugging Face layout), OUT/train.npy and OUT/valid.npy (uint16 ids).
usage: prepare.py CORPUS OUT
"""
import collections
import csv
import glob
import heapq
import json
import os
import random
import sys

import numpy as np
import regex

VOCAB = 4096
SPECIALS = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
# The Llama 3 pre-tokenizer split.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PAT = regex.compile(SPLIT)


def byte_alphabet():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    out, n = {}, 0
    for b in range(256):
        if b in keep:
            out[b] = chr(b)
        else:
            out[b] = chr(256 + n)
            n += 1
    return out


BYTE = byte_alphabet()


def clean(text):
    for a, b in {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "--", "\u2013": "-",
                 "\u2026": "...", "\u00a0": " ", "\ufeff": ""}.items():
        text = text.replace(a, b)
    text = regex.sub(r"[*_#]+", "", text)
    text = regex.sub(r"[^\x20-\x7e\n]", "", text)
    text = regex.sub(r"[ \t]+", " ", text)
    return regex.sub(r"\n{2,}", "\n", text).strip()


def topic(story, df, n_docs):
    words = regex.findall(r"\b(?:an?|the) (?:little |big |small |old )?([a-z]{3,12})\b", story)
    c = collections.Counter(w for w in words if w not in ("time", "day", "other", "same", "end", "next"))
    if not c:
        return None
    return max(c, key=lambda w: c[w] * np.log(n_docs / (1 + df[w])))


def documents(corpus):
    """Yield (kind, text): kind 'story' gets a chat form, 'prose' is plain continuation text."""
    tiny = open(os.path.join(corpus, "tinystories-train-head-2MiB.txt"), encoding="utf-8", errors="ignore").read()
    for s in tiny.split("<|endoftext|>"):
        s = clean(s)
        if len(s) > 200:
            yield "story", s
    for f in sorted(glob.glob(os.path.join(corpus, "fairytaleqa", "sentence_level_*.csv"))):
        tales = collections.OrderedDict()
        for row in csv.DictReader(open(f, encoding="utf-8")):
            tales.setdefault(row["document_id"], []).append(row["text"])
        for t in tales.values():
            cur = ""
            for s in t:
                cur += clean(s) + " "
                if len(cur) > 1200:
                    yield "prose", cur.strip()
                    cur = ""
            if len(cur) > 200:
                yield "prose", cur.strip()
    for f in sorted(glob.glob(os.path.join(corpus, "books", "*.md"))):
        cur = ""
        for para in clean(open(f, encoding="utf-8").read()).split("\n"):
            cur += para.strip() + "\n"
            if len(cur) > 1500:
                yield "prose", cur.strip()
                cur = ""


def train_bpe(counts, n_merges):
    """Byte-level BPE over word counts with incremental pair counts."""
    words = [([BYTE[b] for b in w.encode()], c) for w, c in counts.items()]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (s, c) in enumerate(words):
        for p in zip(s, s[1:]):
            pairs[p] += c
            where[p].add(i)
    heap = [(-c, p) for p, c in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < n_merges and heap:
        c, p = heapq.heappop(heap)
        if pairs.get(p, 0) != -c:
            if pairs.get(p, 0) > 0:
                heapq.heappush(heap, (-pairs[p], p))
            continue
        if -c < 2:
            break
        merges.append(p)
        touched = set()
        for i in list(where[p]):
            s, n = words[i]
            for q in zip(s, s[1:]):
                pairs[q] -= n
                touched.add(q)
                where[q].discard(i)
            out, k = [], 0
            while k < len(s):
                if k + 1 < len(s) and (s[k], s[k + 1]) == p:
                    out.append(s[k] + s[k + 1])
                    k += 2
                else:
                    out.append(s[k])
                    k += 1
            words[i] = (out, n)
            for q in zip(out, out[1:]):
                pairs[q] += n
                touched.add(q)
                where[q].add(i)
        for q in touched:
            if pairs[q] > 0:
                heapq.heappush(heap, (-pairs[q], q))
    return merges


class Encoder:
    def __init__(self, vocab, merges):
        self.vocab, self.rank, self.cache = vocab, {m: i for i, m in enumerate(merges)}, {}

    def word(self, w):
        if w not in self.cache:
            s = [BYTE[b] for b in w.encode()]
            while len(s) > 1:
                best = min(range(len(s) - 1), key=lambda i: self.rank.get((s[i], s[i + 1]), 1 << 30))
                if (s[best], s[best + 1]) not in self.rank:
                    break
                s[best:best + 2] = [s[best] + s[best + 1]]
            self.cache[w] = [self.vocab[x] for x in s]
        return self.cache[w]

    def __call__(self, text):
        return [t for w in PAT.findall(text) for t in self.word(w)]


def main():
    corpus, out = sys.argv[1], sys.argv[2]
    os.makedirs(out, exist_ok=True)
    random.seed(7)
    docs = list(documents(corpus))
    counts = collections.Counter()
    for _, d in docs:
        counts.update(PAT.findall(d))
    merges = train_bpe(counts, VOCAB - 256 - len(SPECIALS))
    vocab = {BYTE[b]: i for i, b in enumerate(sorted(range(256), key=lambda b: BYTE[b]))}
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    special = {s: len(vocab) + i for i, s in enumerate(SPECIALS)}
    enc = Encoder(vocab, merges)
    tok = {"version": "1.0", "truncation": None, "padding": None,
           "added_tokens": [{"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                             "normalized": False, "special": True} for s, i in special.items()],
           "normalizer": None,
           "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
               {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False},
               {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
           "post_processor": None,
           "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
           "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                     "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                     "vocab": vocab, "merges": [list(m) for m in merges]}}
    json.dump(tok, open(os.path.join(out, "tokenizer.json"), "w", encoding="utf-8"), ensure_ascii=False)
    bos, eos, eot = (special[s] for s in SPECIALS)

    stories = [d for k, d in docs if k == "story"]
    df = collections.Counter()
    for s in stories:
        df.update(set(regex.findall(r"[a-z]{3,12}", s)))
    streams = {"train": [], "valid": []}
    n_chat = 0
    order = [("chat", d) for d in stories] + docs
    random.shuffle(order)
    held = set(random.sample(range(len(docs)), len(docs) // 50))
    held_text = {docs[i][1] for i in held}
    for kind, d in order:
        which = "valid" if d in held_text else "train"
        if kind == "chat":
            t = topic(d, df, len(stories))
            if not t or which == "valid":
                continue
            article = "an" if t[0] in "aeiou" else "a"
            ask = random.choice(["Tell me a story about %s %s.", "Write a story about %s %s.",
                                 "Can you tell me a story about %s %s?", "I want a story with %s %s in it."]) % (article, t)
            ids = [bos] + enc("User: " + ask) + [eot] + enc("Assistant: " + d) + [eot]
            n_chat += 1
        else:
            ids = [bos] + enc(d) + [eos]
        streams[which] += ids
    for k, v in streams.items():
        np.save(os.path.join(out, k + ".npy"), np.array(v, dtype=np.uint16))
    print(f"docs {len(docs)} chat {n_chat} train {len(streams['train'])} valid {len(streams['valid'])} "
          f"vocab {len(vocab)}+{len(SPECIALS)}; bos {bos} eos {eos} eot {eot}")


main()
