// The published Authing SDK beside the calls of mobile clients for identity providers,
// which the upstream simulator plays. TIGERTALLY_URL names the server; SCENARIO, a regular
// expression, picks stories.
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { url } from './lib/server.mjs';
import './authing/qrcode.mjs';
import './authing/social.mjs';

before(() => { assert.ok(url, 'TIGERTALLY_URL is not set'); });
