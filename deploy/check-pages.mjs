// What deploy/check-pages.sh looks at in a browser.
// usage: node check-pages.mjs TOOLS URL KEY WORK [PICTURES]
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

const [, , tools, url, key, work, pictures] = process.argv
const require = createRequire(`${tools}/package.json`)
const { default: puppeteer } = await import(pathToFileURL(require.resolve('puppeteer-core')))
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8')

const PAGES = {
  overview: '/',
  modules: '/modules',
  search: '/modules?contains=colour',
  nothing: '/modules?contains=%3Cscript%3E',
  module: '/modules/demo.example/colour',
  version: '/modules/demo.example/colour@v1.1.0',
  file: '/modules/demo.example/colour@v1.1.0?file=README.md',
  incidents: '/incidents',
  integrity: '/integrity',
  hostile: '/modules/demo.example/hostile@v1.0.0',
  'hostile-readme': '/modules/demo.example/hostile@v1.0.0?file=README.md',
  'hostile-line': '/modules/demo.example/hostile@v1.0.0?file=line.txt',
  missing: '/modules/demo.example/colour@v1.1.0?file=none',
  malformed: '/modules/nodot',
  nowhere: '/nowhere',
}
/** Where another status than 200 is right. */
const STATUS = { missing: 404, malformed: 400, nowhere: 404 }
const SCREENS = [['desktop', 1280, 'light'], ['desktop', 1280, 'dark'], ['phone', 375, 'light'], ['phone', 375, 'dark']]
/** Pixels of the longest picture that Chromium makes. */
const MAX_PICTURE = 16_000
const faults = []
// How much the page has moved by itself since it was opened. Browsers tell it to observers only.
const shifted = page => page.evaluate(() => new Promise(done => {
  let sum = 0
  const add = entries => { for (const { value } of entries) sum += value }
  const observer = new PerformanceObserver(list => add(list.getEntries()))
  observer.observe({ type: 'layout-shift', buffered: true })
  setTimeout(() => { add(observer.takeRecords()); done(sum) }, 100)
}))
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server'],
})

{
  // A page that does shift is noticed.
  const page = await browser.newPage()
  await page.setJavaScriptEnabled(false)
  const moving = '<style>@keyframes move{from{margin-top:0}to{margin-top:200px}}p{animation:move .2s}</style><p>a<p>b'
  await page.goto(`data:text/html,${encodeURIComponent(moving)}`, { waitUntil: 'load' })
  await new Promise(done => setTimeout(done, 400))
  await page.setJavaScriptEnabled(true)
  if (!(await shifted(page) > 0)) faults.push('a layout that shifts is not noticed')
  await page.close()
}

for (const [screen, width, scheme] of SCREENS) {
  for (const [name, path] of Object.entries(PAGES)) {
    const page = await browser.newPage()
    const fault = why => faults.push(`${path} (${screen}, ${scheme}): ${why}`)
    const status = STATUS[name] ?? 200
    // Chromium says so in the console where a page has another status than 200.
    const expected = message => status !== 200 && message.text().includes(`status of ${status}`)
    page.on('console', message => { if (message.type() === 'error' && !expected(message)) fault(message.text()) })
    page.on('request', request => { if (!request.url().startsWith(url) && !request.url().startsWith('data:')) fault(`asks for ${request.url()}`) })
    await page.setJavaScriptEnabled(false)
    await page.setViewport({ width, height: 900 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    const answer = await page.goto(url + path, { waitUntil: 'load' })
    if (answer.status() !== status) fault(`status ${answer.status()}`)
    await writeFile(`${work}/${name}.html`, await answer.text())
    const seen = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      scripts: document.scripts.length,
      high: document.documentElement.scrollHeight,
    }))
    if (seen.wide > 0) fault(`${seen.wide} pixels wider than the window`)
    if (seen.scripts > 0) fault('it has a script')
    // The page has loaded without scripts; axe is one.
    await page.setJavaScriptEnabled(true)
    if (await shifted(page) > 0) fault('the layout shifts')
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => globalThis.axe.run(document))
    for (const { id, impact, nodes } of violations) {
      fault(`axe: ${impact}: ${id}: ${nodes.map(node => node.target.join(' ')).slice(0, 3).join(', ')}`)
    }
    // Last, since the window is made longer for it.
    const picture = `${pictures}/${name}-${screen}-${scheme}.png`
    if (pictures) await page.screenshot({ path: picture, fullPage: seen.high < MAX_PICTURE })
    await page.close()
  }
}

