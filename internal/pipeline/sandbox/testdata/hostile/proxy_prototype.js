function pipe(user, context, callback) {
  const p = new Proxy({}, { get(t, k, r) { return r[k]; } });
  return callback(null, user, { v: p.anything });
}
