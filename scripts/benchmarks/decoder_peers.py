"""Other decoders; scripts/benchmarks/decoder.py runs this in environments of their own.

    python decoder_peers.py pyctcdecode|flashlight POSTERIORS.npz SETTINGS.json

For each line on stdin, decodes all utterances once, and prints seconds and texts as a line of JSON.
"""

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Decode = Callable[[Any], str]


def pyctcdecode(settings: dict[str, Any]) -> Decode:
    """Build pyctcdecode with KenLM: https://github.com/kensho-technologies/pyctcdecode."""
    import logging

    from pyctcdecode import build_ctcdecoder  # type: ignore[import-not-found]

    logging.disable(logging.WARNING)
    decoder = build_ctcdecoder(
        ["", *settings["symbols"]],
        settings["arpa"],
        settings["words"],
        alpha=settings["lm_weight"],
        beta=settings["word_bonus"],
    )
    return lambda log_probs: str(decoder.decode(log_probs, beam_width=settings["beam_width"]))


def flashlight(settings: dict[str, Any]) -> Decode:
    """Build flashlight-text's lexicon decoder with KenLM: https://github.com/flashlight/text."""
    from flashlight.lib.text.decoder import (  # type: ignore[import-not-found]
        CriterionType,
        LexiconDecoder,
        LexiconDecoderOptions,
        SmearingMode,
        Trie,
    )
    from flashlight.lib.text.decoder.kenlm import KenLM  # type: ignore[import-not-found]
    from flashlight.lib.text.dictionary import Dictionary  # type: ignore[import-not-found]

    labels = {symbol: label for label, symbol in enumerate(settings["symbols"], start=1)}
    words = settings["words"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join([*words, "<unk>"]))
        file.flush()
        dictionary = Dictionary(file.name)
    lm = KenLM(settings["arpa"], dictionary)
    trie = Trie(len(labels) + 1, labels[" "])
    start = lm.start(False)
    for word in words:
        index = dictionary.get_index(word)
        spelling = [labels[character] for character in word] + [labels[" "]]
        trie.insert(spelling, index, lm.score(start, index)[1])
    trie.smear(SmearingMode.MAX)
    options = LexiconDecoderOptions(
        beam_size=settings["beam_width"],
        beam_size_token=len(labels) + 1,
        beam_threshold=settings["max_score_gap"],
        lm_weight=settings["lm_weight"] * math.log(10),  # KenLM's scores are to base 10
        word_score=settings["word_bonus"],
        unk_score=-math.inf,
        sil_score=0.0,
        log_add=True,
        criterion_type=CriterionType.CTC,
    )
    unknown = dictionary.get_index("<unk>")
    decoder = LexiconDecoder(options, trie, lm, labels[" "], 0, unknown, [], False)

    def decode(log_probs: Any) -> str:
        results = decoder.decode(log_probs.ctypes.data, *log_probs.shape)
        indices = [index for index in results[0].words if index >= 0] if results else []
        return " ".join(dictionary.get_entry(index) for index in indices)

    return decode


def main() -> None:
    """Decode until stdin ends."""
    name, posteriors, settings_path = sys.argv[1:]
    settings = json.loads(Path(settings_path).read_text(encoding="utf-8"))
    with np.load(posteriors) as arrays:
        matrices = [np.ascontiguousarray(arrays[key]) for key in arrays.files]
    decode = {"pyctcdecode": pyctcdecode, "flashlight": flashlight}[name](settings)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        texts = [decode(log_probs) for log_probs in matrices]
        print(json.dumps([time.process_time() - start, texts]), flush=True)


if __name__ == "__main__":
    main()
