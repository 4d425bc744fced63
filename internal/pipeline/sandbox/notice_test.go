package sandbox_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// What is built in is the published file that NOTICE.md names.
func TestInterpreterIsTheOneInTheNotice(t *testing.T) {
	wasm, err := os.ReadFile("quickjs.wasm")
	if err != nil {
		t.Fatal(err)
	}
	notice, err := os.ReadFile("NOTICE.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(wasm)
	if !strings.Contains(string(notice), hex.EncodeToString(sum[:])) {
		t.Errorf("quickjs.wasm is %x", sum)
	}
}
