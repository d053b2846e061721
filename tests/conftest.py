"""One thread a test process: two processes share two cores; and the same examples in every run."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("varbench", derandomize=True, deadline=None)
settings.load_profile("varbench")
