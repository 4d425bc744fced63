package upsim_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// signinVectors returns those about sign-in and mail whose id begins with prefix.
func signinVectors(t testing.TB, prefix string) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/signin_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var found []vector
	for _, v := range file.Vectors {
		if strings.HasPrefix(v.ID, prefix) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no vector %s", prefix)
	}
	return found
}
