"""One torch thread: the starts of enclosures are searched in float64."""

import torch

torch.set_num_threads(1)
