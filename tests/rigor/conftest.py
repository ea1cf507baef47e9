"""One torch thread: the starts of enclosures are searched in float64."""

import scipy.linalg  # noqa: F401  loaded first, so that its threads are limited too
import torch
from threadpoolctl import threadpool_limits

torch.set_num_threads(1)
threadpool_limits(limits=1, user_api="blas")
