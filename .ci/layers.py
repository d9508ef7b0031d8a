"Do the imports of `wxnb` all point down?"
import ast
import sys
from pathlib import Path

LAYERS = ('core', 'data maths', 'nn', 'train verify plot', 'models diffusion', 'systems', 'parity bench', 'cli')
RANK = {name: i for i, layer in enumerate(LAYERS) for name in layer.split()}
NEVER = {('nn', 'data'), ('diffusion', 'data')} # down, and yet not wanted: layers and samplers take tensors
ONLY = {'maths': {'wxnb', 'torch'}}             # beyond the standard library


def imported(path):
    "(module, line) for each import in a file; relative ones (nbdev makes them) are spelled out."
    here = path.with_suffix('').parts
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import): yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = '.'.join([*here[:len(here) - node.level], *filter(None, [node.module])]) if node.level else node.module
            yield from ((f'{start}.{alias.name}', node.lineno) for alias in node.names)


def upward(package='wxnb'):
    "One line for each import that points up or sideways, or out of what its layer may use."
    for path in sorted(Path(package).rglob('*.py')):
        me = path.relative_to(package).parts[0].removesuffix('.py')
        if me.startswith('_'): continue
        if me not in RANK: yield f'{path}: {me} is in no layer of {Path(__file__).name}'; continue
        for module, line in imported(path):
            top, _, rest = module.partition('.')
            other = rest.split('.')[0]
            if top == package and other and other != me and not other.startswith('_'):
                if RANK.get(other, 99) >= RANK[me] or (me, other) in NEVER: yield f'{path}:{line}: {me} imports {other}'
            elif top not in ONLY.get(me, {top}) and top not in sys.stdlib_module_names: yield f'{path}:{line}: {me} imports {top}'


if __name__ == '__main__': sys.exit('\n'.join(upward()) or 0)
