function pipe(user, context, callback) {
  /^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60));
  /(?:(a+)+)\1b/.test('a'.repeat(60));
  return callback(null, user, context);
}
