"""`python -m speechlstm`."""

from speechlstm.cli import main

main(prog_name="python -m speechlstm")
