from __future__ import annotations

import json
import subprocess
import sys

SAYS = """
import logging
from server.lifetime import set_up_logs
set_up_logs()
try:
    raise ValueError("跨域")
except ValueError:
    logging.getLogger("asyncio").exception("Task exception was never %s", "retrieved")
"""


def test_what_a_library_logs_is_one_json_object_a_line_with_its_traceback() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SAYS], capture_output=True, text=True, check=True
    ).stderr
    line = json.loads(said)
    assert (line["event"], line["level"]) == ("Task exception was never retrieved", "error")
    assert "ValueError: 跨域" in line["exception"]
