"""Where `speechlstm transcribe` writes transcripts: stdout, one file, or a folder."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.output import name_of
from speechlstm.cli.transcribe.screen import Screen
from speechlstm.errors import printable
from speechlstm.storage import write_atomically
from speechlstm.transcript import Transcript
from speechlstm.transcript.folder import TranscriptFolder
from speechlstm.transcript.formats import FORMATS, RECORDING_ID_FORMATS, SUBTITLES, to_timed_text
from speechlstm.transcript.layout import DEFAULT_LAYOUT, SubtitleLayout

if TYPE_CHECKING:
    from speechlstm.audio import FoundRecording
    from speechlstm.recognizer.sharing import Segment


@dataclass(frozen=True)
class Style:
    """How transcripts are written.

    Attributes:
        timestamps: Whether text is in lines of a few words with their times.
        is_readable: Whether text and JSON have readable text if there is any; subtitles always do.
        whole: Whether a transcript is known when all of a recording is: its channels were
            transcribed separately, or its speakers told apart.
    """

    timestamps: bool
    is_readable: bool
    whole: bool
    layout: SubtitleLayout = DEFAULT_LAYOUT

    def written(self, format_name: str, label: str, transcript: Transcript) -> str:
        """A transcript in one of the formats, without a final line feed."""
        if format_name in SUBTITLES:
            return SUBTITLES[format_name](label, transcript, self.layout)
        if not self.is_readable:
            transcript = replace(transcript, tokens=None)
        return FORMATS[format_name](label, transcript)


class TranscriptSink(ABC):
    """Receives the transcripts of recordings in their order, and their segments before.

    Args:
        remaining: The indices of the recordings to be transcribed, in their order.
    """

    def __init__(
        self, recordings: "Sequence[FoundRecording]", style: Style, remaining: Sequence[int]
    ) -> None:
        from speechlstm.audio import recording_ids

        self.style, self.remaining = style, remaining
        self.names = [name_of(recording.path) for recording in recordings]
        self.labels = recording_ids(self.names)
        self._num_done = 0
        self._timed: list[str] = []  # lines of the current recording

    def watch(self, screen: Screen) -> "Callable[[Segment], None]":
        """What is to be called with each segment."""

        def on_segment(segment: "Segment") -> None:
            if not self.style.whole:
                screen.advance_to(segment.end)
                if segment.transcript.words:
                    self.add_segment(segment.transcript, screen)

        return on_segment

    def add_segment(self, transcript: Transcript, screen: Screen) -> None:
        """Receive a segment of the current recording that has words."""
        if self.style.timestamps:
            self._timed += to_timed_text("", transcript).split("\n")

    def add(self, transcript: Transcript | None) -> None:
        """Receive the transcript of the next recording; None: there is none."""
        if transcript:
            self._add(self.remaining[self._num_done], transcript)
        self._num_done += 1
        self._timed = []

    @property
    def current(self) -> int:
        """The index of the current recording."""
        return self.remaining[self._num_done]

    def timed_text(self, transcript: Transcript) -> str:
        """The lines with times of the current recording, each as it was in its segment."""
        # Channels are read one after the other, speakers known last; lines are in order of time.
        return to_timed_text("", transcript) if self.style.whole else "\n".join(self._timed)

    def content(self, index: int, format_name: str, transcript: Transcript) -> str:
        """The transcript of a recording in one of the formats."""
        if format_name == "text" and self.style.timestamps:
            return self.timed_text(transcript)
        label = self.labels[index] if format_name in RECORDING_ID_FORMATS else self.names[index]
        return self.style.written(format_name, label, transcript)

    @abstractmethod
    def _add(self, index: int, transcript: Transcript) -> None:
        """Write the transcript of a recording, or keep it."""

    def close(self, failed: bool) -> None:  # noqa: B027 most have nothing to end
        """End the output. If any recording has failed and there is nothing else, none is written.

        Raises:
            OSError: The output cannot be written.
        """


class Sink(TranscriptSink):
    """Stdout, or one file for all transcripts, which is written at the end.

    Args:
        output: The file; None: stdout.
        recordings: As in TranscriptSink.
        style: As in TranscriptSink.
        keeps: Whether a file that exists is kept, and there is nothing to do.
    """

    def __init__(
        self,
        output: Path | None,
        recordings: "Sequence[FoundRecording]",
        format_name: str,
        style: Style,
        keeps: bool,
    ) -> None:
        is_there = keeps and output is not None and output.exists()
        super().__init__(recordings, style, () if is_there else range(len(recordings)))
        self._output, self._format = output, format_name
        self._is_one_of_many = len(recordings) > 1
        self._lines: list[str] = []
        self._has_shown = False
        is_text = output is None and format_name == "text" and not style.whole
        is_screen = sys.stdout is not None and sys.stdout.isatty() and not self._is_one_of_many
        self._is_live = is_text and (style.timestamps or is_screen)

    def add_segment(self, transcript: Transcript, screen: Screen) -> None:
        """See TranscriptSink. What is shown live appears now."""
        first = len(self._timed)
        super().add_segment(transcript, screen)
        if self._is_live:
            lines = self._timed[first:] if self.style.timestamps else [transcript.to_text()]
            screen.show(self._named(self.current, "\n".join(lines)))
            self._has_shown = True

    def _add(self, index: int, transcript: Transcript) -> None:
        if self._is_live and (self._has_shown or self.style.timestamps):
            return
        written = self.content(index, self._format, transcript)
        if not written and (self._format in RECORDING_ID_FORMATS or self.style.timestamps):
            return  # silence has no line
        named = self._named(index, written) if self._format == "text" else written
        self._lines.append(named)
        if self._output is None:
            click.echo(named)

    def _named(self, index: int, lines: str) -> str:
        """Each line after the name of its recording, if there are several."""
        if not self._is_one_of_many:
            return lines
        name = printable(self.names[index])
        return "\n".join(f"{name}\t{line}" for line in lines.split("\n"))

    def close(self, failed: bool) -> None:
        """See TranscriptSink."""
        if self._output is not None and (self._lines or not failed):
            write_atomically(self._output, "".join(f"{line}\n" for line in self._lines))


class _FolderSink(TranscriptSink):
    """A folder with a file for each recording and format, written when the recording is done."""

    def __init__(
        self,
        folder: TranscriptFolder,
        recordings: "Sequence[FoundRecording]",
        formats: Sequence[str],
        style: Style,
        keeps: bool,
    ) -> None:
        missing = [folder.missing(i) if keeps else formats for i in range(len(recordings))]
        super().__init__(recordings, style, [i for i, names in enumerate(missing) if names])
        self._folder, self._missing = folder, missing

    def _add(self, index: int, transcript: Transcript) -> None:
        for name in self._missing[index]:
            content = self.content(index, name, transcript)
            is_empty = not content and (name in RECORDING_ID_FORMATS or self.style.timestamps)
            self._folder.write(index, name, "" if is_empty else f"{content}\n")


def sink_of(
    output: Path | None,
    into_folder: bool,
    recordings: "Sequence[FoundRecording]",
    formats: Sequence[str],
    style: Style,
    keeps: bool,
) -> TranscriptSink:
    """Where transcripts go: a folder with a file for each recording and format, one file, stdout.

    Args:
        output: The file or folder, which is made for the first transcript; None: stdout.
        into_folder: Whether it is a folder.
        formats: Of a file or stdout, the first one is written.
        style: How transcripts are written.
        keeps: Whether files that exist are kept, and only the others are written.

    Raises:
        ConfigError: Two recordings would have the same transcript.
        DataError: A transcript would overwrite a recording or its text.
    """
    from speechlstm.audio import without_suffix

    if output is None or not into_folder:
        return Sink(output, recordings, formats[0], style, keeps)
    paths = [recording.path for recording in recordings]
    names = [without_suffix(recording.name) for recording in recordings]
    folder = TranscriptFolder(output, paths, names, formats, keeps)
    return _FolderSink(folder, recordings, formats, style, keeps)
