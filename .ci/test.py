"`make test`: every check that needs no browser. All of them run; each prints one line that starts with `ok` or `FAIL`."
import ast
import base64
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import docs
import layers

IMAGE, NOTEBOOK, LINES = 60_000, 300_000, 400 # bytes, bytes, exported lines, at most
NOTEBOOKS = sorted(Path('nbs').glob('[!_.]*.ipynb'))
results = []


def report(name, problems, seconds=None):
    "Print and remember how a check went."
    results.append(not problems)
    print(f'{"FAIL" if problems else "ok  "} {name}' + (f'  {seconds:.0f} s' if seconds is not None else ''), *(f'     {p}' for p in problems), sep='\n', flush=True)


def run(*command, **kw):
    "What a command prints, or what it complains about."
    done = subprocess.run(command, capture_output=True, text=True, **kw)
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


def package():
    "Exporting and cleaning the notebooks gives the files that are here, and no others."
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        shutil.copytree('nbs', tmp/'nbs', ignore=shutil.ignore_patterns('_*', '.*'))
        shutil.copy('settings.ini', tmp)
        for init in Path('wxnb').rglob('__init__.py'): # nbdev makes the missing ones and leaves the others
            (tmp/init).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(init, tmp/init)
        for command in ('nbdev_export', 'nbdev_clean'):
            code, said = run(command, cwd=tmp)
            if code: return [f'{command}: {said[-1]}']
        made, here = ({p.relative_to(root) for pattern in ('wxnb/**/*.py', 'nbs/*.ipynb') for p in root.glob(pattern)} for root in (tmp, Path()))
        differ = [p for p in made & here if not filecmp.cmp(tmp/p, p, shallow=False)]
        return ([f'{p} is not what `nbdev_export && nbdev_clean` gives' for p in sorted(differ)] + [f'{p} is missing: nbdev_export' for p in sorted(made - here)]
                + [f'{p} comes from no notebook' for p in sorted(here - made)])


def ruff():
    "The package is clean by the rules in wxnb/.ruff.toml."
    code, said = run('ruff', 'check', '--no-cache', '--output-format', 'concise', 'wxnb')
    return said if code else []


def unannotated():
    "Public functions and methods say the types of what they take and give."
    for path in sorted(Path('wxnb').rglob('*.py')):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        public = next((ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == '__all__'), [])
        for node in tree.body:
            if getattr(node, 'name', None) not in public: continue
            methods = [(f'{node.name}.{m.name}', m, 0 if any(getattr(d, 'id', '') == 'staticmethod' for d in m.decorator_list) else 1)
                       for m in node.body if isinstance(m, ast.FunctionDef) and (not m.name.startswith('_') or m.name == '__init__')
                       ] if isinstance(node, ast.ClassDef) else [(node.name, node, 0)]
            for name, f, skip in methods:
                given = [a for a in (*(f.args.posonlyargs + f.args.args)[skip:], *f.args.kwonlyargs, f.args.vararg, f.args.kwarg) if a]
                lacks = [a.arg for a in given if a.annotation is None] + ['what it returns']*(f.returns is None and f.name != '__init__')
                if lacks: yield f'{path}: {name} does not say the type of {", ".join(lacks)}'


def long(path):
    "A module is one idea: at most 400 exported lines, and about 300 are wanted."
    cells = (''.join(c['source']).splitlines() for c in json.loads(path.read_text(encoding='utf-8'))['cells'])
    lines = sum(bool(line.strip()) and not line.startswith('#|') for cell in cells if '#| export' in cell for line in cell)
    if lines > LINES: yield f'{path.name} exports {lines} lines, more than {LINES}'


def unanswered(path):
    "Every question of `Try it yourself` has its answer folded below it."
    text = '\n'.join(''.join(c['source']) for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'markdown')
    asked = text.partition('## Try it yourself')[2]
    questions, answers = len(re.findall(r'^\d+\. ', asked, re.M)), asked.count('<summary>Answer</summary>')
    if questions != answers: yield f'{path.name}: {questions} questions and {answers} answers'


