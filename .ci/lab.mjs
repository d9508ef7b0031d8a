// node lab.mjs FOLDER NOTEBOOK: open a notebook in JupyterLab as a reader would, restart and run every cell, fail on any error.
import {spawn} from 'node:child_process'
import {createRequire} from 'node:module'
import {createServer} from 'node:net'

const {chromium} = createRequire(`${process.env.TOOLS}/`)('playwright-core')
const [folder, notebook] = process.argv.slice(2)
const limit = 600e3, sleep = ms => new Promise(done => setTimeout(done, ms))

async function until(what, test, ms = 60e3) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(300)) { const it = await test(); if (it) return it }
  throw new Error(`${what}: not within ${ms/1e3} s`)
}

const port = await new Promise(done => { const s = createServer().listen(0, () => { const {port} = s.address(); s.close(() => done(port)) }) })
const base = `http://127.0.0.1:${port}`, json = async path => (await fetch(`${base}/api/${path}`)).json()
const lab = spawn('jupyter-lab', ['--no-browser', '--allow-root', '--ip=127.0.0.1', `--port=${port}`, '--port-retries=0', `--ServerApp.root_dir=${folder}`,
  '--IdentityProvider.token=', '--LabApp.news_url=', '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate'], {stdio: ['ignore', 'ignore', 'pipe']})
let log = ''
lab.stderr.on('data', text => log += text)

let browser, problems = []
const start = Date.now()
try {
  await until('the server starts', () => fetch(`${base}/api`).then(r => r.ok, () => { if (lab.exitCode !== null) throw new Error('the server stopped') }))
  browser = await chromium.launch({executablePath: process.env.BROWSER_PATH, args: ['--no-sandbox', '--disable-gpu']})
  const page = await browser.newPage({viewport: {width: 1400, height: 1000}})
  page.on('pageerror', error => problems.push(`page error: ${error.message}`))
  await page.goto(`${base}/lab/tree/${notebook}?reset`)
  await page.waitForSelector('.jp-Notebook .jp-Cell', {timeout: 60e3})
  // A kernel that is still starting refuses to restart.
  await until('the kernel starts', async () => { const [s] = await json('sessions'); return s?.kernel?.execution_state === 'idle' && s.kernel.connections > 0 }, 120e3)
  await sleep(1000)
  for (const name of ['Dismiss', 'No']) await page.getByRole('button', {name, exact: true}).click({timeout: 800}).catch(() => {})
  await page.click('text="Run"')
  await page.click('text=/^Restart Kernel and Run All Cells/')
  await page.click('.jp-Dialog button.jp-mod-accept')
  await sleep(1500)
  let quiet = 0 // the kernel is idle and no cell waits, three looks in a row
  await until('the chapter runs', async () => {
    const idle = await page.evaluate(() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'
      && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.textContent.includes('*')))
    return (quiet = idle ? quiet + 1 : 0) > 2
  }, limit)
  await page.keyboard.press('Control+S')
  await sleep(2500)
  // Cells out of view are not in the page, so the saved file is asked.
  const cells = (await json(`contents/${notebook}?content=1`)).content.cells.filter(c => c.cell_type === 'code' && c.source.trim())
  if (!cells.length) problems.push('no cells')
  for (const c of cells) for (const o of c.outputs) if (o.output_type === 'error') problems.push(`${o.ename}: ${o.evalue}`)
  const unrun = cells.filter(c => c.execution_count === null).length
  if (unrun) problems.push(`${unrun} cells did not run`)
} catch (error) { problems.push(String(error.message), log.slice(-800)) }
if (process.env.SHOT) await browser?.contexts()[0]?.pages()[0]?.screenshot({path: process.env.SHOT}).catch(() => {})
await browser?.close()
lab.kill('SIGINT'); await sleep(300); lab.kill('SIGKILL')
console.log(`${problems.length ? 'FAIL' : 'ok  '} ${notebook} in JupyterLab  ${Math.round((Date.now() - start)/1e3)} s`, ...problems.map(p => `\n     ${p}`))
process.exit(problems.length ? 1 : 0)
