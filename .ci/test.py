"`make test`: every check that needs no browser. All of them run; each prints one line that starts with `ok` or `FAIL`."
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
from pathlib import Path

import docs
import layers

IMAGE, NOTEBOOK = 60_000, 300_000 # bytes, at most
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


def pyflakes():
    "No unused or undefined names in the package."
    return run(sys.executable, '-m', 'pyflakes', *(str(p) for p in sorted(Path('wxnb').rglob('*.py')) if p.name != '_modidx.py'))[1]


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
    env = os.environ | dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', PYTHONUNBUFFERED='1')
    command = ['nbdev_test', '--n_workers', '2', '--do_print', *(['--flags', flags] if flags else [])]
    started, seconds, said, pending = {}, {}, [], {p.name for p in NOTEBOOKS}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            event = re.match(r'(Starting|- Completed) .*/([^/]+\.ipynb)$', line.rstrip())
            if not event: said.append(line.rstrip()); continue
            if event[1] == 'Starting': started[event[2]] = time.monotonic(); continue
            seconds[event[2]] = time.monotonic() - started[event[2]]
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
    report('pyflakes', pyflakes())
    report('lines of at most 120 columns', [p for path in NOTEBOOKS for p in wide(path)])
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
