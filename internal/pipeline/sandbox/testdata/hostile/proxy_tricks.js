function pipe(user, context, callback) {
  const p = new Proxy({}, { ownKeys() { return Array.from({ length: 1e6 }, (_, i) => 'k' + i); },
    getOwnPropertyDescriptor() { return { enumerable: true, configurable: true, value: 1 }; }, get() { return p; } });
  return callback(null, p, p);
}
