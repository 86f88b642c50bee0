"""The rate of the matrix product of numpy: product_rate.py SIZE prints operations a second, the median of eleven."""
import statistics
import sys
import time

import numpy as np

n = int(sys.argv[1])
rng = np.random.default_rng(1)
a, b = rng.random((n, n)), rng.random((n, n))
a @ b
seconds = []
for _ in range(11):
    clock = time.perf_counter()
    a @ b
    seconds.append(time.perf_counter() - clock)
print(2 * n**3 / statistics.median(seconds))
