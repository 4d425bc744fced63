package metric

import (
	"slices"
	"strconv"
	"time"
)

// bounds are the upper ends of the latency classes in milliseconds; what is above the
// last counts as it.
func bounds() []int64 {
	return []int64{
		1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 130, 160, 200, 250, 300, 400, 500, 700,
		1000, 1500, 2000, 3000, 5000, 10_000, 30_000,
	}
}

// bucketOf is the label of the class d belongs to.
func bucketOf(d time.Duration) string {
	all := bounds()
	i, _ := slices.BinarySearch(all, max(d, 1).Milliseconds()+1) // a class holds what is below its end
	return strconv.FormatInt(all[min(i, len(all)-1)], 10)
}

// Quantile estimates below how many milliseconds the share q of the counted sign-ins
// stayed, from how many fell into each class; classes are by label. It is 0 when none
// were counted. Within a class they count as evenly spread.
func Quantile(q float64, classes map[string]int64) float64 {
	total := int64(0)
	for _, n := range classes {
		total += n
	}
	if total == 0 {
		return 0
	}
	want, seen, from := q*float64(total), 0.0, 0.0
	for _, end := range bounds() {
		n := float64(classes[strconv.FormatInt(end, 10)])
		if n > 0 && seen+n >= want {
			return from + (float64(end)-from)*(want-seen)/n
		}
		seen, from = seen+n, float64(end)
	}
	return from
}
