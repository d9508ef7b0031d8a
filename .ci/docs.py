"""Build the book from the notebooks: `_docs/` and README.md.

nbdev prepares each notebook (front matter, links, documentation of what it exports); then Quarto renders the site where it is installed, and
pandoc where it is not. Both read `_quarto.yml`. README.md always comes from pandoc, so that it is the same wherever it is made."""
import base64
import contextlib
import inspect
import io
import json
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pypandoc
import yaml
from IPython.display import Markdown
from nbdev import serve_drv
from nbdev.config import get_config
from nbdev.doclinks import NbdevLookup, _lineno
from nbdev.processors import FilterDefaults, add_fold, exec_show_docs

KINDS = dict(eq='Equation', fig='Figure', tbl='Table', sec='Section')


# --- stage: what nbdev does before Quarto sees a notebook, except that a book shows its code

class ShowSource:
    "Show the source of what is exported; only import cells stay out of sight."
    def __init__(self, nb):
        for cell in nb.cells:
            code = [line for line in cell.source.splitlines() if not re.match(r'(from|import)\b|#|\s*$', line)]
            if cell.cell_type == 'code' and code and 'export' in cell.directives_: cell.directives_['exports'] = cell.directives_.pop('export')

    def __call__(self, cell): return cell


def show_doc(symbol, module):
    "What stands above the source of something exported: its name, a link to the file and its docstring. The parameters explain themselves in the source."
    name, lookup = symbol.__name__, NbdevLookup()
    _, path, url = lookup[f'{module}.{name}'] or (None, None, None)
    link = f'[source]({url}#L{_lineno(name, path)}){{.source style="float:right"}}\n\n' if url else ''
    return Markdown(f'{link}### {name}\n\n::: doc\n{inspect.cleandoc(symbol.__doc__ or "")}\n:::')


class ShowDocs(exec_show_docs):
    "nbdev's own, with the above instead of a signature that repeats the source and that not every class has."
    def begin(self):
        super().begin()
        module = [c.directives_['default_exp'][0] for c in self.nb.cells if c.cell_type == 'code' and 'default_exp' in c.directives_]
        self.k.run_cell(f'import docs, functools; show_doc = functools.partial(docs.show_doc, module="wxnb.{"".join(module)}")')


class MethodLinks:
    "Methods have no anchor of their own: a link to one leads to its class."
    def __init__(self, nb): pass

    def __call__(self, cell):
        to_class = lambda text: re.sub(r'(\.html#\w+)\.\w+\)', r'\1)', text)
        if cell.cell_type == 'markdown': cell.source = to_class(cell.source)
        for out in cell.get('outputs', []):
            if 'text/markdown' in out.get('data', {}): out['data']['text/markdown'] = to_class(''.join(out['data']['text/markdown']))
        return cell


class Book(FilterDefaults):
    def base_procs(self):
        mine = {exec_show_docs: ShowDocs, add_fold: MethodLinks}
        return [ShowSource, *(mine.get(p, p) for p in super().base_procs())]


def stage_one(src, dst):
    "Prepare one notebook; what is wrong with it."
    problems = []
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always', UserWarning)
        try: serve_drv.main((src, dst, Book))
        except Exception as e: problems.append(f'{src.name}: {(e.__cause__ or e)!r:.300}')
    for text in (str(w.message) for w in said if 'imports and other code' in str(w.message)):
        line = re.search(r'^\s*((?:from|import)\b.*)', text.split('---\n')[1], flags=re.M)
        problems.append(f'{src.name}: an import shares its cell with other code, which nbdev runs to build the page: {line[1]}')
    return problems


def stage(to, problems):
    "Prepare all notebooks, beside what they and the site need."
    to.mkdir(parents=True)
    shutil.copy('_quarto.yml', to)
    if Path('nbs/images').exists(): shutil.copytree('nbs/images', to/'images')
    with ProcessPoolExecutor(2, mp_context=get_context('spawn')) as pool:
        sources = sorted(Path('nbs').glob('[!_.]*.ipynb'))
        problems += sum(pool.map(stage_one, sources, [to/p.name for p in sources]), [])


# --- one notebook as pandoc's markdown

def options(source, bad):
    "The `#| key: value` lines of a cell, and its code without them."
    lines = source.splitlines()
    said = '\n'.join(line[2:].strip() for line in lines if re.match(r'#\|\s*[\w-]+:', line))
    try: opts = yaml.safe_load(said) or {}
    except yaml.YAMLError: bad(f'these cell options are not YAML: {said}'); opts = {}
    return opts, '\n'.join(line for line in lines if not line.startswith('#|')).strip('\n')


