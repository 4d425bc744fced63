function pipe(user, context, callback) {
  const o = { [Symbol.toPrimitive]() { return String(o); } };
  return callback(String(o));
}
