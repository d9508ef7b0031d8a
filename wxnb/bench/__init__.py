"""How fast, how large, compared with what: ratios measured side by side in one run, and memory counted without allocating it."""

from .measure import BENCHES, bench, report

__all__ = ['BENCHES', 'bench', 'report']
