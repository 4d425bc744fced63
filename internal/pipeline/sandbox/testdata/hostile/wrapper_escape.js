});
for (;;) {}
(function () {
