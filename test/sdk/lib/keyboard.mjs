// Somebody without a mouse.
import assert from 'node:assert/strict';

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  const box = e.getBoundingClientRect();
  return {
    name: (e.labels?.[0] ?? e).textContent.trim() || e.getAttribute('aria-label') || '',
    tag: e.localName, inside: Boolean(e.closest('dialog')),
    seen: e.matches('body, main') || box.width > 0 && box.height > 0 && (getComputedStyle(e).outlineStyle !== 'none' || e.matches('input, select, textarea')),
  };
});

// tab goes forward until something with this name has the focus, and every stop on the way
// shows that it has it.
export async function tab(page, name, most = 80) {
  for (let n = 0; n < most; n += 1) {
    const at = await focused(page);
    assert.ok(at.seen, `nobody sees the focus on ${at.tag} ${at.name}`);
    if (at.name === name) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`${name} is not reached by Tab`);
}

// type writes into the field that a page puts the cursor in.
export async function type(page, text) {
  await page.waitForFunction(() => document.activeElement?.matches('input'));
  await page.keyboard.type(text);
}

// enter presses what has the focus and waits for the next page.
export async function enter(page) {
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

export { focused };
