function pipe(user, context, callback) {
  const all = [...{ [Symbol.iterator]() { return { next: () => ({ done: false, value: {} }) }; } }];
  return callback(null, user, { all });
}
