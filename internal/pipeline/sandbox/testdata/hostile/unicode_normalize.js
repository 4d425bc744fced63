function pipe(user, context, callback) { for (;;) '\u1e9b\u0323'.repeat(1e6).normalize('NFKD').toLocaleUpperCase(); }
