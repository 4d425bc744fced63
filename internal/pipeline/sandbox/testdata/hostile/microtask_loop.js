async function pipe(user, context, callback) { for (;;) await null; }
