"""What each runtime makes of the two files of a bundle: measure.py BUNDLE RECORDING..."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.acoustic import SAMPLES
from speechlstm.audio import Audio
from speechlstm.bundle import MODEL, PORTABLE_MODEL, AcousticSpec, read_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.tflite.check import check_model
from speechlstm.tflite.tensor import TensorSpec

Waveform = NDArray[np.float32]
SECONDS = (5, 20)  # lengths whose time and memory are measured
TURNS = 5  # of which the fastest counts
WORK = Path(tempfile.gettempdir()) / "speechlstm-measure"


@dataclass(frozen=True)
class Figures:
    """What a runtime makes of a file.

    Attributes:
        outputs: The log-probabilities of each recording.
        rtf: CPU seconds for each second of audio, by length.
        peak_mb: Peak resident memory of the process after each length.
    """

    outputs: list[Waveform]
    rtf: list[float]
    peak_mb: list[float]


def interpreter(path: Path, spec: AcousticSpec, samples: Waveform) -> Waveform:
    """Run a file by LiteRT's Interpreter in Python, with its defaults: XNNPACK, one thread."""
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(path), num_threads=1)
    index = model.get_input_details()[0]["index"]
    model.resize_tensor_input(index, (1, len(samples)))
    model.allocate_tensors()
    model.set_tensor(index, samples[np.newaxis])
    model.invoke()
    return np.asarray(model.get_tensor(model.get_output_details()[0]["index"])[0], np.float32)


def compiled_model(path: Path, spec: AcousticSpec, samples: Waveform) -> Waveform:
    """Run a file by LiteRT's CompiledModel in Python."""
    from ai_edge_litert.compiled_model import CompiledModel

    width, num_frames = output_width(spec), num_output_frames(spec, samples)
    model = CompiledModel.from_file(str(for_length(path, len(samples))))
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    inputs[0].write(samples)
    model.run_by_index(0, inputs, outputs)
    found = outputs[0].read(num_frames * width, np.float32)
    return np.array(found, np.float32).reshape(num_frames, width)


def for_length(path: Path, num_samples: int) -> Path:
    """The path of a file that write_for_length has written."""
    return WORK / f"{path.stem}.{num_samples}.tflite"


def write_for_length(path: Path, spec: AcousticSpec, samples: Waveform) -> None:
    """Write a file for one length, as CompiledModel needs it; in a process of its own.

    A process is said to have used at least as much memory as the one that started it.
    """
    from speechlstm.training.tflite.edit import with_shapes  # takes seconds, and much memory

    content, width = path.read_bytes(), output_width(spec)
    interface = check_model(
        content,
        {SAMPLES: TensorSpec("float32", (1, None))},
        {"output_0": TensorSpec("float32", (1, None, width))},
    )
    shapes = {
        interface.inputs[SAMPLES][0]: (1, len(samples)),
        interface.outputs["output_0"][0]: (1, num_output_frames(spec, samples), width),
    }
    for_length(path, len(samples)).write_bytes(with_shapes(content, shapes))


def output_width(spec: AcousticSpec) -> int:
    """The columns of the output."""
    return spec.alphabet.num_labels + (spec.phones.num_labels if spec.phones else 0)


def num_output_frames(spec: AcousticSpec, samples: Waveform) -> int:
    """The rows of the output."""
    return spec.network.num_steps(spec.features.num_frames(len(samples)))


def compile_c(folder: Path) -> None:
    """Compile c/recognise.c against the library in LiteRT's wheel."""
    package = find_spec("ai_edge_litert")
    library = Path(package.origin or "").parent if package else Path()
    source = Path(__file__).parent / "c" / "recognise.c"
    command = ["gcc", "-std=c11", "-O2", "-o", str(folder / "recognise"), str(source)]
    command += [str(library / "libLiteRt.so"), f"-Wl,-rpath,{library}"]
    subprocess.run(command, check=True)


def c_program(path: Path, spec: AcousticSpec, samples: Waveform) -> Waveform:
    """Run a file by the program in c/, a process for each recording."""
    with tempfile.TemporaryDirectory() as name:
        wav, log_probs = Path(name) / "x.wav", Path(name) / "x.f32"
        soundfile.write(wav, samples, spec.features.sample_rate, subtype="PCM_16")
        command = [WORK / "recognise", path, wav, log_probs]
        subprocess.run(command, check=True, capture_output=True)
        return np.fromfile(log_probs, "<f4").reshape(-1, output_width(spec))


