"""Recognition of speech while it is spoken.

events       `Partial` and `Final`, what a stream yields
stream       `Stream`, which is fed blocks of samples, and `pulled`, which feeds it from a source
input        conversion of blocks to the sample rate of the model
buffer       the last samples
loudness     quiet and loud parts, by their energy
segment      the segment that is being spoken: the network's output for it, and its words
incremental  the same, of a unidirectional network, which processes each sample once

>>> import numpy as np
>>> from speechlstm import Recognizer, read_audio
>>> audio = read_audio("data/samples/date.wav")
>>> stream = Recognizer.load().open_stream(audio.sample_rate)
>>> events = [event for block in np.split(audio.samples, 20) for event in stream.feed(block)]
>>> print(*(final.text for final in stream.finish()))
july fourth seventeen seventy six
"""

from speechlstm.streaming.events import Event as Event
from speechlstm.streaming.events import Final as Final
from speechlstm.streaming.events import Partial as Partial
from speechlstm.streaming.events import join_finals as join_finals
from speechlstm.streaming.stream import ENDPOINT_SECONDS as ENDPOINT_SECONDS
from speechlstm.streaming.stream import Stream as Stream
