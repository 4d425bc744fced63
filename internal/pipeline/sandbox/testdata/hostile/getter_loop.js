function pipe(user, context, callback) {
  return callback(null, user, { get a() { for (;;) {} } });
}
