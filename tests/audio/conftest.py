import io
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def speechlike() -> Callable[[float, int], NDArray[np.float32]]:
    """Bursts of noise and tones, the same each time: (seconds, sample rate) -> samples."""

    def make(seconds: float, rate: int) -> NDArray[np.float32]:
        time = np.arange(round(seconds * rate)) / rate
        noise = np.random.default_rng(7).normal(0, 0.1, len(time))
        tone = 0.3 * np.sin(2 * np.pi * (200 + 150 * np.sin(3 * time)) * time)
        return ((noise + tone) * (0.55 + 0.45 * np.sin(8 * time))).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def encoded(speechlike: Callable[[float, int], NDArray[np.float32]]) -> Callable[..., bytes]:
    """A recording as libsndfile writes it: (container, subtype, seconds, rate, channels)."""

    @cache
    def encode(
        container: str, subtype: str, seconds: float = 1.5, rate: int = 16000, channels: int = 1
    ) -> bytes:
        buffer = io.BytesIO()
        samples = np.tile(speechlike(seconds, rate)[:, None], (1, channels))
        soundfile.write(buffer, samples, rate, subtype, format=container)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session")
def muxed(
    speechlike: Callable[[float, int], NDArray[np.float32]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., bytes]:
    """Two seconds as PyAV writes them: (container, codec, rate, channels, options).

    The test is skipped where there is no PyAV, or it lacks the codec.
    """
    av = pytest.importorskip("av")

    @cache
    def mux(
        container: str, codec: str, rate: int, channels: int = 1, *options: tuple[str, str]
    ) -> bytes:
        path = tmp_path_factory.mktemp("muxed") / "file"  # some containers are opened twice
        layout = "mono" if channels == 1 else "stereo"
        try:
            file = av.open(str(path), "w", format=container, options=dict(options))
            stream = file.add_stream(codec, rate=rate, layout=layout, bit_rate=96000)
        except (ValueError, av.FFmpegError) as error:
            pytest.skip(f"PyAV cannot: {error}")
        with file:
            kind = stream.codec_context.codec.audio_formats[0].name
            stream.format = kind
            samples = np.tile(speechlike(2.0, rate), (channels, 1))
            whole = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            whole.sample_rate, whole.pts = rate, 0
            frames = av.AudioFifo()
            for frame in av.AudioResampler(kind, layout, rate).resample(whole):
                frames.write(frame)
            stream.codec_context.open()
            while frame := frames.read(stream.codec_context.frame_size or 1024, partial=True):
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path.read_bytes()

    return mux


@pytest.fixture(scope="session")
def ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Runs ffmpeg with arguments; the test is skipped where there is none, or it lacks a codec."""
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")

    def run(*arguments: str | Path) -> None:
        command = ["ffmpeg", "-v", "error", "-y", "-nostdin", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"ffmpeg cannot: {done.stderr.strip()[-200:]}")

    return run


@pytest.fixture(scope="session")
def ffmpeg_seconds() -> Callable[[Path], float]:
    """How much ffmpeg decodes of a recording."""

    def measure(path: Path) -> float:
        command = ["ffmpeg", "-v", "quiet", "-nostdin", "-i", str(path), "-map", "0:a:0"]
        command += ["-ar", "48000", "-ac", "1", "-f", "s16le", "-"]
        return len(subprocess.run(command, capture_output=True, check=False).stdout) / 96000

    return measure