RUNTIMES: dict[str, Callable[[Path, AcousticSpec, Waveform], Waveform]] = {
    "Interpreter, Python": interpreter,
    "CompiledModel, Python": compiled_model,
    "CompiledModel, C": c_program,
}


def measure(runtime: str, path: Path, spec: AcousticSpec, waves: Sequence[Waveform]) -> Figures:
    """Run a file; in a process of its own, whose memory is measured."""
    run = RUNTIMES[runtime]
    outputs = [run(path, spec, samples) for samples in waves]
    rtf, peak_mb = [], []
    who = resource.RUSAGE_CHILDREN if run is c_program else resource.RUSAGE_SELF
    for seconds in SECONDS:
        samples = of_length(waves, seconds * spec.features.sample_rate)
        times = []
        for _ in range(TURNS):
            start = resource.getrusage(who)
            run(path, spec, samples)
            end = resource.getrusage(who)
            times.append(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
        rtf.append(min(times) / seconds)
        peak_mb.append(resource.getrusage(who).ru_maxrss / 1024)
    return Figures(outputs, rtf, peak_mb)


def of_length(waves: Sequence[Waveform], num_samples: int) -> Waveform:
    """Recordings in a row, of one length together."""
    return np.resize(np.concatenate(waves), num_samples)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--float32", type=click.Path(path_type=Path), help="The same bundle in float32.")
def main(bundle: Path, recordings: tuple[Path, ...], float32: Path | None) -> None:
    """Print a Markdown table of the files of BUNDLE and the runtimes on this machine.

    Differences are those from the same file in Python's Interpreter; times include loading.
    """
    spec = read_bundle(bundle).acoustic
    rate = spec.features.sample_rate
    waves = [Audio.load(path).resampled(rate).samples for path in recordings]
    WORK.mkdir(exist_ok=True)
    compile_c(WORK)
    lengths = " / ".join(map(str, SECONDS))
    print(f"| file | MB | runtime | largest difference | same text | RTF, {lengths} s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for path in (bundle / MODEL, bundle / PORTABLE_MODEL):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            for samples in (*waves, *(of_length(waves, seconds * rate) for seconds in SECONDS)):
                pool.submit(write_for_length, path, spec, samples).result()
        expected = [interpreter(path, spec, samples) for samples in waves]
        for runtime in RUNTIMES:
            row = _row(runtime, path, spec, waves, expected)
            size = path.stat().st_size / 1e6
            print(f"| `{path.name}` | {size:.2f} | {runtime} | {row} |", flush=True)
        if float32:
            exact = [interpreter(float32 / MODEL, spec, samples) for samples in waves]
            print(f"{path.name}, from float32: {_compare(expected, exact, spec)}", file=sys.stderr)


def _compare(found: Sequence[Waveform], expected: Sequence[Waveform], spec: AcousticSpec) -> str:
    difference = max(np.abs(f - e).max() for f, e in zip(found, expected, strict=True))
    pairs = zip(found, expected, strict=True)
    same = sum(text_of(f, spec) == text_of(e, spec) for f, e in pairs)
    return f"{difference:.2g} | {same} of {len(expected)}"


def _row(
    runtime: str,
    path: Path,
    spec: AcousticSpec,
    waves: Sequence[Waveform],
    expected: Sequence[Waveform],
) -> str:
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            figures = pool.submit(measure, runtime, path, spec, waves).result()
    except Exception as error:  # noqa: BLE001 (each runtime has errors of its own)
        return f"does not run: {type(error).__name__} | | | "
    rtf = " / ".join(f"{value:.4f}" for value in figures.rtf)
    peak = " / ".join(f"{value:.0f}" for value in figures.peak_mb)
    return f"{_compare(figures.outputs, expected, spec)} | {rtf} | {peak}"


def text_of(outputs: Waveform, spec: AcousticSpec) -> str:
    """The greedy text of log-probabilities."""
    characters = outputs[:, : spec.alphabet.num_labels]
    return greedy_decode(characters, spec.alphabet, spec.frame_seconds).text


if __name__ == "__main__":
    main()
