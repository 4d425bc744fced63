function pipe(user, context, callback) { return callback(null, user, { big: 'x'.repeat(10 << 20) }); }
