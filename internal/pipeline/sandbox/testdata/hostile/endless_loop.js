function pipe(user, context, callback) { for (;;) {} }
