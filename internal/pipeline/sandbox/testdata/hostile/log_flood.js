function pipe(user, context, callback) { for (;;) log('x'.repeat(100000), user, context); }
