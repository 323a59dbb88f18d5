"""Safe reading of untrusted files, and atomic writing.

files, folders  both, of one file and of a whole folder; unfinished: what is being written
checked         JSON with a checksum of itself
text            files that people write, in UTF-8 or UTF-16
members         members of tar archives, read in place
remote          files at addresses
"""

from speechlstm.storage.checked import dump_checked, parse_checked
from speechlstm.storage.files import (
    open_any,
    open_regular_file,
    parse_json,
    read_bounded,
    read_regular_file,
    refuse_nul,
    refuse_pipes,
    write_atomically,
)
from speechlstm.storage.folders import folder_beside, folder_written_atomically, recover_folder
from speechlstm.storage.members import Member
from speechlstm.storage.remote import address_in, address_of, read_address, without_query
from speechlstm.storage.text import decode_text, listed, read_text, text_lines, utf8_lines
from speechlstm.storage.unfinished import remove_unfinished
