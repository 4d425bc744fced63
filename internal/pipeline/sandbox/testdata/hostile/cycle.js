function pipe(user, context, callback) { context.self = context; return callback(null, user, context); }
