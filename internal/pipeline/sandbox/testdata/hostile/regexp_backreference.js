function pipe(user, context, callback) {
  /^(a*)*\1*(\1a)*c$/.test('a'.repeat(40) + 'b');
  for (;;) /(x+x+)+y\1/.test('x'.repeat(200));
}
