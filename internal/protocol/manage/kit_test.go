package manage_test

import "time"

// far is a moment that no test reaches.
var far = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
