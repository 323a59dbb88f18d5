"""Pages that need no network: text, tables, charts and recordings in one HTML file.

>>> rows = [["AN4", ("2.5 %", 0.025)]]
>>> errors = section("Errors", table("WER by list", ["list", "WER"], rows))
>>> document = page("Report", [errors])
"""

from speechlstm.html.audio import DEFAULT_MEGABYTES, AudioPlayers
from speechlstm.html.charts import Axis, Bar, Series, bar_chart, histogram, line_chart
from speechlstm.html.markup import Child, Markup, element, joined
from speechlstm.html.page import Cell, asset, details, page, paragraph, percent, section, table
