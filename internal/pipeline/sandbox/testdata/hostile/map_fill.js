function pipe(user, context, callback) { const m = new Map(); for (let i = 0; ; i++) m.set({ i }, 'x'.repeat(100)); }
