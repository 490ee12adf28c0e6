"""Long steps for measuring: neighbouring steps joined so that the error lies past the first chunk.

Three readings of the same step: whole (chunked by the runtime), cut to the first chunk, and an extractive
summary of as many word pieces.
"""

import re
from collections import Counter

from tokenizers import Tokenizer

from config import WindowConfig
from data import BAD, GOOD, Trace
from finetune import D, Item, Node, label_vector
import numpy as np

WORD = re.compile(r"[a-z]{4,}")
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def long_items(traces: list[Trace], tokenizer: Tokenizer, config: WindowConfig) -> dict[str, list[Item]]:
    """One joined step a trace: it ends with the first error, or in a clean trace with the last step."""
    found: dict[str, list[Item]] = {"chunked": [], "truncated": [], "summary": []}
    blank = np.full(D, np.nan, np.float32)
    for trace in traces:
        end = trace.first_error if trace.first_error >= 0 else len(trace.steps) - 1 if trace.is_clean else -1
        sizes = [len(e.ids) for e in tokenizer.encode_batch(list(trace.steps[: end + 1]), add_special_tokens=False)]
        start, before = end, 0
        while start > 0 and before < config.chunk_tokens:
            start -= 1
            before += sizes[start]
        if end < 0 or before < config.chunk_tokens:
            continue
        text = "\n".join(trace.steps[start : end + 1])
        label = BAD if trace.first_error >= 0 else GOOD
        earlier = [Node(s, i - 1, blank) for i, s in enumerate(trace.steps[:start])]
        for name, part in (
            ("chunked", text), ("truncated", first_chunk(text, tokenizer, config.chunk_tokens)),
            ("summary", summary(text, tokenizer, config.chunk_tokens)),
        ):
            node = Node(part, len(earlier) - 1, label_vector(label, trace.kind))
            found[name].append(Item(trace.problem, [*earlier, node], trace.source))
    return found


def first_chunk(text: str, tokenizer: Tokenizer, tokens: int) -> str:
    encoded = tokenizer.encode(text, add_special_tokens=False)
    return text[: encoded.offsets[min(tokens, len(encoded.ids)) - 1][1]]


def summary(text: str, tokenizer: Tokenizer, tokens: int) -> str:
    """Sentences whose words are the step's most frequent, in their order, as many as fit."""
    sentences = [s for s in SENTENCE.split(text) if s.strip()]
    counts = Counter(WORD.findall(text.lower()))

    def weight(sentence: str) -> float:
        words = WORD.findall(sentence.lower())
        return sum(counts[w] for w in words) / (len(words) + 3)

    sizes = [len(e.ids) for e in tokenizer.encode_batch(sentences, add_special_tokens=False)]
    chosen, left = set(), tokens
    for i in sorted(range(len(sentences)), key=lambda i: -weight(sentences[i])):
        if sizes[i] <= left:
            chosen.add(i)
            left -= sizes[i]
    return "\n".join(s for i, s in enumerate(sentences) if i in chosen) or first_chunk(text, tokenizer, tokens)
