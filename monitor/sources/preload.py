"""What parser processes need in memory, loaded once before they are forked.

Only the fork server imports this module: it costs a second and some 100 MB, which the processes
then share.
"""

from __future__ import annotations

import signal

# Ctrl-C is for the service, which ends this process; it comes while the rest is still loading.
signal.signal(signal.SIGINT, signal.SIG_IGN)

import gc  # noqa: E402
import os  # noqa: E402
from importlib import import_module  # noqa: E402

# One thread is enough for a small matrix, and threads do not survive a fork.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from monitor.sources import DOCUMENT_READERS, TYPES  # noqa: E402  (the variables come first)
from monitor.text.language import load_identifier  # noqa: E402

parsers = [source_type.parser for source_type in TYPES.values() if source_type.parser]
for module in ("monitor.sources.parserprocess", *parsers, *DOCUMENT_READERS):
    import_module(module)
load_identifier()
# What is frozen is never written to by the collector, and so stays shared.
gc.freeze()
