"""The decoder's name, by which stored verdicts are told from those of today."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

from worker.vision.libraries import decoder

NAME = """
import sys
from worker.vision.libraries import decoder
print(decoder())
print(sorted({"cv2", "PIL", "numpy"} & set(sys.modules)))
"""


def test_it_names_what_is_installed() -> None:
    """Both libraries that parse bytes are named with the versions installed here."""
    opencv, pillow = metadata.version("opencv-python-headless"), metadata.version("pillow")
    assert decoder() == f"opencv {opencv}, pillow {pillow}"


def test_it_is_told_without_loading_a_library() -> None:
    """A producer can name the decoder that it never loads."""
    told = subprocess.run([sys.executable, "-c", NAME], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [decoder(), "[]"]