def picture(data, name, opts, folder):
    "Write a picture and point to it."
    folder.mkdir(parents=True, exist_ok=True)
    (folder/name).write_bytes(base64.b64decode(data))
    label = opts.get('label', '')
    caption = opts.get('fig-cap', '') if label else ''
    return f'![{caption}]({folder.name}/{name})' + (f'{{#{label}}}' if caption else '\\')


def output(out, name, opts, folder, bad):
    "One output of a cell."
    if out['output_type'] == 'error': bad(f'saved error {out["ename"]}: {out["evalue"]}'); return ''
    if out['output_type'] == 'stream': return f'::: out\n```\n{"".join(out["text"]).rstrip()}\n```\n:::'
    data = {k: v if isinstance(v, str) else ''.join(v) for k, v in out['data'].items()}
    for kind in ('png', 'jpeg', 'gif'):
        if f'image/{kind}' in data: return picture(data[f'image/{kind}'], f'{name}.{kind}', opts, folder)
    if 'text/markdown' in data: return data['text/markdown']
    if 'text/html' in data: return f'```{{=html}}\n<div class="out">{data["text/html"]}</div>\n```'
    return f'::: out\n```\n{data.get("text/plain", "").rstrip()}\n```\n:::'


def blocks(nb, folder, bad):
    "The cells of a prepared notebook, after its front matter."
    for n, cell in enumerate(nb['cells'][1:]):
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code': yield source; continue
        opts, code = options(source, bad)
        if opts.get('include') is False: continue
        if opts.get('echo') is not False and code: yield f'```python\n{code}\n```'
        shown = cell['outputs'] if opts.get('output') is not False else []
        for i, out in enumerate(shown): yield output(out, f'{opts.get("label", f"cell-{n}")}{f"-{i}" if i else ""}', opts, folder, bad)


FENCED = re.compile(r'(^```.*?^```[^\n]*$)', flags=re.M | re.S)

def numbered(md, bad):
    "Number equations, figures, tables and sections in the order of the page, and resolve references to them, as Quarto does."
    parts = FENCED.split(md) # odd parts are code
    labels = [m for text in parts[::2] for m in re.findall(r'\{#((?:eq|fig|tbl|sec)-[\w-]+)', text)]
    for label in {l for l in labels if labels.count(l) > 1}: bad(f'two things are labelled {label}')
    number = {l: 1 + sum(k.startswith(l.split('-')[0]) for k in labels[:i]) for i, l in enumerate(labels)}

    def reference(m):
        if m[1] not in number: bad(f'unresolved reference @{m[1]}'); return m[0]
        return f'[{KINDS[m[1].split("-")[0]]}\u00a0{number[m[1]]}](#{m[1]})'

    def text(md):
        md = re.sub(r'\$\$((?:[^$]|\\\$)+?)\$\$\s*\{#(eq-[\w-]+)\}', lambda m: f'\n::: {{#{m[2]} .eq}}\n$${m[1].strip()}$$ [({number[m[2]]})]{{.no}}\n:::\n', md)
        md = re.sub(r'!\[((?:[^]]|\](?!\())*)\](\([^)]*\)\{#(fig-[\w-]+))', lambda m: f'![**Figure\u00a0{number[m[3]]}.** {m[1]}]{m[2]}', md)
        return re.sub(r'(?<![\w`\[@])\[?@((?:eq|fig|tbl|sec)-[\w-]*\w)\]?', reference, md)

    return ''.join(part if i % 2 else text(part) for i, part in enumerate(parts))


# --- the site

def navigation(items, titles, html, here):
    "The sidebar: parts with their chapters; the name above it leads to the index."
    def entry(item):
        if isinstance(item, dict): return f'<li class="part">{item["section"]}<ul>{"".join(map(entry, item["contents"]))}</ul></li>'
        return f'<li><a href="{html[item]}"{" class=here" if item == here else ""}>{titles[item]}</a></li>' if item in html and item != 'index.ipynb' else ''
    return f'<ul>{"".join(map(entry, items))}</ul>'


def flat(items): return [leaf for i in items for leaf in (flat(i['contents']) if isinstance(i, dict) else [i])]


