"""The microphone, with a module in place of sounddevice that does what PortAudio does."""

import sys
from collections.abc import Callable
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import microphone as microphone_module
from speechlstm.audio.microphone import Microphone, input_devices
from speechlstm.errors import AudioError, MissingDependencyError

INPUT = {
    "name": "USB Mic", "index": 1, "hostapi": 0, "max_input_channels": 2,
    "default_samplerate": 44100.0,
}  # fmt: skip
OUTPUT = INPUT | {"name": "Speakers", "index": 0, "max_input_channels": 0}


class FakePortAudio(ModuleType):
    """PortAudio with one microphone, which can record two channels at 44.1 kHz, or others."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices = [OUTPUT, INPUT]
        self.possible = {(44100, 2)}
        self.blocks: list[NDArray[np.int16]] = []
        self.overflows = 0
        self.ends = True  # whether recording stops after the blocks
        self.opened: dict[str, Any] = {}
        self.default = SimpleNamespace(device=(1, 0))

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self, device: int | str | None = None, kind: str = "") -> Any:
        if not kind:
            return self.devices
        if device is None and len(self.devices) < 2:
            raise self.PortAudioError("Error querying device -1")
        for found in self.devices:
            if device in (None, found["index"]) and found["max_input_channels"]:
                return found
            if isinstance(device, str) and device in str(found["name"]):
                return found
        raise ValueError(f"No input device matching {device!r}")

    def check_input_settings(self, device: int, channels: int, dtype: str, samplerate: int) -> None:
        if (samplerate, channels) not in self.possible:
            raise self.PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def InputStream(self, **settings: Any) -> Any:  # noqa: N802
        self.opened = settings
        return FakeStream(self, settings["callback"], settings["finished_callback"])


class FakeStream:
    def __init__(
        self, module: FakePortAudio, callback: Callable[..., None], finished: Callable[[], None]
    ) -> None:
        self._module, self._callback, self._finished = module, callback, finished
        self._thread = Thread(target=self._record)

    def _record(self) -> None:
        memory = np.empty_like(self._module.blocks[0]) if self._module.blocks else np.empty(0)
        for number, block in enumerate(self._module.blocks):
            memory[:] = block  # as PortAudio, which reuses its memory
            status = SimpleNamespace(input_overflow=number < self._module.overflows)
            self._callback(memory, len(memory), None, status)
        if self._module.ends:
            self._finished()

    def __enter__(self) -> "FakeStream":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    module = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_devices_that_record_are_listed(portaudio: FakePortAudio) -> None:
    (device,) = input_devices()
    assert (device.number, device.name, device.host) == (1, "USB Mic", "ALSA")
    assert (device.num_channels, device.sample_rate, device.is_default) == (2, 44100, True)


def test_blocks_come_until_the_device_is_gone(portaudio: FakePortAudio) -> None:
    portaudio.blocks = [np.full((4410, 2), value, np.int16) for value in (1, 2, 3)]
    portaudio.overflows = 1
    microphone = Microphone()
    assert (microphone.name, microphone.sample_rate) == ("USB Mic", 44100)
    blocks = []
    with pytest.raises(AudioError, match="USB Mic: has stopped recording"):
        for block in microphone:
            blocks.append(block)  # noqa: PERF402 - those before the error
    assert [int(block[0, 0]) for block in blocks] == [1, 2, 3]
    assert microphone.num_lost == 1
    assert portaudio.opened["channels"] == 2


def test_a_device_that_sends_nothing_is_not_waited_for(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone_module, "_SILENT_SECONDS", 0.1)
    portaudio.ends = False
    with pytest.raises(AudioError, match=r"USB Mic: has sent no sound for 0\.1 s"):
        list(Microphone())


def test_the_rate_of_the_model_is_preferred(portaudio: FakePortAudio) -> None:
    portaudio.possible = {(44100, 2), (16000, 1), (48000, 1)}
    assert Microphone().sample_rate == 16000
    assert Microphone(sample_rate=48000).sample_rate == 48000
    assert Microphone("USB").name == "USB Mic"
    assert Microphone("1").name == "USB Mic"


def test_what_cannot_be_is_refused(portaudio: FakePortAudio) -> None:
    with pytest.raises(AudioError, match="USB Mic: cannot record at 96000 Hz; its own rate is 44"):
        Microphone(sample_rate=96000)
    with pytest.raises(AudioError, match=r"device 'radio': cannot be used: No inp.*list-dev"):
        Microphone("radio")
    with pytest.raises(AudioError, match="device 'Speakers': cannot record"):
        Microphone("Speakers")
    portaudio.devices = [OUTPUT]
    assert input_devices() == []
    with pytest.raises(AudioError, match=r"default microphone: .*there is none; connect a microph"):
        Microphone()


def test_the_extra_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'speechlstm\[mic\]'"):
        Microphone()
