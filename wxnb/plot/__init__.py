"""Maps, sequences and scores in pictures."""

from .maps import Picture, Style, field, picture, style_of
from .scores import rank_histogram, reliability, score_by_lead, spectra, training_curve
from .sequences import animate, compare, difference, strip

__all__ = ['Picture', 'Style', 'animate', 'compare', 'difference', 'field', 'picture', 'rank_histogram', 'reliability', 'score_by_lead',
           'spectra', 'strip', 'style_of', 'training_curve']
