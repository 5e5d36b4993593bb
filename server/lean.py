"""Imported before all else by each process: what two libraries would load in vain, 7 MB and 0.15 s, is not loaded.

structlog loads Rich if it is there, for colourful tracebacks; Piccolo loads Black, for writing source files.
"""

import sys
from types import ModuleType

sys.modules.setdefault("rich", None)  # type: ignore[arg-type] # documented: whoever imports it does not find it
sys.modules.setdefault("black", ModuleType("black"))
