// The published Authing SDK in Node against a running development server.
// TIGERTALLY_URL names the server; SCENARIO, a regular expression, picks stories.
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { url } from './lib/server.mjs';
import './authing/account.mjs';
import './authing/login.mjs';
import './authing/manage.mjs';
import './authing/oidc.mjs';
import './authing/pipeline.mjs';
import './authing/qrcode.mjs';
import './authing/register.mjs';

before(() => { assert.ok(url, 'TIGERTALLY_URL is not set'); });
