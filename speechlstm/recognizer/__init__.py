"""The recogniser: from a recording to a transcript.

recognizer  `Recognizer`, what users of the library call
loading     from a bundle to an acoustic model and a decoder
segments    from the segments of a recording to one transcript
aligning    when each word of a known text is spoken
sharing     recordings of any length, their segments shared over processes
batch       many short recordings, in one process or several
"""

from speechlstm.recognizer.recognizer import Recognizer as Recognizer
from speechlstm.recognizer.sharing import Segment as Segment
