function pipe(user, context, callback) {
  for (;;) { try { JSON.parse('['.repeat(1e6)); } catch (e) {} }
}