def wheel():
    "The wheel holds every module, preset and weight, and every module of it imports with nothing but the package's own requirements."
    with tempfile.TemporaryDirectory() as tmp:
        code, said = run(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', tmp, '.')
        if code: return said[-3:]
        built = next(Path(tmp).glob('*.whl'))
        with zipfile.ZipFile(built) as z: inside = {n for n in z.namelist() if n.startswith('wxnb/')}
        tracked = run('git', 'ls-files', 'wxnb')[1] if Path('.git').exists() else [str(p) for p in Path('wxnb').rglob('*') if p.is_file() and '__pycache__' not in p.parts]
        problems = [f'{p} is not in the wheel' for p in sorted(set(tracked) - inside) if not Path(p).name.startswith('.')]
        blocked = """
import importlib, importlib.metadata as md, pkgutil, re, sys
from importlib.machinery import PathFinder
sys.path.insert(0, sys.argv[1])
meta = md.distribution('wxnb').requires
name = lambda r: re.split(r'[^\\w.-]', r)[0].lower().replace('_', '-')
todo, own = [name(r) for r in meta if 'extra ==' not in r], set()
while todo: # and what these require
    n = todo.pop()
    if n in own: continue
    own.add(n)
    try: todo += [name(r) for r in md.requires(n) or [] if 'extra ==' not in r]
    except md.PackageNotFoundError: pass
foreign = {top for top, dists in md.packages_distributions().items() if not own & {d.lower().replace('_', '-') for d in dists}} - {'wxnb'}
class Own(PathFinder): # what is not required is not there
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split('.')[0] in foreign else PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Own
import wxnb
assert wxnb.__file__.startswith(sys.argv[1]), wxnb.__file__
assert not {'torch', 'numpy', 'xarray'} & set(sys.modules), 'import wxnb loads heavy modules'
for m in pkgutil.walk_packages(wxnb.__path__, 'wxnb.'):
    if m.name != 'wxnb._modidx': importlib.import_module(m.name)
"""
        code, said = run(sys.executable, '-P', '-c', blocked, str(built), cwd=tmp)
        return problems + (said[-2:] if code else [])


def wide(path):
    "Exported code is at most 120 columns wide."
    for n, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
        lines = ''.join(cell['source']).splitlines()
        if '#| export' not in lines: continue
        yield from (f'{path.name}, cell {n}: {len(line)} columns: {line.strip()[:60]}' for line in lines if len(line) > 120)


def saved(path):
    "What a reader of the saved notebook should not meet: errors, warnings, paths of this machine, and more bytes than a page needs."
    if path.stat().st_size > NOTEBOOK: yield f'{path.name}: {path.stat().st_size/1e3:.0f} kB, more than {NOTEBOOK/1e3:.0f}'
    private = [str(Path.cwd()), str(Path.home()), f'{tempfile.gettempdir()}/', *filter(None, [os.environ.get('WXNB_DATA')])]
    for n, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
        for out in cell.get('outputs', []):
            where, text = f'{path.name}, cell {n}', json.dumps(out, ensure_ascii=False)
            if out['output_type'] == 'error': yield f'{where}: saved error {out["ename"]}'
            if out.get('name') == 'stderr': yield f'{where}: saved warning {"".join(out["text"])[:80]!r}'
            if any(p in text for p in private): yield f'{where}: a path of this machine'
            for kind, data in out.get('data', {}).items():
                size = len(base64.b64decode(''.join(data))) if kind.startswith('image/') and 'svg' not in kind else 0
                if size > IMAGE: yield f'{where}: picture of {size/1e3:.0f} kB, more than {IMAGE/1e3:.0f}'


def notebooks():
    "`nbdev_test` with two workers of one thread each; one line for each notebook. Real files are used if `WXNB_DATA` says where they are."
    flags = 'realdata' if os.environ.get('WXNB_DATA') else ''
    env = os.environ | dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', PYTHONUNBUFFERED='1',
                            CI='true') # hypothesis tries the same examples every time: a commit passes or it does not
    command = ['nbdev_test', '--n_workers', '2', '--do_print', *(['--flags', flags] if flags else [])]
    started, seconds, said, pending = {}, {}, [], {p.name for p in NOTEBOOKS}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout: # two workers may write into one line
            events = re.findall(r'(Starting|- Completed) \S*?([^/\s]+\.ipynb)', line)
            if not events: said.append(line.rstrip())
            for what, name in events:
                began = started.setdefault(name, time.monotonic())
                if what == 'Starting': continue
                seconds[name] = time.monotonic() - began
                print(f'     {len(seconds)} of {len(pending)} chapters ran', end='\r' if sys.stdout.isatty() else '\n', flush=True)
    failed = {line.strip() for line in said if re.fullmatch(r'\t\S+\.ipynb', line)}
    if process.returncode: print(*(line for line in said if line not in failed), sep='\n')
    for name in sorted(pending):
        why = ['see above'] if name in failed else [] if process.returncode == 0 or failed and name in seconds else ['did not finish']
        report(name.removesuffix('.ipynb'), why, seconds.get(name))


def book():
    "The book builds, without Quarto, and nothing in it is broken; README.md is what the index gives."
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        staged, out = Path(tmp)/'staged', Path(tmp)/'site'
        docs.stage(staged, problems)
        docs.site(staged, out, problems)
        docs.broken(out, problems)
        text, made = docs.readme(staged, Path(tmp)/'images'), Path(tmp)/'images'
        if text != Path('README.md').read_text(encoding='utf-8'): problems.append('README.md is not what nbs/index.ipynb gives: make docs')
        problems += [f'nbs/images/{p.name} is not what nbs/index.ipynb gives: make docs' for p in made.glob('*')
                     if not (Path('nbs/images')/p.name).exists() or p.read_bytes() != (Path('nbs/images')/p.name).read_bytes()]
        problems += [f'README.md: dead link {link}' for link in re.findall(r'\]\(([^:)#]+)\)', text) if not Path(link).exists()]
    return problems


def main():
    start = time.monotonic()
    report('the package equals the notebooks', package())
    report('ruff', ruff())
    report('public names are annotated', list(unannotated()))
    report('lines of at most 120 columns', [p for path in NOTEBOOKS for p in wide(path)])
    report('modules of at most 400 lines', [p for path in NOTEBOOKS for p in long(path)])
    report('questions have answers', [p for path in NOTEBOOKS for p in unanswered(path)])
    report('the wheel', wheel())
    report('imports point down', list(layers.upward()))
    pictures = [f'{p} has {p.stat().st_size/1e3:.0f} kB, more than {IMAGE/1e3:.0f}' for p in sorted(Path('nbs/images').glob('*')) if p.stat().st_size > IMAGE]
    report('saved outputs', [*(p for path in NOTEBOOKS for p in saved(path)), *pictures])
    files = lambda: {p for p in Path('nbs').rglob('*') if not any(part.startswith('.') for part in p.parts)}
    before = files()
    notebooks()
    report('the chapters leave nothing behind', [f'{p} was not there before' for p in sorted(files() - before)])
    began = time.monotonic()
    report('the book', book(), time.monotonic() - began)
    print(f'make test: {sum(results)} of {len(results)} checks passed in {time.monotonic() - start:.0f} s')
    return not all(results)


if __name__ == '__main__': sys.exit(main())
