"""Byte-level BPE with the llama-bpe split, and plain decoding of both vocabulary kinds.

The split is written out by hand, one alternative of the pattern after the other, because the Python
standard library has no Unicode property classes in its regular expressions.
"""
import unicodedata

_SPACES = frozenset("\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"
                    + "".join(map(chr, range(0x2000, 0x200b))))
_CONTRACTIONS = ("re", "ve", "ll", "s", "t", "m", "d")


def byte_alphabet():
    """The 256 printable characters that stand for the byte values in a gpt2 vocabulary."""
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    spare = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(spare)) for b in range(256)]


def _is_letter(c):
    return unicodedata.category(c)[0] == "L"


def _is_number(c):
    return unicodedata.category(c)[0] == "N"


def _is_other(c):
    return c not in _SPACES and not _is_letter(c) and not _is_number(c)


def _run(text, at, test):
    while at < len(text) and test(text[at]):
        at += 1
    return at


def _next_word(text, i):
    """End of the word that starts at i: the alternatives of llama-bpe in their order."""
    c = text[i]
    if c == "'":
        for tail in _CONTRACTIONS:
            if text[i + 1:i + 1 + len(tail)].lower() == tail:
                return i + 1 + len(tail)
    # At most one character that is neither letter, number nor line end, then letters.
    first = i if _is_letter(c) else i + 1
    if c not in "\r\n" and not _is_number(c):
        end = _run(text, first, _is_letter)
        if end > first:
            return end
    if _is_number(c):
        return min(_run(text, i, _is_number), i + 3)
    # An optional space, then neither spaces, letters nor numbers, then line ends.
    first = i + 1 if c == " " else i
    end = _run(text, first, _is_other)
    if end > first:
        return _run(text, end, lambda x: x in "\r\n")
    end = _run(text, i, lambda x: x in _SPACES)
    last_line_end = max(text.rfind("\r", i, end), text.rfind("\n", i, end))
    if last_line_end >= 0:
        return last_line_end + 1
    # Spaces before a word leave their last one to it.
    return end if end == len(text) or end == i + 1 else end - 1


def split(text):
    """The words of `text`, in order; joined they are the text again."""
    words, at = [], 0
    while at < len(text):
        end = _next_word(text, at)
        words.append(text[at:end])
        at = end
    return words


class Bpe:
    """tokens: texts in the byte alphabet by id; merges: (left, right) pairs, best rank first."""

    def __init__(self, tokens, merges, ignore_merges=True):
        self._ids = {t: i for i, t in enumerate(tokens)}
        self._ranks = {m: i for i, m in enumerate(merges)}
        self._ignore_merges = ignore_merges
        self._alphabet = byte_alphabet()
        self._cache = {}

    def _word(self, word):
        text = "".join(self._alphabet[b] for b in word.encode("utf-8"))
        if self._ignore_merges and text in self._ids:
            return [self._ids[text]]
        parts = list(text)
        while len(parts) > 1:
            ranked = [(self._ranks[p], i) for i, p in enumerate(zip(parts, parts[1:]))
                      if p in self._ranks]
            if not ranked:
                break
            _, i = min(ranked)
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        return [self._ids[p] for p in parts]

    def encode(self, text):
        """Ids of `text`; nothing is added and no control token is recognised."""
        out = []
        for word in split(text):
            if word not in self._cache:
                self._cache[word] = self._word(word)
            out += self._cache[word]
        return out


def from_gguf(file, ignore_merges=True):
    """The encoder of a gguf.File with a gpt2 vocabulary and the llama-bpe split."""
    kind = file.kv["tokenizer.ggml.model"], file.kv.get("tokenizer.ggml.pre")
    if kind != ("gpt2", "llama-bpe"):
        raise ValueError(f"tokenizer {kind}, expected ('gpt2', 'llama-bpe')")
    merges = [tuple(m.split(" ")) for m in file.kv["tokenizer.ggml.merges"]]
    return Bpe(file.kv["tokenizer.ggml.tokens"], merges, ignore_merges)


def decode(file, ids):
    """Bytes of `ids`, control tokens left out. gpt2 and llama (SentencePiece) vocabularies."""
    tokens, types = file.kv["tokenizer.ggml.tokens"], file.kv["tokenizer.ggml.token_type"]
    if file.kv["tokenizer.ggml.model"] == "gpt2":
        to_byte = {c: b for b, c in enumerate(byte_alphabet())}
        return b"".join(bytes(to_byte[c] for c in tokens[i]) for i in ids if types[i] != 3)
    out = b""
    for i in ids:
        if types[i] == 6:
            out += bytes([int(tokens[i][3:5], 16)])
        elif types[i] != 3:
            out += tokens[i].replace("\u2581", " ").encode("utf-8")
    prefixed = file.kv.get("tokenizer.ggml.add_space_prefix", True)
    return out[1:] if prefixed and out.startswith(b" ") else out
