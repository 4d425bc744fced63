package sdk_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// The sign-in page of ours sends people to identity providers and back.
func TestHostedPageWithProviders(t *testing.T) {
	needChromium(t)
	play(t, testkit.StartWithUpstreams(t, dbtest.SQLite), "hosted.test.mjs")
}
