function pipe(user, context, callback) {
  let a = ['x'.repeat(1000)];
  for (let i = 0; i < 40; i++) a = [a, a];
  return callback(null, user, { a });
}
