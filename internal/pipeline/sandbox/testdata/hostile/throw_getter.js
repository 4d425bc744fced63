function pipe(user, context, callback) {
  throw { get message() { for (;;) {} }, toString() { for (;;) {} } };
}
