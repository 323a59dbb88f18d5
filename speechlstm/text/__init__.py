"""What is said, as text: normalised, spelled with an alphabet, pronounced."""

from speechlstm.text.normalize import normalize as normalize
