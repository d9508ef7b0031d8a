"The command `wxnb`: what users type, and the functions behind it."

from .commands import dispatch, main

__all__ = ['dispatch', 'main']
