function pipe(user, context, callback) {
  Object.prototype.toJSON = function () { for (;;) {} };
  return callback(null, user, context);
}
