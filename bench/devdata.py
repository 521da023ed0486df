"""Where the development data is; KAOLABEL_DEV_DATA says so."""

from __future__ import annotations

import os
from pathlib import Path

DEV_DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", Path(__file__).parents[2] / "shared"))
CASCADE = DEV_DATA / "cascades" / "lbpcascade_animeface.xml"
