"""The decoded blocks of a recording of any format, from libsndfile or PyAV."""

from collections.abc import Iterator

import numpy as np
import soundfile

from speechlstm.audio import media
from speechlstm.audio.decoding import BLOCK_SAMPLES, Block, decoded
from speechlstm.audio.flac import plan_flac
from speechlstm.audio.headers import header_name, is_rare_format, plan_by_header
from speechlstm.audio.mp3 import plan_mp3
from speechlstm.audio.ogg import plan_ogg
from speechlstm.audio.pieces import sought, within
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Source
from speechlstm.audio.tags import after_tags
from speechlstm.errors import AudioError


def plan_recording(source: Source) -> Plan | None:
    """The plan for decoding a recording with libsndfile, from its content; None if it cannot."""
    head = source.read(0, 16)
    if head[:4] == b"OggS":
        return plan_ogg(source)
    if media.format_name(source):
        return None
    is_tagged = head[:3] == b"ID3"
    if head[:4] == b"fLaC" or is_tagged:
        plan = plan_flac(source)
        if plan:
            return plan
    if head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0:
        return plan_mp3(source)  # not by libsndfile alone, because libmpg123 writes to stderr
    start = after_tags(source.read, 0, source.size) if is_tagged else 0
    plan = plan_by_header(source, start) or plan_mp3(source)
    return [Stretch(None)] if plan is None and is_rare_format(source) else plan


def decoded_events(source: Source, raw_rate: int | None = None) -> Iterator[Block | Gap]:
    """The blocks of a recording, or of the piece of it that is wanted, and the gaps between them.

    Args:
        raw_rate: The sample rate in Hz of a recording without a header (16-bit little-endian PCM,
            mono); None: it has a header.

    Raises:
        AudioError: The recording cannot be decoded.
    """
    start = 0.0
    events: Iterator[Block | Gap]
    if raw_rate is not None:
        events = _raw_blocks(source, raw_rate)
    else:
        plan = plan_recording(source)
        if plan and source.piece:
            plan, start = sought(source, plan, source.piece.start)
        events = _planned_events(source, plan)
    yield from within(events, source.piece, start) if source.piece else events


def _planned_events(source: Source, plan: Plan | None) -> Iterator[Block | Gap]:
    """The events of a plan; if libsndfile cannot decode it, those that PyAV decodes."""
    fault, has_begun = None, False
    if plan:
        try:
            for event in decoded(source, plan):
                has_begun = True
                yield event
            return
        except soundfile.LibsndfileError as error:
            fault = error.error_string.rstrip(".")
            if has_begun:
                raise AudioError(source.path, f"cannot be decoded: {fault}") from None
    elif known := header_name(source):
        fault = f"its header, of {known}, is damaged or not whole"
    yield from media.decoded(source, fault)


def _raw_blocks(source: Source, sample_rate: int) -> Iterator[Block]:
    num_bytes = source.size - source.size % 2
    for start in range(0, num_bytes, 2 * BLOCK_SAMPLES):
        content = source.read(start, min(2 * BLOCK_SAMPLES, num_bytes - start))
        samples = np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32)
        yield Block(samples[:, np.newaxis] / np.float32(32768), sample_rate)
