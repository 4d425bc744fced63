function pipe(user, context, callback) { return callback(null, user, { n: new ArrayBuffer(4294967295).byteLength }); }
