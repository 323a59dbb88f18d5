"""Safe reading of untrusted files, and atomic writing of files and folders."""

from speechlstm.storage.files import open_regular_file as open_regular_file
from speechlstm.storage.files import parse_json as parse_json
from speechlstm.storage.files import read_bounded as read_bounded
from speechlstm.storage.files import read_regular_file as read_regular_file
from speechlstm.storage.files import refuse_nul as refuse_nul
from speechlstm.storage.files import refuse_pipes as refuse_pipes
from speechlstm.storage.files import remove_unfinished as remove_unfinished
from speechlstm.storage.files import write_atomically as write_atomically
from speechlstm.storage.folders import folder_written_atomically as folder_written_atomically
from speechlstm.storage.folders import recover_folder as recover_folder
from speechlstm.storage.members import Member as Member
from speechlstm.storage.remote import address_in as address_in
from speechlstm.storage.remote import address_of as address_of
from speechlstm.storage.remote import read_address as read_address
from speechlstm.storage.remote import without_query as without_query
from speechlstm.storage.text import decode_text as decode_text
from speechlstm.storage.text import read_text as read_text
from speechlstm.storage.text import text_lines as text_lines
from speechlstm.storage.text import utf8_lines as utf8_lines
