function pipe(user, context, callback) { return new Promise(() => {}); }
