"""Captions of a class for training a text-to-image model, and a tokenizer whose vocabulary is made of their words."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import CLIPTokenizer

from pretraining_robustness.stable_diffusion.prompts import class_names, prompt, templates

END_OF_WORD = "</w>"


def captions_of(wnids: Sequence[str]) -> list[list[str]]:
    """Return the prompts of each class: one list a class, one prompt a template of CLIP."""
    names = class_names()
    return [[prompt(template, names[wnid]) for template in range(len(templates()))] for wnid in wnids]


def make_tokenizer(captions: Sequence[Sequence[str]], length: int) -> CLIPTokenizer:
    """Return CLIP's tokenizer with every word of these captions as one token; it pads and cuts to `length` tokens.

    The vocabulary is laid out as CLIP's own: 256 bytes, 256 bytes that end a word, the merges of pairs, beginning and
    end. Other text is possible too, byte by byte.
    """
    empty = CLIPTokenizer()
    backend = empty.backend_tokenizer
    words = {
        word
        for some in captions
        for caption in some
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(caption))
    }
    merges: Any = merges_of(sorted(words))
    symbols = sorted(ByteLevel.alphabet())
    tokens = [*symbols, *(symbol + END_OF_WORD for symbol in symbols), *map("".join, merges)]
    tokens += [str(empty.bos_token), str(empty.eos_token)]
    # Two merges may give one token.
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=length)


def merges_of(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of symbols such that byte-pair encoding makes each of the words one token.

    Word by word, what the merges so far leave apart is merged from left to right. Encoding prefers earlier merges, so
    those of later words do not disturb earlier ones. (The trainer of the tokenizers library breaks ties at random: two
    runs give two vocabularies.)
    """
    ranks: dict[tuple[str, str], int] = {}
    for word in words:
        symbols = _encoded([*word[:-1], word[-1] + END_OF_WORD], ranks)
        while len(symbols) > 1:
            ranks[symbols[0], symbols[1]] = len(ranks)
            symbols = _encoded(symbols, ranks)
    return list(ranks)


def _encoded(symbols: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    """Merge the pair of the lowest rank, everywhere in the word, until no pair has a rank."""
    while known := [pair for pair in pairwise(symbols) if pair in ranks]:
        first = min(known, key=ranks.__getitem__)
        merged: list[str] = []
        for symbol in symbols:
            if merged and (merged[-1], symbol) == first:
                merged[-1] += symbol
            else:
                merged.append(symbol)
        symbols = merged
    return symbols


def caption_tokens(captions: Sequence[Sequence[str]], tokenizer: CLIPTokenizer) -> Tensor:
    """Return the tokens of all captions, int64 (classes + 1, templates, length); the last "class" is the empty text."""
    empty = [[""] * len(captions[0])]
    rows = [
        tokenizer(list(some), padding="max_length", truncation=True, return_tensors="pt").input_ids
        for some in [*captions, *empty]
    ]
    return torch.stack(rows)
