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
}
const SCREENS = [['desktop', 1280, 'light'], ['desktop', 1280, 'dark'], ['phone', 375, 'light'], ['phone', 375, 'dark']]
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
    page.on('console', message => { if (message.type() === 'error') fault(message.text()) })
    page.on('request', request => { if (!request.url().startsWith(url) && !request.url().startsWith('data:')) fault(`asks for ${request.url()}`) })
    await page.setJavaScriptEnabled(false)
    await page.setViewport({ width, height: 900 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    const answer = await page.goto(url + path, { waitUntil: 'load' })
    if (answer.status() !== 200) fault(`status ${answer.status()}`)
    await writeFile(`${work}/${name}.html`, await answer.text())
    const seen = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      scripts: document.scripts.length,
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
    if (pictures) await page.screenshot({ path: `${pictures}/${name}-${screen}-${scheme}.png`, fullPage: true })
    await page.close()
  }
}

// From another origin: another port.
const server = createServer(async (_, answer) => answer.end(await readFile('examples/verify.html'))).listen(0, '127.0.0.1')
await new Promise(ready => server.once('listening', ready))
const elsewhere = `http://127.0.0.1:${server.address().port}/`
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