// Nor does anything of a module run where scripts may.
for (const path of [PAGES.hostile, PAGES['hostile-readme'], PAGES.file]) {
  const page = await browser.newPage()
  page.on('dialog', dialog => { faults.push(`${path}: a script ran`); dialog.dismiss() })
  await page.goto(url + path, { waitUntil: 'load' })
  const seen = await page.evaluate(() => ({ title: document.title, strange: document.querySelectorAll('script, img, main ~ main').length }))
  if (seen.title === 'run' || seen.strange > 0) faults.push(`${path}: a module's content is markup`)
  await page.close()
}

// From another origin: another port.
const server = createServer(async (_, answer) => answer.end(await readFile('examples/verify.html'))).listen(0, '127.0.0.1')
await new Promise(ready => server.once('listening', ready))
const elsewhere = `http://127.0.0.1:${server.address().port}/`
// A server that lies: each of its answers is as this one changes it.
let lie = answer => answer
const lying = createServer(async (request, answer) => {
  const honest = await fetch(url + request.url)
  answer.writeHead(honest.status, { 'access-control-allow-origin': '*' })
  answer.end(lie(await honest.text(), request.url))
}).listen(0, '127.0.0.1')
await new Promise(ready => lying.once('listening', ready))
const liar = `http://127.0.0.1:${lying.address().port}`
// Of a proof: the JSON with one thing changed.
const proof = change => (text, path) => {
  if (!path.includes('/proofs/')) return text
  const changed = JSON.parse(text)
  change(changed)
  return JSON.stringify(changed)
}
const flip = hash => (hash[0] === 'A' ? 'B' : 'A') + hash.slice(1)
for (const [what, change, expected] of [
  ['nothing changed', text => text, 'verified'],
  ['another hash in the record', proof(p => { p.record.text = p.record.text.replace(/h1:./, 'h1:_') }), 'not in that tree'],
  ['another record', proof(p => { p.record.number += 1 }), 'not in that tree'],
  ['another hash in the proof', proof(p => { p.inclusion[0] = flip(p.inclusion[0]) }), 'not in that tree'],
  ['a proof that is too short', proof(p => { p.inclusion.pop() }), 'too short'],
  ['a proof that is too long', proof(p => { p.inclusion.push(p.inclusion[0]) }), 'too long'],
  ['another size in the head', proof(p => { p.tree.checkpoint = p.tree.checkpoint.replace(/\n(\d+)\n/, (_, n) => `\n${+n + 1}\n`) }), 'the signature is wrong'],
  ['the record of another version', (text, path) => text.replaceAll('v1.1.0', 'v1.1.1'), 'not in that tree'],
  ['another go.mod', (text, path) => path.endsWith('/go.mod') ? text + '\n' : text, 'another hash'],
]) {
  lie = change
  const page = await browser.newPage()
  await page.goto(`${elsewhere}?${new URLSearchParams({ server: liar, module: 'demo.example/colour@v1.1.0', key })}`)
  await page.waitForSelector('html[data-done]', { timeout: 20_000 })
  const last = await page.$eval('li:last-child', item => item.textContent)
  if (!last.includes(expected)) faults.push(`verify.html: ${what}: ${last}`)
  await page.close()
}
lying.close()
lying.closeAllConnections()

for (const [module, vkey, expected] of [
  ['demo.example/colour@v1.1.0', key, 'verified'],
  ['demo.example/wallet@v0.9.1', key, 'verified'],
  ['demo.example/none@v1.0.0', key, '404'],
  ['demo.example/colour@v1.1.0', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8', 'no signature'],
]) {
  const page = await browser.newPage()
  await page.goto(`${elsewhere}?${new URLSearchParams({ server: url, module, key: vkey })}`)
  await page.waitForSelector('html[data-done]', { timeout: 20_000 })
  const last = await page.$eval('li:last-child', item => item.textContent)
  if (!last.includes(expected)) faults.push(`verify.html: ${module}: ${last}`)
  await page.close()
}
server.close()
await browser.close()
for (const fault of faults) console.error(fault)
console.log(`${SCREENS.length * Object.keys(PAGES).length} views, ${faults.length} faults`)
process.exit(faults.length > 0 ? 1 : 0)
