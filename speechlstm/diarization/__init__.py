"""Speaker diarization: who speaks when.

diarizer    `Diarizer`: from the words of a recording to the speaker of each
windows     where embeddings are computed
embedding   the networks that compute them
clustering  from embeddings to speakers
"""

from speechlstm.diarization.diarizer import Diarizer
from speechlstm.diarization.windows import Window
