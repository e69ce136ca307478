"""``python -m nova.models``: the program of :mod:`nova.repository`, by the name of the folder that it looks after.

The folder ``nova/models`` beside this file is a Triton model repository and no Python package; a module of this name
comes before such a folder.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from nova.repository.program import main

    sys.exit(main())
