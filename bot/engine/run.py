"""Rasa's command line, started quickly: ``python -m bot.engine.run run …``.

skops looks through every loaded module for the home of some 400 functions when it is imported. Before TensorFlow is there that takes a
moment, after it ten seconds and more.
"""

from __future__ import annotations

import skops.io  # noqa: F401  (must stay the first import)
from rasa.__main__ import main

if __name__ == "__main__":
    main()
