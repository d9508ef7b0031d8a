"""Same weights must give the same numbers as published code: reference files in, largest differences out."""

from .kinds import Golden, read_golden
from .parity import KINDS, LIMITS, NOT_OFFERED, TOLERANCE, Comparison, compare, difference, errors, tolerance

__all__ = ['KINDS', 'LIMITS', 'NOT_OFFERED', 'TOLERANCE', 'Comparison', 'Golden', 'compare', 'difference',
           'errors', 'read_golden', 'tolerance']
