"""Microphones, through PortAudio (extra ``mic``: sounddevice)."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.waveform import sample_rate_fault
from speechlstm.errors import AudioError, MissingDependencyError, quoted

_BLOCK_SECONDS = 0.1
_SILENT_SECONDS = 3.0  # without a block; a device that works sends one each 0.1 s
_MAX_BEHIND_SECONDS = 300.0


@dataclass(frozen=True)
class InputDevice:
    """A device that sound can be recorded from.

    Attributes:
        number: Names it to `Microphone`.
        name: Its name; a unique part of it names it, too.
        host: The system that it belongs to, such as ALSA.
        num_channels: The largest number of its channels.
        sample_rate: Its default, in Hz.
        is_default: Whether it is used if none is named.
    """

    number: int
    name: str
    host: str
    num_channels: int
    sample_rate: int
    is_default: bool


def input_devices() -> list[InputDevice]:
    """The devices that sound can be recorded from.

    Raises:
        MissingDependencyError: sounddevice is not installed.
        AudioError: The library PortAudio is missing, or it fails.
    """
    portaudio = _portaudio()
    try:
        default = portaudio.default.device[0]
        hosts = portaudio.query_hostapis()
        return [
            InputDevice(
                number,
                device["name"],
                hosts[device["hostapi"]]["name"],
                device["max_input_channels"],
                round(device["default_samplerate"]),
                number == default,
            )
            for number, device in enumerate(portaudio.query_devices())
            if device["max_input_channels"] > 0
        ]
    except portaudio.PortAudioError as error:
        raise AudioError("microphone", _reason(error)) from None


class Microphone:
    """A device that yields blocks of what it records, for `Recognizer.stream`.

    Args:
        device: The number or a unique part of the name of a device; None: the default.
        sample_rate: In Hz; None: `preferred_rate` if the device can, else its own.
        preferred_rate: In Hz, such as that of the model.

    Attributes:
        name: The name of the device.
        sample_rate: In Hz.
        num_lost: How often samples were lost because the machine was too busy to take them.

    Raises:
        MissingDependencyError: sounddevice is not installed.
        AudioError: There is no such device, or it cannot record at this rate.
    """

    def __init__(
        self,
        device: int | str | None = None,
        sample_rate: int | None = None,
        preferred_rate: int = 16000,
    ) -> None:
        self._portaudio, self.num_lost = _portaudio(), 0
        if isinstance(device, str) and device.isdecimal():
            device = int(device)
        found = self._found(device)
        self.name, self._device = found["name"], found["index"]
        own_rate = round(found["default_samplerate"])
        rates = [sample_rate] if sample_rate else [preferred_rate, own_rate]
        pairs = [(rate, number) for rate in rates for number in (1, found["max_input_channels"])]
        possible = next((pair for pair in pairs if self._can(*pair)), None)
        if possible is None:
            reason = f"cannot record at {rates[0]} Hz; its own rate is {own_rate} Hz"
            raise AudioError(self.name, reason)
        self.sample_rate, self._num_channels = possible
        if fault := sample_rate_fault(self.sample_rate):
            raise AudioError(self.name, fault)

    def _found(self, device: int | str | None) -> Any:
        """PortAudio's description of the device."""
        named = "the default microphone" if device is None else f"the device {quoted(device)}"
        try:
            found = self._portaudio.query_devices(device, "input")
        except (ValueError, self._portaudio.PortAudioError) as error:
            number = len(input_devices())
            hint = "see --list-devices" if number else "connect a microphone"
            reason = "there is none" if device is None and not number else _reason(error)
            raise AudioError(named, f"cannot be used: {reason}; {hint}") from None
        if not found["max_input_channels"]:
            raise AudioError(named, "cannot record; see --list-devices")
        return found

    def _can(self, sample_rate: int, num_channels: int) -> bool:
        try:
            self._portaudio.check_input_settings(
                self._device, num_channels, "int16", samplerate=sample_rate
            )
        except (ValueError, self._portaudio.PortAudioError):
            return False
        return True

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        """The blocks, (num_samples, num_channels), until the device fails.

        Raises:
            AudioError: The device cannot be opened, fails or stops sending sound, or blocks are
                taken so slowly that they pile up.
        """
        blocks: queue.SimpleQueue[NDArray[np.int16] | None] = queue.SimpleQueue()

        def record(block: NDArray[np.int16], _: int, __: object, status: Any) -> None:
            self.num_lost += bool(status.input_overflow)
            blocks.put(block.copy())  # PortAudio reuses the memory

        try:
            recording = self._portaudio.InputStream(
                samplerate=self.sample_rate,
                blocksize=round(_BLOCK_SECONDS * self.sample_rate),
                device=self._device,
                channels=self._num_channels,
                dtype="int16",
                callback=record,
                finished_callback=lambda: blocks.put(None),
            )
            with recording:
                while (block := blocks.get(timeout=_SILENT_SECONDS)) is not None:
                    if blocks.qsize() * _BLOCK_SECONDS > _MAX_BEHIND_SECONDS:
                        raise AudioError(
                            self.name,
                            f"recognition is {_MAX_BEHIND_SECONDS:g} s behind; this machine is too "
                            "slow for it, --fast and --greedy take less time",
                        )
                    yield block
        except queue.Empty:
            raise AudioError(
                self.name, f"has sent no sound for {_SILENT_SECONDS:g} s; is it still connected?"
            ) from None
        except self._portaudio.PortAudioError as error:
            raise AudioError(self.name, _reason(error)) from None
        raise AudioError(self.name, "has stopped recording; is it still connected?")


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise MissingDependencyError(error.name or "sounddevice") from None
    except OSError:
        raise AudioError(
            "microphone",
            "the library PortAudio is not installed; for example: apt install libportaudio2",
        ) from None
    module: ModuleType = sounddevice
    return module


def _reason(error: Exception) -> str:
    """PortAudio's message, without its number."""
    return str(error).split(" [PaErrorCode")[0].rstrip(".")
