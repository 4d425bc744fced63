// An authenticator app (RFC 6238): six digits of every half minute.
import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const step = 30_000; // ms

export class Authenticator {
  #seed;
  #last = 0; // time step of the newest code shown; servers take none twice

  constructor(secret) { this.#seed = base32(secret); }

  // code is one that was not shown yet: of the step before this one while there is one, as
  // of a phone whose clock is a little behind, otherwise of the next.
  async code() {
    const now = () => Math.floor(Date.now() / step);
    this.#last = Math.max(this.#last + 1, now() - 1);
    while (this.#last > now()) await pause(500);
    return this.#at(this.#last);
  }

  #at(counter) {
    const message = Buffer.alloc(8);
    message.writeBigUInt64BE(BigInt(counter));
    const mac = createHmac('sha1', this.#seed).update(message).digest();
    const value = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
    return String(value % 1_000_000).padStart(6, '0');
  }
}

function base32(text) {
  const bits = [...text.replace(/[\s=]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
