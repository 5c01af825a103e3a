"""The frozen helper program: kubexit.helpers, started and ended without what only a longer life would need."""

import gc
import os
import sys

gc.disable()  # a hundred modules make no garbage; looking for it takes a twentieth of the start
sys.path.clear()  # all that there is is embedded: no folder is searched for what urllib3 would use if it were there

from kubexit.helpers.__main__ import main  # noqa: E402

gc.freeze()
gc.enable()
os._exit(main(sys.argv[1:]))  # the interpreter's own farewell takes 10 ms; what is written is written at once
