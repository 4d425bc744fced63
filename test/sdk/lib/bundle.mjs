// Bundles of the published packages for the browser, kept until a version changes.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';

const root = new URL('..', import.meta.url);

const sources = {
  cb2: "import cloudbase from 'cb2'; window.cloudbase = cloudbase;",
  cb3: "import cloudbase from 'cb3'; window.cloudbase = cloudbase;",
  authing: "import * as authing from 'authing-js-sdk'; window.authing = authing;",
  oauth: "import * as oauth from '@cloudbase/oauth'; window.cloudbaseOAuth = oauth;",
};

export async function bundle(name) {
  const lock = readFileSync(new URL('package-lock.json', root));
  const key = createHash('sha256').update(lock).update(sources[name]).digest('hex').slice(0, 16);
  const outfile = new URL(`.cache/${name}-${key}.js`, root).pathname;
  if (!existsSync(outfile)) {
    const draft = `${outfile}.${process.pid}`; // two suites may build it at once
    await build({
      stdin: { contents: sources[name], resolveDir: root.pathname },
      bundle: true, format: 'iife', platform: 'browser', target: 'chrome120', outfile: draft, logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    });
    renameSync(draft, outfile);
  }
  return readFileSync(outfile, 'utf8');
}