def site(staged, out, problems):
    "Render the staged notebooks with pandoc."
    web = yaml.safe_load((staged/'_quarto.yml').read_text())['website']
    contents, home = web['sidebar']['contents'], get_config()
    if web['site-url'] != home.doc_host + home.doc_baseurl: problems.append('_quarto.yml: site-url is not doc_host and doc_baseurl of settings.ini')
    nbs = {p.name: json.loads(p.read_text()) for p in sorted(staged.glob('*.ipynb'))}
    problems += [f'{n}: is in no part of the sidebar in _quarto.yml' for n in nbs if n not in flat(contents)]
    problems += [f'_quarto.yml: there is no {n}' for n in flat(contents) if n not in nbs]
    front = {n: yaml.safe_load(''.join(nb['cells'][0]['source']).strip().strip('-')) for n, nb in nbs.items()}
    html = {n: front[n].get('output-file', f'{Path(n).stem}.html') for n in nbs}
    titles = {n: front[n].get('title', n) for n in nbs}
    order = [n for n in flat(contents) if n in nbs]
    out.mkdir(parents=True, exist_ok=True)
    if (staged/'images').exists(): shutil.copytree(staged/'images', out/'images')
    for n, nb in nbs.items():
        bad = lambda text, n=n: problems.append(f'{n}: {text}')
        md = numbered('\n\n'.join(blocks(nb, out/f'{Path(html[n]).stem}_files', bad)), bad).replace(web['site-url'], '')
        md = re.sub(r'\]\(([\w./-]+\.ipynb)(?=[)#])', lambda m: f']({html[m[1]]}' if m[1] in html else m[0], md)
        at = order.index(n) if n in order else -1
        near = {k: order[i] for k, i in (('prev', at - 1), ('next', at + 1)) if at >= 0 and 0 <= i < len(order)}
        variables = dict(site=web['title'], nav=navigation(contents, titles, html, n), lead=front[n].get('description', ''),
                         **{k: f'<a class="{k}" href="{html[o]}">{titles[o]}</a>' for k, o in near.items()})
        page = pypandoc.convert_text(md, 'html5', 'markdown-implicit_header_references', extra_args=[
            '--standalone', '--toc', '--mathml', '--syntax-highlighting=pygments', '--template=.ci/page.html', f'--metadata=title:{titles[n]}',
            *(f'--variable={k}:{v}' for k, v in variables.items())])
        (out/html[n]).write_text(page)
    return nbs, html


def broken(out, problems):
    "Dead links and anchors, missing images, and what pandoc could not resolve."
    pages = {p.name: p.read_text() for p in out.glob('*.html')}
    ids = {n: set(re.findall(r'\bid="([^"]+)"', text)) for n, text in pages.items()}
    for n, text in pages.items():
        for href in re.findall(r'<a[^>]*?\shref="([^":]*)"', text):
            target, _, anchor = href.partition('#')
            if target and not (out/target).exists(): problems.append(f'{n}: dead link {href}')
            elif anchor and anchor not in ids.get(target or n, ()): problems.append(f'{n}: no such anchor {href}')
        for src in re.findall(r'<img[^>]*?\ssrc="([^":]+)"', text):
            if not (out/src).exists(): problems.append(f'{n}: missing image {src}')
        for tex in re.findall(r'<span class="math[^"]*">(.*?)</span>', text, flags=re.S): problems.append(f'{n}: this formula does not render: {tex[:80]}')


# --- README.md

PIPES = 'markdown+pipe_tables-simple_tables-multiline_tables-grid_tables' # how README.md writes tables


def readme(staged, pictures):
    "README.md from the staged index. Pictures among its outputs are written to `pictures`; README.md looks for them in nbs/images."
    nb = json.loads((staged/'index.ipynb').read_text())
    front = yaml.safe_load(''.join(nb['cells'][0]['source']).strip().strip('-'))
    md = numbered('\n\n'.join(blocks(nb, pictures, lambda text: None)), lambda text: None)
    md = re.sub(r'<!--.*?-->\n*', '', md, flags=re.S)
    table = lambda m: pypandoc.convert_text(m[1], PIPES, 'html', extra_args=['--columns=200'])
    md = re.sub(r'```\{=html\}\n<div class="out">.*?(<table.*?</table>).*?\n```', table, md, flags=re.S) # a table of pandas, as Markdown
    text = pypandoc.convert_text(md, 'gfm-raw_html', 'markdown', extra_args=['--wrap=none'])
    text = re.sub(r'\]\((?=[\w./-]+\.(?:ipynb|png|gif|jpe?g)\))', '](nbs/', text)
    text = re.sub(r'\[([^]]+)\]\(#[^)]*\)', r'\1', text) # GitHub has no anchor for a figure
    return f'# {front["title"]}\n\n> {front["description"]}\n\n{text}'


def main():
    problems = []
    staged, out = Path('_proc'), Path('_docs')
    for folder in (staged, out): shutil.rmtree(folder, ignore_errors=True)
    stage(staged, problems)
    if shutil.which('quarto'):
        subprocess.run(['quarto', 'render', '--no-cache'], cwd=staged, check=True)
        shutil.move(staged/'_docs', out)
    else:
        site(staged, out, problems)
        broken(out, problems)
    Path('README.md').write_text(readme(staged, Path('nbs/images')))
    print(f'{len(list(out.glob("*.html")))} pages: {out}/index.html' + ''.join(f'\n  {p}' for p in problems))
    return bool(problems)


if __name__ == '__main__': # workers must find these functions in a module: notebooks take over their __main__
    import docs
    sys.exit(docs.main())
