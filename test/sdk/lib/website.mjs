// An operator's own page: CloudBase's SDK and the lines that the console gave for it.
import { sms } from './upsim.mjs';

export class Website {
  // open runs a snippet as it was copied, up to the call that is an example. The import is
  // the bundle of the page.
  static async open(browser, snippet) {
    const it = new Website();
    it.context = await browser.browser.newContext({ locale: 'en-US', userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) TeaHouse/1.0' });
    it.page = await it.context.newPage();
    await it.page.exposeFunction('text', async (to) => (await sms(to)).code);
    await it.page.goto(await browser.load('cb3'));
    const lines = snippet.split('\n').filter((line) => !line.startsWith('import ') && !line.startsWith('await '));
    await it.page.addScriptTag({ content: `${lines.join('\n')}\ntt.auth = auth;` });
    return it;
  }

  // run evaluates fn(auth, argument) in the page and returns {value} or {rejected}.
  run(fn, argument) {
    return this.page.evaluate(([source, a]) => tt.outcome(() => (0, eval)(`(${source})`)(tt.auth, a)), [String(fn), argument]);
  }

  close() { return this.context.close(); }
}
