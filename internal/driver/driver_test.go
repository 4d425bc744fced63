package driver_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

func TestOpen(t *testing.T) {
	kinds := []driver.Kind[string]{{
		Name:    "echo",
		Options: []driver.Option{{Name: "key", Required: true}, {Name: "more"}},
		Open:    func(set map[string]string, _ func() time.Time) (string, error) { return set["key"], nil },
	}}
	for _, tt := range []struct {
		name, driver string
		set          map[string]string
		want, err    string
	}{
		{"all options", "echo", map[string]string{"key": "k", "more": "m"}, "k", ""},
		{"the required options", "echo", map[string]string{"key": "k"}, "k", ""},
		{"a missing option", "echo", map[string]string{"more": "m"}, "", `test driver echo: the option "key" is missing`},
		{"an empty option", "echo", map[string]string{"key": ""}, "", `test driver echo: the option "key" is missing`},
		{"an unknown option", "echo", map[string]string{"key": "k", "kye": "k"}, "", `test driver echo: there is no option "kye"`},
		{"an unknown driver", "pigeon", nil, "", `no test driver is called "pigeon"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := driver.Open("test", kinds, tt.driver, tt.set, time.Now)
			if got != tt.want || (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
